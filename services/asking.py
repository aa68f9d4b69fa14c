"""Asking the running installation, for commands that look after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
import typer

To = Annotated[str, typer.Option(help="Address of the running installation, of a cluster its public one")]
ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="THROUGHLINE_API_KEY", help="An API key with the right `operations`"),
]
HERE = "http://127.0.0.1:8080"
NEEDED = (
    "an API key with the right `operations` is needed, as --key or THROUGHLINE_API_KEY."
    " `throughline key create watch --rights operations` makes one, while the installation is stopped"
)


@contextmanager
def asking(to: str, key: str | None, why: tuple[str, str]) -> Iterator[httpx.Client]:
    """A client of the installation; says what is wrong and ends with 2 where it can't be asked.

    `why`: why it takes the running installation, and what holds where it went away meanwhile.
    """
    if key is None:
        raise wrong(NEEDED)
    try:
        local = httpx.URL(to).host in {"localhost", "127.0.0.1", "::1"}  # never through a proxy
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=to, headers=headers, timeout=300, trust_env=not local) as client:
            yield client
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise wrong(
            f"nothing answers at {to} ({error}). Start it with `throughline run`, or name another with --to:"
            f" {why[0]}"
        ) from error
    except httpx.HTTPError as error:
        raise wrong(f"{to}: {error}. Ask again; {why[1]}") from error


def wrong(text: str) -> typer.Exit:
    """To be raised: the command can't do what was asked, and says why."""
    typer.echo(f"throughline: {text}.", err=True)
    return typer.Exit(2)


def answered(answer: httpx.Response) -> Any:
    """What came back. Ends with 2 where it was refused."""
    if answer.status_code in {401, 403}:
        raise wrong(NEEDED)
    try:
        body = answer.json()
    except ValueError:
        raise wrong(f"{answer.url} is no Throughline: it answered {answer.status_code}") from None
    if answer.is_error:
        raise wrong(f"{body.get('title', answer.status_code)}: {body.get('detail', '')}".rstrip(". "))
    return body
