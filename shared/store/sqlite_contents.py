"""Sealed content in the embedded store: boxes beside the documents, keys in a file of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from shared.store import rows
from shared.store.group_commit import GroupCommit

T = TypeVar("T")

_PAGE = 500
DATABASES = ("keys.db", "throughline.db")
_EMPTIED_WITHIN_SECONDS = 10


class SqliteContents:
    """Reads what steps brought, and sweeps keys."""

    def __init__(
        self,
        reader: sqlite3.Connection,
        key_reader: sqlite3.Connection,
        commits: GroupCommit,
        directory: Path,
    ) -> None:
        self._directory = directory
        self._reader = reader
        self._key_reader = key_reader
        self._commits = commits

    def sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        """A content's box and key, either of which may be gone."""
        box = self._reader.execute("SELECT box FROM contents WHERE ref = ?", (ref,)).fetchone()
        key = self._key_reader.execute("SELECT key FROM keys WHERE ref = ?", (ref,)).fetchone()
        return box and box[0], key and key[0]

    async def standing(self, refs: Sequence[str]) -> set[str]:
        """Those of them that a step brought."""
        found: set[str] = set()
        for some in _pages(refs):
            marks = ", ".join("?" * len(some))
            asked = self._reader.execute(f"SELECT ref FROM contents WHERE ref IN ({marks})", some)  # noqa: S608
            found.update(row[0] for row in asked)
            await asyncio.sleep(0)  # others are waiting for the loop
        return found

    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        """What is kept, by reference and owner, from just past `after` on."""
        asked = "SELECT ref, owner FROM contents WHERE ref > ? ORDER BY ref LIMIT ?"
        found = self._reader.execute(asked, (after, limit)).fetchall()
        await asyncio.sleep(0)
        return found

    async def erase(self, refs: Sequence[str]) -> bool:
        """Delete keys and boxes, then what the logs of both databases still hold of them.

        Answers whether the logs could be emptied: not while somebody reads an older state, as a backup does.
        """
        for some in _pages(refs):
            await self._commits.submit(_erase, some)
        return await asyncio.to_thread(self._empty_logs)

    def _empty_logs(self) -> bool:
        emptied = True
        for name in DATABASES:
            with closing(
                sqlite3.connect(self._directory / name, timeout=_EMPTIED_WITHIN_SECONDS)
            ) as connection:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                emptied = emptied and not busy
        return emptied

    async def sweep_keys(self, first: str, last: str) -> int:
        """Delete keys from `first` on and before `last` whose boxes never came; answers how many."""
        swept = 0
        while page := self._key_reader.execute(
            "SELECT ref FROM keys WHERE ref >= ? AND ref < ? ORDER BY ref LIMIT ?", (first, last, _PAGE)
        ).fetchall():
            refs = [row[0] for row in page]
            standing = await self.standing(refs)
            loose = [ref for ref in refs if ref not in standing]
            await self._commits.submit(_forget, loose)
            swept += len(loose)
            first = refs[-1] + "!"  # just past it
        return swept


def _forget(_: sqlite3.Connection, keys: sqlite3.Connection, asked: Sequence[Sequence[str]]) -> list[None]:
    for refs in asked:
        rows.write(keys, "DELETE FROM keys WHERE ref IN (", [(ref,) for ref in refs], ")")
    return [None] * len(asked)


def _erase(main: sqlite3.Connection, keys: sqlite3.Connection, asked: Sequence[Sequence[str]]) -> list[None]:
    main.execute("PRAGMA secure_delete=ON")
    for refs in asked:
        these = [(ref,) for ref in refs]
        rows.write(keys, "DELETE FROM keys WHERE ref IN (", these, ")")
        rows.write(main, "DELETE FROM contents WHERE ref IN (", these, ")")
    main.execute("PRAGMA secure_delete=OFF")
    return [None] * len(asked)


def _pages(some: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(some), _PAGE):
        yield some[at : at + _PAGE]
