"""How a case came, to whom, what it is taken for, and how it ends."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.cases import (
    CaseAccepted,
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContested,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseReturned,
    CaseReviewed,
    MessageAttached,
    PraisePassedOn,
    ReturnDecided,
)
from shared.events.linked import CaseJoined, CaseLinked, CaseMerged, CaseSplit


def _opened(tell: Teller, event: CaseOpened) -> Said:
    channel, kind = tell.code("channel", event.channel), tell.code("kind", event.kind)
    said = Said(tell.word("said.opened", channel=channel, kind=kind))
    if event.promise:
        said.particulars.append(tell.word("said.promised", due=tell.at(event.promise)))
    said.particulars += [
        tell.word(key)
        for key, holds in (
            ("said.anonymous", event.anonymous),
            ("said.internal", event.scope == "internal"),
            ("said.part_of", event.parent),
            ("said.same_thread", event.related),
        )
        if holds
    ]
    said.particulars += _taken_for(tell, event)
    if event.liaison:
        said.particulars.append(tell.word("said.liaison", person=event.liaison))
    return said


def _taken_for(tell: Teller, event: CaseOpened | CaseClassified) -> list[str]:
    duty = [tell.word("said.duty", duty=tell.duty(event.category))] if event.category else []
    return [*duty, tell.word("said.urgent")] if event.urgent else duty


def _attached(tell: Teller, event: MessageAttached) -> Said:
    said = Said(tell.word("said.attached", channel=tell.code("channel", event.channel)))
    said.particulars.append(tell.word(f"said.attached_{event.how}"))
    if not event.verified:
        said.particulars.append(tell.word("said.sender_not_known"))
    if event.reopened:
        said.particulars.append(tell.word("said.open_again"))
    return said


def _assigned(tell: Teller, event: CaseAssigned) -> Said:
    rule = tell.duty(event.rule) if event.rule else "—"
    said = Said(tell.word("said.assigned", department=tell.owner(event.department)))
    said.particulars.append(tell.word(f"said.by_{event.by}", rule=rule))
    if event.beyond_promise:
        said.particulars.append(tell.word("said.beyond_promise"))
    return said


def _queued(tell: Teller, event: CaseQueued) -> Said:
    return Said(tell.word("said.queued"), [tell.code("said.queued_for", event.reason)])


def _accepted(tell: Teller, event: CaseAccepted) -> Said:
    return Said(tell.word("said.deemed_accepted" if event.deemed else "said.accepted"))


def _returned(tell: Teller, event: CaseReturned) -> Said:
    said = Said(tell.word("said.returned", department=tell.owner(event.department)))
    said.particulars.append(tell.code("said.returned_for", event.reason))
    if event.proposed:
        said.particulars.append(tell.word("said.proposed", department=tell.owner(event.proposed)))
    if event.site_visit:
        said.particulars.append(tell.word("said.site_visit"))
    return said


def _return_decided(tell: Teller, event: ReturnDecided) -> Said:
    key = "said.return_upheld" if event.upheld else "said.return_refused"
    booked = [
        tell.word(
            "said.booked", begin=tell.at(one.begin), end=tell.at(one.end), holder=tell.owner(one.holder)
        )
        for one in event.booked
    ]
    return Said(tell.word(key, department=tell.owner(event.department)), booked)


def _classified(tell: Teller, event: CaseClassified) -> Said:
    said = Said(tell.word("said.classified", kind=tell.code("kind", event.kind)), _taken_for(tell, event))
    if event.case_class:
        named = tell.code("class", event.case_class)
        said.particulars.append(tell.word("said.class", named=named))
    return said


def _closed(tell: Teller, event: CaseClosed) -> Said:
    # Feedback closes a case by itself only where it is a yes; what was not solved was reviewed first.
    reviewed = event.outcome == "feedback" and event.solved is False
    said = Said(tell.word("said.closed_reviewed") if reviewed else tell.coded("said.closed", event.outcome))
    if event.reason:
        said.particulars.append(tell.code("said.declined_for", event.reason))
    if event.solved is not None:
        said.particulars.append(tell.word("said.solved" if event.solved else "said.not_solved"))
    return said


def _reopened(tell: Teller, event: CaseReopened) -> Said:
    return Said(tell.word("said.reopened"), [tell.code("said.reopened_for", event.reason)])


def _contested(tell: Teller, event: CaseContested) -> Said:
    ended = tell.word("said.had_ended", outcome=tell.code("outcome", event.outcome))
    return Said(tell.word("said.contested"), [ended])


def _reviewed(tell: Teller, event: CaseReviewed) -> Said:
    return Said(tell.coded("said.reviewed", event.outcome))


def _merged(tell: Teller, event: CaseMerged) -> Said:
    return Said(tell.word("said.merged", ref=event.into_ref))


def _joined(tell: Teller, event: CaseJoined) -> Said:
    return Said(tell.word("said.joined", ref=event.ref))


def _linked(tell: Teller, event: CaseLinked) -> Said:
    first = [tell.word("said.linked_first")] if event.answers else []
    return Said(tell.coded("said.linked", event.relation, ref=event.ref), first)


def _split(tell: Teller, event: CaseSplit) -> Said:
    led = tell.owner(event.department or "coordinator")
    key = "said.part_led" if event.department else "said.part_dispatched"
    return Said(tell.word("said.split", kind=tell.code("kind", event.kind)), [tell.word(key, department=led)])


def _praised(tell: Teller, event: PraisePassedOn) -> Said:
    return Said(tell.word("said.praise_passed_on", department=tell.owner(event.department)))


SAID: dict[type[Event], SaysIt] = {
    CaseOpened: _opened,
    MessageAttached: _attached,
    CaseAssigned: _assigned,
    CaseQueued: _queued,
    CaseAccepted: _accepted,
    CaseReturned: _returned,
    ReturnDecided: _return_decided,
    CaseClassified: _classified,
    CaseClosed: _closed,
    CaseReopened: _reopened,
    CaseContested: _contested,
    CaseReviewed: _reviewed,
    CaseMerged: _merged,
    CaseJoined: _joined,
    CaseLinked: _linked,
    CaseSplit: _split,
    PraisePassedOn: _praised,
}
