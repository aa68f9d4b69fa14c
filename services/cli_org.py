"""`throughline org …`: check an organisation file, and see what its calendar makes of a limit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from shared.calendar import Calendar, CalendarError, Interval, Limit, LimitError, due, explain
from shared.organisation import Organisation, OrganisationWrong, load

WRONG, USAGE = 1, 2

app = typer.Typer(help="Check an organisation file; see and understand its deadlines.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The organisation file, YAML.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command(epilog="Example: throughline org check deploy/org/county.yaml")
def check(file: File, *, as_json: Json = False) -> None:
    """Say everything that is wrong with the file: line, reason, remedy. Exit code 1 if anything is."""
    organisation = _load(file, as_json=as_json)
    if as_json:
        _print({"ok": True, "version": organisation.version, "faults": []})
        return
    duties, people = len(organisation.duty), len(organisation.people)
    typer.echo(
        f"{file} is in order: {len(organisation.departments)} departments, {duties} duties, {people} people."
    )


@app.command(
    "due",
    epilog="Example: throughline org due deploy/org/county.yaml --from 2026-09-30T16:00 --limit 5wd",
)
def due_(
    file: File,
    *,
    since: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help="ISO 8601; without an offset, on the organisation's clock."
        ),
    ],
    limit: Annotated[str, typer.Option(help="30wm, 4wh, 5wd (working time) or 15min, 2h, 7d (plain).")],
    as_json: Json = False,
) -> None:
    """When a limit ends, when its ladder's rungs fall, and each interval that counts or does not, with its reason."""
    organisation = _load(file, as_json=as_json)
    calendar = organisation.calendar
    try:
        of = Limit.parse(limit)
        start = _instant(since, calendar)
        answer = _answer(organisation, start, of)
    except LimitError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from error
    except CalendarError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from error
    if as_json:
        _print(answer)
    else:
        _show(answer)


def _load(file: Path, *, as_json: bool) -> Organisation:
    try:
        return load(file)
    except OrganisationWrong as wrong:
        if as_json:
            _print({"ok": False, "faults": [asdict(fault) for fault in wrong.faults]})
        for fault in [] if as_json else wrong.faults:
            typer.echo(f"{file}, {fault}", err=True)
        raise typer.Exit(WRONG) from wrong


def _instant(text: str, calendar: Calendar) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise CalendarError(f"{text!r} is no time: write it as 2026-09-30T16:00") from error
    start = given if given.tzinfo else given.replace(tzinfo=calendar.tz)
    try:
        return start.astimezone(UTC)
    except OverflowError as error:
        raise CalendarError(f"{text!r} lies outside the years that can be counted") from error


def _answer(organisation: Organisation, start: datetime, limit: Limit) -> dict[str, Any]:
    calendar = organisation.calendar

    def local(instant: datetime) -> str:
        return calendar.local(instant).isoformat()

    end = due(calendar, start, limit)
    intervals = explain(calendar, start, end, limit)
    rungs = [(rung, rung.at.instant(calendar, start, end, limit)) for rung in organisation.ladder]
    return {
        "organisation": organisation.id,
        "calendar": calendar.digest,
        "zone": calendar.zone,
        "from": local(start),
        "limit": str(limit),
        "due": local(end),
        "provisional": any(interval.provisional for interval in intervals),
        "ladder": [
            {"at": str(rung.at), "instant": local(instant), "action": rung.action, "to": list(rung.to)}
            for rung, instant in rungs
        ],
        "intervals": [_interval(interval, calendar) for interval in intervals],
    }


def _interval(interval: Interval, calendar: Calendar) -> dict[str, Any]:
    return {
        "begin": calendar.local(interval.begin).isoformat(),
        "end": calendar.local(interval.end).isoformat(),
        "counted": interval.counted,
        "reason": interval.reason.value,
        "name": interval.name,
        "provisional": interval.provisional,
    }


def _print(value: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _show(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"{answer['limit']} from {_day(answer['from'])} is due [bold]{_day(answer['due'])}[/bold]")
    if answer["provisional"]:
        console.print("Provisional: the holidays of a year it runs into are not announced yet.")
    ladder = Table("rung", "falls", "what happens", "to", box=None, pad_edge=False)
    for rung in answer["ladder"]:
        ladder.add_row(rung["at"], _day(rung["instant"]), rung["action"], ", ".join(rung["to"]))
    intervals = Table("from", "until", "", "why", box=None, pad_edge=False)
    for part in answer["intervals"]:
        name = next(
            (part["name"][language] for language in ("en", *part["name"]) if language in part["name"]), ""
        )
        why = part["reason"].replace("_", " ") + (f": {name}" if name else "")
        counted = "counted" if part["counted"] else "not counted"
        intervals.add_row(_day(part["begin"]), _day(part["end"]), counted, why)
    console.print("", ladder, "", intervals, sep="\n")


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%a} {iso}"
