"""An event that is lost on its way for good: the message is sent again by its timer, counted, and settled once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.loopback.services import PARTITIONS
from services.intake.message import MESSAGES
from shared.events import Record
from shared.events.cases import CaseOpened
from shared.events.messages import MessageSentAgain, MessageSettled
from tests.cluster.house import Cluster, cluster, until
from tests.installations import in_a_loop

pytestmark = pytest.mark.cluster

SETTINGS = {"THROUGHLINE_SETTLE_WITHIN": "15"}


async def pass_over(there: Cluster, group: str, topic: str, lost: Callable[[Record], bool]) -> Record:
    """Move a group, none of which is at work, past an event that it has not heard: it never will."""
    prefix = there.told.settings["THROUGHLINE_TOPIC_PREFIX"]
    partitions = [TopicPartition(prefix + topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(
        bootstrap_servers=there.told.kafka, group_id=prefix + group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()

        async def found() -> tuple[TopicPartition, int, Record] | None:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for one in records:
                    if lost(record := Record.read(topic, one.value)):
                        return partition, one.offset, record
            return None

        partition, offset, record = await until(found, what="the event is on its topic")
        assert (await consumer.committed(partition) or 0) <= offset
        await consumer.commit({partition: offset + 1})
    passed: Record = record
    return passed


async def metric(there: Cluster, service: str, name: str) -> float:
    """A metric of a service's first instance, all labels."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        text = (await client.get(f"{there.running.of[service][0].url}/metrics")).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


async def sent_again(there: Cluster) -> float:
    return await metric(there, "intake", "throughline_messages_sent_again_total")


async def everything_is_answered(there: Cluster) -> bool:
    names = ("intake", "routing", "notify")
    return not any([await metric(there, one, "throughline_unanswered_events") for one in names])


async def settled_once(there: Cluster, message: str) -> None:
    """It has one case and one settlement, and nobody waits for it any more."""
    assert (await there.case_of(message))[1] == "new"
    await until(lambda: everything_is_answered(there), what="every event is answered")
    assert await there.house.store.next_due(MESSAGES) is None
    history = [one.data for one in await there.house.store.history(message)]
    (settled,) = (one for one in history if isinstance(one, MessageSettled))
    assert any(isinstance(one, MessageSentAgain) for one in history)
    case = [one.data for one in await there.house.store.history(settled.case)]
    assert [one.message for one in case if isinstance(one, CaseOpened)] == [message]
    store: Any = there.house.store
    assert await store.database["doc_cases"].count_documents({}) == 1


@in_a_loop
async def test_a_message_whose_event_routing_never_hears_is_sent_again_and_settled_once(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url, settings=SETTINGS) as there:
        routing = there.running.of["routing"][0].server
        await routing.stop()
        message = (await there.write(text="路燈不亮"))["message_id"]
        lost = await pass_over(there, "routing", "messages", lambda one: one.subject == message)
        assert lost.id == f"{message}/1"
        await until(lambda: sent_again(there), what="the alert's metric counts it")
        kinds = [type(one.data) for one in await there.house.store.history(message)]
        assert MessageSettled not in kinds  # the metric spoke while it was unsettled
        await routing.start()
        await settled_once(there, message)


@in_a_loop
async def test_a_case_of_which_intake_never_hears_is_said_again_by_routing_and_settles_its_message_once(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url, settings=SETTINGS) as there:
        intake, routing = (there.running.of[name][0].server for name in ("intake", "routing"))
        await routing.stop()
        message = (await there.write(text="路燈不亮"))["message_id"]

        async def published() -> bool:
            return await metric(there, "intake", "throughline_unpublished_aggregates") == 0

        await until(published, what="the message is on its topic")
        await intake.stop()
        await routing.start()
        lost = await pass_over(there, "intake", "cases", lambda one: isinstance(one.data, CaseOpened))
        assert lost.data.message == message  # type: ignore[attr-defined]
        await intake.start()
        await settled_once(there, message)
        assert await sent_again(there) >= 1
