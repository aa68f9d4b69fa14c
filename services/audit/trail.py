"""The trail: every event becomes an entry, in the order it was committed, and every second a checkpoint says so.

Order of durability (DESIGN.md section 7): tiles → index (size, root, positions) → signature → checkpoint. One thread
does it all; where witnesses are asked, it appends on while they are.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import tzinfo
from pathlib import Path

import structlog

from services.audit.belonging import belong_together
from services.audit.cosigning import Cosigning
from services.audit.guard import Guard, Superseded
from services.audit.index import FILE, NO_HEADS, Index
from services.audit.keys import TRAIL
from services.audit.log import (
    LogError,
    LogReader,
    LogWriter,
    Signer,
    StateError,
    TreeState,
    from_directory,
)
from services.audit.log.merkle import root_at
from services.audit.log.writer import CHECKPOINT
from services.audit.log_keys import write_handover
from services.audit.lookup import Lookup
from services.audit.projected import FILE as PROJECTED
from services.audit.projector import Projector
from shared import metrics
from shared.bus import Positions, Taken
from shared.events import Record
from shared.note import split_note
from shared.store import Store, Unavailable

log = structlog.get_logger()

INTEGRATE_FROM = 256
"""With fewer entries waiting, the next integration waits for the interval's end."""
INTEGRATE_EVERY = 0.25
PUBLISH_EVERY = 1.0
STUCK_AFTER = 10.0
"""Seconds that entries may wait for a checkpoint before the service counts as not ready."""

_FAILURES = (OSError, sqlite3.Error, Unavailable)


class TrailClosed(RuntimeError):
    """The trail was closed before what was waited for."""


class Trail:
    """The log of one installation, its index, and what is published of it.

    `repeats` is whether events may come again, as they do from a bus that promises them at least once: the same bytes
    make one entry. What has an event's place and other bytes is an entry of its own, for all to see.

    `beside` is a key that signs too, while it takes over from the other.

    Opening it raises StateError where log and index don't belong together, LockedError where it is open already.
    """

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        zone: tzinfo,
        guard: Guard | None = None,
        *,
        beside: Signer | None = None,
        cosigning: Cosigning | None = None,
        repeats: bool = False,
    ) -> None:
        self.directory = directory / "log"
        self.signer = signer
        self.signers = (signer, *([beside] if beside else ()))
        self.index = Index(directory / FILE)
        self._writer = LogWriter(self.directory, self.index.state)
        self._signed_otherwise = self._is_signed_otherwise()
        self._make_index_anew()
        self.projector = Projector(directory / PROJECTED, zone, self.reader, lambda: self.index.state.size)
        self.lookup = Lookup.open(self.projector.path)
        self._guard = guard
        self.cosigning = cosigning
        self._handed_over = not beside
        self._repeats = repeats
        self._superseded = ""
        self._broken = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="trail")
        self._publishing: asyncio.Task[None] | None = None
        self._one_by_one = asyncio.Lock()
        self._moved = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closed = False
        self._taking = False
        self._waiting_since: float | None = None
        self._last_error = ""
        metrics.TRAIL_SIZE.set_function(lambda: self.published.size)
        metrics.UNSIGNED.set_function(self.unsigned_seconds)
        metrics.SUPERSEDED.set_function(lambda: int(self.superseded))

    def _make_index_anew(self) -> None:
        """Have the index hold what this version makes of the log; the directory is ours by now."""
        if not self.index.outdated:
            return
        size = self.index.state.size
        log.info("trail.index_is_made_anew", entries=size)
        try:
            self.index.make_anew(self.reader().entries(0, size, size))
        except (LogError, OSError) as error:
            self._writer.close()
            self.index.close()
            raise StateError(
                f"{self.directory}: the index is another version's and must be made anew from the log, which cannot be"
                f" read: {error}. Put back the entries as a backup has them; nothing was changed"
            ) from error

    @property
    def published(self) -> TreeState:
        """What the last checkpoint stands for."""
        return self._writer.published

    def positions(self) -> Positions:
        """How far the events of each stream are in the log."""
        return self.index.positions

    async def belongs_to(self, store: Store) -> None:
        """Raises StateError where the last entry is no event of the store: the store is older, or another's."""
        await belong_together(self.directory, self.reader(), self.index.state.size, store)

    async def begin(self) -> None:
        """Become the one audit that signs. Raises StateError where another has signed what is not here."""
        if self._guard is not None:
            state = self.index.state
            reader = self.reader().hash_reader(state.size)
            await self._guard.begin(str(self.directory), state, lambda size: root_at(size, reader))

    async def take(self, batch: Sequence[Taken], positions: Positions) -> None:
        """Make entries of what came. Raises OSError or sqlite3.Error, and is then to be called again."""
        started = time.monotonic()
        self._taking = True
        self._waiting_since = self._waiting_since or started
        self._hurry.clear()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._integrate, batch, positions)
        self._taking = False
        self.projector.wake()
        if len(batch) < INTEGRATE_FROM:
            left = INTEGRATE_EVERY - (time.monotonic() - started)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), max(0.0, left))

    def hurry(self) -> None:
        """Somebody waits for the next entries: don't gather more of them first."""
        self._hurry.set()

    async def publish(self) -> None:
        """Sign what is integrated, where that is more than was signed. Raises OSError or sqlite3.Error."""
        async with self._one_by_one:
            placed = await self._publish()
        if placed:
            self._waiting_since = time.monotonic() if self._taking else None
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    async def _publish(self) -> bool:
        """Whether a checkpoint is published that wasn't."""
        loop = asyncio.get_running_loop()
        if self.cosigning is None:
            return await loop.run_in_executor(self._thread, self._sign_and_place, loop)
        note = await loop.run_in_executor(self._thread, self._sign, loop)
        new = note is not None
        if note is not None:
            note = await self.cosigning.cosign(note)
        elif (published := self.checkpoint()) is not None:
            note = self.cosigning.joined(published)
            self.cosigning.placed(published, self.published.size)
        if note is None or not await loop.run_in_executor(self._thread, self._place, note):
            return False
        self.cosigning.placed(note, self.published.size)
        return new

    async def covered(self, size: int) -> None:
        """Return once a checkpoint covers the first `size` entries. Raises TrailClosed where none ever will."""
        while self.published.size < size:
            if self._closed:
                raise TrailClosed(f"the trail was closed at {self.published.size} entries, before {size}")
            await self._moved.wait()

    async def shown(self, size: int) -> None:
        """Return once a checkpoint covers the first `size` entries, and the projection has them. Raises TrailClosed."""
        await self.covered(size)
        await self.projector.reached(size)
        if self.projector.size < size:
            raise TrailClosed(
                f"the trail was closed when {self.projector.size} entries were projected, not {size}"
            )

    def _integrate(self, batch: Sequence[Taken], positions: Positions) -> None:
        try:
            self._mend()
            new, heads = self._first_time(batch) if self._repeats else (batch, NO_HEADS)
            first = self.index.state.size
            state = self._writer.integrate([one.value for one in new])
            self.index.commit(state, positions, new, heads)
        except BaseException as error:
            self._break(error)
            raise
        self.projector.hear(first, new)

    def _first_time(self, batch: Sequence[Taken]) -> tuple[Sequence[Taken], dict[str, int]]:
        """What of a batch the log does not have, and the aggregates' highest sequences with it."""
        heads = self.index.heads({one.subject for one in batch if isinstance(one, Record)})
        new: list[Taken] = []
        seen: set[bytes] = set()
        for one in batch:
            if isinstance(one, Record):
                head = heads.get(one.subject, 0)
                if one.sequence <= head and (one.value in seen or self._has(one)):
                    continue
                heads[one.subject] = max(head, one.sequence)
                seen.add(one.value)
            new.append(one)
        return new, heads

    def _has(self, record: Record) -> bool:
        reader, size = self.reader(), self.index.state.size
        return any(reader.entry(at, size) == record.value for at in self.index.own_places(record.subject))

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, None before the first."""
        try:
            return (self.directory / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def _is_signed_otherwise(self) -> bool:
        """Whether the published checkpoint lacks a key that signs now, or has one that doesn't any more."""
        if (note := self.checkpoint()) is None:
            return False
        there = {one.key_id for one in split_note(note)[1] if one.name == self.signer.name}
        signing = {signer.verifier.key_id for signer in self.signers}
        if not there & signing:
            self._writer.close()
            self.index.close()
            raise StateError(
                f"{self.directory}: the log key that is there, {self.signer.verifier.vkey}, is not the one that signed"
                " the checkpoint. Put back that one (`throughline key restore`, or a backup of the keys): who verifies"
                " this trail knows no other; nothing was changed or signed"
            )
        return there != signing

    def _sign_and_place(self, loop: asyncio.AbstractEventLoop) -> bool:
        note = self._sign(loop)
        return note is not None and self._place(note)

    def _sign(self, loop: asyncio.AbstractEventLoop) -> bytes | None:
        """The signed checkpoint of what is integrated, None where it is published already."""
        with self._whole():
            self._mend()
            if self.index.state == self._writer.published and not self._signed_otherwise:
                return None
        if self._guard is not None:
            # Waited for here: nothing is integrated between what is allowed and what is signed.
            asyncio.run_coroutine_threadsafe(self._allow(self._guard, self.index.state), loop).result()
        with self._whole():
            return self._writer.sign(self.index.state, *self.signers)

    def _place(self, note: bytes) -> bool:
        """Publish it, unless the writer was opened anew since it was signed: the next one is then signed instead."""
        with self._whole():
            self._mend()
            if not self._writer.knows(note):
                return False
            self._writer.place(note)
            self._signed_otherwise = False
            if not self._handed_over:
                old, new = (signer.verifier for signer in self.signers)
                self._handed_over = write_handover(
                    self.directory, old, new, lambda: self.index.own_places(TRAIL)
                )
        return True

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._break(error)
            raise

    async def _allow(self, guard: Guard, state: TreeState) -> None:
        if self._superseded:
            raise Superseded(self._superseded)
        try:
            await guard.allow(state)
        except Unavailable as error:
            self._last_error = str(error)
            raise
        except Superseded as error:
            self._superseded = str(error)
            log.error("trail.superseded", error=str(error))  # noqa: TRY400  the message says it all
            raise

    def _break(self, error: BaseException) -> None:
        # The writer may be ahead of the index: nothing of it may be signed.
        self._broken = True
        self._last_error = str(error)

    def _mend(self) -> None:
        """After a step that failed half-way: what the index has is what stands."""
        if not self._broken:
            return
        self._writer.close()
        self.index.reload()
        self._writer = LogWriter(self.directory, self.index.state)
        self._broken = False
        log.info("trail.reopened", size=self.index.state.size)

    async def start(self) -> None:
        """Begin to publish, and to project."""
        self._publishing = asyncio.create_task(self._publish_forever())
        await self.projector.start()

    async def _publish_forever(self) -> None:
        while True:
            try:
                await self.publish()
            except Superseded:
                return
            except _FAILURES as error:
                log.warning("trail.not_published", error=str(error))
            except Exception:
                log.exception("trail.not_published")
            await asyncio.sleep(PUBLISH_EVERY)

    async def stop(self) -> None:
        """Nothing yet: events still come. `close` ends it."""

    async def idle(self) -> None:
        """Return once everything integrated is published and projected."""
        await self.publish()
        await self.projector.idle()

    @property
    def superseded(self) -> bool:
        """Whether another audit signs, and this one never again."""
        return bool(self._superseded)

    def unsigned_seconds(self) -> float:
        """How long entries have been waiting for a checkpoint."""
        since = self._waiting_since  # read once: the loop sets it, and whoever asks may be elsewhere
        return 0.0 if since is None else time.monotonic() - since

    def ready(self) -> str | None:
        """Why the trail doesn't get on, or None where it does."""
        if self._superseded:
            return self._superseded
        if (waited := self.unsigned_seconds()) <= STUCK_AFTER:
            return None
        reason = f": {self._last_error}" if self._last_error else ""
        return f"entries wait for a checkpoint since {waited:.0f} s{reason}"

    async def close(self) -> None:
        """Sign what is left and let the directory go; once the bus hands over nothing more."""
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)
        try:
            await self.publish()
        except (*_FAILURES, Superseded) as error:
            log.warning("trail.not_published", error=str(error), next="signed at the next start")
        finally:
            self._closed = True
            self._moved.set()
            self._thread.shutdown()
            await self.projector.close()
            self.lookup.close()
            self._writer.close()
            self.index.close()
            if self.cosigning is not None:
                await self.cosigning.close()

    def reader(self) -> LogReader:
        """A reader of the log as it stands, for one thread."""
        return LogReader(from_directory(self.directory))
