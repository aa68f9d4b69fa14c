"""What intake hears of its messages, and what it does when it hears nothing."""

from __future__ import annotations

from datetime import datetime

import structlog

from services.intake.message import Message, send_again, settle
from shared import metrics
from shared.aggregate import Aggregates
from shared.events import Record
from shared.events.cases import CaseOpened, MessageAttached
from shared.events.messages import MessageReceived
from shared.service import House

log = structlog.get_logger()


class Settling:
    """Settles what routing has made a case of; sends again what nobody settled."""

    def __init__(self, house: House, messages: Aggregates[Message]) -> None:
        self._house = house
        self._messages = messages

    async def on_case(self, record: Record) -> None:
        """A case was opened by a message, or took one on; a part that was split off later settles nothing."""
        event = record.data
        if isinstance(event, CaseOpened):
            if event.parent is not None:
                return
            outcome, ref = "new", event.ref
        else:
            assert isinstance(event, MessageAttached)
            outcome, ref = ("attached" if event.verified else "unverified"), event.ref
        await self._messages.answer(
            event.message, record.id, lambda state, _: settle(state, outcome, record.subject, ref)
        )

    async def on_due(self, message_id: str, due: datetime) -> None:
        """A message was not settled in time: an alarm, and the same once more."""
        first = next(
            one for one in await self._house.store.history(message_id) if one.type == MessageReceived.TYPE
        )
        received = first.data
        assert isinstance(received, MessageReceived)
        log.error("intake.unsettled", message_id=message_id, since=first.time.isoformat())
        metrics.UNSETTLED.inc()
        await self._messages.answer(
            message_id,
            f"{message_id}/due/{due.isoformat()}",
            lambda state, now: send_again(state, now, received),
        )
