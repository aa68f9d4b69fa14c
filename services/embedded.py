"""All four services in one process: what `throughline run` and the tests start."""

from __future__ import annotations

import typer

from services import audit, intake, notify, routing
from services.audit.log import LogError
from services.http import listening, serve_until_told
from services.welcome import welcome
from shared.clock import Clock
from shared.embedded import Embedded
from shared.lock import Locked
from shared.organisation import OrganisationWrong
from shared.settings import NotTold, Settings
from shared.store import StoreError

FRONTS = (intake.service, routing.service, notify.service, audit.service)
COLLECTIONS = (*intake.COLLECTIONS, *routing.COLLECTIONS, *notify.COLLECTIONS, *audit.COLLECTIONS)


def embedded(settings: Settings, *, clock: Clock | None = None) -> Embedded:
    """An installation of all four, not yet open."""
    return Embedded(settings, FRONTS, COLLECTIONS, clock=clock)


async def serve(settings: Settings) -> int:
    """Run until told to stop; answers the exit code."""
    try:
        door = listening(settings.host, settings.port)
    except OSError as error:
        typer.echo(f"throughline: {error.strerror}", err=True)
        return 1
    settings = settings.model_copy(update={"port": door.getsockname()[1]})
    installation = embedded(settings)
    try:
        await serve_until_told(installation, door, lambda: welcome(installation))
    except (Locked, OrganisationWrong, StoreError, LogError, NotTold, OSError) as error:
        typer.echo(f"throughline: it does not run: {error}", err=True)
        return 1
    return 0
