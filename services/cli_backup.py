"""`throughline backup`, `throughline restore`, `throughline hold …`: keeping an installation."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from services.asking import HERE, ApiKey, To, answered, asking
from services.audit.log import LogError
from services.keeping.backup import backup as make
from services.keeping.backup import newest
from services.keeping.manifest import BackupWrong, Manifest
from services.keeping.restore import restore as bring_back
from shared.lock import Locked
from shared.note import NoteError, Signer
from shared.organisation import OrganisationWrong
from shared.settings import Settings
from shared.store import StoreError

hold = typer.Typer(help="Hold what leaves the house, and words that must be kept.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Directory of the installation")]
Org = Annotated[Path | None, typer.Option(help="The organisation file")]
Json = Annotated[bool, typer.Option("--json", help="For programs")]
KeysFile = Annotated[
    Path, typer.Option("--keys", help="The one backup of the keys; keep it elsewhere than --to")
]

_WRONG = (LogError, NoteError, StoreError, OrganisationWrong, Locked, sqlite3.Error, OSError, ValueError)
_WHY = ("it holds and releases what it sends", "what it holds stands in its trail")


def backup(
    *,
    to: Annotated[Path, typer.Option("--to", help="Folder of the backups; each is a folder in it")],
    keys: KeysFile,
    data: Data = None,
    org: Org = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="How many backups stay; all where it is absent")
    ] = None,
    as_json: Json = False,
) -> None:
    """Back up an embedded installation, which may be at work.

    Contents are in it sealed; their keys are in --keys alone, which is overwritten each time: what is erased can't be
    opened from an older backup. Mails in the outbox folder are not in it.
    """
    settings = _settings(data, org)
    with _told() as tell, _said("not backed up"):
        made = make(settings, to, keys, tell, keep)
        manifest = Manifest.read(made)
    if as_json:
        typer.echo(json.dumps({"folder": str(made), "entries": manifest.size, "root": manifest.root}))
        return
    typer.echo(f"Made: {made}, with {manifest.size} entries of the trail, root {manifest.root}")
    typer.echo(f"Its keys: {keys}. Without them nothing of what was said can be read.")


def verify(
    folder: Annotated[Path, typer.Argument(help="A backup, or the folder of the backups: the newest")],
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The backup of the keys: then the signature, too")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every byte of a backup. Exit 1 where something is wrong, each thing named."""
    with _said("not checked"):
        one = newest(folder) or folder
        manifest = Manifest.read(one)
        log = None
        if keys is not None and manifest.checkpoint:
            from services.keeping.backup import read_keys  # noqa: PLC0415

            log = Signer(manifest.checkpoint.partition("\n")[0], read_keys(keys)["keys/log.ed25519"]).verifier
        wrong = manifest.check(one, log)
    if as_json:
        typer.echo(
            json.dumps({"folder": str(one), "whole": not wrong, "wrong": wrong, "entries": manifest.size})
        )
    else:
        for problem in wrong:
            typer.echo(f"WRONG  {problem}")
        typer.echo(
            f"{one} is {'NOT ' if wrong else ''}whole: {manifest.size} entries, made {manifest.made:%F %T} UTC"
        )
    raise typer.Exit(1 if wrong else 0)


def restore(
    *,
    source: Annotated[
        Path, typer.Option("--from", help="A backup, or the folder of the backups: the newest")
    ],
    keys: KeysFile,
    data: Annotated[
        Path, typer.Option(help="Where the installation will be: a directory that is not there yet")
    ],
    org: Org = None,
    last_known: Annotated[
        Path | None,
        typer.Option(
            help="The newest checkpoint that anybody has (a monitor's, a witness's, the weekly mail's)"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an installation from a backup.

    Without --last-known, or where that has more entries than the backup, events may be lost: the trail begins another
    generation that says so, and deliveries are held until `throughline hold release`.
    """
    settings = _settings(data, org)
    with _told() as tell, _said("not restored"):
        known = last_known.read_bytes() if last_known else None
        done = asyncio.run(bring_back(settings, newest(source) or source, keys, known, tell))
    if as_json:
        typer.echo(
            json.dumps({"entries": done.entries, "generation": done.generation, "opened": done.opened})
        )
        return
    typer.echo(
        f"Restored: {data}, as it was on {done.made:%F %T} UTC, with {done.entries} entries of the trail."
    )
    if done.opened:
        typer.echo(
            f"What came after that is lost. The trail begins generation {done.generation}, whose first entry says so;"
            f" the one before is in {data / 'audit' / 'generations'}.\n"
            "Deliveries are held: mails that went out after the backup would go again. Start it, look, then:"
            " throughline hold release"
        )


@hold.command("deliveries", epilog="Example: throughline hold deliveries --to http://127.0.0.1:8080")
def hold_deliveries(to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """Nothing leaves the house from here on: what is to be told is queued and waits."""
    with asking(to, key, _WHY) as client:
        said = answered(client.post("/v1/deliveries/hold"))
    typer.echo(json.dumps(said) if as_json else "Held. Let them go with: throughline hold release")


@hold.command("release", epilog="Example: throughline hold release --to http://127.0.0.1:8080")
def release_deliveries(to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """What waits goes out."""
    with asking(to, key, _WHY) as client:
        said = answered(client.post("/v1/deliveries/release"))
    typer.echo(json.dumps(said) if as_json else "Released: what waited goes out now.")


def _settings(data: Path | None, org: Path | None) -> Settings:
    given = {"data": data, "org": org}
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


@contextmanager
def _told() -> Iterator[Callable[[str, int, int], None]]:
    """Progress bars, where a person watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield tell


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Ends with 1 for a backup that is wrong, else with 2, and says why."""
    try:
        yield
    except BackupWrong as error:
        typer.echo(f"throughline: {what}: {error}", err=True)
        raise typer.Exit(1) from None
    except _WRONG as error:
        typer.echo(f"throughline: {what}: {error}", err=True)
        raise typer.Exit(2) from None
