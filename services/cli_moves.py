"""`throughline org moves`: which running deadlines another calendar moves, and having them moved.

It asks the running installation, which is the only one that may write there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.asking import HERE, ApiKey, To, answered, asking

_PATH = "/v1/organisation/moves"
_SHOWN = 40
_LISTED = 1000
_PART = 500
_ASK_EVERY = 0.2
_WHY = ("deadlines are moved by the installation that keeps them", "what was moved so far is moved")

Json = Annotated[
    bool, typer.Option("--json", help=f"Print one JSON object, with {_LISTED} deadlines at most")
]
Start = Annotated[bool, typer.Option("--start", help="Then move them")]


def moves(to: To = HERE, key: ApiKey = None, *, start: Start = False, as_json: Json = False) -> None:
    """Show which running deadlines move because another calendar holds: another file, or other official holidays.

    What is late stays late, nobody is told, and a second time changes nothing. Ends with 1 where it was begun and
    stopped before its end.
    """
    err = Console(stderr=True)
    with asking(to, key, _WHY) as client:
        found = _looked(client, err)
        if not as_json:
            _show(found)
        progress = _moved(client, err, found["organisation"]) if start else None
    if as_json:
        typer.echo(json.dumps(found | {"progress": progress}, ensure_ascii=False))
    elif start:
        _account(progress)
    if progress and progress["problem"]:
        raise typer.Exit(1)


def _looked(client: httpx.Client, err: Console) -> dict[str, Any]:
    """Everything that would move, counted; the first of it listed."""
    found: dict[str, Any] = {"organisation": "", "open": 0, "cases": 0, "deadlines": 0, "moves": []}
    with Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task("Looking")
        for part in _parts(client):
            found |= {"organisation": part["organisation"], "open": part["open"]}
            found["cases"] += len({one["ref"] for one in part["moves"]})
            found["deadlines"] += len(part["moves"])
            found["moves"] += part["moves"][: max(0, _LISTED - len(found["moves"]))]
            bar.update(task, total=part["open"], advance=part["looked_at"])
    return found


def _parts(client: httpx.Client) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": str(_PART)} | ({"cursor": cursor} if cursor else {})
        part = answered(client.get(_PATH, params=asked))
        yield part
        cursor = part["next"]


def _moved(client: httpx.Client, err: Console, version: str) -> dict[str, Any] | None:
    """How it went; None where somebody else than who was asked at last is at it."""
    progress: dict[str, Any] | None = answered(client.post(_PATH, json={"organisation": version}))
    with Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task("Moving")
        while progress is not None and progress["running"]:
            bar.update(task, total=progress["open"], completed=progress["looked_at"])
            time.sleep(_ASK_EVERY)
            progress = answered(client.get(_PATH, params={"limit": 1}))["progress"]
    return progress


def _show(found: dict[str, Any]) -> None:
    if not found["deadlines"]:
        typer.echo(f"No running deadline moves: {found['open']} open cases.")
        return
    typer.echo(
        f"{found['deadlines']} running deadlines of {found['cases']} cases move; {found['open']} are open."
    )
    table = Table("case", "owed", "by", "limit", "due until now", "due then", box=None, pad_edge=False)
    for one in found["moves"][:_SHOWN]:
        still = " (stands still)" if one["stands_still"] else ""
        table.add_row(
            one["ref"], one["kind"] + still, one["owner"], one["limit"], _at(one["before"]), _at(one["after"])
        )
    Console(highlight=False).print(table)
    if found["deadlines"] > _SHOWN:
        typer.echo(f"… and {found['deadlines'] - _SHOWN} more: --json lists up to {_LISTED}.")


def _at(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%a %Y-%m-%d %H:%M} UTC"


def _account(progress: dict[str, Any] | None) -> None:
    if progress is None:
        typer.echo("It goes on where it was begun; `throughline org moves` shows what is left.")
    elif progress["problem"]:
        typer.echo(
            f"Stopped after {progress['deadlines']} deadlines: {progress['problem']}. Mend that, then begin it again."
        )
    else:
        typer.echo(f"{progress['deadlines']} deadlines of {progress['cases']} cases moved.")
