"""Blocked channels: what must be seen of each sort, and what is only like it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from services.audit.checks.blocked_channel import BlockedChannel
from services.audit.checks.check import Doubt, Noted
from services.audit.checks.running import Fold
from shared.events import Event, emit
from shared.events.cases import CaseAccepted, CaseAssigned
from shared.events.content import ContentRef
from shared.events.deliveries import DeliveryDeferred, DeliverySent
from shared.events.messages import MessageQuarantined, MessageReceived, MessageSentAgain
from shared.events.obligations import Ended, Started
from shared.events.trail import TrailTicked
from tests.unit.checked_cases import figures

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
CONTENT = ContentRef(ref="c", commitment="00" * 32, size=100)
Said = tuple[datetime, Event, str]


def entries(*told: Iterable[Said]) -> list[Noted]:
    """What was said, in order of time, as entries."""
    sequences: dict[str, int] = {}
    found: list[Noted] = []
    for at, event, subject in sorted((one for some in told for one in some), key=lambda one: one[0]):
        sequences[subject] = sequences.get(subject, 0) + 1
        record = emit(
            event,
            source="/made-up",
            subject=subject,
            sequence=sequences[subject],
            time=at,
            causation="made-up",
            key=subject,
            nonce=bytes(16),
        )
        found.append(Noted(len(found), record))
    return found


def seen(*told: Iterable[Said]) -> list[Doubt]:
    """What the check sees, though what it remembers is kept and read back at every entry."""
    check, kept, found = BlockedChannel(), None, []
    for noted in entries(*told):
        fold = Fold(check, check.parameters(), kept)
        found += fold.take(noted)
        kept = fold.kept()
    return found


def ticks(until: timedelta) -> Iterator[Said]:
    for number in range(int(until / (6 * HOUR))):
        at = MONDAY + number * 6 * HOUR
        yield at, TrailTicked(), f"tick-{number}"


def received(endpoint: str) -> MessageReceived:
    return MessageReceived(channel="email", endpoint=endpoint, words=CONTENT, thread="t")


def comes(
    endpoint: str, begin: timedelta, end: timedelta, *, every: timedelta = 6 * HOUR, kept_back: bool = False
) -> Iterator[Said]:
    """A message every so often."""
    event: Event = received(endpoint)
    if kept_back:
        event = MessageQuarantined(
            channel="email", endpoint=endpoint, reason="unreadable", raw=CONTENT, thread="t"
        )
    for number in range(int((end - begin) / every)):
        at = MONDAY + begin + number * every
        yield at, event, f"{endpoint}-{at.isoformat()}"


def test_an_endpoint_that_is_silent_while_others_go_on_is_seen_once() -> None:
    mail, web = comes("mail", 0 * DAY, 4 * WEEK), comes("web", 0 * DAY, 6 * WEEK)
    (doubt,) = seen(mail, web, ticks(6 * WEEK))
    assert doubt.key.startswith("silent/mail/mail-")
    assert 15 <= figures(doubt)["missing"] <= 16
    assert doubt.since < MONDAY + 4 * WEEK + 5 * DAY


def test_it_is_seen_again_when_it_falls_silent_again() -> None:
    first, again = comes("mail", 0 * DAY, 4 * WEEK), comes("mail", 5 * WEEK, 7 * WEEK)
    doubts = seen(first, again, comes("web", 0 * DAY, 9 * WEEK), ticks(9 * WEEK))
    assert len({doubt.key for doubt in doubts}) == len(doubts) == 2


def test_quiet_nights_and_holidays_of_the_whole_house_and_short_acquaintance_are_no_silence() -> None:
    def by_day(endpoint: str, weeks: Iterable[int]) -> Iterator[Said]:
        for week in weeks:
            for day in range(5):
                begin = week * WEEK + day * DAY + 8 * HOUR
                yield from comes(endpoint, begin, begin + 4 * HOUR, every=HOUR)

    working = by_day("mail", range(6))
    assert seen(working, ticks(6 * WEEK)) == []
    holiday = [by_day(endpoint, (0, 1, 2, 3, 5)) for endpoint in ("mail", "web", "counter")]
    assert seen(*holiday, ticks(6 * WEEK)) == []
    new = comes("mail", 0 * DAY, 2 * WEEK)
    assert seen(new, comes("web", 0 * DAY, 4 * WEEK), ticks(4 * WEEK)) == []


def test_an_endpoint_that_turns_away_what_came_through_before_is_seen() -> None:
    (doubt,) = seen(
        comes("mail", 0 * DAY, 4 * WEEK), comes("mail", 4 * WEEK, 6 * WEEK, kept_back=True), ticks(6 * WEEK)
    )
    assert doubt.key.startswith("turned_away/mail/")
    assert figures(doubt) == {"turned_away": 6000, "usual": 0}


def test_what_is_turned_away_on_top_of_the_usual_or_as_ever_is_not() -> None:
    wave = comes("mail", 4 * WEEK, 4 * WEEK + 2 * DAY, every=HOUR, kept_back=True)
    assert seen(comes("mail", 0 * DAY, 6 * WEEK), wave, ticks(6 * WEEK)) == []
    trap = comes("mail", HOUR, 6 * WEEK, every=2 * HOUR, kept_back=True)
    assert seen(comes("mail", 0 * DAY, 6 * WEEK), trap, ticks(6 * WEEK)) == []


def mails(begin: timedelta, count: int, *, put_off: int) -> Iterator[Said]:
    """So many attempts, an hour apart; of each ten so many are put off."""
    for number in range(count):
        at = MONDAY + begin + number * HOUR
        event: Event = DeliverySent(attempt=1, case="case")
        if number % 10 < put_off:
            event = DeliveryDeferred(attempt=1, reason="451", next_at=at + HOUR)
        yield at, event, f"delivery-{at.isoformat()}"


def test_mail_that_keeps_being_put_off_is_seen_and_a_few_that_always_are_is_not() -> None:
    (doubt,) = seen(mails(0 * DAY, 100, put_off=2), mails(WEEK, 40, put_off=10))
    assert doubt.key.startswith("undelivered/")
    assert seen(mails(0 * DAY, 300, put_off=3)) == []


def test_messages_that_nobody_settles_are_seen_where_they_are_several_at_a_time() -> None:
    def again(apart: timedelta) -> list[Said]:
        message = MessageSentAgain(message=received("mail"), after_seconds=900)
        return [(MONDAY + number * apart, message, f"message-{number}") for number in range(5)]

    (doubt,) = seen(again(timedelta(minutes=10)))
    assert len(doubt.evidence) == figures(doubt)["unsettled"] == 3
    assert seen(again(2 * HOUR)) == []


def assigned(number: int, *, accepted: timedelta | None = None, deemed: bool = False) -> Iterator[Said]:
    """A case a day for housing, to be accepted within a day."""
    at = MONDAY + number * DAY
    start = Started(id="accept", kind="accept", owner="housing", since=at, due=at + DAY, limit="1d")
    yield at, CaseAssigned(department="housing", by="rule", starts=[start]), f"case-{number}"
    if accepted is not None:
        ends = [Ended(id="accept", how="lapsed" if deemed else "met", late=accepted > DAY)]
        yield at + accepted, CaseAccepted(deemed=deemed, ends=ends), f"case-{number}"


def test_a_department_that_accepts_nothing_is_asked_in_the_case_that_showed_it() -> None:
    (doubt,) = seen(*(assigned(number) for number in range(9)), ticks(2 * WEEK))
    assert (doubt.department, doubt.case) == ("housing", "case-4")
    assert len(doubt.evidence) == figures(doubt)["not_accepted"] == 5
    by_itself = (assigned(number, accepted=DAY, deemed=True) for number in range(9))
    assert [one.case for one in seen(*by_itself)] == ["case-4"]


def test_a_department_that_is_late_with_all_of_them_but_accepts_them_is_not() -> None:
    assert seen(*(assigned(number, accepted=3 * DAY) for number in range(20)), ticks(4 * WEEK)) == []
