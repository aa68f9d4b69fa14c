"""`throughline org due`: when a limit ends, or all limits of a case, with every rung and every interval."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.deadlines import of_case, of_limit
from services.org_file import File, Json, load_or_exit, print_json
from shared.calendar import Calendar, CalendarError, Limit, LimitError
from shared.events.cases import CaseClass
from shared.events.messages import Kind
from shared.organisation import Facts, Organisation
from shared.organisation.limits import SenderKind


def due(
    file: File,
    *,
    since: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help="ISO 8601; without an offset, on the clock of who has it."
        ),
    ],
    limit: Annotated[
        str | None, typer.Option(help="30wm, 4wh, 5wd (working time) or 15min, 2h, 7d (plain).")
    ] = None,
    department: Annotated[str | None, typer.Option(help="Whose calendar holds; its id.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Instead of a limit, all of such a case.")] = None,
    category: Annotated[str | None, typer.Option(help="The case's duty, by its id.")] = None,
    urgent: Annotated[bool, typer.Option("--urgent", help="An urgent case.")] = False,
    case_class: Annotated[CaseClass | None, typer.Option("--class", help="The case's class.")] = None,
    sender: Annotated[SenderKind | None, typer.Option(help="Who writes.")] = None,
    as_json: Json = False,
) -> None:
    """When a limit ends, when its ladder's rungs fall, and each interval that counts or does not, with its reason.

    With --limit, of that one; with --kind, --category, --urgent, --class or --sender, of every limit that a case
    of that sort has, each as if it began at that time.
    """
    described = any((kind, category, urgent, case_class, sender))
    if (limit is not None) == described:
        raise typer.BadParameter(
            "say one of the two: a limit such as 5wd, or the sort of case by --kind, --category, --urgent, --class "
            "or --sender",
            param_hint="--limit",
        )
    organisation = load_or_exit(file, as_json=as_json)
    holder = _holder(organisation, department, category)
    try:
        start = _instant(since, organisation.calendar_of(holder or ""))
        if limit is not None:
            answer = of_limit(organisation, holder, start, Limit.parse(limit))
        else:
            facts = Facts(kind or "problem", category, sender, urgent, case_class)
            answer = of_case(organisation, holder, start, facts)
    except LimitError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from error
    except CalendarError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from error
    if as_json:
        print_json(answer)
    elif limit is not None:
        _show_limit(answer)
    else:
        _show_case(answer)


def _holder(organisation: Organisation, department: str | None, category: str | None) -> str | None:
    """The department that is named, else the one whose duty the category is."""
    if department is not None and department not in organisation.department:
        known = ", ".join(organisation.department)
        raise typer.BadParameter(
            f"there is no department {department!r}: known are {known}", param_hint="--department"
        )
    if category is not None and category not in organisation.duty:
        known = ", ".join(organisation.duty)
        raise typer.BadParameter(f"there is no duty {category!r}: known are {known}", param_hint="--category")
    return department or (organisation.duty[category][0].id if category else None)


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


def _show_limit(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"{answer['limit']} from {_day(answer['from'])} is due [bold]{_day(answer['due'])}[/bold]")
    _explain(console, answer)


def _show_case(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    case = answer["case"]
    sort = [
        case["kind"],
        case["category"] and f"about {case['category']}",
        case["sender"] and f"from {case['sender']}",
        "urgent" if case["urgent"] else None,
        case["case_class"],
    ]
    console.print(f"A case ({', '.join(one for one in sort if one)}) from {_day(answer['from'])}")
    console.print(f"Each limit is counted from then; extensions: {answer['extensions']}.")
    overview = Table("what is owed", "limit", "by whom", "due", box=None, pad_edge=False)
    for one in answer["limits"]:
        overview.add_row(one["owed"], one["limit"], one["owner"], _day(one["due"]))
    console.print("", overview, sep="\n")
    for one in answer["limits"]:
        console.print(f"\n[bold]{one['owed']}[/bold]: {one['limit']}, due {_day(one['due'])}")
        _explain(console, one)


def _explain(console: Console, one: dict[str, Any]) -> None:
    if one["provisional"]:
        console.print("Provisional: the holidays of a year it runs into are not announced yet.")
    if one["ladder"]:
        console.print("", _ladder(one["ladder"]), sep="\n")
    console.print("", _intervals(one["intervals"]), sep="\n")


def _ladder(rungs: list[dict[str, Any]]) -> Table:
    ladder = Table("rung", "falls", "what happens", "to", box=None, pad_edge=False)
    for rung in rungs:
        ladder.add_row(rung["at"], _day(rung["instant"]), rung["action"], ", ".join(rung["to"]))
    return ladder


def _intervals(parts: list[dict[str, Any]]) -> Table:
    intervals = Table("from", "until", "", "why", box=None, pad_edge=False)
    for part in parts:
        name = next(
            (part["name"][language] for language in ("en", *part["name"]) if language in part["name"]), ""
        )
        why = part["reason"].replace("_", " ") + (f": {name}" if name else "")
        counted = "counted" if part["counted"] else "not counted"
        intervals.add_row(_day(part["begin"]), _day(part["end"]), counted, why)
    return intervals


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%a} {iso}"
