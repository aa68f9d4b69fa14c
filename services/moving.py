"""A stopped embedded installation moves into an empty cluster (decision 17)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from services.audit import moving as trail
from services.embedded import COLLECTIONS
from shared.bus.kafka import Cluster, TopicsDiffer, ensure, taken
from shared.events import Record
from shared.generation import read_generation, trail_origin
from shared.keys import Keys
from shared.lock import MOVED, Lock
from shared.moved import MARK, mark
from shared.organisation import load
from shared.rights.accounts import ACCOUNTS, KEYS
from shared.settings import Settings
from shared.store import Document, Sealed, StoreError
from shared.store.instants import instant
from shared.store.mongo import MongoStore
from shared.store.mongo.arriving import Arriving
from shared.store.sqlite_moving import Leaving, Rows

GROUPS = ("intake", "routing", "notify")
ALL = tuple({one.name: one for one in (*COLLECTIONS, ACCOUNTS, KEYS)}.values())
_BEFORE_ALL = -(1 << 32)
"""What opened a generation stands before the first position."""
Counts = dict[str, tuple[int, int]]
Tell = Callable[[str, int, int], None]


class Differs(RuntimeError):
    """What arrived is not what left; says what."""


class Moving:
    """One move. `tell` hears of each kind how far it is."""

    def __init__(self, settings: Settings, audit: Path, store: MongoStore, tell: Tell) -> None:
        self._settings = settings
        self._audit = audit
        self._store = store
        self._tell = tell
        self._data = settings.data

    async def move(self) -> dict[str, object]:
        """Do it, or what is left of it. Raises StoreError, LogError, Locked, OSError or Differs."""
        with Lock(self._data / "lock"):
            self._source = Leaving(self._data)
            try:
                return await self._move()
            finally:
                self._source.close()

    async def _move(self) -> dict[str, object]:
        tree, in_log = trail.standing(self._data)
        self._arriving = Arriving(self._store)
        source = {"installation": self._fingerprint(), "position": self._source.position(), "size": tree.size}
        moving, done = mark(source, done=False), mark(source, done=True)
        left = {"outbox": self._outbox()}
        if (standing := await self._claim_target(moving)) == done:
            (self._data / MOVED).touch()
            return {"already": True, "size": tree.size, "root": tree.root.hex(), **left}
        if standing != moving:
            raise StoreError(
                f"the database {self._settings.mongo_database} holds another installation, or an earlier"
                " state of this one (it has run since the move began): name an empty one with"
                " THROUGHLINE_MONGO_DATABASE"
            )
        heard = min(in_log, self._source.answered(GROUPS))
        await self._move_store(heard)
        counts = await self._compare()
        self._move_keys()
        tree = trail.copy(self._data, self._audit, self._source.heads(in_log))
        await trail.register(self._store.registers, self._origin(), tree)
        (self._data / MOVED).write_text(f"to {self._settings.mongo_database}\n")
        if await self._store.registers.swap(MARK, moving, done) != done:
            raise StoreError("somebody else has changed the cluster's mark of this move")
        return {
            "already": False,
            "counts": {kind: arrived for kind, (_, arrived) in counts.items()},
            "unheard": self._source.position() - heard,
            "size": tree.size,
            "root": tree.root.hex(),
            "generation": read_generation(self._data),
            **left,
        }

    def _outbox(self) -> dict[str, object]:
        """The mails that were written to a folder for want of a relay. They stay: the cluster has nothing to do with
        them."""
        folder = self._data / "outbox"
        return {"folder": str(folder.resolve()), "mails": sum(1 for _ in folder.glob("*.eml"))}

    async def _claim_target(self, moving: str) -> str:
        strangers = await self._arriving.strangers()
        if strangers and "registers" not in strangers:
            raise StoreError(
                f"the database {self._settings.mongo_database} is not empty ({', '.join(strangers)}):"
                " nothing was changed. Name an empty one with THROUGHLINE_MONGO_DATABASE"
            )
        if strangers and not await self._arriving.marked(MARK):
            raise StoreError(
                f"the database {self._settings.mongo_database} is another installation's: nothing was changed."
                " Name an empty one with THROUGHLINE_MONGO_DATABASE"
            )
        if not strangers:
            await self._empty_topics()
        return await self._store.registers.swap(MARK, None, moving)

    async def _empty_topics(self) -> None:
        told = self._settings
        topics = Cluster.told(told)
        try:
            await ensure(topics)
            full = await taken(topics)
        except TopicsDiffer:
            raise
        except Exception as error:
            raise StoreError(f"Kafka does not answer at {told.kafka_servers}: {error}") from error
        if full:
            raise StoreError(
                f"Kafka has events of another installation on {', '.join(full)}: nothing was changed."
                " Name other topics with THROUGHLINE_TOPIC_PREFIX"
            )

    def _fingerprint(self) -> str:
        """Whose installation it is: no two have the same log key."""
        key = Keys(self._data / "keys").ed25519("log").public_key().public_bytes_raw()
        return hashlib.sha256(key).hexdigest()

    def _origin(self) -> str:
        return trail_origin(self._settings, load(self._settings.org).id, self._data)

    async def _move_store(self, heard: int) -> None:
        source, arriving = self._source, self._arriving
        for contents in self._watched("contents", "contents", source.contents()):
            whole = [one for one in contents if one[2] is not None and one[3] is not None]
            sealed = [Sealed(ref, "", len(box), box, key, owner) for ref, owner, box, key in whole]
            await arriving.contents(ALL[0], sealed)
            await arriving.keyless(
                (ref, owner, box or b"") for ref, owner, box, key in contents if box is None or key is None
            )
        for claims in self._watched("claims", "claims", source.claims()):
            await arriving.claims(dict(claims))
        for events in self._watched("events", "events", source.events(_BEFORE_ALL, heard)):
            await arriving.events([Record.read(topic, value) for _, _, topic, value in events])
        waiting: dict[str, list[Record]] = {}
        for events in source.events(heard, source.position()):
            for subject, _, topic, value in events:
                waiting.setdefault(subject, []).append(Record.read(topic, value))
        for collection in ALL:
            table = f"doc_{collection.name}"
            for page in self._watched(collection.name, table, source.documents(collection)):
                some = [
                    (
                        Document(id, version, body, None if due is None else instant(due)),
                        dict(zip(collection.fields, fields, strict=True)),
                    )
                    for id, version, due, body, *fields in page
                ]
                await arriving.documents(collection, some, waiting)
        for group, key, position, reason, topic, value in source.held():
            await arriving.held(group, key, position, reason, Record.read(topic, value))

    def _watched(self, kind: str, table: str, pages: Iterator[Rows]) -> Iterator[Rows]:
        total, done = self._source.count(table), 0
        for page in pages:
            yield page
            done += len(page)
            self._tell(kind, done, total)

    async def _compare(self) -> Counts:
        source, arriving = self._source, self._arriving
        counts: Counts = {
            kind: (source.count(kind), await arriving.count(kind)) for kind in ("contents", "claims", "held")
        }
        for one in ALL:
            table = f"doc_{one.name}"
            counts[one.name] = source.count(table), await arriving.count(table)
        events = await arriving.count("events") + await arriving.waiting(ALL)
        counts["events"] = source.count("events"), events
        if wrong := [
            f"{kind}: {was} left, {are} arrived" for kind, (was, are) in counts.items() if was != are
        ]:
            raise Differs("; ".join(wrong))
        return counts

    def _move_keys(self) -> None:
        """The secrets that all services share, where they will look; the log's own goes with the log."""
        target = self._settings.keys_directory
        if target.resolve() == (self._data / "keys").resolve():
            return
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted((self._data / "keys").iterdir()):
            if path.name in {"log.ed25519", "log.next.ed25519"}:
                continue
            if (target / path.name).exists():
                if (target / path.name).read_bytes() != path.read_bytes():
                    raise StoreError(
                        f"{target / path.name} is another installation's: name an empty THROUGHLINE_KEYS"
                    )
                continue
            coming = target / f"{path.name}.coming"
            shutil.copy2(path, coming)
            coming.rename(target / path.name)
