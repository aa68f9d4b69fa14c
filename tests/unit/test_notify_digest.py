"""A digest: what it gathers, when it is closed, what is left of it; nothing is lost, and nothing said twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from services.notify import digest as core
from services.notify.course import course
from services.notify.digest import GATHERS, KIND, MOST_ITEMS, Digest, evolve, left
from shared.events import Event, Record, emit
from shared.events.cases import (
    CaseAccepted,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseReopened,
    Ended,
    Started,
)
from shared.events.content import ContentRef
from shared.events.deliveries import DigestClosed, DigestHandedOver, DigestItem, DigestNoted

EVENING = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
OPENING = datetime(2026, 10, 1, 1, 0, tzinfo=UTC)
LIST = ContentRef(ref="c_1", commitment="00", size=2)
WORDS = ContentRef(ref="c_2", commitment="00", size=2)


def item(
    obligation: str | None = "accept-1", what: str = "remind", due: datetime | None = OPENING
) -> DigestItem:
    return DigestItem(
        case="case_a", ref="R", what=what, obligation=obligation, kind="accept", owner="housing", due=due
    )


def noted(*items: DigestItem) -> DigestNoted:
    return DigestNoted(person="officer", at=OPENING, about="case_a/2", items=items)


def after(state: Digest | None, events: Sequence[Event], now: datetime = EVENING) -> Digest:
    for number, event in enumerate(events, 1):
        state = evolve(state, event, written(event, number, now, "dgst_a"))
    assert state is not None
    return state


def written(event: Event, number: int, now: datetime, subject: str = "case_a") -> Record:
    return emit(
        event,
        source="/n",
        subject=subject,
        sequence=number,
        time=now,
        causation="c",
        key="k",
        nonce=bytes(16),
    )


def gathered(*items: DigestItem, now: datetime = EVENING) -> Digest:
    return after(None, core.note(noted(*items), None), now)


def test_it_is_of_one_person_and_instant_and_due_then() -> None:
    assert core.id_of("officer", OPENING) == core.id_of("officer", OPENING.astimezone())
    assert core.id_of("officer", OPENING) != core.id_of("head", OPENING)
    state = gathered(item())
    assert (KIND.due(state), state.person) == (OPENING, "officer")


def test_it_gathers_until_it_is_closed_and_tells_who_comes_later_that_it_is_too_late() -> None:
    state = after(gathered(item()), core.note(noted(item("contact-2")), gathered(item())))
    assert [one.obligation for one in state.items] == ["accept-1", "contact-2"]
    state = after(state, core.close(state.items, 2, LIST, state, OPENING))
    assert core.note(noted(item("resolve-3")), state) == []
    assert state.closed is not None


def test_one_that_more_came_to_meanwhile_is_not_closed_on_what_was_seen_before() -> None:
    seen = gathered(item())
    state = after(seen, core.note(noted(item("contact-2")), seen))
    assert core.close(seen.items, 1, LIST, state, OPENING) == []


def test_nobody_closes_it_before_its_time() -> None:
    state = gathered(item())
    assert core.close(state.items, 1, LIST, state, OPENING - timedelta(seconds=1)) == []


def test_it_stays_due_until_its_mail_is_queued() -> None:
    state = gathered(item())
    state = after(state, core.close(state.items, 1, LIST, state, OPENING))
    assert KIND.due(state) == OPENING
    state = after(state, core.hand_over("dlv_1", state))
    assert KIND.due(state) is None
    assert core.hand_over("dlv_1", state) == []
    assert core.close(state.items, 1, LIST, state, OPENING) == []


def test_one_of_which_nothing_is_left_ends_without_a_mail_and_says_so() -> None:
    state = gathered(item())
    (closed,) = core.close(state.items, 0, LIST, state, OPENING)
    assert closed == DigestClosed(told=0, left_out=1)
    state = after(state, [closed])
    assert (KIND.due(state), state.note) == (None, None)


def test_what_comes_first_after_its_instant_waits_a_little_for_the_rest() -> None:
    state = gathered(item(), now=OPENING + timedelta(hours=1))
    assert KIND.due(state) == OPENING + timedelta(hours=1) + GATHERS


def test_it_grows_no_longer_than_anybody_reads() -> None:
    state = gathered(*(item(f"accept-{number}") for number in range(MOST_ITEMS - 1)))
    (last,) = core.note(noted(item("contact-1"), item("contact-2")), state)
    assert isinstance(last, DigestNoted)
    assert [one.obligation for one in last.items] == ["contact-1"]
    state = after(state, [last])
    assert core.note(noted(item("resolve-3")), state) == []


def test_each_event_of_it_fits_an_event() -> None:
    owed = item().model_copy(update={"case": "case_" + "0" * 32, "owner": "o" * 60, "ref": "AAAA-BBBB-C"})
    for event in (
        noted(*[owed] * 40),
        DigestClosed(told=1, left_out=2, note=LIST),
        DigestHandedOver(delivery="d"),
    ):
        written(event, 1, EVENING)


def owed(id: str, due: datetime = OPENING, owner: str = "housing") -> Started:
    kind: Literal["accept", "contact"] = "accept" if id.startswith("accept") else "contact"
    return Started(id=id, kind=kind, owner=owner, since=EVENING, due=due, limit="4wh")


def opened(*starts: Started) -> CaseOpened:
    return CaseOpened(
        ref="R",
        kind="problem",
        message="msg_a",
        channel="web",
        words=WORDS,
        thread="t",
        language="en",
        can_mail=False,
        arrived_at=EVENING,
        starts=starts,
    )


def still(items: Sequence[DigestItem], *events: CaseEvent) -> list[DigestItem]:
    history = [written(event, number, EVENING) for number, event in enumerate(events, 1)]
    return left(items, {"case_a": course(history)})


def test_what_is_owed_still_is_left_and_what_is_due_first_stands_first() -> None:
    later = OPENING + timedelta(hours=5)
    items = [item("contact-2", due=later), item(), item(None, "assist_given", None)]
    found = still(items, opened(owed("accept-1"), owed("contact-2", later)))
    assert [one.obligation for one in found] == ["accept-1", "contact-2", None]


def test_what_was_done_meanwhile_is_left_out() -> None:
    begun = opened(owed("accept-1"), owed("contact-2"))
    met = CaseAccepted(ends=[Ended(id="accept-1", how="met")])
    assert [one.obligation for one in still([item(), item("contact-2")], begun, met)] == ["contact-2"]


def test_nothing_of_a_closed_case_is_left_but_of_one_that_was_opened_again() -> None:
    begun, over = opened(owed("accept-1")), CaseClosed(outcome="withdrawn")
    news = item(None, "assist_given", None)
    assert still([item(), news], begun, over) == []
    assert still([news], begun, over, CaseReopened(reason="by_hand")) == [news]


def test_what_goes_on_with_another_end_is_told_with_that_end() -> None:
    later = OPENING + timedelta(days=5)
    moved = CaseAccepted(ends=[Ended(id="accept-1", how="moved")], starts=[owed("accept-3", later)])
    (found,) = still([item()], opened(owed("accept-1")), moved)
    assert (found.obligation, found.due) == ("accept-3", later)


def test_what_stands_still_is_left_out() -> None:
    paused = CaseAccepted(ends=[Ended(id="accept-1", how="paused")])
    assert still([item()], opened(owed("accept-1")), paused) == []


def test_of_one_obligation_the_last_reminder_is_told_or_else_how_it_began() -> None:
    begun = opened(owed("accept-1"))
    assert [one.what for one in still([item(), item(what="warn")], begun)] == ["warn"]
    assert [one.what for one in still([item(what="assigned"), item(what="warn")], begun)] == ["assigned"]


def test_what_nothing_is_known_of_is_told() -> None:
    assert left([item()], {}) == [item()]
