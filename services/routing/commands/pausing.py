"""More time: a pause that is approved and ends by itself, an extension that is asked for (M14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.routing.case import Case
from services.routing.commands.command import Command, Now, Refused, Said, owner_of
from services.routing.desk import facts_of
from services.routing.obligation import SENDER, Obligation
from shared.calendar import Limit
from shared.events.cases import (
    CaseEvent,
    CaseResumed,
    CaseSuspended,
    ExtensionAsked,
    ExtensionDecided,
    PauseReason,
)
from shared.events.obligations import ObligationKind, Started

_STAND_STILL: frozenset[ObligationKind] = frozenset({"contact", "resolve", "promise"})
_GO_ON = 90
"""Days after which nobody remembers why something stands still."""


def _limit(text: str) -> str:
    limit = Limit.parse(text)
    if (limit.counts_days and limit.number > _GO_ON) or (
        not limit.counts_days and limit.seconds > _GO_ON * 86_400
    ):
        raise ValueError(f"nothing stands still for more than {_GO_ON} days: name a shorter time")
    return str(limit)


class Suspend(Command):
    """A superior lets the clock stand still, for a listed reason and no longer than so long."""

    reason: Literal["third_party", "weather", "parts", "court"]
    limit: Annotated[str, AfterValidator(_limit)] = Field(
        description="How long at most: `5wd`, `12h`", examples=["5wd"]
    )
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [suspended(case, now, self.reason, Limit.parse(self.limit), case.obligations)]


class Resume(Command):
    """The clock runs again."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.pause is None:
            raise Refused("not-suspended", "The clock of this case runs.")
        return [resume(case, now, "by_hand")]


class Extend(Command):
    """The department asks for more time, once or as often as the organisation file says, and before it is late."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        most = now.desk.conditions(facts_of(case)).extensions
        if case.extensions >= most:
            raise Refused(
                "extended-too-often",
                f"Such a case can be extended {most} times, and was. Answer what you can.",
            )
        if case.extension is not None:
            raise Refused("asked-already", "More time was asked for; nobody has decided yet.")
        one = _resolving(case, now)
        limit = now.desk.conditions(facts_of(case)).limits.extension
        assert limit is not None
        post = now.desk.choices.grants
        return [
            ExtensionAsked(
                limit=str(limit),
                due=now.desk.extended(one, limit),
                words=now.said,
                starts=now.starts(case, "extension", owner=owner_of(case, post)),
                notices=now.tell(case, [post]),
            )
        ]


class GrantExtension(Command):
    """More time is given; the sender is told the new date."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        until = _asked(case)
        ends, starts = now.ends(case, "met", "extension"), list[Started]()
        promise = case.promise
        for one in case.owed("resolve", "promise"):
            end = until if one.kind == "resolve" else max(until, one.due)
            ends.append(now.end(one, "extended"))
            starts.append(now.again(case, one, end, anew=True))
            promise = end if one.kind == "promise" else promise
        return [
            ExtensionDecided(
                granted=True,
                due=until,
                promise=promise,
                words=now.words,
                ends=ends,
                starts=starts,
                notices=now.tell(case, ["holder"]),
            )
        ]


class RefuseExtension(Command):
    """No more time is given."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        _asked(case)
        ends = now.ends(case, "met", "extension")
        return [
            ExtensionDecided(granted=False, words=now.words, ends=ends, notices=now.tell(case, ["holder"]))
        ]


def suspended(
    case: Case, now: Now, reason: PauseReason, limit: Limit, waiting: Sequence[Obligation]
) -> CaseSuspended:
    """The clock stands still: of what is not late yet. Raises Refused where it does already, or nothing could."""
    if case.pause is not None:
        raise Refused("suspended-already", "The clock of this case stands still already.")
    still = [one for one in waiting if one.kind in _STAND_STILL and one.due > now.at]
    if not any(one.kind == "resolve" for one in still):
        raise Refused("late-already", "What is late can't be suspended: it stays late until it is done.")
    if case.extension is not None:
        raise Refused("extension-not-decided", "More time was asked for; that must be decided first.")
    kind, owner = ("reply", SENDER) if reason == "sender" else ("pause", case.holder)
    waits = now.until(case, kind, owner, limit)  # type: ignore[arg-type]
    return CaseSuspended(
        reason=reason,
        until=waits.due,
        words=None if reason == "sender" else now.words,
        ends=[now.end(one, "paused") for one in still],
        starts=[waits],
    )


def resume(
    case: Case,
    now: Now,
    reason: Literal["reply", "lapsed", "by_hand", "answered"],
    at: datetime | None = None,
) -> CaseResumed:
    """What stood still begins anew, later by every second of the pause that would have counted, up to `at` or now."""
    assert case.pause is not None
    begin, end = case.pause.since, at or now.at
    starts = []
    for one in case.pause.obligations:
        due, seconds = now.desk.after_pause(one, begin, end)
        starts.append(now.again(case, one, due, paused=seconds))
    over = now.ends(case, "lapsed" if reason == "lapsed" else "met", "reply", "pause")
    return CaseResumed(reason=reason, ends=over, starts=starts)


def _resolving(case: Case, now: Now) -> Obligation:
    if case.pause is not None:
        raise Refused("suspended", "The clock of this case stands still: no more time is needed now.")
    one = case.owes("resolve")
    if one is None or one.due <= now.at:
        raise Refused(
            "too-late", "More time is asked for before the time is over; this case is late already."
        )
    return one


def _asked(case: Case) -> datetime:
    if case.extension is None:
        raise Refused("not-asked", "Nobody has asked for more time.")
    return case.extension
