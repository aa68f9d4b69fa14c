"""The balance of what came in: received = attached + new + quarantined + refused, and what is under way."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.intake.message import MESSAGES
from shared.store import Store, Where

_ALL = 2**53
_LAST = "\U0010ffff"
"""Sorts after every id."""


class Account(BaseModel):
    """What came in at one mailbox or endpoint since the beginning, and what became of it."""

    endpoint: str
    received: int
    attached: int = Field(description="To a case, or to the delivery that an automatic mail answers")
    new: int = Field(description="Opened a case")
    quarantined: int = Field(description="Waits for a person to look")
    refused: int = Field(description="Kept, with a reason, and no case")
    waiting: int = Field(description="Under way: received, and nothing has become of it yet")


class Balance(BaseModel):
    """Every message that was kept, each counted once. A repeat is the message it repeats.

    What was refused at the door (nothing was kept, and the sender was told) is counted by the metric
    `throughline_messages_received_total{outcome="refused"}`.
    """

    accounts: list[Account]
    total: Account


async def balance(store: Store) -> Balance:
    """Counted from the messages as they stand; each number is a range of one index."""
    accounts = [await _account(store, endpoint) for endpoint in await _endpoints(store)]
    numbers = [name for name in Account.model_fields if name != "endpoint"]
    sums = {name: sum(getattr(account, name) for account in accounts) for name in numbers}
    return Balance(accounts=accounts, total=Account(endpoint="", **sums))


async def _endpoints(store: Store) -> list[str]:
    """From each to the next by the index, whatever stands between."""
    found: list[str] = []
    while rows := await store.find(
        MESSAGES, order="endpoint", after=(found[-1], _LAST) if found else None, limit=1
    ):
        found.append(str(rows[0][1]))
    return found


async def _account(store: Store, endpoint: str) -> Account:
    async def count(*outcomes: str) -> int:
        where = [Where("endpoint", "=", endpoint), Where("outcome", "in", outcomes)]
        return await store.count(MESSAGES, where, cap=_ALL)

    # A message may move on between two counts. Where it goes is counted before where it leaves, and the whole last:
    # so it counts once or as waiting, never twice.
    attached = await count("attached", "unverified", "delivery")
    new, refused, quarantined = await count("new"), await count("refused"), await count("quarantined")
    received = await store.count(MESSAGES, [Where("endpoint", "=", endpoint)], cap=_ALL)
    return Account(
        endpoint=endpoint,
        received=received,
        attached=attached,
        new=new,
        quarantined=quarantined,
        refused=refused,
        waiting=received - attached - new - refused - quarantined,
    )
