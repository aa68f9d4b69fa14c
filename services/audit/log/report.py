"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.audit.log.checkpoint import Checkpoint
from services.audit.log.tiles import ENTRIES, Tile

MAX_LISTED = 1000


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (`checkpoint`, or a tile's path), and which entry where it is one."""

    path: str
    what: str
    expected: str = ""
    got: str = ""
    entry: int | None = None

    def __str__(self) -> str:
        where = self.path if self.entry is None else f"{self.path}: entry {self.entry}"
        compared = f" (expected {self.expected}, got {self.got})" if self.expected or self.got else ""
        return f"{where}: {self.what}{compared}"


@dataclass
class Report:
    """The result of `verify_log`: the log is whole when `ok`.

    The first thousand problems and notes are listed, all are counted. A note is something to know that is no
    fault, such as tiles past the signed tree.
    """

    checkpoint: Checkpoint | None = None
    entries: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem_count: int = 0
    note_count: int = 0

    @property
    def ok(self) -> bool:
        return self.checkpoint is not None and self.problem_count == 0

    def add(self, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < MAX_LISTED:
            self.problems.append(problem)

    def note(self, what: str) -> None:
        self.note_count += 1
        if len(self.notes) < MAX_LISTED:
            self.notes.append(what)


def unreadable(tile: Tile, error: OSError, expected: str) -> Problem:
    """A file that is missing or can't be read."""
    missing = isinstance(error, FileNotFoundError)
    return Problem(tile.path, "is missing" if missing else f"can't be read: {error}", expected, "nothing")


def wrong_hash(tile: Tile, at: int, expected: bytes, got: bytes) -> Problem:
    """A tile's own hash, or an old bundle's entry, at position `at` isn't what leads to the signed root."""
    if tile.level == ENTRIES:
        what = "isn't the entry that was signed (leaf hash)"
        return Problem(tile.path, what, expected.hex(), got.hex(), tile.start + at)
    entry = tile.start + at if tile.level == 0 else None
    return Problem(tile.path, f"hash {at} is wrong", expected.hex(), got.hex(), entry)


def wrong_below(tile: Tile, at: int, expected: bytes, got: bytes, *, sure: bool) -> Problem:
    """What lies under hash `at` of a tile isn't what the tile says; `sure`: the signed root says so."""
    if tile.level == 0:
        path, entry = Tile(ENTRIES, tile.number, tile.width).path, tile.start + at
        what = "isn't the entry that was signed (leaf hash)"
    else:
        path, entry = Tile(tile.level - 1, tile.start + at).path, None
        width = 256**tile.level
        first = (tile.start + at) * width
        what = f"it or entries {first}–{first + width - 1} aren't what was signed (hash of the tile)"
    if not sure:
        what += f"; {tile.path} differs too, and neither leads to the signed root"
    return Problem(path, what, expected.hex(), got.hex(), entry)
