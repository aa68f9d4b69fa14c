"""What was said, by reference: put, open, erase (DESIGN.md section 5).

Each content is sealed under a key of its own and committed to by `HMAC-SHA256(salt, content)`. The key and the salt
stand apart from the sealed bytes and die together: what is left then proves nothing and says nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel

from shared import ids
from shared.events import canonical
from shared.events.content import ContentRef
from shared.store import Sealed
from shared.store.sqlite import SqliteStore

M = TypeVar("M", bound=BaseModel)

FILE_FROM_BYTES = 256 * 1024  # larger ones would hold the one writer (LIMITS.md)
_NONCE = bytes(12)  # each key seals once
_CACHED = 2048
_CACHED_BYTES = 64 * 1024


class ContentGone(LookupError):
    """The content was erased, or never stood here."""


def commitment(salt: bytes, content: bytes) -> str:
    """What an entry holds instead of content."""
    return hmac.new(salt, content, "sha256").hexdigest()


def seal(content: bytes, *, owner: str, now: datetime) -> tuple[Sealed, ContentRef]:
    """Seal bytes under a new key. Nothing is kept until a step that holds it is committed."""
    key, salt = ids.random_bytes(32), ids.random_bytes(32)
    ref = ids.ordered("c", now)
    box = AESGCM(key).encrypt(_NONCE, content, ref.encode())
    mark = commitment(salt, content)
    return (
        Sealed(ref, mark, len(content), box, key + salt, owner),
        ContentRef(ref=ref, commitment=mark, size=len(content)),
    )


def model_bytes(model: BaseModel) -> bytes:
    """A model as the canonical JSON that is sealed and committed to."""
    return canonical(model.model_dump(mode="json", exclude_none=True))


def seal_model(model: BaseModel, *, owner: str, now: datetime) -> tuple[Sealed, ContentRef]:
    """Seal a model as canonical JSON."""
    return seal(model_bytes(model), owner=owner, now=now)


class ContentStore:
    """The embedded adapter: small content beside the documents, large content as sealed files."""

    def __init__(self, store: SqliteStore, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._recent: OrderedDict[str, bytes] = OrderedDict()

    async def stage(self, contents: Sequence[Sealed], plain: Sequence[bytes] = ()) -> tuple[Sealed, ...]:
        """Make large ones durable as files; what comes back goes into the step. `plain` is kept for reading soon."""
        for sealed, content in zip(contents, plain, strict=False):
            self._remember(sealed.ref, content)
        large = [sealed for sealed in contents if len(sealed.box) > FILE_FROM_BYTES]
        if not large:
            return tuple(contents)
        await asyncio.to_thread(self._write_files, large)
        names = {sealed.ref for sealed in large}
        return tuple(
            Sealed(one.ref, one.commitment, one.size, b"", one.key, one.owner) if one.ref in names else one
            for one in contents
        )

    async def open(self, ref: str) -> bytes:
        """The content. Raises ContentGone where it was erased."""
        if ref in self._recent:
            self._recent.move_to_end(ref)
            return self._recent[ref]
        box, secret = self._store.sealed(ref)
        if box is None or secret is None:
            raise ContentGone(f"{ref} was erased, or never stood here")
        if not box:
            box = await asyncio.to_thread(self._read_file, ref)
        try:
            content = AESGCM(secret[:32]).decrypt(_NONCE, box, ref.encode())
        except InvalidTag as error:
            raise ContentGone(f"{ref} can't be opened: its bytes were changed") from error
        self._remember(ref, content)
        return content

    async def open_model(self, ref: str, model: type[M]) -> M:
        """The content as the model that was sealed."""
        return model.model_validate_json(await self.open(ref))

    async def matches(self, content: ContentRef) -> bool:
        """Whether what is kept is what the entry committed to: computed, not believed."""
        try:
            plain = await self.open(content.ref)
        except ContentGone:
            return False
        _, secret = self._store.sealed(content.ref)
        return secret is not None and hmac.compare_digest(commitment(secret[32:], plain), content.commitment)

    def _remember(self, ref: str, content: bytes) -> None:
        if len(content) > _CACHED_BYTES:
            return
        self._recent[ref] = content
        if len(self._recent) > _CACHED:
            self._recent.popitem(last=False)

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

    def _read_file(self, ref: str) -> bytes:
        try:
            return self._path(ref).read_bytes()
        except FileNotFoundError as error:
            raise ContentGone(f"{ref}: its file is gone") from error
