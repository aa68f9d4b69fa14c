"""What the instances of a service agree on beside documents: small values under a name, and who is there.

None of it is an event, and none of it is needed once everybody has stopped but for what a later one must know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Registers(Protocol):
    """What every adapter promises. Raises Unavailable where the store is away; whoever tries again finds out then
    whether it was done.
    """

    async def swap(self, name: str, expected: str | None, value: str) -> str:
        """Put `value` where `expected` stands, None being nothing yet; answers what stands then.

        Durable, and seen by all, when it returns. Values are told apart by their bytes: whoever must know its own again
        writes who it is into them.
        """
        ...

    async def beat(self, group: str, member: str) -> dict[str, int]:
        """A member of a group is alive: count one up for it. Answers everybody's count."""
        ...

    async def leave(self, group: str, member: str) -> None:
        """A member is there no more, by its own word or because nobody has heard of it for long."""
        ...

    async def time(self) -> datetime:
        """What the store's own clock says."""
        ...
