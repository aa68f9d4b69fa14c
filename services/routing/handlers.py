"""What routing hears, and what time tells it: messages become cases, obligations age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from services.routing import arrival
from services.routing.arrival import Arrival
from services.routing.case import CASES, Case, due, fields, milliseconds
from services.routing.desk import Desk
from services.routing.evolve import evolve
from services.routing.ladder import climb
from services.routing.language import detect
from services.routing.published import Versions
from services.routing.tracked import addresses, belongs
from shared import ids, metrics
from shared.aggregate import Aggregates, Answer, Kind
from shared.content import ContentGone, seal_model
from shared.content.words import MessageWords, Sender
from shared.events import Event, Record
from shared.events.cases import CaseAlarmed, CaseOpened
from shared.events.content import ContentRef
from shared.events.linked import CaseJoined, CaseLinked, CaseMerged, CaseSplit
from shared.events.messages import MessageReceived, MessageSentAgain
from shared.service import House
from shared.store import Sealed

How = Literal["token", "thread", "hint"]

CASE_KIND = Kind(CASES, "/routing", Case, evolve, due, fields)
_LANGUAGES = frozenset({"zh-Hant", "zh-Hans", "en"})


class Handlers:
    """The desk at work."""

    def __init__(self, house: House, desk: Desk, cases: Aggregates[Case]) -> None:
        self._house = house
        self._store = house.store
        self._content = house.content
        self._refs = house.keys.purpose("ref")
        self._desk = desk
        self._cases = cases
        self._versions = Versions(house)

    async def on_received(self, record: Record) -> None:
        """A message came in: it opens a case or joins one."""
        message = record.data
        assert isinstance(message, MessageReceived)
        await self._receive(record.subject, message, record.time)

    async def on_sent_again(self, record: Record) -> None:
        """A message that nobody settled: the same answer, once. If it was given, whoever settles has not heard it."""
        again = record.data
        assert isinstance(again, MessageSentAgain)
        answer, case_id = await self._receive(
            record.subject, again.message, record.time - timedelta(seconds=again.after_seconds)
        )
        if not answer.records and self._house.again is not None:
            await self._house.again(case_id)

    async def on_due(self, case_id: str, at: datetime) -> None:
        """Rungs of a case fell due."""

        def fire(case: Case | None, now: datetime) -> list[Event]:
            return [] if case is None else [*climb(self._desk, case, now)]

        case = (await self._cases.load(case_id)).state
        # What began anew, after a refused return say, may have a rung at an instant at which one fell before.
        started = 0 if case is None else case.started
        answer = await self._cases.answer(case_id, f"{case_id}/due/{milliseconds(at)}/{started}", fire)
        for record in answer.records:
            if isinstance(event := record.data, CaseAlarmed):
                for rung in event.rungs:
                    metrics.ALARMS.labels(rung.action).inc()

    async def on_merged(self, record: Record) -> None:
        """A case goes on as another: that one says so."""
        merged = record.data
        assert isinstance(merged, CaseMerged)
        ref = await self._ref_of(record.subject)
        joined = CaseJoined(case=record.subject, ref=ref)
        await self._cases.answer(merged.into, record.id, lambda case, _: [joined] if case else [])

    async def on_linked(self, record: Record) -> None:
        """A case has to do with another: that one says so too."""
        linked = record.data
        assert isinstance(linked, CaseLinked)
        if linked.answers:
            return
        ref = await self._ref_of(record.subject)
        back = CaseLinked(case=record.subject, ref=ref, relation=linked.relation, answers=True)
        await self._cases.answer(linked.case, record.id, lambda case, _: [back] if case else [])

    async def on_split(self, record: Record) -> None:
        """A part goes its own way: a case opens for it, with the same sender."""
        split = record.data
        assert isinstance(split, CaseSplit)
        opened = next(one.data for one in await self._store.history(record.subject))
        assert isinstance(opened, CaseOpened)
        ref = await self._free_ref(split.part)
        await self._cases.answer(
            split.part,
            record.id,
            lambda case, now: [] if case else arrival.part(self._desk, now, ref, record, opened),
            fresh=True,
        )

    async def _ref_of(self, case_id: str) -> str:
        case = (await self._cases.load(case_id)).state
        assert case is not None
        return case.ref

    async def publish_organisation(self) -> None:
        """Say which organisation and calendar hold from here on, where they changed."""
        await self._versions.publish()

    async def _receive(self, id: str, message: MessageReceived, at: datetime) -> tuple[Answer[Case], str]:
        own = ids.derived("case", id)
        try:
            words = await self._content.open_model(message.words.ref, MessageWords)
        except ContentGone:  # erased before anybody had it: the case says so
            words = MessageWords()
        text = f"{words.subject}\n{words.text}"
        said = message.language or words.sender.language
        came = Arrival(
            id=id,
            message=message,
            at=at,
            language=said if said in _LANGUAGES else detect(text),
            ref=ids.case_ref(self._refs, own),
            placement=arrival.place(self._desk, message, text),
            liaison=None if message.anonymous else self._desk.liaison(words.sender.email),
        )
        target, how = await self._target(own, message)
        if target is not None:
            target = await self._goes_on_as(target)
        if target is None:
            standing = await self._store.claim({f"thread:{message.thread}": own, f"ref:{came.ref}": own})
            target = standing[f"thread:{message.thread}"]
            if target == own:
                if standing[f"ref:{came.ref}"] != own:
                    came = replace(came, ref=await self._free_ref(own))
                return await self._answer(own, came, fresh=True)
        return await self._join(own, target, how, came, words.sender)

    async def _target(self, own: str, message: MessageReceived) -> tuple[str | None, How]:
        """The case that a message belongs to, by our token, the conversation, or what the sender typed."""
        if message.reply_case and (await self._cases.load(message.reply_case)).state is not None:
            return message.reply_case, "token"
        if message.follows and (followed := await self._case_of(message.follows)) not in {None, own}:
            return followed, "token"
        if message.earlier or message.hint_ref:
            for thread in (message.thread, *message.earlier):
                if found := await self._store.claimed(f"thread:{thread}"):
                    return (None if found == own else found), "thread"
        hinted = message.hint_ref and await self._store.claimed(f"ref:{message.hint_ref}")
        if hinted and (await self._cases.load(hinted)).state is not None:
            return hinted, "hint"
        return None, "thread"

    async def _goes_on_as(self, case_id: str) -> str:
        """The case itself, or the one that it was merged into."""
        while (case := (await self._cases.load(case_id)).state) is not None and case.merged_into is not None:
            case_id = case.merged_into
        return case_id

    async def _case_of(self, message: str) -> str | None:
        """The case that an earlier message is known to belong to: one that nobody has verified proves nothing."""
        case_id = await self._store.claimed(f"message:{message}") or ids.derived("case", message)
        return case_id if belongs(await self._store.history(case_id), message) else None

    async def _join(
        self, own: str, target: str, how: How, came: Arrival, sender: Sender
    ) -> tuple[Answer[Case], str]:
        """Join a case, or open the one that a crash left only claimed, or one beside a stranger's."""
        case = (await self._cases.load(target)).state
        verified = case is not None and (how == "token" or await self._same_sender(case, sender))
        beside = case is not None and not case.is_open and not verified
        decided = f"message:{came.id}"
        standing = await self._store.claim(
            {f"thread:{came.message.thread}": target, decided: own if beside else target}
        )
        joins = standing[decided]
        came = replace(came, how=how, verified=verified and joins == target)
        if joins == own:
            came = replace(came, related=target)
        if joins == own or case is None:
            came = replace(came, ref=await self._free_ref(joins))
        return await self._answer(joins, came)

    async def _answer(self, case_id: str, came: Arrival, *, fresh: bool = False) -> tuple[Answer[Case], str]:
        contents: tuple[Sealed, ...] = ()
        reference: ContentRef | None = None
        evidence = came.placement.evidence
        if evidence is not None:
            sealed, reference = seal_model(evidence, owner=came.id, now=came.at)
            contents = (sealed,)

        def decide(case: Case | None, now: datetime) -> list[Event]:
            return [*arrival.receive(self._desk, case, now, came, reference)]

        answer = await self._cases.answer(case_id, came.id, decide, contents=contents, fresh=fresh)
        return answer, case_id

    async def _free_ref(self, case_id: str) -> str:
        """The first of a case's possible refs that no other case has; claimed for it."""
        for attempt in count():
            ref = ids.case_ref(self._refs, case_id, attempt)
            if (await self._store.claim({f"ref:{ref}": case_id}))[f"ref:{ref}"] == case_id:
                break
        return ref

    async def _same_sender(self, case: Case, sender: Sender) -> bool:
        try:
            first = await self._content.open_model(case.words, MessageWords)
        except ContentGone:
            return False
        return bool(addresses(first.sender) & addresses(sender))
