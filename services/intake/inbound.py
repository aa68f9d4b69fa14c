"""The way in from Kafka: what front-ends post there becomes messages by the same door as everything else."""

from __future__ import annotations

import structlog

from services.intake.channels import cloudevents
from services.intake.following import following
from services.intake.message import Message
from services.intake.receiving import Door
from shared.aggregate import Aggregates
from shared.bus import Posted
from shared.store import StoreError

log = structlog.get_logger()


class Inbound:
    """Takes one after the other. Returns once it is durable: as a message, or in quarantine."""

    def __init__(self, door: Door, messages: Aggregates[Message]) -> None:
        self._door = door
        self._messages = messages

    async def take(self, posted: Posted) -> None:
        """Raises StoreError where nothing can be kept now: it is brought again."""
        came, in_reply_to = cloudevents.read(posted)
        try:
            await self._door.receive(await following(in_reply_to, came, self._door, self._messages))
        except StoreError:
            raise
        except Exception:  # readable, and yet no message: a person looks at it, and the rest goes on
            log.exception("intake.inbound_not_taken", where=posted.where)
            await self._door.receive(cloudevents.unreadable(posted))
