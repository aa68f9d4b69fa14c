"""The way to an answer: what was said to the sender and by them, drafts, what was called solved."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller, plainly
from shared.events import Event
from shared.events.cases import (
    AnswerDrafted,
    AnswerSentBack,
    CaseAnswered,
    CaseInspected,
    CaseSolved,
    FeedbackGiven,
    SenderAsked,
    SenderContacted,
)


def _contacted(tell: Teller, event: SenderContacted) -> Said:
    said = Said(tell.coded("said.contact", event.outcome))
    if event.callback:
        said.particulars.append(tell.word("said.callback"))
    if event.site_visit:
        said.particulars.append(tell.word("said.site_visit"))
    return said


def _drafted(tell: Teller, event: AnswerDrafted) -> Said:
    return Said(tell.word("said.drafted"), _claimed(tell, event))


def _answered(tell: Teller, event: CaseAnswered) -> Said:
    how = "directly" if event.direct else "finally" if event.final else "so_far"
    said = Said(tell.word(f"said.answered_{how}"), _claimed(tell, event))
    if event.drafted_by:
        said.particulars.append(tell.word("said.drafted_by", person=event.drafted_by))
    return said


def _claimed(tell: Teller, event: AnswerDrafted | CaseAnswered) -> list[str]:
    return [tell.word("said.claimed_solved")] if event.resolved else []


def _heard(tell: Teller, event: FeedbackGiven) -> Said:
    said = Said(tell.word("said.feedback_solved" if event.solved else "said.feedback_not_solved"))
    if event.satisfied is not None:
        said.particulars.append(tell.word("said.satisfied" if event.satisfied else "said.not_satisfied"))
    return said


def _inspected(tell: Teller, event: CaseInspected) -> Said:
    return Said(tell.word("said.inspected_passed" if event.passed else "said.inspected_not_passed"))


SAID: dict[type[Event], SaysIt] = {
    SenderContacted: _contacted,
    SenderAsked: plainly("said.asked"),
    AnswerDrafted: _drafted,
    AnswerSentBack: plainly("said.draft_sent_back"),
    CaseAnswered: _answered,
    FeedbackGiven: _heard,
    CaseSolved: plainly("said.claimed_solved"),
    CaseInspected: _inspected,
}
