"""The sending queue: takes deliveries whose attempt is recorded, hands them over, records what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.notify import delivery as core
from services.notify.channels import Mail, Outcome, Sender
from services.notify.channels.email import Mails, Undeliverable
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
class _Waiting:
    id: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class _CutOff:
    """What an earlier process had under way until `deadline`, if it has not been settled since."""

    id: str
    deadline: datetime


class Courier:
    """One worker a sender; each takes what waits, up to its sender's batch."""

    def __init__(
        self, deliveries: Aggregates[Delivery], mails: Mails, senders: Sequence[Sender], clock: Clock
    ) -> None:
        self._deliveries = deliveries
        self._mails = mails
        self._senders = senders
        self._clock = clock
        self._queue: asyncio.Queue[_Waiting | _CutOff | None] = asyncio.Queue(MOST_WAITING)
        self._workers: list[asyncio.Task[None]] = []
        self._cut_off: list[_CutOff] = []
        self._taking_over: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether whoever brings another delivery now would wait."""
        return self._queue.full()

    async def take(self, id: str, delivery: Delivery) -> None:
        """Take on a delivery whose attempt and deadline are durable; waits while there is no room."""
        await self._queue.put(_Waiting(id, delivery))

    async def take_over(self, store: Store) -> None:
        """Before anything is taken, where nobody else can be sending: what is under way was cut off.

        Its attempts are recorded when their turn comes, not here: who is cut off again and again while many wait would
        use up attempts that never opened a socket.
        """
        now = self._clock.now()
        due = await store.due(core.KIND.collection, now + core.ATTEMPT, MOST_TAKEN_OVER)
        self._cut_off = [_CutOff(id, at) for id, at in due if at > now]

    async def start(self) -> None:
        self._workers = [asyncio.create_task(self._work(sender)) for sender in self._senders]
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
        await asyncio.gather(*self._workers)
        self._workers = []
        await asyncio.gather(*(sender.close() for sender in self._senders))

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

    async def _work(self, sender: Sender) -> None:
        while (first := await self._queue.get()) is not None:
            waiting = [first]
            last = False
            while len(waiting) < sender.batch and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    last = True
                    break
                waiting.append(following)
            try:
                await self._send(sender, waiting)
            except Exception:
                log.exception("courier.failed", deliveries=len(waiting))
            finally:
                for _ in waiting:
                    self._queue.task_done()
            if last:
                return

    async def _send(self, sender: Sender, taken: Sequence[_Waiting | _CutOff]) -> None:
        """Each outcome is recorded while the next mail is handed over: a crash then leaves few that are repeated."""
        made: list[tuple[_Waiting, Mail]] = []
        recording: list[asyncio.Task[None]] = []
        for one in await asyncio.gather(*(self._begun(one) for one in taken)):
            mail = None if one is None else await self._make(one)
            if one is None or mail is None:
                continue
            if isinstance(mail, Mail):
                made.append((one, mail))
            else:
                recording.append(asyncio.create_task(self._record(one, mail)))
        try:
            handed = iter(made)
            async for outcome in sender.send([mail for _, mail in made]):
                one, _ = next(handed)
                recording.append(asyncio.create_task(self._record(one, outcome)))
        finally:
            await asyncio.gather(*recording)

    async def _begun(self, one: _Waiting | _CutOff) -> _Waiting | None:
        """A delivery whose attempt is durable; None where somebody else has begun it, or it is over."""
        if isinstance(one, _Waiting):
            return one
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
        return _Waiting(one.id, answer.state) if answer.records else None

    async def _make(self, one: _Waiting) -> Mail | Outcome | None:
        """The mail, or why there is none; None where the attempt's time was up before its turn came."""
        deadline = one.delivery.wait_until
        if deadline is None or self._clock.now() >= deadline:
            return None
        try:
            return await self._mails.make(one.id, one.delivery)
        except Undeliverable as error:
            return Outcome("failed", str(error.args[0]))
        except Exception:
            log.exception("courier.not_made", delivery=one.id, case_id=one.delivery.case)
            return Outcome("deferred", "not-rendered")

    async def _record(self, one: _Waiting, outcome: Outcome) -> None:
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
