"""Asking the trail for entries: by case, department, type and time, in pages that stay as they are while it grows."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from services.audit.evidence import Evidence, Proved
from services.audit.lookup import Asked, Found, Lookup
from services.audit.projected import FILE
from shared.ids import read_ref

CURSOR = r"^[0-9]{1,15}-([0-9]{1,15})?$"


class NoSuchCase(LookupError):
    """The trail knows no case of that ref, as far as it is projected."""


class Beyond(ValueError):
    """A cursor is of more entries than there are."""


class Behind(RuntimeError):
    """A cursor is of more entries than are projected, which will follow."""


class Cursor(NamedTuple):
    """Where to go on in a listing, and of how many entries it is.

    As text `<index>-<size>`: go on at that entry, and list what fits of the first `size` entries of the trail. So pages
    stay the same while it grows. Without the size, of all that are signed by now: who has read up to a size goes on
    with `<size>-`.
    """

    start: int = 0
    size: int | None = None

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Raises ValueError for what is none."""
        if text is None:
            return cls()
        if not re.match(CURSOR, text):
            raise ValueError(f"{text} is no cursor")
        start, _, size = text.partition("-")
        return cls(int(start), int(size) if size else None)

    def __str__(self) -> str:
        return f"{self.start}-{self.size}"


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for, as they say it."""

    case: str | None = None
    """A case's ref."""
    type: str | None = None
    department: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def asked(self, lookup: Lookup) -> Asked:
        """The same by the case's id. Raises NoSuchCase."""
        case = None
        if self.case is not None and (case := lookup.case_of(read_ref(self.case) or self.case)) is None:
            raise NoSuchCase(f"The first {lookup.size} entries of the trail know no case {self.case}.")
        return Asked(case, self.type, self.department, self.since, self.until)


@dataclass(frozen=True)
class Page:
    """Entries with their proofs, and where to go on."""

    proved: Proved
    size: int
    """The listing is of the first so many entries."""
    following: Cursor | None


class Queries:
    """Asks one projection and one log. Not for the event loop; safe in several threads."""

    def __init__(self, directory: Path, evidence: Evidence) -> None:
        self._projection = directory / FILE
        self._evidence = evidence

    def page(self, wanted: Wanted, cursor: Cursor, limit: int) -> Page:
        """One page. Raises NoSuchCase, Beyond, Behind; ValueError or OSError for a damaged log."""
        found, size = self.places(wanted, cursor, limit)
        following = Cursor(found.following, size) if found.following is not None else None
        return Page(self._evidence.prove(found.places), size, following)

    def places(self, wanted: Wanted, cursor: Cursor, limit: int) -> tuple[Found, int]:
        """Where the entries of a page are, and of how many entries the listing is. Raises as `page` does."""
        with closing(self.begin()) as lookup:
            size = self.size(lookup, cursor)
            return lookup.find(wanted.asked(lookup), cursor.start, size, limit), size

    def check(self, wanted: Wanted, cursor: Cursor) -> int:
        """Of how many entries a listing is. Raises NoSuchCase, Beyond, Behind."""
        with closing(self.begin()) as lookup:
            wanted.asked(lookup)
            return self.size(lookup, cursor)

    def begin(self) -> Lookup:
        """A lookup that sees the projection as it stands now, whatever is projected meanwhile."""
        lookup = Lookup.open(self._projection)
        lookup.hold()
        return lookup

    def size(self, lookup: Lookup, cursor: Cursor) -> int:
        """Of how many entries a listing is. Raises Beyond, Behind."""
        (_, signed), known = self._evidence.signed(), lookup.size
        if cursor.size is None:
            return min(signed, known)
        if cursor.size > signed:
            raise Beyond(f"the trail has {signed} signed entries, and the cursor is of {cursor.size}")
        if cursor.size > known:
            raise Behind(f"{known} entries can be asked for as yet, and the cursor is of {cursor.size}")
        return cursor.size
