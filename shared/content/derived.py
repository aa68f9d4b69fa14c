"""What derives from content and stands elsewhere than in the content store: mails in a folder, sketches, caches.

Whoever keeps such a thing registers how it is forgotten. In one process everything is forgotten at once; on another
machine a service hears `erasure.made` and forgets then. Forgetting twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

Forget = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
"""Delete what derives from contents: called with the ids of their cases, and with their references."""


class Derived:
    """What derives from content in this process, and in its directory."""

    def __init__(self) -> None:
        self._forgets: list[Forget] = []

    def register(self, forget: Forget) -> None:
        """Have `forget` called whenever content is erased."""
        self._forgets.append(forget)

    async def forget(self, cases: Sequence[str], contents: Sequence[str]) -> None:
        """Delete all of it. What raises is asked again with the whole erasure."""
        for forget in self._forgets:
            await forget(cases, contents)
