"""`throughline erase` and `throughline hold place|lift|list`: what somebody said goes, and what must be kept stays.

With --to it asks the running installation; without, it opens the store itself: an embedded one's while it is stopped, a
cluster's at any time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

from services.asking import answered, asking, wrong
from services.audit.log import LogError
from services.embedded import COLLECTIONS, embedded
from services.opened import opened
from services.routing.case import Case
from services.routing.erasing import Erasing, NobodyLikeThat, Wanted
from services.routing.erasing.api import case_of
from services.routing.erasing.erasing import Erased
from services.routing.erasing.erasure import Ground
from services.routing.erasing.holds import HoldReason
from services.routing.handlers import CASE_KIND
from services.routing.people.people import OPERATOR
from shared.aggregate import Aggregates
from shared.lock import Locked
from shared.organisation import OrganisationWrong
from shared.service import House
from shared.settings import Settings
from shared.store import StoreError
from shared.web.problems import Problem

T = TypeVar("T")
Tell = Callable[[str, int], None]

Data = Annotated[Path | None, typer.Option(help="Directory of the installation")]
Org = Annotated[Path | None, typer.Option(help="The organisation file")]
Json = Annotated[bool, typer.Option("--json", help="For programs")]
Running = Annotated[
    str | None, typer.Option("--to", help="Ask the running installation at this address, with --key")
]
ApiKey = Annotated[
    str | None,
    typer.Option("--key", envvar="THROUGHLINE_API_KEY", help="An API key with the right `content.erase`"),
]
Ref = Annotated[str, typer.Argument(metavar="CASE", help="The case's ref")]

_WRONG = (LogError, Locked, NobodyLikeThat, OrganisationWrong, OSError, StoreError)
_WHY = ("an embedded one is erased from by itself while it runs", "what was begun is finished by itself")
_RIGHT = "an API key with the right `content.erase`, as --key or THROUGHLINE_API_KEY, is needed"
_SHOWN = 20
_REASONS = {"hold": "held", "open": "still open", "retention": "must be kept"}


def erase(
    *,
    sender: Annotated[
        str | None, typer.Option(help="Whose words: a mail address or telephone number")
    ] = None,
    case: Annotated[str | None, typer.Option(help="A case's ref: all that was said in it and of it")] = None,
    message: Annotated[str | None, typer.Option(help="A message's id: that one alone")] = None,
    ground: Annotated[
        Ground, typer.Option(help="The person asked; what the law says is over; a court ordered it")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go and what must stay")
    ] = False,
    data: Data = None,
    org: Org = None,
    to: Running = None,
    key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Erase what somebody said: words, originals, files, what was said to them, mails in the outbox.

    What the law (`retention:` in the organisation file), a hold or an open case keeps is listed and stays; a court's
    order goes before all but holds. Entries of the trail stay, and verify. Afterwards every file of an embedded
    installation is searched for the bytes. Ends with 1 where something of it is left there.
    """
    if [sender, case, message].count(None) != 2:
        raise wrong("name one of --sender, --case and --message")
    wanted = Wanted(sender, case, message)
    if to is not None:
        body = {"sender": sender, "case": case, "message": message, "ground": ground, "dry_run": dry_run}
        said = Erased.model_validate(_ask(to, key, "POST", "/v1/erasures", body))
    else:
        with _watched() as tell:

            async def act(erasing: Erasing, _: House) -> Erased:
                if not dry_run:
                    await erasing.finish_begun()
                return await erasing.erase(wanted, ground, OPERATOR, dry_run=dry_run, tell=tell)

            said = _with(data, org, act)
    if as_json:
        typer.echo(said.model_dump_json())
    else:
        _show(said)
    if not said.emptied or (said.proof and said.proof.found):
        raise typer.Exit(1)


def place(
    ref: Ref,
    *,
    reason: Annotated[HoldReason, typer.Option(help="Who needs it kept")],
    data: Data = None,
    org: Org = None,
    to: Running = None,
    key: ApiKey = None,
) -> None:
    """Keep a case's words, whoever asks for their erasure."""
    if to is not None:
        _ask(to, key, "POST", "/v1/holds", {"case": ref, "reason": reason})
    else:

        async def act(erasing: Erasing, house: House) -> None:
            await erasing.holds.place(await case_of(house.store, ref), reason, OPERATOR)

        _with(data, org, act)
    typer.echo(f"{ref} is held. Lift it with: throughline hold lift {ref}")


def lift(ref: Ref, data: Data = None, org: Org = None, to: Running = None, key: ApiKey = None) -> None:
    """The hold on a case's words is over. Nothing is erased by that."""
    if to is not None:
        _ask(to, key, "POST", f"/v1/holds/{ref}/lift", None)
    else:

        async def act(erasing: Erasing, house: House) -> bool:
            return await erasing.holds.lift(await case_of(house.store, ref), OPERATOR)

        if not _with(data, org, act):
            raise wrong(f"there is no hold on {ref}: `throughline hold list` shows those there are")
    typer.echo(f"{ref} is held no longer.")


def list_holds(
    data: Data = None, org: Org = None, to: Running = None, key: ApiKey = None, as_json: Json = False
) -> None:
    """Show which cases' words are held, since when and why."""
    if to is not None:
        rows = _ask(to, key, "GET", "/v1/holds", None)["holds"]
    else:

        async def act(erasing: Erasing, house: House) -> list[dict[str, Any]]:
            return [
                {
                    "case": getattr((await house.store.history(one.case))[0].data, "ref", one.case),
                    "reason": one.reason,
                    "since": one.since.isoformat(),
                }
                for one in await erasing.holds.all(1000)
            ]

        rows = _with(data, org, act)
    if as_json:
        typer.echo(json.dumps({"holds": rows}))
        return
    for one in rows:
        typer.echo(f"{one['case']}  {one['reason']}  since {one['since']}")
    if not rows:
        typer.echo("No case's words are held.")


def _ask(to: str, key: str | None, method: str, path: str, body: Any) -> Any:
    with asking(to, key, _WHY) as client:
        answer = client.request(method, path, json=body, timeout=None)  # much may have to be read
        if answer.status_code in {401, 403}:
            raise wrong(_RIGHT)
        return answered(answer)


def _with(data: Path | None, org: Path | None, act: Callable[[Erasing, House], Awaitable[T]]) -> T:
    """Do something with the installation's store, or say what is wrong and end with 2."""
    given = {name: value for name, value in (("data", data), ("org", org)) if value is not None}
    settings = Settings().model_copy(update=given)

    async def open_and_act() -> T:
        async with _house(settings) as house:
            cases: Aggregates[Case] = Aggregates(CASE_KIND, house.store, house.clock)
            return await act(Erasing(house, cases), house)

    try:
        return asyncio.run(open_and_act())
    except Locked as error:
        text = str(error).rstrip(".")
        raise wrong(f"{text}. Or ask it while it runs: --to http://127.0.0.1:8080 --key …") from error
    except Problem as problem:
        raise wrong(f"{problem.title}: {problem.detail}".rstrip(": .")) from problem
    except _WRONG as error:
        raise wrong(str(error).rstrip(".")) from error


@asynccontextmanager
async def _house(settings: Settings) -> AsyncIterator[House]:
    """All services at hand and none at work, so that each forgets what it made of content."""
    if settings.mongo_url:
        async with opened(settings, COLLECTIONS) as house:
            yield house
        return
    if not (settings.data / "throughline.db").is_file():
        raise FileNotFoundError(
            2, "there is no installation here: name its directory with --data", settings.data
        )
    async with embedded(settings).at_rest() as house:
        yield house


@contextmanager
def _watched() -> Iterator[Tell]:
    """What is being done and how far it is, where a person watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            progress.update(tasks[what], completed=done)

        yield tell


def _show(said: Erased) -> None:
    what = f"{said.contents} contents of {said.messages} messages in {len(said.cases)} cases"
    if not said.contents:
        typer.echo("Nothing of it is kept that may go.")
    elif said.dry_run:
        typer.echo(f"Would go: {what}.")
    else:
        typer.echo(f"Erased: {what}. The trail says so: {', '.join(said.erasures)}")
    for one in said.cases[:_SHOWN]:
        typer.echo(f"  {one.ref}  {one.contents} contents")
    for kept in said.kept[:_SHOWN]:
        until = f" until {kept.until:%F}" if kept.until else ""
        typer.echo(f"  {kept.ref}  stays, {kept.contents} contents: {_REASONS[kept.reason]}{until}")
    if not said.emptied:
        typer.echo(
            "Sealed bytes are left in a log of the database, because somebody was reading it (a backup?):"
            " erase again once that is over."
        )
    if said.proof:
        _show_proof(said)


def _show_proof(said: Erased) -> None:
    proof = said.proof
    assert proof is not None
    mib = proof.bytes / 2**20
    typer.echo(
        f"Searched {proof.files} files ({mib:.1f} MiB) for {proof.pieces} pieces of what was said:", nl=False
    )
    if not proof.found:
        typer.echo(" none is left.")
        return
    typer.echo("")
    for name in proof.found:
        typer.echo(f"  LEFT  {name}")
