"""Sending to Kafka: whatever is away for however long, everything gets there, and first things first."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from deploy import loopback
from shared.aggregate import Aggregates
from shared.bus import publisher as publishing
from shared.bus.kafka.sender import KafkaSender
from shared.bus.kafka.topics import table
from shared.bus.publisher import Publisher
from shared.clock import SimulatedClock
from tests.cluster.kafka_house import Answers, Site, admin, firsts
from tests.installations import KIND, THINGS, WEDNESDAY, happened, in_a_loop
from tests.servers import here

pytestmark = pytest.mark.cluster

NAMES = [f"thing {number}" for number in range(12)]


@pytest.fixture
def site(kafka_address: str, mongo_url: str) -> Site:
    return Site(kafka_address, mongo_url)


@in_a_loop
async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(tmp_path: Path, mongo_url: str) -> None:
    answers = Answers()
    async with here(loopback.kafka, tmp_path) as server:
        site = Site(server.address, mongo_url)
        async with site.instance(answers) as one:
            await one.fill(NAMES, 3)
            await one.bus.idle()
            await server.kill()
            await one.fill(NAMES, 3, after=3)  # a commit does not wait for Kafka
            await server.start()
            await one.fill(NAMES, 3, after=6)
            await one.bus.idle()
            order = await site.order()
    assert {name: firsts(heard) for name, heard in answers.heard.items()} == {
        name: list(range(1, 10)) for name in NAMES
    }
    assert {name: firsts(sequences) for name, sequences in order.items()} == {
        name: list(range(1, 10)) for name in NAMES
    }


@in_a_loop
async def test_what_could_not_be_sent_for_longer_than_the_producer_waits_is_sent_in_order_by_another(
    site: Site,
) -> None:
    (topic,) = [one for one in table(site.cluster) if one.name == site.cluster.named("messages")]
    async with site.instance(patience=0.5) as one, admin(site.address) as kafka:
        await one.fill(NAMES, 1)
        await one.bus.idle()
        await kafka.delete_topics([topic.name])  # no partition of it has a leader from here on
        await one.fill(NAMES, 4, after=1)
        while one.bus.sender.replaced < 3:
            await asyncio.sleep(0.01)
        await kafka.create_topics([NewTopic(topic.name, topic.partitions, topic.replication)])
        await one.fill(NAMES, 1, after=5)
        await one.bus.idle()
        order = await site.order()
        for name in NAMES:
            assert await one.store.pending(THINGS, name) == []
    # Whether the last before the deletion stood on the topic when it was deleted is not what is asked here.
    assert {name: firsts(sequences) for name, sequences in order.items()} == {
        name: list(range(2, 7)) for name in NAMES
    }


@in_a_loop
async def test_a_broker_that_is_not_there_at_first_is_waited_for(tmp_path: Path, mongo_url: str) -> None:
    async with here(loopback.kafka, tmp_path) as server:
        site = Site(server.address, mongo_url)
        async with site.instance():
            pass
        await server.kill()
        async with site.store() as store:
            sender = KafkaSender(site.cluster)
            publisher = Publisher(store, sender, SimulatedClock(WEDNESDAY))
            await sender.start()
            await publisher.start()
            things = Aggregates(KIND, store, SimulatedClock(WEDNESDAY))
            for number in range(3):
                await things.answer("a", str(number), lambda state, now: [happened("x")])
            assert publisher.unpublished() == 1
            await server.start()
            await publisher.idle()
            await publisher.stop()
            await sender.stop()
        assert await site.order() == {"a": [1, 2, 3]}


@in_a_loop
async def test_what_a_crash_left_unsent_is_sent_by_the_sweep(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.store() as store:
        for minutes in (0, 1):
            things = Aggregates(KIND, store, SimulatedClock(WEDNESDAY - timedelta(minutes=2 - minutes)))
            await things.answer("a", str(minutes), lambda state, now: [happened("x")])
    monkeypatch.setattr(publishing, "SWEEP_EVERY", 0.01)
    answers = Answers()
    async with site.instance(answers) as one:
        while answers.heard != {"a": [1, 2]}:
            await asyncio.sleep(0.01)
        await one.bus.idle()
    assert await site.order() == {"a": [1, 2]}
