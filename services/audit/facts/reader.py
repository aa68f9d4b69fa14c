"""Opens the content that entries refer to, and has what derives from it logged. Content goes no further than here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import BaseModel, ValidationError

from services.audit.checks.check import Noted
from services.audit.facts.fact import KIND, VERSION, Fact, fact_id
from services.audit.facts.persons import Names
from services.audit.facts.reading import Reading, Text
from services.audit.facts.sketches import FILE, Sketches
from shared import metrics
from shared.aggregate import Aggregates
from shared.content import ContentGone, ContentStore
from shared.content.words import MessageWords, Note
from shared.events.cases import CaseAnswered, CaseContested, CaseOpened, FeedbackGiven, MessageAttached
from shared.events.content import ContentRef
from shared.events.facts import AnswerRead, FactEvent, MessageRead
from shared.events.organisation import ErasureMade
from shared.service import House

log = structlog.get_logger()


class Reader:
    """Reads for one house. Where content was erased before it was read, the fact says so and nothing else."""

    def __init__(self, house: House, directory: Path) -> None:
        self._content: ContentStore = house.content
        self._facts: Aggregates[Fact] = Aggregates(KIND, house.store, house.clock)
        self._sketches = Sketches(directory / FILE)
        self._at_sketches = asyncio.Lock()
        """One thread at a time: what is erased is forgotten at once, whatever is being read."""
        house.derived.register(self.forget_contents)
        self._reading = Reading(
            self._sketches,
            Names(house.organisation),
            house.keys.purpose("pseudonym"),
            house.keys.purpose("sketch"),
            house.organisation.hours.country or "",
        )

    async def read(self, batch: Sequence[Noted]) -> None:
        """Compute and emit what there is to say of these entries, once. Raises StoreError, sqlite3.Error, OSError."""
        wanted = [(noted, ref) for noted in batch if (ref := _words_of(noted)) is not None]
        texts = [text for noted, ref in wanted if (text := await self._open(noted, ref)) is not None]
        erased = [
            ref for noted in batch if isinstance(noted.said, ErasureMade) for ref in noted.said.contents
        ]
        if not texts and not erased:
            return
        async with self._at_sketches:
            facts = await asyncio.to_thread(self._compute, texts)
        await asyncio.gather(*(self._emit(fact) for fact in facts))
        await self.forget_contents((), erased)

    async def forget_contents(self, cases: Sequence[str], contents: Sequence[str]) -> None:
        """Destroy what derives from contents that are erased. Raises sqlite3.Error."""
        if contents:
            async with self._at_sketches:
                await asyncio.to_thread(self._sketches.forget, contents)

    async def _open(self, noted: Noted, ref: ContentRef) -> _Opened | None:
        shape = MessageWords if isinstance(noted.said, CaseOpened | MessageAttached) else Note
        try:
            return _Opened(noted, ref, await self._content.open_model(ref.ref, shape))
        except ContentGone:
            return _Opened(noted, ref, None)
        except ValidationError as error:
            log.warning("facts.not_read", event_id=noted.record.id, errors=error.error_count())
            return None

    def _compute(self, texts: Sequence[_Opened]) -> list[FactEvent]:
        with self._sketches.at_once():
            return [self._fact(one) for one in texts]

    def _fact(self, opened: _Opened) -> FactEvent:
        noted = opened.noted
        kind = AnswerRead if isinstance(noted.said, CaseAnswered) else MessageRead
        if opened.words is None:
            return kind(about=noted.record.id, case=noted.record.subject, version=VERSION, gone=True)
        text = opened.text()
        return self._reading.answer(text) if kind is AnswerRead else self._reading.message(text)

    async def _emit(self, fact: FactEvent) -> None:
        answer = await self._facts.answer(
            fact_id(fact.about), fact.about, lambda state, _: [fact] if state is None else []
        )
        if answer.records:
            metrics.FACTS.labels(fact.TYPE).inc()

    def forget(self) -> None:
        """Another log is followed: what was derived so far stood at other places. Raises sqlite3.Error."""
        self._sketches.clear()

    def close(self) -> None:
        """Close the sketches."""
        self._sketches.close()


class _Opened:
    """An entry with the words that it refers to; None where they are gone."""

    def __init__(self, noted: Noted, ref: ContentRef, words: BaseModel | None) -> None:
        self.noted = noted
        self.words = words
        self._ref = ref

    def text(self) -> Text:
        record, words, about = self.noted.record, self.words, self.noted.said
        place = (self.noted.index, record.id, record.subject, self._ref.ref)
        if isinstance(words, MessageWords):
            anonymous = isinstance(about, CaseOpened) and about.anonymous
            subject = words.subject if isinstance(about, CaseOpened) else ""
            return Text(*place, words.text, subject, None if anonymous else words.sender)
        assert isinstance(words, Note)
        return Text(*place, words.text, matter=False)


def _words_of(noted: Noted) -> ContentRef | None:
    """The content of which a fact is to be logged, if any."""
    match noted.said:
        case CaseOpened(parent=None, words=words) | MessageAttached(words=words) | CaseAnswered(words=words):
            return words
        case FeedbackGiven(words=words) | CaseContested(words=words):
            return words
    return None
