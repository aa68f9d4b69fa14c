"""The cluster's mark of an installation that moves into its database: nobody may work on a half of one."""

from __future__ import annotations

import json

from shared.store import StoreError
from shared.store.registers import Registers

MARK = "migration"
"""The register by which the cluster knows whose it is, and whether all of it has arrived."""


class HalfMoved(StoreError):
    """An installation has begun to move into the database and has not arrived; says what to do."""


def mark(whose: dict[str, object], *, done: bool) -> str:
    """What stands in the register while it moves, and once it has."""
    return json.dumps({**whose, "done": done}, sort_keys=True)


async def refuse_half_moved(registers: Registers, database: str) -> None:
    """Raise HalfMoved where a move has begun and not come to its end."""
    standing = await registers.swap(MARK, "", "")  # nothing is ever put there: it answers what stands
    if standing and not json.loads(standing)["done"]:
        raise HalfMoved(
            f"an installation is moving into the database {database} and has not arrived: run `throughline migrate`"
            " again, with the same settings, until it says that it has moved, then start this"
        )
