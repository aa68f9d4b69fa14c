"""What only a bus on Kafka has: instances that come and go, brokers that are away, topics, bytes that are no event."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from shared.bus import Foreign, Positions, Subscription, Taken, Tap, answering
from shared.bus.kafka import TopicsDiffer, group
from shared.events import Record
from shared.store import Unavailable
from tests.cluster.kafka_house import TYPES, Answers, Site, admin, firsts
from tests.installations import in_a_loop

pytestmark = pytest.mark.cluster

NAMES = [f"thing {number}" for number in range(12)]


@pytest.fixture
def site(kafka_address: str, mongo_url: str) -> Site:
    return Site(kafka_address, mongo_url)


async def send(
    site: Site,
    value: bytes | None,
    key: bytes,
    headers: list[tuple[str, bytes | None]],
    *,
    topic: str = "messages",
) -> None:
    """What another program might write to our topic."""
    async with AIOKafkaProducer(bootstrap_servers=site.address) as producer:
        await producer.send_and_wait(site.cluster.named(topic), value, key=key, headers=headers)


async def committed(site: Site) -> int:
    """How far the group is by Kafka's account, all partitions."""
    name = site.cluster.named("group")
    async with AIOKafkaConsumer(
        bootstrap_servers=site.address, group_id=name, enable_auto_commit=False
    ) as one:
        partitions = [
            TopicPartition(site.cluster.named("messages"), n) for n in range(site.cluster.partitions)
        ]
        one.assign(partitions)
        return sum([await one.committed(partition) or 0 for partition in partitions])


@in_a_loop
async def test_an_instance_that_joins_while_events_are_answered_neither_loses_nor_disorders_any(
    site: Site,
) -> None:
    async def slowly(record: Record) -> None:
        await asyncio.sleep(0.005)

    one, other = Answers(slowly), Answers(slowly)
    numbers = itertools.count()
    async with site.instance(one, heartbeat_interval_ms=100) as first:
        await first.fill(NAMES, 5, after=5 * next(numbers))
        async with site.instance(other, heartbeat_interval_ms=100) as second:
            while not other.heard:
                await first.fill(NAMES, 5, after=5 * next(numbers))
            await asyncio.gather(first.bus.idle(), second.bus.idle())
        await first.fill(NAMES, 5, after=5 * (last := next(numbers)))
        await first.bus.idle()
    expected = list(range(1, 5 * (last + 1) + 1))
    for name in NAMES:
        mine, theirs = one.heard.get(name, []), other.heard.get(name, [])
        assert firsts(sorted(mine + theirs)) == expected
        assert (firsts(mine), firsts(theirs)) == (sorted(set(mine)), sorted(set(theirs)))


@in_a_loop
async def test_a_topic_that_a_group_at_work_begins_to_hear_is_answered_from_its_start(site: Site) -> None:
    old, new = Answers(), Answers()
    async with site.instance(old, heartbeat_interval_ms=100) as one:
        await one.fill(NAMES, 1)
        await one.bus.idle()
        settled = (await site.log())[0]
        for number in range(site.cluster.partitions):
            await send(site, settled, b"%d" % number, [], topic="cases")
        async with site.instance(new, topics=("messages", "cases"), heartbeat_interval_ms=100) as other:
            await other.bus.idle()
            assert other.bus.not_ready() == []
            await one.fill(NAMES, 1, after=1)
            await asyncio.gather(one.bus.idle(), other.bus.idle())
    subject = Record.read("", settled).subject
    assert new.heard[subject].count(1) == site.cluster.partitions


@in_a_loop
async def test_what_was_not_answered_when_partitions_went_is_answered_by_who_has_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "FINISH_SECONDS", 0.2)
    stuck = asyncio.Event()

    async def for_ever(record: Record) -> None:
        if record.sequence == 2:
            stuck.set()
            await asyncio.Event().wait()

    one, other = Answers(for_ever), Answers()
    async with site.instance(one) as first:
        await first.fill(["a"], 3)
        await stuck.wait()
    assert one.heard == {"a": [1]}
    async with site.instance(other) as second:
        await second.bus.idle()
    assert firsts(other.heard["a"])[-2:] == [2, 3]


@in_a_loop
async def test_nothing_is_committed_past_an_event_that_is_still_open(site: Site) -> None:
    may = asyncio.Event()

    async def wait(record: Record) -> None:
        if record.id == "a/1":
            await may.wait()

    answers = Answers(wait)
    async with site.instance(answers) as one:
        await one.fill(["a", *NAMES], 5)
        while sum(len(heard) for heard in answers.heard.values()) < 5 * len(NAMES):
            await asyncio.sleep(0.01)
        (running,) = one.bus.groups
        assert running.unanswered() >= 5
        await running.commit()
        assert await committed(site) <= 5 * (len(NAMES) + 1) - 5
        may.set()
        await one.bus.idle()
        await running.commit()
        assert await committed(site) == 5 * (len(NAMES) + 1)


@in_a_loop
async def test_a_poison_event_leaves_a_reference_without_a_word_of_it(site: Site) -> None:
    async def refuse(record: Record) -> None:
        if record.id == "a/2":
            raise ValueError("the neighbour's name is in this message")

    answers = Answers(refuse)
    async with site.instance(answers) as one:
        await one.fill(["a", "b"], 3)
        await one.bus.idle()
        assert answers.heard == {"a": [1], "b": [1, 2, 3]}
        (dead,) = await site.log("messages.dead")
        assert b"neighbour" not in dead
        reference = orjson.loads(dead)
        assert (reference["event"], reference["group"], reference["error"]) == ("a/2", "group", "ValueError")


@in_a_loop
async def test_who_takes_over_knows_what_is_held_back(site: Site) -> None:
    async def refuse(record: Record) -> None:
        if record.id == "a/2":
            raise ValueError

    async with site.instance(Answers(refuse)) as one:
        await one.fill(["a"], 3)
        await one.bus.idle()
    answers = Answers()
    async with site.instance(answers) as other:
        await other.fill(["a"], 1, after=3)
        await other.bus.idle()
        assert answers.heard == {}
        assert await other.bus.replay("group", "a") == 3
        await other.bus.idle()
    assert answers.heard == {"a": [2, 3, 4]}


@in_a_loop
async def test_a_key_replayed_by_one_instance_goes_on_at_the_other(site: Site) -> None:
    async def refuse(record: Record) -> None:
        if record.id == "a/2":
            raise ValueError

    mended = Answers()
    async with site.instance(Answers(refuse)) as one:
        await one.fill(["a"], 3)
        await one.bus.idle()
        subscriptions = [Subscription(("messages",), TYPES, mended)]
        other = answering.Answering("group", subscriptions, one.store.held_back)
        assert await other.replay("a") == 2
        await one.fill(["a"], 1, after=3)
        await one.bus.idle()
        assert await one.bus.held_keys() == []
        assert one.bus.held_counts() == {}


@in_a_loop
async def test_bytes_that_are_no_event_never_stop_the_line(site: Site) -> None:
    answers = Answers()
    async with site.instance(answers) as one:
        await send(site, b"\xff no event", b"a", [("content-type", b"\xfe"), ("nothing", None)])
        await send(site, None, b"a", [])
        await one.fill(["a"], 2)
        await one.bus.idle()
        assert answers.heard == {"a": [1, 2]}
        where = [orjson.loads(dead) for dead in await site.log("messages.dead")]
        assert [one["offset"] for one in where] == [0, 1]


@in_a_loop
async def test_a_position_that_kafka_no_longer_has_stops_the_group_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "LOOK_EVERY", 0.05)
    async with site.instance(Answers()) as one:
        await one.fill(["a"], 2)
        await one.bus.idle()
        assert one.bus.not_ready() == []
    async with site.instance() as silent:
        await silent.fill(["a"], 5, after=2)
        await silent.bus.idle()
    name = site.cluster.named("messages")
    deleted = {TopicPartition(name, n): RecordsToDelete(before_offset=-1) for n in range(3)}
    async with admin(site.address) as kafka:
        await kafka.delete_records(deleted, timeout_ms=10_000)
    answers = Answers()
    async with site.instance(answers) as one:
        await one.fill(["a"], 1, after=7)
        while not (reasons := one.bus.not_ready()) or "stopped" not in reasons[0]:
            await asyncio.sleep(0.01)
        assert "messages" in reasons[0]
        await one.bus.idle()
    assert answers.heard == {}


@in_a_loop
async def test_a_store_that_is_away_fills_the_window_and_nothing_is_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "WINDOW", 4)
    monkeypatch.setattr(answering, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(group, "PAUSE_AFTER", 0.05)
    away = True

    async def store(record: Record) -> None:
        if away:
            raise Unavailable("the store is away")

    answers = Answers(store)
    async with site.instance(answers) as one:
        await one.fill(NAMES, 5)
        (running,) = one.bus.groups
        while not running.paused:
            await asyncio.sleep(0.01)
        assert answers.heard == {}
        away = False
        await one.bus.idle()
    assert answers.heard == {name: [1, 2, 3, 4, 5] for name in NAMES}


@in_a_loop
async def test_a_tap_takes_everything_once_in_each_partitions_order_and_goes_on_where_it_was(
    site: Site,
) -> None:
    taken: list[Taken] = []
    positions: dict[str, int] = {}

    async def take(batch: Sequence[Taken], after: Positions) -> None:
        taken.extend(batch)
        positions.update(after)

    for round_ in range(2):
        async with site.instance() as one:
            await one.fill(NAMES, 3, after=3 * round_)
            await send(site, b"no event", b"x", [])
        async with site.tapping(Tap(lambda: positions, take)) as tapping:
            await tapping.idle()
        assert len(taken) == (round_ + 1) * (3 * len(NAMES) + 1)
    order: dict[str, list[int]] = {}
    for one_taken in taken:
        if isinstance(one_taken, Record):
            order.setdefault(one_taken.subject, []).append(one_taken.sequence)
    assert order == {name: list(range(1, 7)) for name in NAMES}
    assert [one_taken for one_taken in taken if isinstance(one_taken, Foreign)] == [
        Foreign("messages", b"no event")
    ] * 2


@in_a_loop
async def test_topics_are_created_as_they_must_be_and_found_so(site: Site) -> None:
    for _ in range(2):
        async with site.instance():
            pass


@in_a_loop
async def test_a_topic_that_differs_is_named_with_what_is_and_what_should_be(site: Site) -> None:
    settings = {"cleanup.policy": "compact", "retention.ms": "3600000"}
    name = site.cluster.named("messages")
    async with admin(site.address) as kafka:
        await kafka.create_topics([NewTopic(name, 5, 1, topic_configs=settings)])
    with pytest.raises(TopicsDiffer) as differ:
        async with site.instance():
            pass
    said = str(differ.value)
    assert f"topic {name}: partitions is 5, should be 3; set THROUGHLINE_TOPIC_PARTITIONS" in said
    assert f"topic {name}: cleanup.policy is compact, should be delete; `kafka-configs" in said
    assert f"topic {name}: retention.ms is 3600000, should be -1" in said
    assert "cases" not in said
