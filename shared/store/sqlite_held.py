"""What is held back in the embedded store: rows that refer to the event table."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

from shared.events import Record
from shared.store import StoreError

Submit = Callable[..., asyncio.Future[Any]]


class SqliteHeldBack:
    """The HeldBack port. An event is held by its position, which is where it arrived."""

    def __init__(self, reader: sqlite3.Connection, submit: Submit) -> None:
        self._reader = reader
        self._submit = submit

    async def hold(self, group: str, record: Record, reason: str, *, anew: bool = False) -> None:
        insert = "INSERT OR REPLACE" if anew else "INSERT OR IGNORE"
        position = self._position(record.id)
        if position is None:
            raise StoreError(f"{record.id} can't be held back: the store has no such event")
        await self._submit(f"{insert} INTO held VALUES (?, ?, ?, ?)", group, record.key, position, reason)

    def _position(self, record_id: str) -> int | None:
        subject, _, sequence = record_id.rpartition("/")
        row = self._reader.execute(
            "SELECT position FROM events WHERE subject = ? AND sequence = ?", (subject, int(sequence))
        ).fetchone()
        return row and int(row[0])

    async def held(self, group: str, key: str) -> list[tuple[Record, str]]:
        rows = self._reader.execute(
            "SELECT topic, value, reason FROM held h JOIN events e ON e.position = h.position"
            " WHERE name = ? AND key = ? ORDER BY h.position",
            (group, key),
        ).fetchall()
        return [(Record.read(topic, value), reason) for topic, value, reason in rows]

    async def release(self, group: str, key: str, record_id: str) -> None:
        await self._submit(
            "DELETE FROM held WHERE name = ? AND key = ? AND position = ?",
            *(group, key, self._position(record_id)),
        )

    async def held_keys(self, group: str) -> list[tuple[str, int, str, Record]]:
        rows = self._reader.execute(
            "SELECT key, count(*), min(h.position), reason, topic, value FROM held h"
            " JOIN events e ON e.position = h.position WHERE name = ? GROUP BY key ORDER BY 3",
            (group,),
        ).fetchall()
        return [(row[0], row[1], row[3], Record.read(row[4], row[5])) for row in rows]
