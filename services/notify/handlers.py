"""What happened → who must be told. Each delivery's id follows from the event, the template and the party."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from services.notify import delivery as core
from services.notify import digest, to_senders
from services.notify.courier import Courier
from services.notify.course import Course, course, opening
from services.notify.delivery import Delivery
from services.notify.digest import Digest, DigestList
from services.notify.holding import Holding
from services.notify.to_people import People
from shared import ids, metrics
from shared.aggregate import Aggregates, NothingThere
from shared.content import seal_model
from shared.events import Event, Record
from shared.events.cases import CaseAnswered, CaseEvent, CaseOpened, Notice
from shared.events.deliveries import DeliveryQueued, DigestItem
from shared.events.messages import DeliveryAnswered
from shared.service import House

log = structlog.get_logger()


class Handlers:
    """Answers the events of cases and messages, and the timers of deliveries and digests."""

    def __init__(
        self,
        deliveries: Aggregates[Delivery],
        digests: Aggregates[Digest],
        courier: Courier,
        holding: Holding,
        house: House,
    ) -> None:
        self._deliveries = deliveries
        self._digests = digests
        self._courier = courier
        self._holding = holding
        self._store = house.store
        self._clock = house.clock
        self._people = People(house.organisation)

    async def on_opened(self, record: Record) -> None:
        """Acknowledge: the sender learns the ref, the way to follow it, and what is promised."""
        opened = record.data
        assert isinstance(opened, CaseOpened)
        if opened.can_mail and opened.acknowledge:
            await self._queue(to_senders.acknowledgement(record, opened))
        if opened.liaison is not None and (what := self._people.liaison(record, opened)) is not None:
            await self._queue(what)

    async def on_happened(self, record: Record) -> None:
        """Tell the sender what concerns them, and people in the house what they are to be told of."""
        event = record.data
        assert isinstance(event, CaseEvent)
        concerns_sender = to_senders.concerns_sender(event)
        if not event.notices and not concerns_sender:
            return
        history = await self._store.history(record.subject)
        if event.notices:
            stands = course(history, record.sequence)
            await asyncio.gather(*(self._tell(record, one, stands, history) for one in event.notices))
        if concerns_sender:
            await self._tell_sender(record, history)
        if isinstance(event, CaseAnswered):
            liaison = self._people.liaison(record, opening(history))
            if liaison is not None:
                await self._queue(liaison)

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
        """Its time has come, an attempt's deadline passed without an outcome, or a pause is over: try."""
        if self._courier.full or await self._holding.held():
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

    async def on_digest_due(self, id: str, at: datetime) -> None:
        """A digest's time has come: what is still to be told goes out as one mail, or none."""
        if self._courier.full:
            return
        state = (await self._digests.load(id)).state
        if state is None:
            return
        if state.closed is None:
            state = await self._close(id, state)
        if state.closed is None or state.note is None or state.delivery is not None:
            return
        delivery = await self._queue(self._people.digest(id, state.closed, state.person, state.note))
        await self._digests.answer(id, f"{id}/mail", lambda state, _: digest.hand_over(delivery, state))

    async def _tell(self, record: Record, notice: Notice, stands: Course, history: Sequence[Record]) -> None:
        """One person is told: in a digest, while there is one to come, else singly."""
        if notice.digest and notice.at is not None:
            id = digest.id_of(notice.person, notice.at)
            what = self._people.noted(record, notice, stands)
            answer = await self._digests.answer(id, record.id, lambda state, _: digest.note(what, state))
            if answer.records or answer.repeated or answer.state.closed is None:
                return
        await self._queue(self._people.told(record, notice, stands, history))

    async def _tell_sender(self, record: Record, history: Sequence[Record]) -> None:
        facts = to_senders.told(record, history)
        if facts is None:
            return
        told = [(record.subject, opening(history))]
        if facts["template"] in to_senders.FOR_ALL_WHO_JOINED:
            told += await self._joined(course(history, record.sequence), {record.subject})
        for case, opened in told:
            if opened.can_mail:
                await self._queue(to_senders.to_sender(record.id, case, opened, facts))

    async def _joined(self, stands: Course, known: set[str]) -> list[tuple[str, CaseOpened]]:
        """The cases that go on as one, those that were merged into them before included."""
        found = []
        for one in stands.joined:
            if one.case in known:
                continue
            known.add(one.case)
            history = await self._store.history(one.case)
            found.append((one.case, opening(history)))
            found += await self._joined(course(history), known)
        return found

    async def _close(self, id: str, state: Digest) -> Digest:
        """The digest once it is closed; as it stands where something was added meanwhile: the timer comes again."""
        left = await self._left(state.items)
        now = self._clock.now()
        full = len(state.items) >= digest.MOST_ITEMS
        sealed, note = seal_model(DigestList(at=now, items=left, may_be_more=full), owner=id, now=now)
        answer = await self._digests.answer(
            id,
            f"{id}/close",
            lambda now_, at: digest.close(state.items, len(left), note, now_, at),
            contents=(sealed,),
        )
        return answer.state

    async def _left(self, items: Sequence[DigestItem]) -> tuple[DigestItem, ...]:
        courses = {}
        for case in {item.case for item in items}:
            if history := await self._store.history(case):
                courses[case] = course(history)
        return tuple(digest.left(items, courses))

    async def _queue(self, what: DeliveryQueued) -> str:
        """Record the delivery, with its first attempt unless it must wait; the courier has it once that is durable."""
        id = delivery_id(what)
        held = await self._holding.held()

        def decide(state: Delivery | None, now: datetime) -> Sequence[Event]:
            return core.queue(what, state, now, held=held)

        answer = await self._deliveries.answer(id, what.about, decide, fresh=True)
        # Where it was queued before, whatever became of that attempt, the timer looks after it.
        if answer.records and answer.state.status == "sending":
            await self._courier.take(id, answer.state)
        return id


_NO_NOTICES = b'"notices":[]'
_HANDED_OVER = (b'"by":"coordinator"', b'"by":"transfer"')


def may_concern_somebody(record: Record) -> bool:
    """Whether anybody may have to be told that a case was assigned or queued: by the event's bytes, which takes a
    hundredth of reading it or of beginning to answer it."""
    return _NO_NOTICES not in record.value or any(by in record.value for by in _HANDED_OVER)


def delivery_id(what: DeliveryQueued) -> str:
    """Who is told what of which event; the sender of a case that was merged into the event's one is another party."""
    own = what.about.rpartition("/")[0] == what.case
    return ids.derived("dlv", what.about, what.template, what.party, *(() if own else (what.case,)))
