"""What happened → who must be told. Each delivery's id follows from the event, the template and the party."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import structlog

from services.notify import delivery as core
from services.notify.courier import Courier
from services.notify.delivery import Delivery
from services.notify.rendering import known_language
from shared import ids, metrics
from shared.aggregate import Aggregates, NothingThere
from shared.events import Event, Record
from shared.events.cases import (
    CaseAlarmed,
    CaseAnswered,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    Notice,
    SenderAsked,
)
from shared.events.deliveries import AlarmedRung, DeliveryQueued
from shared.events.messages import DeliveryAnswered
from shared.organisation import Organisation
from shared.store import Store

log = structlog.get_logger()


class Handlers:
    """Answers the events of cases and messages, and the timer of deliveries."""

    def __init__(
        self, deliveries: Aggregates[Delivery], courier: Courier, store: Store, organisation: Organisation
    ) -> None:
        self._deliveries = deliveries
        self._courier = courier
        self._store = store
        self._organisation = organisation

    async def on_opened(self, record: Record) -> None:
        """Acknowledge: the sender learns the ref, the way to follow it, and what is promised."""
        opened = record.data
        assert isinstance(opened, CaseOpened)
        if opened.can_mail and opened.acknowledge:
            await self._queue(record, _to_sender(record, opened, "acknowledgement"))

    async def on_answered(self, record: Record) -> None:
        """Bring the answer; after the last one, ask whether it helped, and say what silence leads to."""
        answered = record.data
        assert isinstance(answered, CaseAnswered)
        closes_at = next((one.due for one in answered.starts if one.kind == "silence"), None)
        await self._tell_sender(
            record, "answer", note=answered.words, final=answered.final, closes_at=closes_at
        )

    async def on_closed(self, record: Record) -> None:
        """Say that a case is not taken on, and why. The other ends follow an answer that said what comes."""
        closed = record.data
        assert isinstance(closed, CaseClosed)
        if closed.outcome == "declined":
            await self._tell_sender(record, "declined", note=closed.words, declined=closed.reason)

    async def on_asked(self, record: Record) -> None:
        """Bring the question."""
        asked = record.data
        assert isinstance(asked, SenderAsked)
        await self._tell_sender(record, "question", note=asked.words)

    async def on_alarmed(self, record: Record) -> None:
        """Remind officers, tell leaders: one mail for each person."""
        alarmed = record.data
        assert isinstance(alarmed, CaseAlarmed)
        if not alarmed.notices:
            return
        history = await self._store.history(record.subject)
        opened = _opening(history)
        since = {
            started.id: started.since
            for earlier in history
            if isinstance(earlier.data, CaseEvent)
            for started in earlier.data.starts
        }
        await asyncio.gather(
            *(
                self._queue(record, self._notice(record, opened, alarmed, notice, since))
                for notice in alarmed.notices
            )
        )

    async def on_delivery_answered(self, record: Record) -> None:
        """A bounce or an automatic reply belongs to the delivery it answers, and is never answered itself."""
        answered = record.data
        assert isinstance(answered, DeliveryAnswered)
        automatic = answered.automatic
        if automatic.delivery is None:
            return
        message = record.subject

        def decide(state: Delivery | None, now: datetime) -> Sequence[Event]:
            if automatic.kind == "bounce":
                return core.bounce(message, automatic.permanent, state)
            return core.auto_reply(message, automatic.kind, state)

        try:
            answer = await self._deliveries.answer(automatic.delivery, record.id, decide)
        except NothingThere:
            log.warning("notify.no_such_delivery", delivery=automatic.delivery, message=message)
            return
        if answer.records and answer.state.status == "bounced":
            metrics.DELIVERIES.labels("bounced").inc()

    async def on_due(self, id: str, at: datetime) -> None:
        """An attempt's deadline passed without an outcome, or a pause is over: try again."""
        if self._courier.full:
            return  # it stays due; blocking here would hold up everybody's timers
        loaded = await self._deliveries.load(id)
        if loaded.state is None:
            return
        began = core.attempt_input(id, loaded.state.attempt + 1)
        answer = await self._deliveries.answer(id, began, core.attempt)
        if answer.state.status == "failed" and answer.records:
            metrics.DELIVERIES.labels("failed").inc()
        elif answer.records:
            await self._courier.take(id, answer.state)

    async def _tell_sender(
        self, record: Record, template: Literal["answer", "question", "declined"], **facts: Any
    ) -> None:
        opened = _opening(await self._store.history(record.subject))
        if opened.can_mail:
            await self._queue(record, _to_sender(record, opened, template).model_copy(update=facts))

    def _notice(
        self,
        record: Record,
        opened: CaseOpened,
        alarmed: CaseAlarmed,
        notice: Notice,
        since: dict[str, datetime],
    ) -> DeliveryQueued:
        person = self._organisation.person.get(notice.person)
        rungs = [alarmed.rungs[index] for index in notice.rungs]
        return DeliveryQueued(
            case=record.subject,
            ref=opened.ref,
            about=record.id,
            template="alarm",
            channel="email",
            party=notice.person,
            language=person.language if person else known_language(opened.language),
            rungs=[
                AlarmedRung(
                    obligation=rung.obligation,
                    kind=rung.kind,
                    owner=rung.owner,
                    action=rung.action,
                    rung=rung.rung,
                    since=since.get(rung.obligation, opened.arrived_at),
                    due=rung.due,
                )
                for rung in rungs
            ],
        )

    async def _queue(self, record: Record, what: DeliveryQueued) -> None:
        """Record the delivery with its first attempt; hand it to the courier once that is durable."""
        id = ids.derived("dlv", what.about, what.template, what.party)

        def decide(state: Delivery | None, now: datetime) -> Sequence[Event]:
            return core.queue(what, state, now)

        answer = await self._deliveries.answer(id, record.id, decide, fresh=True)
        if (
            answer.records
        ):  # otherwise it was queued before: whatever became of that attempt, the timer looks after it
            await self._courier.take(id, answer.state)


def _opening(history: Sequence[Record]) -> CaseOpened:
    return next(record.data for record in history if isinstance(record.data, CaseOpened))


def _to_sender(
    record: Record,
    opened: CaseOpened,
    template: Literal["acknowledgement", "answer", "question", "declined"],
) -> DeliveryQueued:
    return DeliveryQueued(
        case=record.subject,
        ref=opened.ref,
        about=record.id,
        template=template,
        channel="email",
        party="sender",
        language=known_language(opened.language),
        message=opened.message,
        words=opened.words,
        promise=opened.promise if template == "acknowledgement" else None,
    )
