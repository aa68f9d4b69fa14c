"""A bus's groups, by name: what each holds back, and its replay. The same wherever their events come from."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from shared.bus import Held, HeldKey
from shared.bus.answering import Answering


class Answers(Protocol):
    """A group, however it comes by its events."""

    name: str
    answering: Answering


G = TypeVar("G", bound=Answers)


class Groups(Generic[G]):
    """The part of a bus that looks after what its groups could not answer."""

    def __init__(self) -> None:
        self.groups: list[G] = []

    def _group(self, name: str) -> G | None:
        return next((group for group in self.groups if group.name == name), None)

    async def held_keys(self) -> list[HeldKey]:
        return [held for group in self.groups for held in await group.answering.held_keys()]

    async def held(self, group: str, key: str) -> list[Held]:
        found = self._group(group)
        return await found.answering.held(key) if found else []

    def held_counts(self) -> dict[str, int]:
        return {group.name: count for group in self.groups if (count := group.answering.holding())}

    async def replay(self, group: str, key: str) -> int:
        found = self._group(group)
        return await found.answering.replay(key) if found else 0
