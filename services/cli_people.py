"""`throughline user …` and `throughline key …`: accounts and keys, of a cluster at any time, of an embedded
installation while it isn't running."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from services.opened import opened
from services.routing.people import COLLECTIONS, AccountRefused, People
from services.routing.people.passwords import readable
from services.routing.people.people import OPERATOR
from shared.lock import Locked
from shared.organisation import OrganisationWrong
from shared.settings import Settings
from shared.store import StoreError

T = TypeVar("T")

users = typer.Typer(help="Who may sign in.", no_args_is_help=True)
keys = typer.Typer(
    help="Which machines may call the API; the key that signs the trail.", no_args_is_help=True
)

Data = Annotated[Path | None, typer.Option(help="Directory of the installation")]
Org = Annotated[Path | None, typer.Option(help="The organisation file")]
Json = Annotated[bool, typer.Option("--json", help="For programs")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="A person's id in the organisation file")]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password instead of drawing one")]


def _with_people(data: Path | None, org: Path | None, act: Callable[[People], Awaitable[T]]) -> T:
    """Do something, or say what is wrong and end with 1."""
    given = {name: value for name, value in (("data", data), ("org", org)) if value is not None}
    settings = Settings().model_copy(update=given)

    async def open_and_act() -> T:
        async with opened(settings, COLLECTIONS) as house:
            return await act(People(house))

    try:
        return asyncio.run(open_and_act())
    except (AccountRefused, Locked, OrganisationWrong, StoreError, OSError) as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(1) from error


def _password(ask: bool) -> str:
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else readable()


def _show_password(person: str, password: str, ask: bool) -> None:
    typer.echo(
        f"{person} may sign in." if ask else f"{person} may sign in with: {password}   (shown this once)"
    )


@users.command("list", epilog="Example: throughline user list --data ./data")
def list_users(data: Data = None, org: Org = None, as_json: Json = False) -> None:
    """Show who has an account."""
    accounts = _with_people(data, org, lambda people: people.all_accounts())
    if as_json:
        typer.echo(json.dumps([{"person": one.person, "closed": one.closed} for one in accounts]))
        return
    for one in accounts:
        typer.echo(f"{one.person}{'   closed' if one.closed else ''}")
    if not accounts:
        typer.echo("Nobody has an account: `throughline user add PERSON` makes one.")


@users.command("add", epilog="Example: throughline user add housing-officer-1 --data ./data")
def add_user(person: PersonId, data: Data = None, org: Org = None, ask: Ask = False) -> None:
    """Give somebody of the organisation an account."""
    password = _password(ask)
    _with_people(data, org, lambda people: people.create(person, password))
    _show_password(person, password, ask)


@users.command("password", epilog="Example: throughline user password housing-officer-1 --data ./data")
def set_password(person: PersonId, data: Data = None, org: Org = None, ask: Ask = False) -> None:
    """Give an account a new password; all its sessions end."""
    password = _password(ask)
    _with_people(data, org, lambda people: people.set_password(person, password, OPERATOR))
    _show_password(person, password, ask)


@users.command("close", epilog="Example: throughline user close housing-officer-1 --data ./data")
def close_user(person: PersonId, data: Data = None, org: Org = None) -> None:
    """Close an account; all its sessions end."""
    _with_people(data, org, lambda people: people.close(person, OPERATOR))
    typer.echo(f"{person} can't sign in any more.")


@users.command("open", epilog="Example: throughline user open housing-officer-1 --data ./data")
def open_user(person: PersonId, data: Data = None, org: Org = None) -> None:
    """Open a closed account again, with the password it had."""
    _with_people(data, org, lambda people: people.reopen(person, OPERATOR))
    typer.echo(f"{person} may sign in again.")


@keys.command(
    "create", epilog="Example: throughline key create front-desk --rights messages.submit --data ./data"
)
def create_key(
    name: Annotated[str, typer.Argument(help="What you call the machine: small letters, digits, hyphens")],
    rights: Annotated[list[str], typer.Option(help="A right that the key carries; may be given again")],
    data: Data = None,
    org: Org = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    wanted = [right for one in rights for right in one.split(",")]
    typer.echo(_with_people(data, org, lambda people: people.issue_key(name, wanted, OPERATOR)))


@keys.command("list", epilog="Example: throughline key list --data ./data")
def list_keys(data: Data = None, org: Org = None, as_json: Json = False) -> None:
    """Show the keys there are; never their secrets."""
    found = _with_people(data, org, lambda people: people.all_keys())
    if as_json:
        rows = [
            {"key": selector, "name": one.name, "rights": list(one.rights), "revoked": one.revoked}
            for selector, one in found
        ]
        typer.echo(json.dumps(rows))
        return
    for selector, one in found:
        typer.echo(f"{selector}  {one.name}  {', '.join(one.rights)}{'   revoked' if one.revoked else ''}")
    if not found:
        typer.echo("There are no keys: `throughline key create NAME --rights messages.submit` makes one.")


@keys.command("revoke", epilog="Example: throughline key revoke 0f3a9c61b2d4 --data ./data")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's selector, as `key list` shows it, or the whole key")],
    data: Data = None,
    org: Org = None,
) -> None:
    """Revoke a key: it is refused from now on."""
    _with_people(data, org, lambda people: people.revoke_key(key, OPERATOR))
    typer.echo("The key is refused from now on.")
