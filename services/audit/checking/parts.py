"""A log too large for memory in parts: all entries of a case in one of them. Entries have no content, so files may hold
them for a while.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from shared.events import REGISTRY
from shared.events.cases import CaseEvent, CaseOpened, MessageAttached
from shared.events.deliveries import DeliveryQueued
from shared.events.facts import FactEvent

_HEAD = struct.Struct("<QI")
_CASE = frozenset(kind.TYPE for kind in REGISTRY.values() if issubclass(kind, CaseEvent))
_NAMES_MESSAGE = frozenset({CaseOpened.TYPE, MessageAttached.TYPE})
_NAMES_CASE = frozenset(
    {DeliveryQueued.TYPE, *(kind.TYPE for kind in REGISTRY.values() if issubclass(kind, FactEvent))}
)


class Whose:
    """To which part each entry goes; first all entries are `learned`, then each is `parts_of`.

    Only messages and deliveries are remembered, some hundred bytes each: a case's own entries and facts say it.
    """

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self._of: dict[str, int] = {}
        self._also: dict[str, set[int]] = {}

    def _part(self, case: str) -> int:
        return zlib.crc32(case.encode()) % self.parts

    def learn(self, entry: bytes) -> None:
        """What an entry says of who belongs where."""
        said = _read(entry)
        if said is None:
            return
        kind, subject, data = said
        if kind in _NAMES_MESSAGE:
            self._joins(data.get("message"), subject)
        elif kind == DeliveryQueued.TYPE:
            self._joins(subject, data.get("case"))

    def _joins(self, aggregate: object, case: object) -> None:
        if not isinstance(aggregate, str) or not isinstance(case, str):
            return
        part = self._part(case)
        if self._of.setdefault(aggregate, part) != part:
            self._also.setdefault(aggregate, set()).add(part)

    def parts_of(self, entry: bytes) -> Iterable[int]:
        """The parts that have an entry: none where it is of no case."""
        said = _read(entry)
        if said is None:
            return ()
        kind, subject, data = said
        found: set[int] = set()
        if kind in _CASE:
            found.add(self._part(subject))
        elif kind in _NAMES_CASE and isinstance(case := data.get("case"), str):
            found.add(self._part(case))
        if subject in self._of:
            found |= {self._of[subject], *self._also.get(subject, ())}
        return found


def _read(entry: bytes) -> tuple[str, str, dict[str, object]] | None:
    try:
        envelope = orjson.loads(entry)
        kind, subject, data = envelope["type"], envelope["subject"], envelope["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if isinstance(kind, str) and isinstance(subject, str) and isinstance(data, dict):
        return kind, subject, data
    return None


class Parts:
    """Files that hold the parts, written one entry after the other."""

    def __init__(self, directory: Path, count: int) -> None:
        self.paths = [directory / f"part-{number}" for number in range(count)]
        self._files: list[BinaryIO] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._files = [self._open.enter_context(path.open("wb")) for path in self.paths]
        return self

    def __exit__(self, *how: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._open.close()

    def add(self, part: int, index: int, entry: bytes) -> None:
        """One more entry of a part."""
        file = self._files[part]
        file.write(_HEAD.pack(index, len(entry)))
        file.write(entry)


def entries_in(part: Path) -> Iterator[tuple[int, bytes]]:
    """A part's entries with their places, in the log's order."""
    with part.open("rb") as file:
        while head := file.read(_HEAD.size):
            index, length = _HEAD.unpack(head)
            yield index, file.read(length)
