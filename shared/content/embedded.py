"""Content of an embedded installation: small content beside the documents, large content as sealed files."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared import ids
from shared.content import REF, ContentStore
from shared.store import LARGE_FROM_BYTES, Sealed, Unavailable
from shared.store.sqlite import SqliteStore

_SWEPT = "content/swept"
"""The cursor of the sweep: what was drawn before that millisecond was looked at."""


class EmbeddedContent(ContentStore):
    """Files in a directory, all else in the store."""

    def __init__(self, store: SqliteStore, directory: Path) -> None:
        super().__init__()
        self._store = store
        self._directory = directory

    async def _place(self, contents: Sequence[Sealed]) -> tuple[Sealed, ...]:
        """Make large ones durable as files; the store then keeps their keys, and empty boxes."""
        large = [sealed for sealed in contents if len(sealed.box) > LARGE_FROM_BYTES]
        if not large:
            return tuple(contents)
        try:
            await asyncio.to_thread(self._write_files, large)
        except OSError as error:
            raise Unavailable(f"files can't be kept: {error.strerror}") from error
        names = {sealed.ref for sealed in large}
        return tuple(
            Sealed(one.ref, one.commitment, one.size, b"", one.key, one.owner) if one.ref in names else one
            for one in contents
        )

    async def _sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        box, secret = self._store.contents.sealed(ref)
        if box == b"" and secret is not None:
            box = await asyncio.to_thread(self._read_file, ref)
        return box, secret

    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        return await self._store.contents.kept(after, limit)

    async def standing(self, refs: Sequence[str]) -> set[str]:
        return await self._store.contents.standing(refs)

    async def _destroy(self, refs: Sequence[str]) -> bool:
        """Large ones' files first: by its box in the store, whoever was cut off finds what is left of a content."""
        await asyncio.to_thread(_unlink, [self._path(ref) for ref in refs])
        return await self._store.contents.erase(refs)

    async def sweep(self, until: datetime) -> int:
        """Sweeps files whose step never came, and keys that a crash committed without their boxes."""
        since, through = self._store.cursor(_SWEPT), int(until.timestamp() * 1000)
        drawn = ids.first_at(REF, since), ids.first_at(REF, through)
        swept = await self._store.contents.sweep_keys(*drawn)
        files = await asyncio.to_thread(self._files_between, *drawn)
        standing = await self._store.contents.standing([path.name for path in files])
        loose = [path for path in files if path.name not in standing]
        await asyncio.to_thread(_unlink, loose)
        await self._store.move_cursor(_SWEPT, through)
        return swept + len(loose)

    def _files_between(self, first: str, last: str) -> list[Path]:
        return [path for path in self._directory.glob("*/*") if first <= path.name < last]

    def _path(self, ref: str) -> Path:
        return self._directory / hashlib.sha256(ref.encode()).hexdigest()[:2] / ref

    def _write_files(self, large: Sequence[Sealed]) -> None:
        for sealed in large:
            path = self._path(sealed.ref)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(sealed.box)
                file.flush()
                os.fsync(file.fileno())
        for folder in {self._path(sealed.ref).parent for sealed in large} | {self._directory}:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _read_file(self, ref: str) -> bytes | None:
        try:
            return self._path(ref).read_bytes()
        except FileNotFoundError:
            return None


def _unlink(files: Sequence[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
