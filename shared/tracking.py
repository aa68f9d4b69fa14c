"""The codes by which senders follow what they wrote, made once and read wherever one comes back.

Whoever names themselves gets a keyed code (`shared/tokens`), so that each letter can repeat it. An anonymous sender
gets a random one: selector and secret half, told this once. Of the secret half a slow hash is kept, in the words of
the message and under their key, and goes when they are erased: no key of the house makes such a code.
"""

from __future__ import annotations

import re

from shared import ids
from shared.content import ContentGone, ContentStore
from shared.content.words import MessageWords
from shared.events.messages import MessageReceived
from shared.keys import Keys
from shared.slow_hash import SlowHash
from shared.store import Store
from shared.tokens import Tokens

_SECRET_BYTES = 16
_ANONYMOUS = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})", re.ASCII)


class Tracking:
    """Draws and reads tracking codes."""

    def __init__(self, keys: Keys, store: Store, content: ContentStore) -> None:
        self._tokens = Tokens(keys)
        self._store = store
        self._content = content
        self._hashes = SlowHash()

    def keyed(self, message_id: str) -> str:
        """The code of a message whose sender is not anonymous, the same each time."""
        return self._tokens.tracking_code(message_id)

    async def draw(self, message_id: str) -> tuple[str, str]:
        """A new code for an anonymous message, and the hash to keep of it."""
        secret = ids.random_bytes(_SECRET_BYTES).hex()
        return message_id.partition("_")[2] + secret, await self._hashes.hash(secret)

    async def read(self, code: str) -> str | None:
        """The message that a code follows, or None where it is wrong."""
        if (message_id := self._tokens.read_tracking_code(code)) is not None:
            received = await self._received(message_id)
            return None if received is not None and received.anonymous else message_id
        found = _ANONYMOUS.fullmatch(code.strip().lower())
        if found is None:
            return None
        message_id, secret = f"msg_{found[1]}", found[2]
        received = await self._received(message_id)
        if received is None or not received.anonymous:
            return None
        try:
            words = await self._content.open_model(received.words.ref, MessageWords)
        except ContentGone:
            return None
        right = words.code_hash is not None and await self._hashes.verify(words.code_hash, secret)
        return message_id if right else None

    async def _received(self, message_id: str) -> MessageReceived | None:
        history = await self._store.history(message_id)
        return next((one.data for one in history if isinstance(one.data, MessageReceived)), None)
