"""`throughline dead …`: events that could not be answered, asked for and replayed where they are handled.

It speaks to the running installation: what is replayed takes its turn among what happens there. Each service holds back
its own; all are asked through the one address that they share, be it one process or a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.progress import track

from services.asking import HERE, ApiKey, To, answered, asking, wrong
from services.ways import SERVICES

app = typer.Typer(help="Events that could not be answered, and wait.", no_args_is_help=True)

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[SERVICE] KEY", help="The key that is held back; of one service, or of whoever holds it"
    ),
]
SomeWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERVICE] [KEY]", help="Only what this service holds back, only this key"),
]
Json = Annotated[bool, typer.Option("--json", help="For programs")]
_REPLAYED = (
    "held events are replayed by the installation that handles them",
    "what was replayed so far is done",
)
_AWAY = {502, 503, 504}
"""What a proxy answers where the service behind it does not."""


def _path(one: dict[str, Any]) -> str:
    return f"/v1/dead/{quote(one['service'], safe='')}/{quote(one['key'], safe='')}"


def _parted(words: Sequence[str]) -> tuple[str | None, str | None]:
    """Service and key, of which either may be left out."""
    if len(words) > 2 or (len(words) == 2 and words[0] not in SERVICES):
        raise wrong(
            f"{' '.join(words)}: name a service ({', '.join(SERVICES)}), then a key; or one of them alone"
        )
    service = words[0] if words and words[0] in SERVICES else None
    rest = words[1:] if service else words
    return service, rest[0] if rest else None


class _Held:
    """What the services say that they hold back, each key with its service; and which of them did not answer."""

    def __init__(self, client: httpx.Client, service: str | None = None, key: str | None = None) -> None:
        self.keys: list[dict[str, Any]] = []
        self.silent: list[str] = []
        for name in SERVICES if service is None else (service,):
            answer = client.get(f"/v1/dead/{name}")
            if answer.status_code in _AWAY:
                self.silent.append(name)
                continue
            self.keys += [
                {"service": name, **one} for one in answered(answer)["keys"] if key in {None, one["key"]}
            ]

    def end(self) -> None:
        """End with 2 where somebody was not heard."""
        if self.silent:
            raise wrong(
                f"{', '.join(self.silent)} did not answer: what is held back there is not in this."
                " Start it, or look at its /readyz, and ask again"
            )


@app.command("list", epilog="Example: throughline dead list --to http://127.0.0.1:8080")
def list_(to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """Show which keys are held back, by which service, and why."""
    with asking(to, key, _REPLAYED) as client:
        found = _Held(client)
    if as_json:
        typer.echo(json.dumps({"keys": found.keys, "silent": found.silent}, ensure_ascii=False))
    else:
        for one in found.keys:
            count = "1 event" if one["events"] == 1 else f"{one['events']} events"
            typer.echo(f"{one['service']} {one['key']}   {count} since {one['since']}")
            typer.echo(f"    {one['event']} {one['type']}: {one['reason']}")
        if not found.keys:
            typer.echo("Nothing is held back.")
    found.end()


@app.command("show", epilog="Example: throughline dead show 3f1c…  (as `dead list` names them)")
def show(words: Words, to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """Show the events of a key that wait, in order. What people wrote is not in them."""
    service, held = _parted(words)
    if held is None:
        raise wrong("name the key as well, as `throughline dead list` does")
    with asking(to, key, _REPLAYED) as client:
        found = _Held(client, service, held)
        shown = [{"service": one["service"], **answered(client.get(_path(one)))} for one in found.keys]
    if as_json:
        typer.echo(json.dumps({"held": shown, "silent": found.silent}, ensure_ascii=False))
    else:
        for one in shown:
            typer.echo(f"{one['service']} {one['key']}")
            for event in one["events"]:
                typer.echo(f"  {event['id']}   {event['type']}   {event['time']}\n    {event['reason']}")
                typer.echo("    " + json.dumps(event["event"]["data"], ensure_ascii=False))
    found.end()
    if not shown:
        raise wrong(f"nothing of {held} is held back")


@app.command(
    "replay", epilog="Example: throughline dead replay   (everything; or: dead replay [SERVICE] [KEY])"
)
def replay(words: SomeWords = None, to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """Answer what was held back, key by key and in order. Ends with 1 where something still waits."""
    service, held = _parted(words or ())
    with asking(to, key, _REPLAYED) as client:
        found = _Held(client, service, held)
        err = Console(stderr=True)
        watched = track(found.keys, "Replaying", console=err, disable=not err.is_terminal, transient=True)
        answers = [(one["service"], client.post(_path(one) + "/replay")) for one in watched]
        done = [
            {"service": name, **answered(one)}
            for name, one in answers
            if one.status_code != 404  # else another was faster
        ]
    if as_json:
        typer.echo(json.dumps({"replayed": done, "silent": found.silent}, ensure_ascii=False))
    else:
        _account(done)
    if any(one["waiting"] for one in done):
        raise typer.Exit(1)
    found.end()


def _account(done: list[dict[str, Any]]) -> None:
    for one in done:
        if one["waiting"]:
            typer.echo(f"{one['service']} {one['key']}   {one['waiting']} still wait: {one['reason']}")
    answered = sum(one["answered"] for one in done)
    typer.echo(f"{answered} answered." if done else "Nothing is held back there.")
