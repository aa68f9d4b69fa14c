"""The log's entries as checks read them, some of them kept: a case's lie apart, and are read again as it goes on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from services.audit.checks.check import Noted, noted_at
from services.audit.log import LogReader
from services.audit.log.tiles import TILE_WIDTH

_BUNDLES = 32
_NOTED = 4096


class Entries:
    """Reads one log. For one thread at a time. Raises TileError, OSError where it can't be read.

    `size` is always one that had a checkpoint.
    """

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._bundles: OrderedDict[int, list[bytes]] = OrderedDict()
        self._noted: OrderedDict[int, Noted] = OrderedDict()

    def between(self, start: int, stop: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Entries in the log's order, with their places."""
        return enumerate(self._reader.entries(start, stop, size), start)

    def at(self, places: Iterable[int], size: int) -> list[Noted]:
        """Those of some entries that are events."""
        return [noted for place in places if (noted := self._at(place, size)) is not None]

    def keep(self, noted: Noted) -> None:
        """An entry that was read a moment ago, and will be asked for with its case's others."""
        self._noted[noted.index] = noted
        if len(self._noted) > _NOTED:
            self._noted.popitem(last=False)

    def _at(self, place: int, size: int) -> Noted | None:
        if place in self._noted:
            self._noted.move_to_end(place)
            return self._noted[place]
        noted = noted_at(place, self._bundle(place // TILE_WIDTH, size)[place % TILE_WIDTH])
        if noted is not None:
            self.keep(noted)
        return noted

    def _bundle(self, number: int, size: int) -> list[bytes]:
        first = number * TILE_WIDTH
        stop = min(first + TILE_WIDTH, size)
        bundle = self._bundles.get(number)
        if bundle is None or len(bundle) < stop - first:
            bundle = self._bundles[number] = list(self._reader.entries(first, stop, size))
            if len(self._bundles) > _BUNDLES:
                self._bundles.popitem(last=False)
        self._bundles.move_to_end(number)
        return bundle
