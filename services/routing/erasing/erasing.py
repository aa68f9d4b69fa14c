"""Erasing: finds what goes, says what must stay, destroys, and proves it by searching for the bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import BaseModel, Field

from services.routing.case import Case
from services.routing.erasing.erasure import (
    AGAIN_AFTER,
    ERASURE_KIND,
    ERASURES,
    Erasure,
    Ground,
    Plan,
    begin,
    make,
    plans,
)
from services.routing.erasing.holds import Holds
from services.routing.erasing.reach import Matter, Reach, Wanted
from shared import ids
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.proof import MOST_PIECES, Pieces, Proof, search
from shared.events import Event, Record
from shared.events.cases import CaseErased
from shared.events.organisation import ErasureMade, Kept
from shared.service import House

Tell = Callable[[str, int], None]
"""Hears what is being done, and how far that is."""
MOST_LISTED = 1000


class ErasedCase(BaseModel):
    """A case of which something goes."""

    ref: str
    contents: int


class KeptCase(BaseModel):
    """A case whose words stay for now."""

    ref: str
    reason: Literal["retention", "hold", "open"] = Field(
        description="The law says how long; a hold is on it; it is still being dealt with"
    )
    until: datetime | None = Field(None, description="Where that is known")
    contents: int


class Erased(BaseModel):
    """What was erased, or would be, and what stays."""

    dry_run: bool
    ground: Ground
    messages: int = Field(description="Messages of which something goes")
    contents: int = Field(description="Contents that go: words, originals, files, notes")
    cases: list[ErasedCase] = Field(description=f"The first {MOST_LISTED} of them")
    kept: list[KeptCase] = Field(description=f"The first {MOST_LISTED} cases that may not go yet")
    erasures: list[str] = Field([], description="The trail's entries: an erasure each")
    emptied: bool = Field(
        True,
        description="Nothing of it is left in a log of the database; else somebody was reading: erase again",
    )
    proof: Proof | None = Field(
        None, description="Of an installation on one machine: a search for the bytes in all of its files"
    )


@dataclass
class _Found:
    """What is reached, parted into what goes and what stays."""

    going: list[tuple[str | None, list[str]]]
    refs: dict[str, str]
    kept: list[Kept]
    staying: list[KeptCase]
    messages: int


class Erasing:
    """Erases what somebody said."""

    def __init__(self, house: House, cases: Aggregates[Case]) -> None:
        self._house = house
        self._store = house.store
        self._content = house.content
        self._clock = house.clock
        self._cases = cases
        self.holds = Holds(house)
        self._reach = Reach(house, cases)
        self._erasures: Aggregates[Erasure] = Aggregates(ERASURE_KIND, house.store, house.clock)

    async def erase(
        self,
        wanted: Wanted,
        ground: Ground,
        actor: str,
        *,
        dry_run: bool = False,
        tell: Tell = lambda *_: None,
    ) -> Erased:
        """Erase what may go. Raises NobodyLikeThat where there is no such case or message."""
        matters = await self._reach.of(wanted, lambda looked: tell("Looking", looked))
        found = await self._parted(matters, ground)
        said = Erased(
            dry_run=dry_run,
            ground=ground,
            messages=found.messages,
            contents=sum(len(contents) for _, contents in found.going),
            cases=[
                ErasedCase(ref=found.refs[case], contents=len(contents))
                for case, contents in found.going
                if case is not None
            ][:MOST_LISTED],
            kept=found.staying[:MOST_LISTED],
        )
        if dry_run or not found.going:
            return said
        pieces = await self._pieces(found)
        for plan in plans(found.going, found.kept):
            id = ids.derived("era", *plan.contents)
            await self._erasures.answer(id, f"{id}/begin", partial(_begin, plan, ground, actor))
            said.emptied = await self._finish(id, plan) and said.emptied
            said.erasures.append(id)
            tell("Erasing", sum(len(contents) for _, contents in found.going))
        if self._store.only_writer:
            said.proof = await search(self._house.directory, pieces, lambda files: tell("Searching", files))
        return said

    async def on_due(self, id: str, at: datetime) -> None:
        """An erasure that was begun and is not made: whoever was at it was cut off, or is slow."""
        state = (await self._erasures.load(id)).state
        if state is not None and state.made is None:
            await self._finish(id, state.plan)

    async def finish_begun(self) -> int:
        """Go on with what was begun and never made, now; answers how many that were."""
        ever = self._clock.now() + 2 * AGAIN_AFTER
        due = await self._store.due(ERASURES, ever, MOST_LISTED)
        for document in due:
            await self.on_due(document.id, self._clock.now())
        return len(due)

    async def on_made(self, record: Record) -> None:
        """It is gone: here too, and its cases say so."""
        made = record.data
        assert isinstance(made, ErasureMade)
        await self._house.derived.forget(made.cases, made.contents)
        erased = CaseErased(erasure=record.subject, ground=made.ground)
        for case_id in made.cases:
            await self._cases.answer(case_id, record.id, lambda case, _: [erased] if case else [])

    async def _finish(self, id: str, plan: Plan) -> bool:
        await self._house.derived.forget(plan.cases, plan.contents)
        emptied = await self._content.erase(plan.contents)
        await self._erasures.answer(id, f"{id}/make", lambda state, _: make(state))
        return emptied

    async def _parted(self, matters: Sequence[Matter], ground: Ground) -> _Found:
        """A content goes where every case that it is of lets it go: a case and its parts share their first message."""
        found = _Found([], {}, [], [], 0)
        for matter in matters:
            kept = [
                one for case in matter.cases if (one := await self._kept(case, matter.cases[case], ground))
            ]
            everything = [ref for refs in matter.contents.values() for ref in refs]
            left = await self._content.standing(everything)
            if kept:
                staying = len(left)
                found.kept += kept if staying else []
                found.staying += [
                    KeptCase(
                        ref=matter.cases[one.case].ref, reason=one.reason, until=one.until, contents=staying
                    )
                    for one in (kept if staying else [])
                ]
                continue
            found.refs |= {id: case.ref for id, case in matter.cases.items()}
            going = {case: [ref for ref in refs if ref in left] for case, refs in matter.contents.items()}
            found.going += [(case, refs) for case, refs in going.items() if refs]
            found.messages += len(matter.messages) if left else 0
        return found

    async def _kept(self, case_id: str, case: Case, ground: Ground) -> Kept | None:
        """Why a case's words may not go yet. A court's order goes before what the law keeps, and not before a hold."""
        if await self.holds.on(case_id):
            return Kept(case=case_id, reason="hold")
        if ground == "court":
            return None
        last = case
        while last.merged_into is not None:
            goes_on = (await self._cases.load(last.merged_into)).state
            assert goes_on is not None
            last = goes_on
        if last.closed is None or last.obligations or case.obligations:
            return Kept(case=case_id, reason="open")
        until = self._house.organisation.kept_until(case.kind, last.closed)
        return Kept(case=case_id, reason="retention", until=until) if self._clock.now() < until else None

    async def _pieces(self, found: _Found) -> Pieces:
        """What to search for afterwards: of what goes, as much as a search can take."""
        pieces = Pieces()
        for _, refs in found.going:
            for ref in refs:
                if len(pieces) >= MOST_PIECES:
                    return pieces
                try:
                    pieces.add(await self._content.open(ref))
                except ContentGone:
                    continue
        return pieces


def _begin(plan: Plan, ground: Ground, actor: str, state: Erasure | None, now: datetime) -> Sequence[Event]:
    return begin(state, plan, ground, actor)
