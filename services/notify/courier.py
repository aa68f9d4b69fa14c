"""The sending queue: takes deliveries whose attempt is recorded, hands them over, records what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.notify import delivery as core
from services.notify.channels import Carrier, Outcome, Taken
from services.notify.delivery import Delivery
from shared import metrics
from shared.aggregate import Aggregates
from shared.clock import Clock
from shared.store import Store, StoreError

log = structlog.get_logger()

MOST_WAITING = 2048
"""Deliveries that wait in memory; whoever brings more waits."""
STOP_SECONDS = 10.0
"""How long a stop waits for the queue. What is left is tried by whoever runs next."""
MOST_TAKEN_OVER = 100_000
"""Attempts of an earlier process that are made again at once; more of them wait for their deadlines."""


@dataclass(frozen=True, slots=True)
class _CutOff:
    """What an earlier process had under way until `deadline`, if it has not been settled since."""

    id: str
    deadline: datetime


class Courier:
    """One worker a carrier; each takes what waits, up to its carrier's batch."""

    def __init__(self, deliveries: Aggregates[Delivery], carriers: Sequence[Carrier], clock: Clock) -> None:
        self._deliveries = deliveries
        self._carriers = carriers
        self._clock = clock
        self._queue: asyncio.Queue[Taken | _CutOff | None] = asyncio.Queue(MOST_WAITING)
        self._workers: list[asyncio.Task[None]] = []
        self._recording: set[asyncio.Task[None]] = set()
        self._cut_off: list[_CutOff] = []
        self._taking_over: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether whoever brings another delivery now would wait."""
        return self._queue.full()

    async def take(self, id: str, delivery: Delivery) -> None:
        """Take on a delivery whose attempt and deadline are durable; waits while there is no room."""
        await self._queue.put(Taken(id, delivery))

    async def take_over(self, store: Store) -> None:
        """Before anything is taken, where nobody else can be sending: what is under way was cut off.

        Its attempts are recorded when their turn comes, not here: who is cut off again and again while many wait would
        use up attempts that never opened a socket.
        """
        now = self._clock.now()
        due = await store.due(core.KIND.collection, now + core.ATTEMPT, MOST_TAKEN_OVER)
        self._cut_off = [_CutOff(one.id, one.due) for one in due if one.due is not None and one.due > now]

    async def start(self) -> None:
        self._workers = [asyncio.create_task(self._work(carrier)) for carrier in self._carriers]
        self._taking_over = asyncio.create_task(self._bring_cut_off())

    async def stop(self) -> None:
        if self._taking_over is not None:
            self._taking_over.cancel()
            await asyncio.wait([self._taking_over])
        if not self._workers:
            return
        try:
            await asyncio.wait_for(self._queue.join(), STOP_SECONDS)
        except TimeoutError:
            while not self._queue.empty():
                self._queue.get_nowait()
                self._queue.task_done()
        for _ in self._workers:
            await self._queue.put(None)
        await asyncio.gather(*self._workers, *self._recording)
        self._workers = []
        await asyncio.gather(*(carrier.close() for carrier in self._carriers))

    async def idle(self) -> None:
        if self._taking_over is not None:
            await asyncio.wait([self._taking_over])
        await self._queue.join()

    def ready(self) -> str | None:
        if not self._workers or any(worker.done() for worker in self._workers):
            return "nothing is sent: the sender does not run"
        return None

    async def _bring_cut_off(self) -> None:
        for one in self._cut_off:
            await self._queue.put(one)
        self._cut_off = []

    async def _work(self, carrier: Carrier) -> None:
        while (first := await self._queue.get()) is not None:
            waiting = [first]
            last = False
            while len(waiting) < carrier.batch and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    last = True
                    break
                waiting.append(following)
            try:
                await self._send(carrier, waiting)
            except Exception:
                log.exception("courier.failed", deliveries=len(waiting))
            if last:
                return

    async def _send(self, carrier: Carrier, waiting: Sequence[Taken | _CutOff]) -> None:
        """Each outcome is recorded while the next mails are handed over: a crash then leaves few that are repeated."""
        begun = [one if isinstance(one, Taken) else await self._begun(one) for one in waiting]
        taken = [one for one in begun if one is not None]
        left = len(waiting)
        try:
            handed = iter(taken)
            async for outcome in carrier.carry(taken):
                recording = asyncio.create_task(self._record(next(handed), outcome))
                self._recording.add(recording)
                recording.add_done_callback(self._recorded)
                left -= 1
        finally:
            for _ in range(left):
                self._queue.task_done()

    def _recorded(self, recording: asyncio.Task[None]) -> None:
        self._recording.discard(recording)
        self._queue.task_done()

    async def _begun(self, one: _CutOff) -> Taken | None:
        """A delivery whose attempt is durable; None where somebody else has begun it, or it is over."""
        state = (await self._deliveries.load(one.id)).state
        if state is None:
            return None
        try:
            answer = await self._deliveries.answer(
                one.id,
                core.attempt_input(one.id, state.attempt + 1),
                lambda state, now: core.attempt_cut_off(one.deadline, state, now),
            )
        except StoreError as error:  # the deadline that stands brings it again
            log.warning("courier.not_taken_over", delivery=one.id, error=str(error))
            return None
        return Taken(one.id, answer.state) if answer.records else None

    async def _record(self, one: Taken, outcome: Outcome) -> None:
        if outcome.what == "untouched":
            return
        number, reason = one.delivery.attempt, outcome.reason
        decide: core.Decide = {
            "sent": lambda state, now: core.sent(number, state),
            "deferred": lambda state, now: core.defer(number, reason, state, now),
            "failed": lambda state, now: core.give_up(number, reason, state),
        }[outcome.what]
        try:
            answer = await self._deliveries.answer(one.id, f"{one.id}#{number}", decide)
        except (
            StoreError
        ) as error:  # sent or not: it is tried again after the deadline, under the same Message-ID
            log.warning("courier.not_recorded", delivery=one.id, outcome=outcome.what, error=str(error))
            return
        if not answer.repeated:
            metrics.DELIVERIES.labels(answer.state.status).inc()
        if outcome.what != "sent":
            log.info("courier.not_sent", delivery=one.id, case_id=one.delivery.case, reason=reason)
