"""`e2e --cluster`: the same way as `e2e`, over Kafka and the store, each service a process of its own."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench import generate
from bench.hops import bare
from bench.processes import appears, child, counted, gauge
from deploy.loopback import kafka, mongo
from deploy.loopback.services import Services, Told, services

WARM_UP = 200
EVENTS_A_MESSAGE = 6
_DEADLINE_SECONDS = 600


def e2e_cluster(count: int) -> dict[str, object]:
    """Messages/s with one and with two instances of intake, routing and notify; beside bare hops in the same run."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(count, Path(directory)))


async def _measure(count: int, work: Path) -> dict[str, object]:
    async with kafka(work / "kafka") as broker, mongo(work / "mongo") as store:
        rates = [await _services(count, each, broker.address, store.address, work) for each in (1, 2)]
        reference = await bare(broker.address, store.address, count, work)
        return {
            "bench": "e2e --cluster",
            "value": round(rates[0]),
            "two_instances": round(rates[1]),
            "reference": round(reference),
            "reference_is": "bare aiokafka, three hops of consume, one bulk upsert and produce, each a process",
            "ratio": round(rates[0] / reference, 3),
            "store": store.name,
            "messages": count,
        }


async def _services(count: int, each: int, broker: str, store: str, work: Path) -> float:
    directory = work / f"of-{each}"
    sink = directory / "sink"
    sink.mkdir(parents=True)
    with child("-m", "bench.sink", str(sink), log=directory / "sink.log") as taking:
        relay = await asyncio.to_thread(appears, sink / "port", taking, directory / "sink.log")
        settings = {
            "THROUGHLINE_RELAY": f"127.0.0.1:{relay}",
            "THROUGHLINE_LOG_LEVEL": "warning",
            "THROUGHLINE_MONGO_DATABASE": f"bench-{each}",
            "THROUGHLINE_TOPIC_PREFIX": f"bench-{each}-",
        }
        told = Told(directory / "services", broker, store, "http://127.0.0.1", settings)
        async with services(told, {"intake": each, "routing": each, "notify": each}) as running:
            await _through(running, sink, range(WARM_UP))
            began = time.perf_counter()
            await _through(running, sink, range(WARM_UP, WARM_UP + count))
            return count / (time.perf_counter() - began)


async def _through(running: Services, sink: Path, numbers: range) -> None:
    """Send these messages, and wait until all are told of, and all of it stands under a checkpoint."""
    audit = _port(running.urls["audit"][0])
    before = await asyncio.to_thread(_of_messages, audit)
    doors = [_port(url) for url in running.urls["intake"]]
    await asyncio.gather(
        *(
            generate.post_all(door, "/v1/messages", bodies, 64 // len(doors))
            for door, bodies in zip(doors, _shares(numbers, len(doors)), strict=True)
        )
    )
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while True:
            told = int((sink / "count").read_text())
            size = await asyncio.to_thread(_of_messages, audit)
            if told >= numbers.stop and size >= before + EVENTS_A_MESSAGE * len(numbers):
                return
            await asyncio.sleep(0.05)


def _of_messages(audit: int) -> float:
    """How many entries are signed, without the facts that the audit itself adds behind them."""
    size = gauge(audit, "throughline_trail_size_entries")
    return size - counted(audit, "throughline_facts_total")


def _shares(numbers: range, doors: int) -> Sequence[list[bytes]]:
    return [[generate.body(number) for number in numbers[door::doors]] for door in range(doors)]


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
