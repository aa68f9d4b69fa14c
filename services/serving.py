"""One service of a cluster: what `throughline serve` starts."""

from __future__ import annotations

from enum import StrEnum

import typer

from services import audit, intake, notify, routing
from services.audit.log import LogError
from services.http import listening, serve_until_told
from services.welcome import write_addresses
from shared.cluster import Instance
from shared.lock import Locked
from shared.organisation import OrganisationWrong
from shared.runner import NotBegun
from shared.settings import NotTold, Settings
from shared.store import StoreError


class Name(StrEnum):
    """The services there are."""

    intake = "intake"
    routing = "routing"
    notify = "notify"
    audit = "audit"


OF = {Name.intake: intake, Name.routing: routing, Name.notify: notify, Name.audit: audit}


def refuse_untold(name: Name, settings: Settings) -> None:
    """End with 2 where a service of a cluster was not told what all must be told alike, naming it."""
    wanted = {
        "THROUGHLINE_KAFKA_SERVERS": settings.kafka_servers,
        "THROUGHLINE_MONGO_URL": settings.mongo_url,
        "THROUGHLINE_PUBLIC_URL": settings.public_url,
        "THROUGHLINE_KEYS": settings.keys,
    }
    if names := [setting for setting, value in wanted.items() if not value]:
        typer.echo(
            f"throughline: {name} runs in a cluster, and all of its services must be told the same:"
            f" set {', '.join(names)}. One machine is served by `throughline run`.",
            err=True,
        )
        raise typer.Exit(2)


async def serve(name: Name, settings: Settings) -> int:
    """Run until told to stop; answers the exit code."""
    try:
        door = listening(settings.host, settings.port)
    except OSError as error:
        typer.echo(f"throughline: {error.strerror}", err=True)
        return 1
    settings = settings.model_copy(update={"port": door.getsockname()[1]})
    every = [collection for service in OF.values() for collection in service.COLLECTIONS]
    instance = Instance(settings, OF[name].service, OF[name].COLLECTIONS, every)

    async def once_served() -> None:
        write_addresses(instance)

    try:
        await serve_until_told(instance, door, once_served)
    except (Locked, OrganisationWrong, StoreError, LogError, NotBegun, NotTold, OSError) as error:
        typer.echo(f"throughline: {name} does not run: {error}", err=True)
        return 1
    return 0
