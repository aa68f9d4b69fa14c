"""What waits for somebody beside what they handle: as a department that was asked, or in a post (M04, M12)."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge

from services.routing.case import CASES
from shared.organisation import POSTS, Organisation
from shared.rights import Principal
from shared.store import Document, Store, Where

_OF_AN_OFFICE = ("head", "leader", "deputy")
Row = tuple[Document, str | int]


def departments_of(principal: Principal) -> list[str]:
    """The departments for which somebody gives a part or an opinion."""
    return sorted(principal.works_in)


def posts_of(principal: Principal, organisation: Organisation) -> list[str]:
    """The posts that somebody is in, as obligations name their owners: `principal`, `housing/leader` …"""
    offices = [f"{one.id}/{post}" for one in organisation.departments for post in _OF_AN_OFFICE]
    offices += [f"coordinator/{post}" for post in _OF_AN_OFFICE]
    everywhere = [post for post in POSTS if post not in {"holder", *_OF_AN_OFFICE}]
    return [owner for owner in (*everywhere, *offices) if principal.id in organisation.who("holder", owner)]


async def waiting(
    store: Store,
    owners: Sequence[str],
    where: Sequence[Where],
    *,
    after: tuple[int, str] | None,
    limit: int,
    cap: int,
) -> tuple[list[Row], int, bool]:
    """A page of the cases that wait for any of these, in the order of lists; how many there are, and whether at least.

    Each owner's stand in order in an index. A case that waits for two of them stands once, so that of several only the
    most that wait for one are known without reading them all.
    """
    pages: list[list[Row]] = []
    counts: list[int] = [0]
    for owner in owners:
        asked = [Where("helping", "has", owner), *where]
        pages.append(await store.find(CASES, asked, order="rank", after=after, limit=limit))
        counts.append(await store.count(CASES, asked, order="rank", cap=cap))
    rows: dict[str, Row] = {}
    for row in merge(*pages, key=lambda row: (row[1], row[0].id)):
        rows.setdefault(row[0].id, row)
    few = len(rows) < limit and after is None
    if few or sum(count > 0 for count in counts) < 2:
        return [*rows.values()][:limit], len(rows) if few else max(counts), max(counts) >= cap
    return [*rows.values()][:limit], max(*counts, len(rows) - 1), True
