"""Registers in memory, which pass the contract suite of the real ones."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from shared.store import Unavailable


class RegistersHere:
    """One store's registers; `away` makes it one that does not answer."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.members: dict[str, dict[str, int]] = defaultdict(dict)
        self.away = False

    async def swap(self, name: str, expected: str | None, value: str) -> str:
        self._ask()
        if self.values.get(name) == expected:
            self.values[name] = value
        return self.values.get(name, "")

    async def beat(self, group: str, member: str) -> dict[str, int]:
        self._ask()
        self.members[group][member] = self.members[group].get(member, 0) + 1
        return dict(self.members[group])

    async def leave(self, group: str, member: str) -> None:
        self._ask()
        self.members[group].pop(member, None)

    async def time(self) -> datetime:
        self._ask()
        return datetime.now(UTC)

    def _ask(self) -> None:
        if self.away:
            raise Unavailable("the store is away")
