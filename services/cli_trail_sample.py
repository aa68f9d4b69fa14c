"""`throughline trail sample`: announced samples, drawn again by whoever doubts the draw (mechanism M32)."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from services.audit.log import LogReader, Verifier, open_any_checkpoint
from services.audit.supervision.population import Redrawn, redrawn
from services.cli_trail_consistency import log_at


def sample(
    *,
    source: Annotated[str, typer.Argument(help="A data directory, a log's directory, or its http address")],
    vkey: Annotated[
        list[str], typer.Option(help="The log's verifier key; may be given again where it was changed")
    ],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Draw every announced sample again from the entries, and compare. Exit 1 where one differs.

    It takes the entries as they are: `throughline trail verify` says whether they are those that were signed.
    """
    try:
        keys = [Verifier.parse(one.strip()) for one in vkey]
    except ValueError as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(2) from error
    reader = LogReader(log_at(source))
    try:
        size = open_any_checkpoint(reader.checkpoint(), keys, origin=keys[0].name).state.size
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Reading", total=size)
            found = [
                *redrawn(reader, size, keys, lambda read: progress.update(task, completed=read)),
            ]
    except (ValueError, OSError) as error:
        typer.echo(f"throughline: {source}: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps([_shown(one) for one in found]))
    else:
        for one in found:
            typer.echo(_told(one))
        typer.echo(f"{len(found)} samples in {size} entries.")
    if any(one.wrong for one in found):
        raise typer.Exit(1)


def _told(one: Redrawn) -> str:
    if one.wrong:
        return f"WRONG     {one.id}: {one.wrong}"
    if one.sample.state == "announced":
        return f"WAITING   {one.id}: announced as entry {one.announced_at}, not drawn yet"
    cases = ", ".join(one.sample.cases)
    return f"THE SAME  {one.id}: {len(one.sample.cases)} of {one.sample.of} cases: {cases}"


def _shown(one: Redrawn) -> dict[str, object]:
    said = one.sample.model_dump(mode="json", exclude={"checkpoint"})
    return {"id": one.id, "announced_at": one.announced_at, **said, "wrong": one.wrong}
