"""Entries in words: one sentence an event, its particulars beneath; of content there is nothing to tell.

What a newer version may add is told by its type or its code, as it stands in the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.audit.timeline import Line, known
from shared.events import Event
from shared.events.cases import (
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReturned,
    Ended,
    FeedbackGiven,
    MessageAttached,
    ReturnDecided,
    Rung,
    SenderContacted,
    Started,
)
from shared.events.deliveries import (
    DeliveryAttempted,
    DeliveryBounced,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryQueued,
    DeliveryReplied,
    DeliverySent,
)
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageReleased,
    MessageSentAgain,
    MessageSettled,
)
from shared.organisation import Language, Organisation
from shared.web.pages import Pages

_HEADLINES = ("escalate", "breach", "lapse", "warn", "remind")


@dataclass
class Said:
    """What an entry says: a sentence, and its particulars."""

    sentence: str
    particulars: list[str] = field(default_factory=list)


class Saying:
    """Says the entries of one case, in their order, in one language: what is owed is known by what began it."""

    def __init__(self, pages: Pages, organisation: Organisation, language: Language) -> None:
        self._pages = pages
        self._organisation = organisation
        self._language = language
        self._owed: dict[str, Started] = {}
        self._deliveries: dict[str, str] = {}

    def say(self, line: Line) -> Said:
        """One entry."""
        record = line.record
        if record is None:
            return Said(self._word("said.unreadable"))
        if not known(record):
            return Said(self._word("said.misfit", type=record.type))
        match event := record.data:
            case CaseEvent():
                said = self._case(event)
                said.particulars += self._obligations(event)
                return said
            case DeliveryQueued():
                self._deliveries[record.subject] = self._delivery_named(event)
        return self._other(record.subject, event) or Said(self._word("said.unknown", type=record.type))

    def _word(self, key: str, **values: object) -> str:
        return self._pages.word(self._language, key, **values)

    def _code(self, table: str, code: str) -> str:
        """The words of a code, or the code where there are none."""
        try:
            return self._word(f"{table}.{code}")
        except KeyError:
            return code

    def _at(self, instant: datetime) -> str:
        return self._pages.instant(self._language, instant)

    def _department(self, id: str) -> str:
        if id == "coordinator":
            return self._word("coordinator")
        found = self._organisation.department.get(id)
        return found.names.get(self._language) if found else id

    def _duty(self, id: str) -> str:
        found = self._organisation.duty.get(id)
        return found[1].names.get(self._language) if found else id

    def _case(self, event: CaseEvent) -> Said:
        name = event.TYPE.rpartition(".")[2]
        return self._dispatched(event) or self._conversed(event) or Said(self._code("said.case", name))

    def _dispatched(self, event: CaseEvent) -> Said | None:
        """How it came, and to whom."""
        match event:
            case CaseOpened():
                return self._opened(event)
            case MessageAttached():
                return self._attached(event)
            case CaseAssigned():
                said = Said(self._word("said.assigned", department=self._department(event.department)))
                rule = self._duty(event.rule) if event.rule else ""
                said.particulars.append(self._word(f"said.by_{event.by}", rule=rule or "—"))
                if event.beyond_promise:
                    said.particulars.append(self._word("said.beyond_promise"))
                return said
            case CaseQueued():
                return Said(self._word("said.queued"), [self._code("said.queued_for", event.reason)])
            case CaseReturned():
                said = Said(self._word("said.returned", department=self._department(event.department)))
                said.particulars.append(self._code("said.returned_for", event.reason))
                if event.proposed:
                    named = self._department(event.proposed)
                    said.particulars.append(self._word("said.proposed", department=named))
                return said
            case ReturnDecided():
                key = "said.return_upheld" if event.upheld else "said.return_refused"
                return Said(self._word(key, department=self._department(event.department)))
        return None

    def _conversed(self, event: CaseEvent) -> Said | None:
        """What was said to the sender and by them; what fell due."""
        match event:
            case SenderContacted():
                about = [self._word("said.callback")] if event.callback else []
                return Said(self._word(f"said.contact_{event.outcome}"), about)
            case CaseAnswered():
                claimed = [self._word("said.claimed_solved")] if event.resolved else []
                return Said(self._word(f"said.answered_{'finally' if event.final else 'so_far'}"), claimed)
            case FeedbackGiven():
                said = Said(self._word(f"said.feedback_{'solved' if event.solved else 'not_solved'}"))
                if event.satisfied is not None:
                    key = "said.satisfied" if event.satisfied else "said.not_satisfied"
                    said.particulars.append(self._word(key))
                return said
            case CaseClosed():
                because = [self._code("said.declined_for", event.reason)] if event.reason else []
                return Said(self._word(f"said.closed_{event.outcome}"), because)
            case CaseAlarmed():
                return self._alarmed(event)
        return None

    def _opened(self, event: CaseOpened) -> Said:
        said = Said(
            self._word(
                "said.opened",
                channel=self._code("channel", event.channel),
                kind=self._code("kind", event.kind),
            )
        )
        if event.promise:
            said.particulars.append(self._word("said.promised", due=self._at(event.promise)))
        if event.anonymous:
            said.particulars.append(self._word("said.anonymous"))
        return said

    def _attached(self, event: MessageAttached) -> Said:
        said = Said(self._word("said.attached", channel=self._code("channel", event.channel)))
        said.particulars.append(self._word(f"said.attached_{event.how}"))
        if not event.verified:
            said.particulars.append(self._word("said.sender_not_known"))
        if event.reopened:
            said.particulars.append(self._word("said.open_again"))
        return said

    def _alarmed(self, event: CaseAlarmed) -> Said:
        actions = {rung.action for rung in event.rungs}
        headline = next((action for action in _HEADLINES if action in actions), "remind")
        said = Said(self._word(f"said.alarm_{headline}"))
        said.particulars = [self._rung(rung) for rung in event.rungs]
        if event.notices:
            people = self._word("comma").join(notice.person for notice in event.notices)
            said.particulars.append(self._word("said.told", people=people))
        return said

    def _rung(self, rung: Rung) -> str:
        text = self._word(
            f"said.rung_{rung.action}",
            what=self._code("obligation", rung.kind),
            owner=self._department(rung.owner),
            due=self._at(rung.due),
        )
        return f"{text}{self._word('said.noticed_late')}" if rung.late else text

    def _obligations(self, event: CaseEvent) -> list[str]:
        told = [self._ended(one) for one in event.ends]
        for one in event.starts:
            self._owed[one.id] = one
            key = "said.owed" if one.binding else "said.awaited"
            what, owner = self._code("obligation", one.kind), self._department(one.owner)
            told.append(self._word(key, what=what, owner=owner, due=self._at(one.due)))
        return told

    def _ended(self, one: Ended) -> str:
        begun = self._owed.get(one.id)
        what = self._code("obligation", begun.kind) if begun else one.id
        return self._word(f"said.ended_{'late' if one.how == 'met' and one.late else one.how}", what=what)

    def _delivery_named(self, event: DeliveryQueued) -> str:
        party = self._word("said.the_sender") if event.party == "sender" else event.party
        return self._word("said.delivery", what=self._code("said.template", event.template), party=party)

    def _other(self, subject: str, event: Event) -> Said | None:
        return self._delivery(self._deliveries.get(subject, subject), event) or self._message(event)

    def _delivery(self, named: str, event: Event) -> Said | None:
        match event:
            case DeliveryQueued():
                return Said(self._word("said.delivery_queued", delivery=named))
            case DeliveryAttempted():
                return Said(self._word("said.delivery_attempted", delivery=named, attempt=event.attempt))
            case DeliverySent():
                return Said(self._word("said.delivery_sent", delivery=named, attempt=event.attempt))
            case DeliveryDeferred():
                again = self._word("said.again", next=self._at(event.next_at))
                said = self._word("said.delivery_deferred", delivery=named, attempt=event.attempt)
                return Said(said, [self._word("said.reason", reason=event.reason), again])
            case DeliveryFailed():
                said = self._word("said.delivery_failed", delivery=named, attempt=event.attempt)
                return Said(said, [self._word("said.reason", reason=event.reason)])
            case DeliveryBounced():
                key = "said.bounced_for_good" if event.permanent else "said.bounced_for_now"
                return Said(self._word("said.delivery_bounced", delivery=named), [self._word(key)])
            case DeliveryReplied():
                return Said(self._word("said.delivery_replied", delivery=named))
        return None

    def _message(self, event: Event) -> Said | None:
        match event:
            case MessageReceived() | MessageQuarantined() | MessageRefused() | DeliveryAnswered():
                key = {
                    MessageReceived: "said.received",
                    MessageQuarantined: "said.quarantined",
                    MessageRefused: "said.refused",
                    DeliveryAnswered: "said.delivery_answered",
                }[type(event)]
                channel = self._code("channel", event.channel)
                said = Said(self._word(key, channel=channel, endpoint=event.endpoint))
                if isinstance(event, MessageQuarantined | MessageRefused):
                    said.particulars.append(self._word("said.reason", reason=event.reason))
                return said
            case MessageReleased():
                said = Said(self._word(f"said.released_{event.outcome}"))
                if event.reason:
                    said.particulars.append(self._word("said.reason", reason=event.reason))
                return said
            case MessageSettled():
                return Said(self._word(f"said.settled_{event.outcome}", ref=event.ref))
            case MessageSentAgain():
                return Said(self._word("said.sent_again", minutes=event.after_seconds // 60))
        return None
