"""Bad manners, as senders say (服務態度惡劣)."""

from __future__ import annotations

from collections.abc import Iterator

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Parameters
from services.audit.checks.history import COORDINATOR, held
from shared.events.facts import MessageRead
from shared.events.findings import Figure


class Clearly(Parameters):
    """From which clearness on a complaint of manners counts."""

    least: int = 6000
    """Basis points; what the words alone say, as `MessageRead.manners` has it."""


class BadManners(CaseCheck[Clearly]):
    """A sender complains of how they were treated: scolded, brushed off, hung up on.

    It rests on the fact `message_read`, which finds such words and minds what denies them; nobody's words are in the
    trail. One finding a message. It names the officer where the sender names one alone. The department that had the
    case when the sender wrote is asked; nobody, where the complaint itself opened the case: whoever decides on that is
    on it. `clearness` is in basis points. A judgement: it misses what is said without any of the words, and takes for a
    complaint what is told of others.
    """

    name = "bad_manners"
    version = 1
    exact = False
    figures = ("clearness",)
    reads = frozenset({MessageRead.TYPE})
    parameters = Clearly

    def examine(self, history: CaseHistory, parameters: Clearly) -> Iterator[Doubt]:
        spoken = {noted.record.id: noted for noted in history.entries}
        holders = {noted.record.id: holder for noted, holder in held(history)}
        for noted in history.entries:
            said = noted.said
            if not isinstance(said, MessageRead) or said.manners < parameters.least:
                continue
            about = spoken.get(said.about)
            before = [noted for noted in history.entries if about and noted.index < about.index]
            held_by = next(
                (holders[one.record.id] for one in reversed(before) if one.record.id in holders), None
            )
            yield Doubt(
                key=said.about,
                since=noted.at,
                evidence=(noted,) if about is None else (about, noted),
                case=history.case,
                department=None if held_by == COORDINATOR else held_by,
                person=said.persons[0] if len(said.persons) == 1 else None,
                figures=(Figure(name="clearness", value=said.manners),),
            )
