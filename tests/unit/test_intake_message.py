"""A message's life in intake: when it waits, when it is settled, what a person may decide."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.intake.message import Message, NotInQuarantine, messages, refuse, release, send_again, settle
from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.events import Event
from shared.events.content import ContentRef
from shared.events.messages import MessageQuarantined, MessageReceived, MessageReleased, MessageSentAgain
from shared.store.sqlite import SqliteStore
from tests.installations import WEDNESDAY, in_a_loop

WORDS = ContentRef(ref="c_1", commitment="00", size=1)
RECEIVED = MessageReceived(channel="email", endpoint="line@org.example", words=WORDS, raw=WORDS, thread="t")
QUARANTINED = MessageQuarantined(
    channel="email", endpoint="line@org.example", reason="no-headers", raw=WORDS, words=WORDS, thread="t",
    message=RECEIVED,
)  # fmt: skip
QUARTER = timedelta(minutes=15)
KIND = messages(QUARTER)


def held(outcome: str = "quarantined") -> Message:
    return Message(
        channel="email", endpoint="line@org.example", thread="t", received_at=WEDNESDAY, outcome=outcome
    )


def test_released_it_is_what_its_channel_made_of_it_and_came_when_it_came() -> None:
    released, received = release(held(), QUARANTINED, "intake-clerk")
    assert isinstance(released, MessageReleased)
    assert (released.actor, released.outcome) == ("intake-clerk", "case")
    assert received == RECEIVED.model_copy(update={"arrived_at": WEDNESDAY})


@pytest.mark.parametrize("outcome", ["waiting", "new", "attached", "refused"])
def test_what_is_not_in_quarantine_can_be_neither_released_nor_refused(outcome: str) -> None:
    with pytest.raises(NotInQuarantine, match=outcome):
        release(held(outcome), QUARANTINED, "intake-clerk")
    with pytest.raises(NotInQuarantine, match=outcome):
        refuse(held(outcome), "intake-clerk", "advertising", None)


@pytest.mark.parametrize("outcome", ["quarantined", "refused", "delivery", "new", "attached", "unverified"])
def test_only_what_waits_is_due_settled_or_sent_again(outcome: str) -> None:
    state = held(outcome)
    assert KIND.due(state) is None
    assert settle(state, "new", "case_1", "REF") == ()
    assert send_again(state, WEDNESDAY, RECEIVED) == ()


@in_a_loop
async def test_a_released_message_has_the_whole_time_to_be_settled_however_long_it_was_held(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path, [KIND.collection])
    await store.open()
    clock = SimulatedClock(WEDNESDAY)
    kept = Aggregates(KIND, store, clock)
    await kept.answer("msg_1", "in", lambda *_: (QUARANTINED,))
    assert await store.next_due(KIND.collection) is None
    clock.advance_to(WEDNESDAY + timedelta(days=3))
    answer = await kept.answer("msg_1", "go", lambda state, _: release(state, QUARANTINED, "intake-clerk"))
    assert [record.sequence for record in answer.records] == [2, 3]
    assert await store.next_due(KIND.collection) == clock.now() + QUARTER

    def again(state: Message | None, _: object) -> tuple[Event, ...]:
        return tuple(send_again(state, clock.now(), RECEIVED))

    clock.advance_to(clock.now() + QUARTER)
    (record,) = (await kept.answer("msg_1", "due", again)).records
    assert isinstance(record.data, MessageSentAgain)
    assert record.data.after_seconds == 3 * 86_400 + 900  # from when it came, as its promise runs
    assert await store.next_due(KIND.collection) == clock.now() + QUARTER
    await store.close()
