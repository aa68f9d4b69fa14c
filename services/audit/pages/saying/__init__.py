"""Entries in words: one sentence an event, its particulars beneath; of content there is nothing to tell.

What a newer version may add is told by its type or its code, as it stands in the entry.
"""

from __future__ import annotations

from services.audit.pages.saying import answers, cases, deliveries, facts, messages, supervised, underway
from services.audit.pages.saying.owed import what_follows
from services.audit.pages.saying.teller import Said, SaysIt, Teller
from services.audit.timeline import Line, known
from shared.events import Event
from shared.events.cases import CaseAssigned, CaseEvent, CaseQueued
from shared.organisation import Language, Organisation
from shared.web.pages import Pages

__all__ = ["SAID", "Said", "Saying"]

SAID: dict[type[Event], SaysIt] = {
    **cases.SAID,
    **underway.SAID,
    **answers.SAID,
    **supervised.SAID,
    **deliveries.SAID,
    **messages.SAID,
    **facts.SAID,
}
"""How each type of event is said."""


class Saying:
    """Says the entries of one case, in their order, in one language: what is owed is known by what began it."""

    def __init__(self, pages: Pages, organisation: Organisation, language: Language) -> None:
        self._teller = Teller(pages, organisation, language)

    def say(self, line: Line) -> Said:
        """One entry."""
        tell, record = self._teller, line.record
        if record is None:
            return Said(tell.word("said.unreadable"))
        if not known(record):
            return Said(tell.word("said.misfit", type=record.type))
        event = record.data
        says = SAID.get(type(event))
        tell.subject = record.subject
        said = Said(tell.word("said.unknown", type=record.type)) if says is None else says(tell, event)
        if isinstance(event, CaseEvent):
            said.particulars += what_follows(tell, event)
            self._follow(event)
        return said

    def _follow(self, event: CaseEvent) -> None:
        if isinstance(event, CaseAssigned):
            self._teller.holder = event.department
        elif isinstance(event, CaseQueued):
            self._teller.holder = "coordinator"
