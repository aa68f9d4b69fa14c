"""What is shown of exclusions, samples and probes, and which cases are left out of the figures."""

from __future__ import annotations

from services.audit.supervision.exclusion import Exclusion
from services.audit.supervision.judging import sees_all
from services.audit.supervision.probe import Probe
from services.audit.supervision.reading import Reading
from services.audit.supervision.sample import Sample
from services.audit.supervision.shapes import (
    ExclusionList,
    ProbeList,
    SampleList,
    ShownExclusion,
    ShownProbe,
    ShownSample,
)
from shared.events.content import ContentRef
from shared.events.findings import (
    ExclusionAsked,
    ExclusionDecided,
    ProbeRevealed,
)
from shared.rights import Principal
from shared.store import Where
from shared.web.problems import not_found


class Unannounced(Reading):
    """What is shown of what two people leave out, and of looks that nobody can prepare for."""

    async def cases_left_out(self) -> list[str]:
        """The cases that count in no figure: those that two people left out, and the probes that were revealed."""
        granted = await self._states(self._all.exclusions, [Where("state", "=", "granted")])
        revealed = await self._states(self._all.probes, [Where("state", "=", "revealed")])
        probed = [await self._all.case_of_message(one.message) for one in revealed if one.message]
        return list(dict.fromkeys([*(one.case for one in granted), *probed]))

    async def exclusions(
        self, who: Principal, *, state: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ExclusionList:
        """A page of them: all, or those that somebody asked for themselves."""
        where = [] if sees_all(who) else [Where("asked_by", "=", who.id)]
        where += [] if state is None else [Where("state", "=", state)]
        rows, following = await self._page(self._all.exclusions, where, cursor, limit)
        return ExclusionList(
            exclusions=[await self.exclusion(id, one) for id, one in rows],
            next=following,
            left_out=len(await self.cases_left_out()),
        )

    async def exclusion(self, id: str, state: Exclusion) -> ShownExclusion:
        """One exclusion."""
        asked: ContentRef | None = None
        decided: ContentRef | None = None
        for record in await self._store.history(id):
            if isinstance(event := record.data, ExclusionAsked):
                asked, decided = event.words, None
            elif isinstance(event, ExclusionDecided):
                decided = event.words
        return ShownExclusion(
            id=id,
            case=await self._ref(state.case),
            state=state.state,
            asked_by=state.asked_by,
            asked=state.asked,
            reason=await self._said(asked),
            decided_by=state.decided_by,
            words=await self._said(decided),
        )

    async def samples(self, *, cursor: str | None = None, limit: int = 50) -> SampleList:
        """A page of samples."""
        rows, following = await self._page(self._all.samples, [], cursor, limit)
        return SampleList(samples=[await self._sample(id, one) for id, one in rows], next=following)

    async def sample(self, id: str) -> ShownSample:
        """One sample. Raises Problem 404."""
        state = (await self._all.samples.load(id)).state if id.startswith("sample_") else None
        if state is None:
            raise not_found("sample")
        return await self._sample(id, state)

    async def probes(self, *, cursor: str | None = None, limit: int = 50) -> ProbeList:
        """A page of probes, for those who supervise."""
        rows, following = await self._page(self._all.probes, [], cursor, limit)
        return ProbeList(probes=[await self.probe(id, one) for id, one in rows], next=following)

    async def probe(self, id: str, state: Probe) -> ShownProbe:
        """One probe, for those who supervise."""
        secret = None if state.message else await self._all.secret(state)
        message = state.message or (secret and secret.message)
        words = [
            one.data.words for one in await self._store.history(id) if isinstance(one.data, ProbeRevealed)
        ]
        return ShownProbe(
            id=id,
            state=state.state,
            by=state.by,
            planted=state.planted,
            commitment=state.commitment,
            case=await self._ref(await self._all.case_of_message(message)) if message else None,
            words=await self._said(words[0]) if words else None,
        )

    async def probed(self, case: str) -> bool:
        """Whether a case is a probe, revealed or not: for those who supervise alone."""
        for one in await self._states(self._all.probes, []):
            secret = None if one.message else await self._all.secret(one)
            message = one.message or (secret and secret.message)
            if message and await self._all.case_of_message(message) == case:
                return True
        return False

    async def _sample(self, id: str, one: Sample) -> ShownSample:
        refs = [await self._ref(case) or case for case in one.cases]
        return ShownSample(
            **one.model_dump(exclude={"cases", "checkpoint"}),
            id=id,
            cases=refs,
            checkpoint=one.checkpoint or None,
        )
