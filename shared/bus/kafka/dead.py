"""References to what could not be answered, on `<topic>.dead`: which event, of which group, and no content."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.bus.kafka.sender import KafkaSender
from shared.bus.kafka.topics import DEAD, Cluster
from shared.bus.publisher import NotSent
from shared.events import Record, canonical

AGAIN_SECONDS = 0.5


class DeadLetters:
    """Where a group writes what it could not answer. Each call returns once it stands there."""

    def __init__(self, cluster: Cluster, sender: KafkaSender) -> None:
        self._cluster = cluster
        self._sender = sender

    async def poison(self, group: str, record: Record, error: Exception) -> None:
        """An event that a group held back. What went wrong is named, not told: an error's words may be a person's."""
        await self._write(
            record.topic,
            record.key,
            {"event": record.id, "type": record.type, "group": group, "error": type(error).__name__},
        )

    async def foreign(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Bytes that are no event, where they stand."""
        where = {"topic": topic, "partition": partition, "offset": offset}
        await self._write(topic, f"{topic}/{partition}", {**where, "group": group, "error": "no event"})

    async def _write(self, topic: str, key: str, reference: dict[str, Any]) -> None:
        while True:
            try:
                await self._sender.send_values(self._cluster.named(topic + DEAD), key, [canonical(reference)])
            except NotSent:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return
