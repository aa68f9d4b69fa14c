"""A delivery: one thing to tell one party, until it arrived or was given up. Pure: state, events, decisions.

An attempt and its deadline are recorded before a socket opens, and nobody else opens one before that deadline
(DESIGN.md section 5). So a crash shows as an attempt whose deadline passes, or which its successor knows to be over;
the same Message-ID is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.deliveries import (
    AlarmedRung,
    DeliveryAttempted,
    DeliveryBounced,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryQueued,
    DeliveryReplied,
    DeliverySent,
    Happening,
    OwedThing,
    Template,
)
from shared.store import Collection

ATTEMPT = timedelta(minutes=5)
"""How long an attempt may take, waiting included, before somebody else may try: longer than its own timeouts."""

BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
"""Pauses after failed attempts: short at first, for a relay that restarts; nearly two days in all, for an outage."""

MOST_ATTEMPTS = len(BACKOFF) + 1
"""After the last of them a person must find another way."""

MOST_AT_ONCE = 3
"""Up to this attempt, one that its process's end cut off is made again at once. Later ones wait for their deadline, so
that a mail which brings the process down does not do so without a pause."""

Status = Literal["held", "sending", "deferred", "sent", "failed", "bounced"]
"""`held`: its time has not come, and no attempt was made."""
Decide = Callable[["Delivery | None", datetime], Sequence[Event]]


class Delivery(BaseModel):
    """What is known of a delivery. Content stands elsewhere: `words` and `note` are its references."""

    model_config = ConfigDict(frozen=True)

    case: str
    ref: str
    about: str
    template: Template
    party: str
    language: str
    queued_at: datetime
    message: str | None = None
    words: str | None = None
    note: str | None = None
    final: bool = False
    closes_at: datetime | None = None
    declined: str | None = None
    promise: datetime | None = None
    rungs: tuple[AlarmedRung, ...] = ()
    not_before: datetime | None = None
    until: datetime | None = None
    department: str | None = None
    outcome: str | None = None
    other: str | None = None
    happened: Happening | None = None
    actor: str | None = None
    choice: int | None = None
    owed: tuple[OwedThing, ...] = ()
    status: Status = "sending"
    attempt: int = 1
    wait_until: datetime | None = None
    """Of an attempt its deadline, of a failed one the next: before it, nobody tries."""
    reason: str | None = None
    sent_at: datetime | None = None
    auto_reply: str | None = None

    @property
    def written_at(self) -> datetime:
        """The date of its mail, the same at each attempt."""
        return max(self.queued_at, self.not_before or self.queued_at)


def _queued(event: DeliveryQueued, record: Record) -> Delivery:
    held = event.attempt_deadline is None
    return Delivery(
        case=event.case,
        ref=event.ref,
        about=event.about,
        template=event.template,
        party=event.party,
        language=event.language,
        queued_at=record.time,
        message=event.message,
        words=event.words and event.words.ref,
        note=event.note and event.note.ref,
        final=event.final,
        closes_at=event.closes_at,
        declined=event.declined,
        promise=event.promise,
        rungs=tuple(event.rungs),
        not_before=event.not_before,
        until=event.until,
        department=event.department,
        outcome=event.outcome,
        other=event.other,
        happened=event.happened,
        actor=event.actor,
        choice=event.choice,
        owed=tuple(event.owed or ()),
        status="held" if held else "sending",
        attempt=0 if held else 1,
        wait_until=(event.not_before or record.time) if held else event.attempt_deadline,
    )


def evolve(state: Delivery | None, event: Event, record: Record) -> Delivery:
    """The delivery after an event."""
    if isinstance(event, DeliveryQueued):
        return _queued(event, record)
    assert state is not None
    change: dict[str, object] = {}
    match event:
        case DeliveryAttempted():
            change = {"status": "sending", "attempt": event.attempt, "wait_until": event.deadline}
        case DeliverySent():
            change = {"status": "sent", "wait_until": None, "reason": None, "sent_at": record.time}
        case DeliveryDeferred():
            change = {"status": "deferred", "wait_until": event.next_at, "reason": event.reason}
        case DeliveryFailed():
            change = {"status": "failed", "wait_until": None, "reason": event.reason}
        case DeliveryBounced() if event.permanent:
            change = {"status": "bounced", "wait_until": None, "reason": "bounced"}
        case DeliveryBounced():
            change = {"reason": "delayed"}
        case DeliveryReplied():
            change = {"auto_reply": event.kind}
    return state.model_copy(update=change)


def queue(what: DeliveryQueued, state: Delivery | None, now: datetime, *, held: bool = False) -> list[Event]:
    """Begin, with the first attempt, unless it must wait, or nothing may leave now."""
    if state is not None:
        return []
    if held or (what.not_before is not None and now < what.not_before):
        return [what]
    return [what.model_copy(update={"attempt_deadline": now + ATTEMPT})]


def attempt_input(id: str, number: int) -> str:
    """The input that a further attempt answers: the same for all who would begin it, so that one of them does."""
    return f"{id}#{number}!"


def attempt(state: Delivery | None, now: datetime) -> list[Event]:
    """Try, once the time for it has come; give up after the last attempt."""
    if state is None or state.wait_until is None or now < state.wait_until:
        return []
    if state.attempt >= MOST_ATTEMPTS:
        return [DeliveryFailed(attempt=state.attempt, reason=state.reason or "no-outcome", case=state.case)]
    after = _BEFORE.get(state.status)
    return [DeliveryAttempted(attempt=state.attempt + 1, deadline=now + ATTEMPT, after=after)]


_BEFORE: Mapping[str, Literal["pause", "deadline"]] = {"deferred": "pause", "sending": "deadline"}


def attempt_cut_off(deadline: datetime, state: Delivery | None, now: datetime) -> list[Event]:
    """Try again at once what was under way, until `deadline`, in a process that is known to have ended."""
    if state is None or state.status != "sending" or state.wait_until != deadline:
        return []
    if state.attempt >= MOST_AT_ONCE:
        return []
    return [DeliveryAttempted(attempt=state.attempt + 1, deadline=now + ATTEMPT, after="restart")]


def sent(number: int, state: Delivery | None) -> list[Event]:
    """The next hop has taken it, even if it said so after its deadline."""
    if state is None or state.status in ("sent", "bounced"):
        return []
    return [DeliverySent(attempt=number, case=state.case)]


def defer(number: int, reason: str, state: Delivery | None, now: datetime) -> list[Event]:
    """The attempt failed for now: wait, or give up after the last one."""
    if not _under_way(number, state):
        return []
    if number >= MOST_ATTEMPTS:
        return give_up(number, reason, state)
    return [DeliveryDeferred(attempt=number, reason=reason, next_at=now + BACKOFF[number - 1])]


def give_up(number: int, reason: str, state: Delivery | None) -> list[Event]:
    """The attempt failed for good."""
    if state is None or not _under_way(number, state):
        return []
    return [DeliveryFailed(attempt=number, reason=reason, case=state.case)]


def bounce(message: str, permanent: bool, state: Delivery | None) -> list[Event]:
    """A mail says that it did not arrive, or not yet."""
    if state is None or state.status == "bounced":
        return []
    return [DeliveryBounced(message=message, permanent=permanent, case=state.case)]


def auto_reply(message: str, kind: str, state: Delivery | None) -> list[Event]:
    """An automatic answer came."""
    return [] if state is None else [DeliveryReplied(message=message, kind=kind)]


def _under_way(number: int, state: Delivery | None) -> bool:
    return state is not None and state.status == "sending" and state.attempt == number


def _fields(state: Delivery) -> Mapping[str, str | int | None]:
    queued = int(state.queued_at.timestamp() * 1000)
    return {
        "ref": state.ref,
        "queued": queued,
        "trouble": queued if state.status in ("failed", "bounced") else None,
    }


KIND = Kind(
    collection=Collection(
        "deliveries",
        {"ref": str, "queued": int, "trouble": int},
        (("queued",), ("ref", "queued"), ("trouble",)),
    ),
    source="/notify",
    state=Delivery,
    evolve=evolve,
    due=lambda state: state.wait_until,
    fields=_fields,
)
"""`trouble` is set where a person must find another way."""
