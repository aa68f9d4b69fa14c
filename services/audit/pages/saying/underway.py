"""What happens while a case is in somebody's hands: help, opinions, pauses, more time, urging, rungs that fall."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.cases import (
    AssistAsked,
    AssistGiven,
    CaseAlarmed,
    CaseErased,
    CaseEscalated,
    CaseRescheduled,
    CaseResumed,
    CaseSuspended,
    CaseUrged,
    ExtensionAsked,
    ExtensionDecided,
    OpinionAsked,
    OpinionGiven,
    Rung,
    SenderOpened,
)

_HEADLINES = ("circulate", "escalate", "breach", "lapse", "warn", "remind")


def _assist_asked(tell: Teller, event: AssistAsked) -> Said:
    return Said(tell.word("said.assist_asked", asker=tell.by_holder, department=tell.owner(event.department)))


def _assist_given(tell: Teller, event: AssistGiven) -> Said:
    return Said(tell.coded("said.assist", event.outcome, department=tell.owner(event.department)))


def _opinion_asked(tell: Teller, event: OpinionAsked) -> Said:
    return Said(tell.word("said.opinion_asked", asker=tell.by_holder, asked=tell.owner(event.to)))


def _opinion_given(tell: Teller, event: OpinionGiven) -> Said:
    begun = tell.owed.get(event.opinion)
    asked = tell.owner(begun.owner) if begun else event.opinion
    chosen = "said.another_way" if event.choice is None else "said.chosen"
    return Said(tell.word("said.opinion_given", asked=asked), [tell.word(chosen, choice=event.choice)])


def _escalated(tell: Teller, event: CaseEscalated) -> Said:
    named = tell.word("said.class", named=tell.code("class", event.case_class))
    return Said(tell.word("said.escalated", asker=tell.by_holder, to=tell.owner(event.to)), [named])


def _urged(tell: Teller, event: CaseUrged) -> Said:
    return Said(tell.coded("said.urged", event.by, holder=tell.by_holder))


def _suspended(tell: Teller, event: CaseSuspended) -> Said:
    return Said(
        tell.word("said.suspended", until=tell.at(event.until)),
        [tell.word("said.reason", reason=tell.code("pause", event.reason))],
    )


def _resumed(tell: Teller, event: CaseResumed) -> Said:
    return Said(
        tell.word("said.resumed"), [tell.word("said.reason", reason=tell.code("resumed", event.reason))]
    )


def _extension_asked(tell: Teller, event: ExtensionAsked) -> Said:
    return Said(tell.word("said.extension_asked", asker=tell.by_holder, due=tell.at(event.due)))


def _extension_decided(tell: Teller, event: ExtensionDecided) -> Said:
    if not event.granted:
        return Said(tell.word("said.extension_refused"))
    said = Said(tell.word("said.extension_granted", due=tell.at(event.due) if event.due else "—"))
    if event.promise:
        said.particulars.append(tell.word("said.promised_now", due=tell.at(event.promise)))
    return said


def _erased(tell: Teller, event: CaseErased) -> Said:
    return Said(tell.word("said.erased"), [tell.code("ground", event.ground)])


def _sender_opened(tell: Teller, event: SenderOpened) -> Said:
    reason = tell.code("opening", event.reason)
    return Said(tell.word("said.sender_opened"), [tell.word("said.reason", reason=reason)])


def _rescheduled(tell: Teller, event: CaseRescheduled) -> Said:
    said = Said(tell.word("said.rescheduled"))
    if event.promise:
        said.particulars.append(tell.word("said.promised_now", due=tell.at(event.promise)))
    if event.extension:
        said.particulars.append(tell.word("said.wanted_now", due=tell.at(event.extension)))
    for one in event.paused:
        what = tell.code("obligation", one.kind)
        said.particulars.append(tell.word("said.stands_still", what=what, due=tell.at(one.due)))
    return said


def _alarmed(tell: Teller, event: CaseAlarmed) -> Said:
    actions = {rung.action for rung in event.rungs}
    headline = next((action for action in _HEADLINES if action in actions), "remind")
    return Said(tell.word(f"said.alarm_{headline}"), [_rung(tell, rung) for rung in event.rungs])


def _rung(tell: Teller, rung: Rung) -> str:
    text = tell.word(
        f"said.rung_{rung.action}",
        what=tell.code("obligation", rung.kind),
        owner=tell.owner(rung.owner),
        due=tell.at(rung.due),
    )
    return f"{text}{tell.word('said.noticed_late')}" if rung.late else text


SAID: dict[type[Event], SaysIt] = {
    AssistAsked: _assist_asked,
    AssistGiven: _assist_given,
    OpinionAsked: _opinion_asked,
    OpinionGiven: _opinion_given,
    CaseEscalated: _escalated,
    CaseUrged: _urged,
    CaseSuspended: _suspended,
    CaseResumed: _resumed,
    ExtensionAsked: _extension_asked,
    ExtensionDecided: _extension_decided,
    CaseErased: _erased,
    CaseRescheduled: _rescheduled,
    SenderOpened: _sender_opened,
    CaseAlarmed: _alarmed,
}
