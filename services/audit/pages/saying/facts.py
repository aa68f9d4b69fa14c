"""What was found in words by rule: figures about them, never the words."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.facts import AnswerRead, FactEvent, MessageRead


def _message(tell: Teller, event: MessageRead) -> Said:
    said = Said(tell.word("said.fact_message"))
    if event.persons:
        said.particulars.append(tell.word("said.fact_persons", persons=", ".join(event.persons)))
    if event.manners:
        said.particulars.append(tell.word("said.fact_manners", percent=_percent(event.manners)))
    if event.like is not None:
        said.particulars.append(tell.word("said.fact_like", percent=_percent(event.likeness)))
    return _gone(tell, event, said)


def _answer(tell: Teller, event: AnswerRead) -> Said:
    said = Said(tell.word("said.fact_answer"))
    said.particulars.append(tell.word("said.fact_mentions", percent=_percent(event.mentions)))
    said.particulars.append(tell.word("said.fact_concrete", number=event.concrete))
    if event.copy_of is not None:
        said.particulars.append(tell.word("said.fact_copy", percent=_percent(event.copy_share)))
    if event.forwards:
        said.particulars.append(tell.word("said.fact_forwards"))
    if event.promises:
        said.particulars.append(tell.word("said.fact_promises"))
    return _gone(tell, event, said)


def _gone(tell: Teller, event: FactEvent, said: Said) -> Said:
    return Said(said.sentence, [tell.word("said.fact_gone")]) if event.gone else said


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:.0f} %"


SAID: dict[type[Event], SaysIt] = {MessageRead: _message, AnswerRead: _answer}
