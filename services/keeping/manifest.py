"""What a backup says of itself: when it was made, of which tree, and every file with its digest. Written last."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from services.audit.log import LogError, TreeState, verify_log
from services.audit.log.checkpoint import parse_checkpoint
from services.audit.moving import standing
from shared.note import Verifier, split_note

MANIFEST = "manifest.json"


class BackupWrong(OSError):
    """A backup is not whole; says what is wrong with it."""


class Kept(BaseModel):
    """One file; tiles are proved by the trail's root, and not listed."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """The file `manifest.json` of a backup."""

    model_config = ConfigDict(frozen=True)

    made: datetime
    generation: int
    size: int
    """Entries of the trail, signed or not."""
    root: str
    checkpoint: str
    """The last one that was signed before, empty where none was."""
    files: dict[str, Kept]

    @classmethod
    def of(cls, folder: Path, made: datetime, tree: TreeState, checkpoint: bytes, generation: int) -> Self:
        """Of a backup's folder as it stands."""
        files = {str(path.relative_to(folder)): _kept(path) for path in _listed(folder)}
        return cls(
            made=made,
            generation=generation,
            size=tree.size,
            root=tree.root.hex(),
            checkpoint=checkpoint.decode(),
            files=files,
        )

    def write(self, folder: Path) -> None:
        """Put it in its place."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=1))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Of a backup. Raises BackupWrong where there is none."""
        try:
            return cls.model_validate_json((folder / MANIFEST).read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise BackupWrong(f"{folder} is no whole backup: {error}") from error

    def check(self, folder: Path, log: Verifier | None = None) -> list[str]:
        """What is wrong with the backup; nothing where it is whole. `log` is the log's key, where it is at hand."""
        wrong = []
        there = {str(path.relative_to(folder)) for path in _listed(folder)}
        wrong += [f"{name} is missing" for name in sorted(self.files.keys() - there)]
        wrong += [f"{name} does not belong to it" for name in sorted(there - self.files.keys())]
        both = sorted(there & self.files.keys())
        wrong += [f"{name} was changed" for name in both if _kept(folder / name) != self.files[name]]
        if wrong:
            return wrong
        for name in ("throughline.db", "audit/index.db"):
            if name in self.files:
                wrong += _damaged(folder / name)
        tree, _ = standing(folder)
        if (tree.size, tree.root.hex()) != (self.size, self.root):
            wrong.append(f"its index has {tree.size} entries, not {self.size}")
        if log is not None and self.checkpoint:
            report = verify_log(folder / "audit" / "log", log)
            wrong += [str(problem) for problem in report.problems]
        return wrong


def tree_of(checkpoint: bytes) -> TreeState:
    """The tree that a checkpoint states, whoever signed it. Raises NoteError."""
    return parse_checkpoint(split_note(checkpoint)[0]).state


def _listed(folder: Path) -> Iterator[Path]:
    tiles = folder / "audit" / "log" / "tile"
    for path in folder.rglob("*"):
        if path.is_file() and path.name != MANIFEST and tiles not in path.parents:
            yield path


def _kept(path: Path) -> Kept:
    with path.open("rb") as file:
        return Kept(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _damaged(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
        said = [row[0] for row in opened.execute("PRAGMA quick_check")]
    return [] if said == ["ok"] else [f"{database.name}: {one}" for one in said]


__all__ = ["MANIFEST", "BackupWrong", "LogError", "Manifest", "tree_of"]
