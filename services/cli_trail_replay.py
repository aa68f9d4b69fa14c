"""`throughline trail replay`: does what stands follow from the trail?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.audit.log import EMPTY_TREE, LogError, TreeState, verify_log
from services.replaying.raising import raise_findings
from services.replaying.replay import Replayed, replay
from shared.lock import Locked
from shared.note import NoteError, Signer
from shared.organisation import OrganisationWrong
from shared.settings import Settings
from shared.store import StoreError


def run(
    data: Annotated[
        Path | None, typer.Option(help="Directory of the installation; in the cluster, of its audit")
    ] = None,
    org: Annotated[Path | None, typer.Option(help="The organisation file")] = None,
    raises: Annotated[
        bool,
        typer.Option("--raise", help="Raise a finding for each aggregate that differs; not while it runs"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Make every aggregate's state again from the trail alone and compare it, field by field, with what stands.

    It may run beside the installation: what came since the last checkpoint is counted, not compared. Exit 1 where
    something differs, each difference named. Secrets that no event says (hashes of passwords) are left out.
    """
    given = {"data": data, "org": org}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    log = settings.data / "audit" / "log"
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        try:
            state = _verified(settings, log, lambda done, size: tell("verified", done, size))
            found = replay(log, state, settings, datetime.now(UTC), tell)
            if raises and found.differing:
                asyncio.run(raise_findings(settings, found, state.size))
        except (Locked, LogError, NoteError, StoreError, OrganisationWrong, sqlite3.Error, OSError) as error:
            typer.echo(f"throughline: not replayed: {error}", err=True)
            raise typer.Exit(2) from None
    _tell(state, found, as_json)
    raise typer.Exit(1 if found.differing else 0)


def _verified(settings: Settings, log: Path, progress: Callable[[int, int], None]) -> TreeState:
    """The tree that the log's checkpoint signs. What a replay of another tree shows would mean nothing."""
    checkpoint = log / "checkpoint"
    if not checkpoint.is_file():
        return EMPTY_TREE
    origin = checkpoint.read_text("utf-8", "replace").partition("\n")[0]
    key = settings.data / "keys" / "log.ed25519"
    report = verify_log(log, Signer(origin, key.read_bytes()).verifier, progress=progress)
    if not report.ok or report.checkpoint is None:
        problems = "; ".join(str(one) for one in report.problems[:3])
        raise LogError(f"{log}: the trail itself is not whole: {problems}. See `throughline trail verify`")
    return report.checkpoint.state


def _tell(state: TreeState, found: Replayed, as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "agrees": not found.differing,
                    "size": state.size,
                    "root": state.root.hex(),
                    "aggregates": dict(sorted(found.aggregates.items())),
                    "fields": found.fields,
                    "accounts": found.accounts,
                    "behind": found.behind,
                    "unknown": found.unknown,
                    "differing": found.differing,
                    "differences": [vars(one) for one in found.differences],
                },
                ensure_ascii=False,
            )
        )
        return
    for one in found.differences:
        typer.echo(f"DIFFERS  {one}")
    for name, count in sorted(found.aggregates.items()):
        typer.echo(f"{name:16} {count:>10}  made again")
    typer.echo(f"{found.fields} fields compared, {found.accounts} time accounts computed")
    if found.behind:
        typer.echo(f"note     {found.behind} have gone on since the checkpoint; compared up to there")
    if found.unknown:
        typer.echo(
            f"note     {found.unknown} entries or aggregates are of kinds that this version does not know"
        )
    what = f"the trail of {state.size} entries, root {state.root.hex()}"
    typer.echo(
        f"NOT what follows from {what}: {found.differing} differences"
        if found.differing
        else f"All that stands follows from {what}."
    )
