"""溝通渠道不暢: ways in and out that fail. And what looks like it: holidays, fading interest, spam, slow departments.

Houses are told hour by hour over months: a few endpoints of quite different traffic with days, nights and weekends,
departments that accept, mail that goes out. What would have come in an outage is drawn first and then lost, so it is
known how much an outage swallowed. One that swallowed little need not be seen, though it is so.

What the check gets wrong, and why. It takes a wave of advertising on a quiet day for people turned away, and an
endpoint that hardly anybody uses any more for a silent one. It does not see the outage of an endpoint by which little
comes before it is over, nor one within the first weeks, nor half of the mails lost.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.audit.checks.blocked_channel import BlockedChannel
from services.audit.checks.check import Noted
from services.audit.checks.running import as_they_are, run
from shared.events import Event, Record, emit
from shared.events.cases import CaseAccepted, CaseAssigned
from shared.events.content import ContentRef
from shared.events.deliveries import DeliveryBounced, DeliveryDeferred, DeliveryFailed, DeliverySent
from shared.events.messages import MessageQuarantined, MessageReceived, MessageRefused, MessageSentAgain
from shared.events.obligations import Ended, Started
from shared.events.trail import TrailTicked
from tests.backtests.lives import History, Truth
from tests.backtests.scoring import COUNTS, Score, compared, named

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
KNOWN = 5 * WEEK
"""Before that nothing goes wrong: nobody knows yet what is usual."""
CASES_OF_A_HOUSE = 1_000
LEAST = {"silent": 10, "turned away": 18, "undelivered": 30, "unsettled": 3, "not accepted": 5}
"""What swallowed fewer messages, mails or cases need not be seen."""
CONTENT = ContentRef(ref="c", commitment="00" * 32, size=100)


@dataclass(eq=False)
class Happening:
    """Something that happens to an aggregate."""

    time: datetime
    event: Event
    subject: str
    record: Record | None = None


@dataclass
class Span:
    """A time in which something is not as usual."""

    begin: datetime
    end: datetime
    what: str
    happenings: list[Happening] = field(default_factory=list)
    lost: int = 0

    def __contains__(self, instant: datetime) -> bool:
        return self.begin <= instant < self.end


@dataclass
class Endpoint:
    """A way in, with what of it is usually kept back."""

    name: str
    share: float
    refused: float
    spans: list[Span] = field(default_factory=list)
    fades: float = 0.0
    """How much of its traffic is gone at the end."""
    latest: Happening | None = None


class HouseTold:
    """One house over some months."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.span = rng.randint(14, 22) * WEEK
        self.until = BEGINNING + self.span
        self.happenings: list[Happening] = []
        self.night, self.weekend = rng.uniform(0.02, 0.3), rng.uniform(0.1, 0.9)
        self.endpoints = [
            Endpoint(f"way-{number}", rng.gammavariate(1.2, 1), rng.choice((0, 0.02, 0.1, 0.3, 0.7)))
            for number in range(rng.randint(2, 5))
        ]
        self.departments = [f"department-{number}" for number in range(rng.randint(3, 6))]
        self.holidays = [self._some(2, 9, "holiday") for _ in range(rng.randint(0, 2))]
        self.put_off, self.failed = rng.uniform(0, 0.3), rng.uniform(0, 0.06)
        self.relay: list[Span] = []
        self.stuck: list[Span] = []
        self.today = 1.0
        """How busy the day is, by chance."""
        self.dead: dict[str, list[Span]] = {one: [] for one in self.departments}
        self._draw_trouble()

    def _some(self, least: float, most: float, what: str) -> Span:
        begin = BEGINNING + KNOWN + (self.span - KNOWN - 10 * DAY) * self.rng.random()
        return Span(begin, begin + self.rng.uniform(least, most) * DAY, what)

    def _draw_trouble(self) -> None:
        rng = self.rng
        for endpoint in self.endpoints:
            roll = rng.random()
            if roll < 0.35:
                endpoint.spans = [self._some(1, 12, "silent")]
            elif roll < 0.6:
                endpoint.spans = [self._some(2, 10, "turned away")]
            elif roll < 0.7:
                endpoint.spans = [self._some(0.5, 3, "spam")]
            elif roll < 0.85:
                endpoint.fades = rng.uniform(0.3, 0.8)
        if rng.random() < 0.6:
            self.relay = [self._some(1, 6, "undelivered")]
        for spans in self.dead.values():
            if rng.random() < 0.3:
                spans.append(self._some(7, 25, "not accepted"))
            elif rng.random() < 0.3:
                spans.append(self._some(7, 25, "slow"))

    # What happens

    def tell(self) -> History:
        """Everything, in order, as entries; and what was so."""
        count = 0
        hours = int(self.span / HOUR)
        weights = [self._busy(BEGINNING + hour * HOUR) for hour in range(hours)]
        scale = CASES_OF_A_HOUSE / sum(weights) / sum(one.share for one in self.endpoints)
        for hour, weight in enumerate(weights):
            start = BEGINNING + hour * HOUR
            self.happenings.append(Happening(start, TrailTicked(), f"tick-{hour}"))
            for endpoint in self.endpoints:
                faded = 1 - endpoint.fades * hour / hours
                for _ in range(_poisson(self.rng, weight * scale * endpoint.share * faded)):
                    count += 1
                    self._message(endpoint, start + self.rng.random() * HOUR, count)
                self._spam(endpoint, start)
        self._hiccups()
        return self._history()

    def _busy(self, start: datetime) -> float:
        local = start + 8 * HOUR
        part = 1.0 if 8 <= local.hour < 20 else self.night
        part *= self.weekend if local.weekday() >= 5 else 1
        part *= 0.2 if any(start in one for one in self.holidays) else 1
        if local.hour == 0:
            self.today = self.rng.gammavariate(8, 1 / 8)
        return part * self.today

    def _message(self, endpoint: Endpoint, at: datetime, number: int) -> None:
        what = next((one for one in endpoint.spans if at in one), None)
        if what is not None and what.what == "silent":
            if what.lost == 0 and endpoint.latest is not None:
                what.happenings.append(endpoint.latest)
            what.lost += 1
            return
        subject = f"message-{number}"
        kept_back = self.rng.random() < endpoint.refused
        turned_away = what is not None and what.what == "turned away" and self.rng.random() < 0.95
        endpoint.latest = happening = Happening(
            at, _came(endpoint.name, kept_back=kept_back or turned_away, rng=self.rng), subject
        )
        self.happenings.append(happening)
        if turned_away and what is not None:
            what.lost += 1
            what.happenings.append(happening)
        if not (kept_back or turned_away):
            self._case(number, at)

    def _spam(self, endpoint: Endpoint, start: datetime) -> None:
        if not any(start in one and one.what == "spam" for one in endpoint.spans):
            return
        for number in range(_poisson(self.rng, 2 * endpoint.share)):
            spam = MessageRefused(channel="email", endpoint=endpoint.name, reason="advertising", raw=CONTENT)
            at = start + self.rng.random() * HOUR
            self.happenings.append(Happening(at, spam, f"spam-{endpoint.name}-{start.isoformat()}-{number}"))

    def _case(self, number: int, at: datetime) -> None:
        rng, case = self.rng, f"case-{number}"
        department = rng.choice(self.departments)
        at += timedelta(minutes=rng.uniform(1, 30))
        due = at + DAY
        start = Started(id="accept-1", kind="accept", owner=department, since=at, due=due, limit="1d")
        assigned = Happening(at, CaseAssigned(department=department, by="rule", starts=[start]), case)
        what = next((one for one in self.dead[department] if at in one), None)
        accepted = at + DAY * rng.betavariate(1.2, 4) * (1.5 if rng.random() < 0.06 else 1)
        if what is not None and what.what == "slow":
            accepted = due + rng.uniform(0.05, 0.6) * DAY if rng.random() < 0.85 else accepted
        elif what is not None:
            accepted = max(accepted, what.end + rng.random() * DAY)
            if due < min(what.end, self.until):
                what.lost += 1
                what.happenings.append(assigned)
        ends = [Ended(id="accept-1", how="met", late=accepted > due)]
        self.happenings += [assigned, Happening(accepted, CaseAccepted(actor="a", ends=ends), case)]
        for name, sent in (("told", at), ("answered", accepted + rng.uniform(0.1, 3) * DAY)):
            self._deliver(f"{name}-{number}", case, sent)

    def _deliver(self, delivery: str, case: str, at: datetime) -> None:
        rng = self.rng
        for attempt in range(1, 6):
            down = next((one for one in self.relay if at in one), None)
            put_off = rng.random() < (0.95 if down else self.put_off)
            event: Event = DeliverySent(attempt=attempt, case=case)
            if put_off:
                event = DeliveryDeferred(attempt=attempt, reason="451", next_at=at + HOUR)
            elif rng.random() < self.failed:
                event = DeliveryFailed(attempt=attempt, reason="550", case=case)
            happening = Happening(at, event, delivery)
            self.happenings.append(happening)
            if put_off and down is not None and at < self.until:
                down.lost += 1
                down.happenings.append(happening)
            if not put_off:
                if rng.random() < self.failed:
                    bounced = DeliveryBounced(message="m", permanent=rng.random() < 0.6, case=case)
                    self.happenings.append(Happening(at + HOUR, bounced, delivery))
                return
            at += HOUR * 3**attempt

    def _hiccups(self) -> None:
        """Messages that waited: one or two here and there, or many where nobody settles."""
        rng = self.rng
        received = [one for one in self.happenings if isinstance(one.event, MessageReceived)]
        self.stuck = [self._some(0.02, 0.04, "unsettled") for _ in range(rng.randint(0, 2))]
        for span in [*self.stuck, *(self._some(0.02, 0.04, "hiccup") for _ in range(3))]:
            many = span.what == "unsettled"
            for one in rng.sample(received, rng.randint(3, 12) if many else rng.randint(1, 2)):
                assert isinstance(one.event, MessageReceived)
                at = span.begin + (span.end - span.begin) * rng.random()
                again = MessageSentAgain(message=one.event, after_seconds=900)
                happening = Happening(at, again, one.subject)
                self.happenings.append(happening)
                if many:
                    span.lost += 1
                    span.happenings.append(happening)

    def _history(self) -> History:
        self.happenings.sort(key=lambda one: one.time)
        sequences: Counter[str] = Counter()
        for one in self.happenings:
            sequences[one.subject] += 1
            one.record = emit(
                one.event,
                source="/made-up",
                subject=one.subject,
                sequence=sequences[one.subject],
                time=one.time,
                causation="made-up",
                key=one.subject,
                nonce=bytes(16),
            )
        records = [one.record for one in self.happenings if one.record and one.time <= self.until]
        return History(records, self.until, self.truths())

    def truths(self, *, small: bool = False) -> list[Truth]:
        """What must be seen; or what is so, and so small that it need not be."""
        spans = [span for endpoint in self.endpoints for span in endpoint.spans if span.what != "spam"]
        spans += [*self.relay, *self.stuck]
        spans += [span for dead in self.dead.values() for span in dead if span.what != "slow"]
        return [
            Truth(
                "", frozenset(one.record.id for one in span.happenings if one.record), span.begin, span.what
            )
            for span in spans
            if span.lost and (span.lost < LEAST[span.what]) == small
        ]


def _came(endpoint: str, *, kept_back: bool, rng: Random) -> Event:
    if not kept_back:
        return MessageReceived(channel="email", endpoint=endpoint, words=CONTENT, thread="t")
    if rng.random() < 0.5:
        return MessageRefused(channel="email", endpoint=endpoint, reason="auto-reply", raw=CONTENT)
    return MessageQuarantined(
        channel="email", endpoint=endpoint, reason="unreadable", raw=CONTENT, thread="t"
    )


def _poisson(rng: Random, mean: float) -> int:
    count, left = 0, rng.random()
    limit = math.exp(-mean)
    while left > limit:
        count += 1
        left *= rng.random()
    return count


@pytest.mark.parametrize("count", COUNTS)
def test_ways_that_fail_are_mostly_seen_and_quiet_ones_mostly_not(count: int) -> None:
    whole = Score(BlockedChannel.name)
    for seed in range(max(4, count // CASES_OF_A_HOUSE)):
        _add(whole, HouseTold(2 * count + seed))
    print(f"\n{count} cases, {whole}")
    assert whole.truths >= 12
    assert whole.precision >= 0.8
    assert whole.recall >= 0.7


def _add(whole: Score, house: HouseTold) -> None:
    """One house more; what is seen wrongly counts by the sort of trouble that was seen."""
    told = house.tell()
    entries = [Noted(index, record) for index, record in enumerate(told.records)]
    doubts = [doubt for _, doubt in run(entries, as_they_are([BlockedChannel()]))]
    made = compared(whole.name, told, doubts)
    so = {event for one in [*told.truths, *house.truths(small=True)] for event in one.events}
    wrong = [doubt for doubt in doubts if not named(doubt) & so]
    whole.doubts, whole.right = whole.doubts + len(doubts), whole.right + len(doubts) - len(wrong)
    whole.truths, whole.seen = whole.truths + made.truths, whole.seen + made.seen
    whole.missed += made.missed
    whole.wrong += Counter(doubt.key.partition("/")[0] for doubt in wrong)
