"""`throughline dead …`: events that could not be answered, asked for and replayed where they are handled.

It speaks to the running installation: what is replayed takes its turn among what happens there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.progress import track

app = typer.Typer(help="Events that could not be answered, and wait.", no_args_is_help=True)

To = Annotated[str, typer.Option(help="Address of the running installation")]
ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="THROUGHLINE_API_KEY", help="An API key with the right `operations`"),
]
Json = Annotated[bool, typer.Option("--json", help="For programs")]
HERE = "http://127.0.0.1:8080"
_NEEDED = (
    "an API key with the right `operations` is needed, as --key or THROUGHLINE_API_KEY."
    " `throughline key create watch --rights operations` makes one, while the installation is stopped"
)


@contextmanager
def _asking(to: str, key: str | None) -> Iterator[httpx.Client]:
    """A client of the installation; says what is wrong and ends with 2 where it can't be asked."""
    if key is None:
        raise _wrong(_NEEDED)
    try:
        local = httpx.URL(to).host in {"localhost", "127.0.0.1", "::1"}  # never through a proxy
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=to, headers=headers, timeout=300, trust_env=not local) as client:
            yield client
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _wrong(
            f"nothing answers at {to} ({error}). Start it with `throughline run`, or name another with --to:"
            " held events are replayed by the installation that handles them"
        ) from error
    except httpx.HTTPError as error:
        raise _wrong(f"{to}: {error}. Ask again; what was replayed so far is done") from error


def _wrong(text: str) -> typer.Exit:
    typer.echo(f"throughline: {text}.", err=True)
    return typer.Exit(2)


def _answer(answer: httpx.Response) -> Any:
    """What came back. Ends with 2 where it was refused."""
    if answer.status_code in {401, 403}:
        raise _wrong(_NEEDED)
    try:
        body = answer.json()
    except ValueError:
        raise _wrong(f"{answer.url} is no Throughline: it answered {answer.status_code}") from None
    if answer.is_error:
        raise _wrong(f"{body.get('title', answer.status_code)}: {body.get('detail', '')}".rstrip(". "))
    return body


def _path(group: str, key: str) -> str:
    return f"/v1/dead/{quote(group, safe='')}/{quote(key, safe='')}"


@app.command("list", epilog="Example: throughline dead list --to http://127.0.0.1:8080")
def list_(to: To = HERE, key: ApiKey = None, as_json: Json = False) -> None:
    """Show which keys are held back, by whom, and why."""
    with _asking(to, key) as client:
        found = _answer(client.get("/v1/dead"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["keys"]:
        count = "1 event" if one["events"] == 1 else f"{one['events']} events"
        typer.echo(f"{one['group']} {one['key']}   {count} since {one['since']}")
        typer.echo(f"    {one['event']} {one['type']}: {one['reason']}")
    if not found["keys"]:
        typer.echo("Nothing is held back.")


@app.command("show", epilog="Example: throughline dead show routing 3f1c…  (as `dead list` names them)")
def show(
    group: Annotated[str, typer.Argument(help="Who could not answer")],
    held: Annotated[str, typer.Argument(metavar="KEY", help="The key that is held back")],
    to: To = HERE,
    key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Show the events of a key that wait, in order. What people wrote is not in them."""
    with _asking(to, key) as client:
        found = _answer(client.get(_path(group, held)))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["events"]:
        typer.echo(f"{one['id']}   {one['type']}   {one['time']}\n    {one['reason']}")
        typer.echo("    " + json.dumps(one["event"]["data"], ensure_ascii=False))


@app.command("replay", epilog="Example: throughline dead replay   (everything; or: dead replay GROUP [KEY])")
def replay(
    group: Annotated[str | None, typer.Argument(help="Only what this group holds back")] = None,
    held: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Only this key of it")] = None,
    to: To = HERE,
    key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Answer what was held back, key by key and in order. Ends with 1 where something still waits."""
    with _asking(to, key) as client:
        wanted = [
            one
            for one in _answer(client.get("/v1/dead"))["keys"]
            if group in {None, one["group"]} and held in {None, one["key"]}
        ]
        err = Console(stderr=True)
        watched = track(wanted, "Replaying", console=err, disable=not err.is_terminal, transient=True)
        answers = [client.post(_path(one["group"], one["key"]) + "/replay") for one in watched]
        done = [_answer(one) for one in answers if one.status_code != 404]  # else another was faster
    if as_json:
        typer.echo(json.dumps({"replayed": done}, ensure_ascii=False))
    else:
        _account(done)
    if any(one["waiting"] for one in done):
        raise typer.Exit(1)


def _account(done: list[dict[str, Any]]) -> None:
    for one in done:
        if one["waiting"]:
            typer.echo(f"{one['group']} {one['key']}   {one['waiting']} still wait: {one['reason']}")
    answered = sum(one["answered"] for one in done)
    typer.echo(f"{answered} answered." if done else "Nothing is held back there.")
