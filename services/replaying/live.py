"""What stands: documents and their events, read in either mode beside whoever is at work there."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from shared.aggregate import Kind
from shared.events import Record
from shared.settings import Settings

_PAGE = 400


class Live(Protocol):
    """What is asked of a store."""

    def bodies(self, kind: Kind[Any], ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Versions and bodies of those documents that there are."""
        ...

    def histories(self, ids: Sequence[str]) -> dict[str, list[bytes]]:
        """The bytes of each aggregate's events, in order."""
        ...

    def beyond(self, kinds: Sequence[Kind[Any]], known: Set[str], last: Record) -> Iterator[tuple[str, bool]]:
        """Aggregates that are not among the known ones, and whether their first event came later than `last`."""
        ...


@contextmanager
def live(settings: Settings) -> Iterator[Live]:
    """A store, for reading. Raises sqlite3.Error, StoreError or OSError."""
    if settings.mongo_url:
        yield _Cluster(settings)
        return
    with closing(_read_only(settings.data / "throughline.db")) as store:
        store.execute("BEGIN")  # one moment, whatever is written meanwhile
        yield _Embedded(store)


def _read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise FileNotFoundError(
            2, "there is no installation here: name its directory with --data", str(path.parent)
        )
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


class _Embedded:
    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store

    def bodies(self, kind: Kind[Any], ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        table = f"doc_{kind.collection.name}"
        if not self._there(table):
            return {}
        found = self._in(f"SELECT id, version, body FROM {table} WHERE id IN", ids)  # noqa: S608
        return {id: (version, body) for id, version, body in found}

    def histories(self, ids: Sequence[str]) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        asked = "SELECT subject, value FROM events WHERE subject IN"
        for subject, value in self._in(asked, ids, " ORDER BY subject, sequence"):
            found.setdefault(subject, []).append(value)
        return found

    def beyond(self, kinds: Sequence[Kind[Any]], known: Set[str], last: Record) -> Iterator[tuple[str, bool]]:
        place = "SELECT position FROM events WHERE subject = ? AND sequence = ?"
        row = self._store.execute(place, (last.subject, last.sequence)).fetchone()
        until = row[0] if row else 0
        for table in (f"doc_{kind.collection.name}" for kind in kinds):
            if not self._there(table):
                continue
            for (id,) in self._store.execute(f"SELECT id FROM {table}").fetchall():  # noqa: S608
                if id not in known:
                    begun = self._store.execute(place, (id, 1)).fetchone()
                    yield id, begun is not None and begun[0] > until

    def _there(self, table: str) -> bool:
        return (
            self._store.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
        )

    def _in(self, asked: str, ids: Sequence[str], then: str = "") -> Iterator[tuple[Any, ...]]:
        for at in range(0, len(ids), _PAGE):
            some = ids[at : at + _PAGE]
            yield from self._store.execute(f"{asked} ({', '.join('?' * len(some))}){then}", some)


class _Cluster:
    """Opened for each question: a replay asks few, of many aggregates each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def bodies(self, kind: Kind[Any], ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        async def read() -> dict[str, tuple[int, bytes]]:
            store = self._store(kind)
            await store.open()
            try:
                found = {}
                for id in ids:
                    if (document := await store.load(kind.collection, id)) is not None:
                        found[id] = document.version, document.body
                return found
            finally:
                await store.close()

        return asyncio.run(read())

    def histories(self, ids: Sequence[str]) -> dict[str, list[bytes]]:
        async def read() -> dict[str, list[bytes]]:
            store = self._store()
            await store.open()
            try:
                return {id: [record.value for record in await store.history(id)] for id in ids}
            finally:
                await store.close()

        return asyncio.run(read())

    def beyond(self, kinds: Sequence[Kind[Any]], known: Set[str], last: Record) -> Iterator[tuple[str, bool]]:
        """Not looked for: what the trail of a cluster never got is sent again and alarmed (settlement)."""
        return iter(())

    def _store(self, *kinds: Kind[Any]) -> Any:
        from services.embedded import COLLECTIONS  # noqa: PLC0415
        from shared.store.mongo import MongoStore  # noqa: PLC0415  what one machine needs not have

        told = self._settings
        collections = {one.name: one for one in (*COLLECTIONS, *(kind.collection for kind in kinds))}
        return MongoStore(
            told.mongo_url, told.mongo_database, tuple(collections.values()), driver=told.mongo_driver
        )
