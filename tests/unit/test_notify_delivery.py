"""A delivery as a state machine: who may try, when, how often, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.notify import delivery as core
from services.notify.delivery import ATTEMPT, BACKOFF, MOST_AT_ONCE, MOST_ATTEMPTS, Delivery, evolve
from shared.events import Event, emit
from shared.events.deliveries import (
    DeliveryAttempted,
    DeliveryBounced,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryQueued,
    DeliverySent,
)

NOW = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
WHAT = DeliveryQueued(
    case="case_a",
    ref="R",
    about="case_a/1",
    template="acknowledgement",
    channel="email",
    party="sender",
    language="en",
)


def after(state: Delivery | None, events: Sequence[Event], now: datetime = NOW) -> Delivery:
    for event in events:
        record = emit(
            event, source="/n", subject="dlv_a", sequence=1, time=now, causation="c", key="k", nonce=bytes(16)
        )
        state = evolve(state, event, record)
    assert state is not None
    return state


def queued() -> Delivery:
    return after(None, core.queue(WHAT, None, NOW))


def test_the_first_attempt_and_its_deadline_are_recorded_with_the_queueing() -> None:
    state = queued()
    assert (state.status, state.attempt, state.wait_until) == ("sending", 1, NOW + ATTEMPT)
    assert core.queue(WHAT, state, NOW) == []


def test_nobody_tries_before_the_deadline_of_an_attempt_under_way() -> None:
    state = queued()
    assert core.attempt(state, NOW + ATTEMPT - timedelta(milliseconds=1)) == []
    (again,) = core.attempt(state, NOW + ATTEMPT)
    assert again == DeliveryAttempted(attempt=2, deadline=NOW + 2 * ATTEMPT, after="deadline")


def test_what_ended_with_its_process_is_tried_again_at_once_and_says_so() -> None:
    deadline = NOW + ATTEMPT
    (again,) = core.attempt_cut_off(deadline, queued(), NOW)
    assert again == DeliveryAttempted(attempt=2, deadline=deadline, after="restart")


def test_an_attempt_begun_since_the_restart_is_not_taken_for_one_that_was_cut_off() -> None:
    begun_since = after(queued(), core.attempt(queued(), NOW + ATTEMPT))
    assert core.attempt_cut_off(NOW + ATTEMPT, begun_since, NOW + ATTEMPT) == []
    waiting = after(queued(), core.defer(1, "smtp-451", queued(), NOW))
    assert waiting.wait_until is not None
    assert core.attempt_cut_off(waiting.wait_until, waiting, NOW) == []
    sent = after(queued(), core.sent(1, queued()))
    assert core.attempt_cut_off(NOW + ATTEMPT, sent, NOW) == core.attempt_cut_off(NOW, None, NOW) == []


def test_a_mail_that_brings_the_process_down_again_and_again_is_not_tried_without_a_pause() -> None:
    state, at_once = queued(), 0
    while events := core.attempt_cut_off(NOW + ATTEMPT, state, NOW):
        state, at_once = after(state, events), at_once + 1
    assert (state.status, state.attempt, at_once) == ("sending", MOST_AT_ONCE, MOST_AT_ONCE - 1)
    assert state.wait_until == NOW + ATTEMPT


def test_nobody_tries_before_a_pause_is_over() -> None:
    (deferred,) = core.defer(1, "smtp-451", queued(), NOW)
    assert deferred == DeliveryDeferred(attempt=1, reason="smtp-451", next_at=NOW + BACKOFF[0])
    state = after(queued(), [deferred])
    assert core.attempt(state, NOW) == []
    assert len(core.attempt(state, NOW + BACKOFF[0])) == 1


def test_pauses_grow_and_the_last_failure_gives_up() -> None:
    state, now, pauses = queued(), NOW, []
    while state.status != "failed":
        state = after(state, core.defer(state.attempt, "relay-unreachable", state, now), now)
        if state.status == "deferred":
            assert state.wait_until is not None
            pauses.append(state.wait_until - now)
            now = state.wait_until
            state = after(state, core.attempt(state, now), now)
    assert tuple(pauses) == BACKOFF == tuple(sorted(BACKOFF))
    assert (state.attempt, state.reason, state.wait_until) == (MOST_ATTEMPTS, "relay-unreachable", None)


def test_attempts_that_crash_every_time_are_given_up_too() -> None:
    state, now = queued(), NOW
    while state.wait_until is not None:
        now = state.wait_until
        state = after(state, core.attempt(state, now), now)
    assert (state.status, state.attempt, state.reason) == ("failed", MOST_ATTEMPTS, "no-outcome")


def test_a_mail_taken_after_its_deadline_counts_as_sent_and_an_old_failure_does_not_count() -> None:
    state = after(queued(), core.attempt(queued(), NOW + ATTEMPT))
    assert core.defer(1, "relay-timeout", state, NOW) == []
    assert core.give_up(1, "smtp-550", state) == []
    assert core.sent(1, state) == [DeliverySent(attempt=1, case="case_a")]


def test_what_was_sent_is_over_and_not_sent_again() -> None:
    state = after(queued(), core.sent(1, queued()))
    assert core.sent(1, state) == []
    assert core.attempt(state, NOW + timedelta(days=9)) == []


def test_a_permanent_bounce_ends_it_even_while_it_is_being_sent() -> None:
    (bounced,) = core.bounce("msg_a", True, queued())
    assert bounced == DeliveryBounced(message="msg_a", permanent=True, case="case_a")
    state = after(queued(), [bounced])
    assert (state.status, state.wait_until) == ("bounced", None)
    assert core.sent(1, state) == []
    assert core.bounce("msg_b", True, state) == []


def test_a_notice_of_delay_ends_nothing() -> None:
    state = after(queued(), core.bounce("msg_a", False, queued()))
    assert (state.status, state.wait_until) == ("sending", NOW + ATTEMPT)


def test_a_failure_for_good_says_for_which_case_a_person_must_find_another_way() -> None:
    assert core.give_up(1, "bad-address", queued()) == [
        DeliveryFailed(attempt=1, reason="bad-address", case="case_a")
    ]


def test_what_must_wait_has_no_attempt_before_its_time_and_its_first_one_then() -> None:
    opening = NOW + timedelta(hours=17)
    held = after(None, core.queue(WHAT.model_copy(update={"not_before": opening}), None, NOW))
    assert (held.status, held.attempt, held.wait_until, held.written_at) == ("held", 0, opening, opening)
    assert core.attempt(held, opening - timedelta(seconds=1)) == []
    assert core.attempt_cut_off(opening, held, NOW) == []
    (first,) = core.attempt(held, opening)
    assert first == DeliveryAttempted(attempt=1, deadline=opening + ATTEMPT)
    state = after(held, [first], opening)
    assert (state.status, state.written_at) == ("sending", opening)
    assert core.sent(1, state) == [DeliverySent(attempt=1, case="case_a")]


def test_what_had_to_wait_and_is_queued_after_its_time_is_tried_at_once() -> None:
    (what,) = core.queue(WHAT.model_copy(update={"not_before": NOW}), None, NOW)
    state = after(None, [what])
    assert (state.status, state.attempt, state.wait_until) == ("sending", 1, NOW + ATTEMPT)


def test_what_does_not_exist_is_left_alone() -> None:
    assert core.attempt(None, NOW) == core.sent(1, None) == core.bounce("m", True, None) == []
    assert core.auto_reply("m", "auto-reply", None) == core.defer(1, "r", None, NOW) == []
