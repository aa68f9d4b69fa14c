"""What was said, by reference: put, open, erase (DESIGN.md section 5).

Each content is sealed under a key of its own and committed to by `HMAC-SHA256(salt, content)`. The key and the salt
stand apart from the sealed bytes and die together: what is left then proves nothing and says nothing.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel

from shared import ids
from shared.events import canonical
from shared.events.content import ContentRef
from shared.store import Sealed

M = TypeVar("M", bound=BaseModel)

REF = "c"
"""What a reference begins with."""

_NONCE = bytes(12)  # each key seals once
_KEPT_BYTES = 32 * 2**20
"""Content kept for reading soon: thousands of messages may wait for their turn, and each is opened more than once."""
_MOST_BYTES = 64 * 1024
"""What is longer is not kept."""


class ContentGone(LookupError):
    """The content was erased, or never stood here."""


def commitment(salt: bytes, content: bytes) -> str:
    """What an entry holds instead of content."""
    return hmac.new(salt, content, "sha256").hexdigest()


def seal(content: bytes, *, owner: str, now: datetime) -> tuple[Sealed, ContentRef]:
    """Seal bytes under a new key. Nothing is kept until a step that holds it is committed."""
    key, salt = ids.random_bytes(32), ids.random_bytes(32)
    ref = ids.ordered(REF, now)
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


class ContentStore(ABC):
    """What every adapter promises, and what is common to them. Content becomes durable with its step, or before it."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._recent_bytes = 0
        self._erased = 0

    async def stage(self, contents: Sequence[Sealed], plain: Sequence[bytes] = ()) -> tuple[Sealed, ...]:
        """What goes into the step. `plain` is kept for reading soon. Raises Unavailable where files can't be kept."""
        for sealed, content in zip(contents, plain, strict=False):
            self._remember(sealed.ref, content)
        return await self._place(contents)

    async def open(self, ref: str) -> bytes:
        """The content. Raises ContentGone where it was erased."""
        if ref in self._recent:
            self._recent.move_to_end(ref)
            return self._recent[ref]
        erased = self._erased
        box, secret = await self._sealed(ref)
        if box is None or secret is None:
            raise ContentGone(f"{ref} was erased, or never stood here")
        try:
            content = AESGCM(secret[:32]).decrypt(_NONCE, box, ref.encode())
        except InvalidTag as error:
            raise ContentGone(f"{ref} can't be opened: its bytes were changed") from error
        if erased == self._erased:  # else it may be what was erased meanwhile
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
        _, secret = await self._sealed(content.ref)
        return secret is not None and hmac.compare_digest(commitment(secret[32:], plain), content.commitment)

    async def erase(self, refs: Sequence[str]) -> bool:
        """Destroy keys, salts and boxes: nobody opens them again, also from a copy of the sealed bytes.

        One that is not there is let be, so that whoever was cut off does it again. Answers whether the store has also
        let go of what it wrote before; where not, somebody was reading: it is done again.
        """
        self._erased += 1
        for ref in refs:
            self._recent_bytes -= len(self._recent.pop(ref, b""))
        gone = await self._destroy(refs)
        self._erased += 1
        return gone

    @abstractmethod
    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        """What is kept, by reference and owner, in the order of references from just past `after` on."""

    @abstractmethod
    async def standing(self, refs: Sequence[str]) -> set[str]:
        """Those of them that are kept."""

    @abstractmethod
    async def _destroy(self, refs: Sequence[str]) -> bool:
        """Delete keys first, then all else; answers as `erase`."""

    @abstractmethod
    async def sweep(self, until: datetime) -> int:
        """Delete what was sealed before `until` for a step that never came; answers how much that was."""

    async def _place(self, contents: Sequence[Sealed]) -> tuple[Sealed, ...]:
        """Make durable what the step itself does not carry into the store."""
        return tuple(contents)

    @abstractmethod
    async def _sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        """A content's box and key, either of which may be gone."""

    def _remember(self, ref: str, content: bytes) -> None:
        if len(content) > _MOST_BYTES:
            return
        self._recent_bytes += len(content) - len(self._recent.get(ref, b""))
        self._recent[ref] = content
        while self._recent_bytes > _KEPT_BYTES:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1])
