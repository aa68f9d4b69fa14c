"""`throughline migrate`: a stopped embedded installation moves into an empty cluster."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from shared.settings import NotTold, Settings


def migrate(
    data: Annotated[Path, typer.Option(help="Directory of the embedded installation, which is stopped")],
    audit: Annotated[Path, typer.Option(help="Where `serve audit --data` will run: takes the trail")],
    org: Annotated[Path | None, typer.Option(help="The organisation file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Move a stopped installation into an empty cluster. Cut off, it is run again and goes on to the same end."""
    given = {"data": data, "org": org}
    settings = Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    wanted = {
        "THROUGHLINE_KAFKA_SERVERS": settings.kafka_servers,
        "THROUGHLINE_MONGO_URL": settings.mongo_url,
        "THROUGHLINE_KEYS": settings.keys,
    }
    if names := [name for name, value in wanted.items() if not value]:
        typer.echo(f"throughline: say where to move it: set {', '.join(names)}.", err=True)
        raise typer.Exit(2)
    if not data.is_dir():
        typer.echo(f"throughline: {data} is no directory: name the installation's with --data.", err=True)
        raise typer.Exit(2)
    moved = asyncio.run(_migrate(settings, audit))
    if as_json:
        typer.echo(json.dumps(moved))
        return
    counts = moved.get("counts")
    if isinstance(counts, dict):
        for kind, count in counts.items():
            typer.echo(f"{kind:16} {count:>12}  left and arrived")
    typer.echo(f"The trail: {moved['size']} entries, root {moved['root']}")
    typer.echo("It had been moved before; nothing was changed." if moved["already"] else "Moved.")
    outbox = moved["outbox"]
    assert isinstance(outbox, dict)
    if outbox["mails"]:
        typer.echo(
            f"Left where they are: {outbox['mails']} mails in {outbox['folder']}, written there as .eml files because"
            " no relay was named. Each counts as sent; the cluster neither sends nor shows them. Keep that folder if"
            " you want their words."
        )
    if (generation := moved.get("generation", 1)) != 1:
        typer.echo(
            f"It is generation {generation} of its trail: set THROUGHLINE_GENERATION={generation} for all four."
        )
    typer.echo(
        f"Next: start `throughline serve audit --data {audit}`, then intake, routing and notify, with the same"
        " settings."
        f" Keep {data} until you have backed up the cluster; it will not start any more."
    )


async def _migrate(settings: Settings, audit: Path) -> dict[str, object]:
    from services.audit.log import LogError  # noqa: PLC0415
    from services.moving import ALL, Differs, Moving  # noqa: PLC0415  what one machine needs not have
    from shared.bus.kafka import TopicsDiffer  # noqa: PLC0415
    from shared.lock import Locked  # noqa: PLC0415
    from shared.store import StoreError  # noqa: PLC0415
    from shared.store.mongo import MongoStore  # noqa: PLC0415

    store = MongoStore(settings.mongo_url, settings.mongo_database, ALL, driver=settings.mongo_driver)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            tasks: dict[str, TaskID] = {}

            def tell(kind: str, done: int, total: int) -> None:
                if kind not in tasks:
                    tasks[kind] = progress.add_task(kind, total=total)
                progress.update(tasks[kind], completed=done)

            await store.open()
            try:
                return await Moving(settings, audit, store, tell).move()
            finally:
                await store.close()
    except (StoreError, LogError, Locked, Differs, TopicsDiffer, NotTold, OSError) as error:
        typer.echo(f"throughline: not moved: {error}", err=True)
        raise typer.Exit(1) from None
