"""The trail, replayed: each aggregate's entries in order, what follows from them, and what stands beside that.

The log is read once and dealt out into parts by aggregate; each part is replayed by a process of its own, which holds
that part alone. What the store has beyond the trail is counted, and compared up to where the trail goes.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from pydantic import BaseModel

from services.audit.log import LogReader, TreeState, from_directory
from services.replaying.kinds import BY_TYPE, UNSPOKEN, kind_of
from services.replaying.live import Live, live
from services.routing.account import account
from services.routing.handlers import CASE_KIND
from services.routing.published import KEPT
from shared.aggregate import Kind
from shared.events import Record
from shared.events.organisation import CalendarsKept
from shared.organisation import Calendars, load
from shared.settings import Settings

A_PART = 50_000
"""Entries that a part has, about: what one process holds at a time."""
MOST_TOLD = 1000
"""Differences that are told one by one; all are counted."""

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, of how much."""


@dataclass(frozen=True)
class Difference:
    """Something that the trail says otherwise than what stands."""

    aggregate: str
    what: str
    """A field of its state, by name, `events`, `account`, or `document`."""
    trail: str
    stands: str
    place: int | None = None
    """Where the aggregate's last entry stands in the log; None where it has none."""

    def __str__(self) -> str:
        return f"{self.aggregate}: {self.what}: the trail says {self.trail}, there stands {self.stands}"


@dataclass
class Replayed:
    """What was compared, and what differs."""

    entries: int = 0
    aggregates: Counter[str] = field(default_factory=Counter)
    """How many of each collection were made again and agree or not."""
    fields: int = 0
    """How many fields of their states were compared."""
    accounts: int = 0
    """Time accounts that were computed from the entries; their parts sum to the whole."""
    behind: int = 0
    """Aggregates of which the store has later events, which the trail had not when it was read."""
    unknown: int = 0
    """Aggregates of kinds that this version of the program does not know."""
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """Where each aggregate's last entry stands in the log."""

    def differs(self, aggregate: str, what: str, trail: object, stands: object) -> None:
        """Note one."""
        self.differing += 1
        if len(self.differences) < MOST_TOLD:
            place = self.places.get(aggregate)
            self.differences.append(Difference(aggregate, what, _told(trail), _told(stands), place))

    def add(self, other: Replayed) -> None:
        """Take what another part found."""
        self.entries += other.entries
        self.aggregates.update(other.aggregates)
        self.fields += other.fields
        self.accounts += other.accounts
        self.behind += other.behind
        self.unknown += other.unknown
        self.differing += other.differing
        self.places |= other.places
        self.differences += other.differences[: MOST_TOLD - len(self.differences)]


def replay(log: Path, state: TreeState, settings: Settings, now: datetime, progress: Progress) -> Replayed:
    """Replay the first entries of a log and compare with the store that the settings name.

    `now` is until when open cases' time accounts go. Raises LogError, StoreError, sqlite3.Error or OSError where
    something can't be read.
    """
    found = Replayed()
    where = settings.data if settings.data.is_dir() else None
    with TemporaryDirectory(prefix="throughline-replay-", dir=where) as place:
        parts = _deal(log, state.size, Path(place), progress)
        with ProcessPoolExecutor(min(len(parts), os.cpu_count() or 1)) as processes:
            for one in [processes.submit(_replay_part, part, settings, now) for part in parts]:
                found.add(one.result())
                progress("replayed", found.entries, state.size)
    _look_beyond(found, log, state.size, settings)
    return found


def _look_beyond(found: Replayed, log: Path, size: int, settings: Settings) -> None:
    """Aggregates of which the trail has nothing at all."""
    reader = LogReader(from_directory(log))
    last = next((one for at in reversed(range(size)) if (one := Record.of(reader.entry(at, size)))), None)
    if last is None:
        return
    kinds = {kind.collection.name: kind for kind in BY_TYPE.values()}
    with live(settings) as stands:
        for id, later in stands.beyond([*kinds.values()], found.places.keys(), last):
            if later:
                found.behind += 1
            else:
                found.differs(id, "document", "nothing", "a document")


def _deal(log: Path, size: int, place: Path, progress: Progress) -> list[Path]:
    """Deal the entries out into files, those of one aggregate into one, in their order."""
    parts = [place / f"{number:04}" for number in range(max(size // A_PART, os.cpu_count() or 1))]
    files = [path.open("wb", buffering=1 << 16) for path in parts]
    try:
        reader = LogReader(from_directory(log))
        for index, entry in enumerate(reader.entries(0, size, size)):
            file = files[zlib.crc32(_subject(entry)) % len(files)]
            file.write(index.to_bytes(8, "big") + len(entry).to_bytes(4, "big") + entry)
            if not index % 4096:
                progress("read", index, size)
    finally:
        for file in files:
            file.close()
    progress("read", size, size)
    return parts


_SUBJECT = b'"subject":"'


def _subject(entry: bytes) -> bytes:
    """Whose an entry is. Nothing that follows `subject` in a canonical event is free text: its last mention is it."""
    begin = entry.rfind(_SUBJECT)
    if begin < 0:
        return b""
    begin += len(_SUBJECT)
    return entry[begin : entry.find(b'"', begin)]


def _replay_part(part: Path, settings: Settings, now: datetime) -> Replayed:
    found = Replayed()
    histories: dict[str, list[Record]] = {}
    for index, entry in _read(part):
        found.entries += 1
        if (record := Record.of(entry)) is None:
            found.unknown += 1
            continue
        histories.setdefault(record.subject, []).append(record)
        found.places[record.subject] = index
    kinds: dict[str, tuple[Kind[Any], list[str]]] = {}
    for id, records in histories.items():
        kind = kind_of(records[0].type)
        if kind is None:
            found.unknown += 1
        else:
            kinds.setdefault(kind.collection.name, (kind, []))[1].append(id)
    with live(settings) as stands:
        for kind, ids in kinds.values():
            _Part(found, stands, kind, settings, now).compare({id: histories[id] for id in ids})
    return found


def _read(part: Path) -> Iterator[tuple[int, bytes]]:
    with part.open("rb") as file:
        while head := file.read(12):
            yield int.from_bytes(head[:8], "big"), file.read(int.from_bytes(head[8:], "big"))


class _Part:
    """Aggregates of one kind."""

    def __init__(
        self, found: Replayed, stands: Live, kind: Kind[Any], settings: Settings, now: datetime
    ) -> None:
        self._found = found
        self._stands = stands
        self._kind = kind
        self._settings = settings
        self._now = now
        self._calendars: dict[str, Calendars] = {}

    def compare(self, histories: dict[str, list[Record]]) -> None:
        ids = [*histories]
        kept = self._stands.histories(ids)
        bodies = self._stands.bodies(self._kind, ids)
        for id, records in histories.items():
            self._found.aggregates[self._kind.collection.name] += 1
            whole = self._events(id, records, kept.get(id, []))
            if id not in bodies:
                self._found.differs(id, "document", f"{len(records)} events", "none")
            elif whole:
                self._state(id, records, *bodies[id])
                if self._kind is CASE_KIND:
                    self._account(id, records)

    def _events(self, id: str, records: Sequence[Record], kept: Sequence[bytes]) -> bool:
        """Whether the trail's entries are the store's events, each once, and their numbers have no holes."""
        numbers = [record.sequence for record in records]
        if numbers != [*range(1, len(records) + 1)]:
            self._found.differs(id, "events", f"numbers {_told(numbers)}", f"{len(kept)} events")
            return False
        for record, value in zip(records, kept, strict=False):
            if record.value != value:
                self._found.differs(
                    id, "events", record.value.decode(errors="replace"), value.decode(errors="replace")
                )
                return False
        if len(kept) < len(records):
            self._found.differs(id, "events", f"{len(records)} events", f"{len(kept)}")
            return False
        return True

    def _state(self, id: str, records: Sequence[Record], version: int, body: bytes) -> None:
        if version > len(records):
            self._found.behind += 1
            return
        if version < len(records):
            self._found.differs(id, "document", f"version {len(records)}", f"version {version}")
            return
        if self._kind is KEPT:
            self._calendar(id, records, body)
            return
        try:
            state = self._follows(records)
        except (AssertionError, ValueError, AttributeError) as error:
            self._found.differs(id, "document", f"nothing: {error}", f"version {version}")
            return
        saved = self._kind.state.model_validate(orjson.loads(body)["state"])
        left_out = UNSPOKEN.get(self._kind.collection.name, frozenset())
        for name in type(state).model_fields:
            if name in left_out:
                continue
            self._found.fields += 1
            if getattr(state, name) != getattr(saved, name):
                self._found.differs(id, name, getattr(state, name), getattr(saved, name))

    def _follows(self, records: Sequence[Record]) -> BaseModel:
        state: BaseModel | None = None
        for record in records:
            state = self._kind.evolve(state, record.data, record)
        assert state is not None
        # As it is read back: what a state holds in memory may be of other classes than what is saved of it.
        saved = state.__pydantic_serializer__.to_json(state, exclude_defaults=True)
        again: BaseModel = self._kind.state.model_validate_json(saved)
        return again

    def _calendar(self, id: str, records: Sequence[Record], body: bytes) -> None:
        """Calendars stand in the trail as digests."""
        said = records[0].data
        assert isinstance(said, CalendarsKept)
        stands = Calendars.model_validate(orjson.loads(body)["state"])
        for one in said.calendars:
            self._found.fields += 1
            if (digest := stands.of(one.office).digest) != one.calendar:
                self._found.differs(id, one.office, one.calendar, digest)

    def _account(self, id: str, records: Sequence[Record]) -> None:
        """From the entries, which are the store's events byte for byte: so the account that is shown is this one."""
        now = max(self._now, records[-1].time)
        own = account(records, self._of_version, now)
        self._found.accounts += 1
        if (whole := sum(one.time.wall for one in own.held)) != (own.end - own.begin).total_seconds() * 1000:
            self._found.differs(id, "account", f"{whole} ms in its parts", f"{own.end - own.begin} in all")

    def _of_version(self, version: str) -> Calendars:
        if version not in self._calendars:
            id = f"calendars_{version}"
            found = self._stands.bodies(KEPT, [id]).get(id)
            self._calendars[version] = (
                Calendars.model_validate(orjson.loads(found[1])["state"])
                if found
                else load(self._settings.org).all_calendars
            )
        return self._calendars[version]


def _told(what: object) -> str:
    text = what if isinstance(what, str) else repr(what)
    return text if len(text) <= 200 else f"{text[:200]}…"
