"""What any event of a case may tell beside itself: what is owed from there on and what no longer, and who was told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.audit.pages.saying.teller import Teller
from shared.events.cases import CaseEvent, CaseOpened
from shared.events.obligations import Ended, Notice, Started


def what_follows(tell: Teller, event: CaseEvent) -> list[str]:
    """The particulars after the event's own. What ended is named by what had begun."""
    found = [_ended(tell, one) for one in event.ends]
    found += [_started(tell, one) for one in event.starts]
    found += _told(tell, event.notices)
    if event.organisation is not None and not isinstance(event, CaseOpened):
        found.append(tell.word("said.organisation"))
    return found


def _started(tell: Teller, one: Started) -> str:
    tell.owed[one.id] = one
    return tell.word(
        "said.owed" if one.binding else "said.awaited",
        what=tell.code("obligation", one.kind),
        owner=tell.owner(one.owner),
        due=tell.at(one.due),
    )


def _ended(tell: Teller, one: Ended) -> str:
    begun = tell.owed.get(one.id)
    what = tell.code("obligation", begun.kind) if begun else one.id
    if one.how == "met" and one.late:
        return tell.word("said.ended_late", what=what)
    due = tell.at(begun.due) if begun else "—"
    text = tell.word(f"said.ended_{one.how}", what=what, due=due)
    return f"{text}{tell.word('said.was_late')}" if one.late else text


def _told(tell: Teller, notices: Iterable[Notice]) -> list[str]:
    """Who is told, those together who are told at one time in one way."""
    together: dict[tuple[datetime | None, bool], list[str]] = {}
    for one in notices:
        together.setdefault((one.at, one.digest), []).append(one.person)
    found = []
    for (at, digest), those in together.items():
        people = tell.word("comma").join(those)
        key = "said.told" if at is None else "said.told_digest" if digest else "said.told_later"
        found.append(tell.word(key, people=people, at="" if at is None else tell.at(at)))
    return found
