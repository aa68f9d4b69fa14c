"""One audit signs: what is signed is first put into the store, where only who knows what was signed before can do so.

Two audits on two volumes would both be right by their own books, and would sign two trees under one key. So each
checkpoint's (epoch, size, root) replaces the last one's in one compare-and-set, before the signature. Whoever starts
begins a new epoch, if its log has what was signed; whoever finds a newer one signs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import orjson

from services.audit.log import EMPTY_TREE, StateError, TreeState
from shared import ids
from shared.store.registers import Registers

NAME = "trail"
"""The register."""


class Superseded(RuntimeError):
    """Another audit signs this trail. Says which, and what to do."""


class Signed(NamedTuple):
    """What is signed, or about to be: by whom, in which epoch."""

    epoch: int
    size: int
    root: str
    audit: str

    def text(self) -> str:
        return orjson.dumps(self._asdict(), option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def read(cls, text: str) -> Signed:
        return cls(**orjson.loads(text))


class Guard:
    """This audit's leave to sign. Any call may raise Unavailable; it is then called again."""

    def __init__(self, registers: Registers, origin: str) -> None:
        self._registers = registers
        self._name = f"{NAME}/{origin}"
        self._me = ids.random_bytes(8).hex()
        self._standing: Signed | None = None

    async def begin(self, where: str, own: TreeState, root_at: Callable[[int], bytes]) -> None:
        """Begin an epoch. `own` is the tree of the log here; `root_at` the root it had at a size.

        Raises StateError where this log lacks something that was signed, or has it otherwise.
        """
        wanted = Signed(1, EMPTY_TREE.size, EMPTY_TREE.root.hex(), self._me)
        found = await self._registers.swap(self._name, None, wanted.text())
        while found != wanted.text():
            signed = Signed.read(found)
            if signed.size > own.size:
                raise StateError(
                    f"{where}: another audit has signed {signed.size} entries of this trail, and here are {own.size}:"
                    " this is an older copy, or a new volume. Start the audit on the volume that it had, or restore the"
                    " newest backup of it; nothing was changed or signed"
                )
            if root_at(signed.size).hex() != signed.root:
                raise StateError(
                    f"{where}: another audit has signed {signed.size} entries of this trail, and here are others: its"
                    f" root is {signed.root}. Start the audit on the volume that it had; nothing was changed or signed"
                )
            wanted = Signed(signed.epoch + 1, signed.size, signed.root, self._me)
            found = await self._registers.swap(self._name, found, wanted.text())
        self._standing = wanted

    async def allow(self, state: TreeState) -> None:
        """Return once nobody but this audit can sign the tree of `state`. Raises Superseded."""
        if self._standing is None:
            raise Superseded("this audit has not begun an epoch of the trail, and so signs nothing")
        wanted = Signed(self._standing.epoch, state.size, state.root.hex(), self._me)
        found = await self._registers.swap(self._name, self._standing.text(), wanted.text())
        signed = Signed.read(found)
        if signed != wanted and (signed.epoch, signed.audit) == (wanted.epoch, wanted.audit):
            # It is ours: of an earlier call, whose answer was lost.
            found = await self._registers.swap(self._name, found, wanted.text())
        if found != wanted.text():
            signed = Signed.read(found)
            raise Superseded(
                f"another audit signs this trail since its epoch {signed.epoch}, and has signed {signed.size} entries;"
                f" this one is of epoch {wanted.epoch} and signs nothing more. There is one audit to a trail: stop this"
                " one"
            )
        self._standing = wanted
