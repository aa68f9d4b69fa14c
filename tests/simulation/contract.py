"""The models in the place of the adapters, for the contract suites: in the simulation's loop, with nothing going wrong.

What a suite asks of the adapters it asks of the models. `LEFT_OUT` has the tests that can't ask it, each with why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import Any, cast

from shared.clock import RealClock
from shared.store.sqlite import SqliteStore
from tests import installations
from tests.simulation.faults import Faults
from tests.simulation.kafka import Broker
from tests.simulation.loop import Loop
from tests.simulation.models import beneath
from tests.simulation.mongo import Server
from tests.simulation.sqlite import Disk, ModelSqlite

ADDRESS = "mongodb://model"
"""Where the model of MongoDB is; any other would do, but those of its lines."""
PARTITIONS = 3

LEFT_OUT = {
    "test_where_nothing_can_be_written_the_caller_hears_it_and_nothing_is_kept": "sets a limit of SQLite's own;"
    " the model's disk is full by a fault, in every run of the simulation",
    "test_a_field_of_several_values_must_head_the_one_index_it_is_in": "asks no store",
    "test_a_group_far_behind_reads_what_memory_no_longer_holds": "it is about the bus' memory; the bus is the real one",
    "test_keys_that_a_crash_kept_without_their_boxes_are_swept": "the model writes a box and its key as one",
    "test_the_same_words_have_another_commitment_each_time": "asks no store",
    "test_a_driver_that_is_not_installed_is_named_with_what_to_do": "there is no driver",
    "test_what_a_batch_was_to_write_is_in_no_error": "asks no store",
    "test_where_the_store_is_away_the_caller_hears_it_and_may_come_again": "ends a real server;"
    " the model is away by a fault, in every run of the simulation",
    "test_no_byte_of_an_erased_key_is_left_in_any_file_while_the_store_is_open": "the models have no files",
    "test_while_somebody_reads_an_older_state_it_is_said_that_the_logs_still_hold_it": "the models have no files",
    "test_content_that_is_erased_while_it_is_being_opened_is_not_kept_for_the_next": "it is about the memory of a"
    " process, which is the real one",
}


class Models:
    """One machine with everything that is durable on it, and the loop in which it lives."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.faults = Faults(Random(0), self.loop, calm=True)
        self.disk = Disk()
        self.mongo = Server(self.faults, RealClock())
        self.kafka = Broker(self.faults, PARTITIONS)

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        """In the place of `asyncio.run`."""
        try:
            self.loop.run_until_complete(test)
        finally:
            self.loop.end()

    @asynccontextmanager
    async def sqlite(self) -> AsyncIterator[SqliteStore]:
        """The embedded store's model, opened on what an earlier one left."""
        store = ModelSqlite(self.disk, self.faults)
        yield cast(SqliteStore, store)
        await store.close()

    def line(self) -> ModelLine:
        """A connection to the model of MongoDB that can be cut."""
        return ModelLine(self.mongo)


class ModelLine:
    """Loses the answer to a write that went through."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.cut_next = False
        self.cuts = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens between the write and the loss of its answer."""

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """The address of who is connected over it."""
        address = f"{ADDRESS}/line"
        self._server.lines[address] = self._loses
        yield address

    async def _loses(self, collection: str) -> bool:
        if not self.cut_next or collection != "doc_things":
            return False
        self.cut_next = False
        self.cuts += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        return True


@contextmanager
def models() -> Iterator[Models]:
    """While this lasts, a test of a contract runs on models."""
    made = Models()
    before = installations.RUN.set(made.run)
    try:
        with beneath(made.mongo, made.kafka):
            yield made
    finally:
        installations.RUN.reset(before)
