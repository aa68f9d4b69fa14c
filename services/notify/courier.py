"""The sending queue: takes deliveries whose attempt is recorded, hands them over, records what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.notify import delivery as core
from services.notify.channels import Mail, Outcome, Sender
from services.notify.channels.email import Mails, Undeliverable
from services.notify.delivery import Delivery
from shared import metrics
from shared.aggregate import Aggregates
from shared.clock import Clock
from shared.store import StoreError

log = structlog.get_logger()

MOST_WAITING = 2048
"""Deliveries that wait in memory; whoever brings more waits."""
STOP_SECONDS = 10.0
"""How long a stop waits for the queue. What is left is tried by whoever runs next, after its attempt's deadline."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: str
    delivery: Delivery


class Courier:
    """One worker a sender; each takes what waits, up to its sender's batch."""

    def __init__(
        self, deliveries: Aggregates[Delivery], mails: Mails, senders: Sequence[Sender], clock: Clock
    ) -> None:
        self._deliveries = deliveries
        self._mails = mails
        self._senders = senders
        self._clock = clock
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(MOST_WAITING)
        self._workers: list[asyncio.Task[None]] = []

    @property
    def full(self) -> bool:
        """Whether whoever brings another delivery now would wait."""
        return self._queue.full()

    async def take(self, id: str, delivery: Delivery) -> None:
        """Take on a delivery whose attempt and deadline are durable; waits while there is no room."""
        await self._queue.put(_Waiting(id, delivery))

    async def start(self) -> None:
        self._workers = [asyncio.create_task(self._work(sender)) for sender in self._senders]

    async def stop(self) -> None:
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
        await self._queue.join()

    def ready(self) -> str | None:
        if not self._workers or any(worker.done() for worker in self._workers):
            return "nothing is sent: the sender does not run"
        return None

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

    async def _send(self, sender: Sender, waiting: Sequence[_Waiting]) -> None:
        made: list[tuple[_Waiting, Mail]] = []
        outcomes: list[tuple[_Waiting, Outcome]] = []
        for one in waiting:
            mail = await self._make(one)
            if isinstance(mail, Mail):
                made.append((one, mail))
            elif mail is not None:
                outcomes.append((one, mail))
        if made:
            said = await sender.send([mail for _, mail in made])
            outcomes += [(one, outcome) for (one, _), outcome in zip(made, said, strict=True)]
        await asyncio.gather(*(self._record(one, outcome) for one, outcome in outcomes))

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
