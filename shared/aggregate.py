"""Deciding and saving: an input is answered once by an aggregate, whatever is delivered twice (DESIGN.md section 5).

The core of a service says what may happen (`decide`) and what it makes of the state (`evolve`); this is all that stands
between the core and the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel

from shared import ids
from shared.clock import Clock
from shared.events import Event, Record, emit
from shared.store import Collection, Conflict, Document, FieldValue, Sealed, Step, Store

S = TypeVar("S", bound=BaseModel)

_CACHED = 4096


@dataclass(frozen=True)
class Kind(Generic[S]):
    """One kind of aggregate: how its state follows from its events, and how it is found."""

    collection: Collection
    source: str
    """Who emits its events: `/intake`, `/routing` …"""
    state: type[S]
    evolve: Callable[[S | None, Event, Record], S]
    due: Callable[[S], datetime | None] = lambda _: None
    """When time alone must be looked at again."""
    fields: Callable[[S], Mapping[str, FieldValue]] = lambda _: {}
    key: Callable[[S], str] | None = None
    """The partition key, where it is not the aggregate's id."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """An aggregate as it stands."""

    state: S | None
    version: int
    inputs: frozenset[str]
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Answer(Generic[S]):
    """What became of an input. `records` is empty where it had been answered before, or nothing follows from it."""

    state: S
    version: int
    records: tuple[Record, ...]
    repeated: bool = False


Decide = Callable[[S | None, datetime], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class _Decided(Generic[S]):
    """What follows from an input, not yet saved."""

    after: Loaded[S]
    step: Step


class NothingThere(LookupError):
    """A decision on an aggregate that does not exist came to nothing."""


class Aggregates(Generic[S]):
    """All aggregates of one kind, over a store. Recently used ones are kept, written through.

    Where others write to the store too, a kept one may be old. It is then only good for deciding on what is saved under
    its version, which the store refuses where it has moved on; whatever saves nothing is decided on what the store has.
    """

    def __init__(self, kind: Kind[S], store: Store, clock: Clock) -> None:
        self.kind = kind
        self._store = store
        self._clock = clock
        self._recent: OrderedDict[str, Loaded[S]] = OrderedDict()

    async def load(self, id: str) -> Loaded[S]:
        """The aggregate as it stands; `state` is None where there is none."""
        if self._store.only_writer and (kept := self._kept(id)) is not None:
            return kept
        document = await self._store.load(self.kind.collection, id)
        if document is None:
            return Loaded(None, 0, frozenset(), None)
        kept = self._recent.get(id)
        if kept is not None and kept.version == document.version:
            return kept
        loaded = self.read(document.body, document.version)
        self._remember(id, loaded)
        return loaded

    def offer(self, document: Document) -> None:
        """A document that was read a moment ago, with others: whoever needs it now need not look for it."""
        kept = self._recent.get(document.id)
        if kept is None or kept.version < document.version:
            self._remember(document.id, self.read(document.body, document.version))

    def _kept(self, id: str) -> Loaded[S] | None:
        if id in self._recent:
            self._recent.move_to_end(id)
        return self._recent.get(id)

    def read(self, body: bytes, version: int) -> Loaded[S]:
        """An aggregate from its document's bytes."""
        saved = orjson.loads(body)
        return Loaded(
            self.kind.state.model_validate(saved["state"]),
            version,
            frozenset(saved["inputs"]),
            datetime.fromisoformat(saved["time"]),
        )

    async def answer(
        self,
        id: str,
        input_id: str,
        decide: Decide[S],
        *,
        contents: tuple[Sealed, ...] = (),
        fresh: bool = False,
    ) -> Answer[S]:
        """Decide on an input and make it durable; decide again where another was faster.

        `decide` is pure: it takes the state and the time and returns events, none where nothing follows, or raises what
        the caller must hear. `fresh` spares the look for an aggregate that this input alone can create.
        """
        loaded: Loaded[S] | None = Loaded(None, 0, frozenset(), None) if fresh else self._kept(id)
        certain = False
        if loaded is None or (self._store.only_writer and not fresh):
            loaded, certain = loaded or await self.load(id), True
        while True:
            decided = self._decide(id, input_id, loaded, decide, contents, certain=certain)
            if isinstance(decided, Answer):
                return decided
            if decided is not None:
                try:
                    await self._store.commit(decided.step)
                except Conflict:
                    self._recent.pop(id, None)
                else:
                    self._remember(id, decided.after)
                    assert decided.after.state is not None
                    return Answer(decided.after.state, decided.after.version, decided.step.records)
            loaded, certain = await self.load(id), True

    def _decide(
        self,
        id: str,
        input_id: str,
        loaded: Loaded[S],
        decide: Decide[S],
        contents: tuple[Sealed, ...],
        *,
        certain: bool,
    ) -> Answer[S] | _Decided[S] | None:
        """What follows; None where nothing does, and it is not `certain` that the aggregate still stands like this."""
        if input_id in loaded.inputs:
            assert loaded.state is not None
            return Answer(loaded.state, loaded.version, (), repeated=True) if certain else None
        now = self._clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exact as an entry's time
        if loaded.time is not None and now < loaded.time:
            now = loaded.time  # an aggregate's time does not go back, whatever the machine's does
        try:
            events = decide(loaded.state, now)
        except Exception:
            if certain:
                raise
            return None
        if not events:
            if not certain:
                return None
            if loaded.state is None:
                raise NothingThere(f"{id} does not exist, and {input_id} did not create it")
            return Answer(loaded.state, loaded.version, ())
        after, records = self._emit(id, loaded, events, input_id, now)
        return _Decided(after, step(self.kind, id, loaded.version, after, tuple(records), contents=contents))

    def _emit(
        self,
        id: str,
        loaded: Loaded[S],
        events: Sequence[Event],
        input_id: str,
        now: datetime,
    ) -> tuple[Loaded[S], list[Record]]:
        state, version, records = loaded.state, loaded.version, []
        for event in events:
            version += 1
            key = id
            if self.kind.key is not None:
                key = self.kind.key(state) if state is not None else getattr(event, "thread", id)
            record = emit(
                event,
                source=self.kind.source,
                subject=id,
                sequence=version,
                time=now,
                causation=input_id,
                key=key,
                nonce=ids.random_bytes(16),
            )
            state = self.kind.evolve(state, event, record)
            records.append(record)
        return Loaded(state, version, loaded.inputs | {input_id}, now), records

    def _remember(self, id: str, loaded: Loaded[S]) -> None:
        self._recent[id] = loaded
        self._recent.move_to_end(id)
        if len(self._recent) > _CACHED:
            self._recent.popitem(last=False)


def step(
    kind: Kind[S],
    id: str,
    expected: int,
    after: Loaded[S],
    records: tuple[Record, ...],
    *,
    contents: tuple[Sealed, ...] = (),
) -> Step:
    """The change of an aggregate, as it is saved."""
    state = after.state
    assert state is not None
    assert after.time is not None
    body = b'{"inputs":%b,"time":"%b","state":%b}' % (
        orjson.dumps(sorted(after.inputs)),
        after.time.isoformat().encode(),
        state.__pydantic_serializer__.to_json(state, exclude_defaults=True),
    )
    return Step(
        collection=kind.collection,
        id=id,
        expected=expected,
        body=body,
        records=records,
        fields=kind.fields(state),
        due=kind.due(state),
        contents=contents,
    )
