"""From the door to the trail and the sender: messages/s until the checkpoint covers the last entry and the last
acknowledgement is at the sink."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from bench import generate
from bench.processes import appears, child, gauge, resident_mib
from bench.reference import aiosmtpd_discards, raw_sqlite

WARM_UP = 200
BATCH = 100


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    rate: float
    door_rate: float
    rss_mib: float


def _answered(port: int, sink: Path, mails: int) -> bool:
    return int((sink / "count").read_text()) >= mails and gauge(port, "throughline_unanswered_events") == 0


def measure(count: int, kind: str, work: Path) -> Figures:
    """One run in a fresh directory. `kind` is single, batch or mail."""
    data, sink = work / "data", work / "sink"
    sink.mkdir()
    with child("-m", "bench.sink", str(sink), log=work / "sink.log") as taking:
        relay = appears(sink / "port", taking, work / "sink.log")
        arguments = ("-m", "services", "run", "--data", str(data), "--port", "0", "--smtp-port", "0")
        log = work / "run.log"
        with child(
            *arguments, "--relay", f"127.0.0.1:{relay}", log=log, THROUGHLINE_LOG_LEVEL="warning"
        ) as run:
            port, smtp_port, mailbox = appears(data / "addresses", run, log).split()
            asyncio.run(_sending(int(port), int(smtp_port), mailbox, range(WARM_UP), kind))
            _wait(int(port), sink, WARM_UP)
            sending = _sending(int(port), int(smtp_port), mailbox, range(WARM_UP, WARM_UP + count), kind)
            started = time.perf_counter()
            asyncio.run(sending)
            door = time.perf_counter()
            _wait(int(port), sink, WARM_UP + count)
            ended = time.perf_counter()
            return Figures(count / (ended - started), count / (door - started), resident_mib(run.pid))


def _wait(port: int, sink: Path, mails: int) -> None:
    """Until all is answered, and signed as far as it stood then: facts are computed afterwards, behind the log."""
    until = time.monotonic() + 300
    _until(until, lambda: _answered(port, sink, mails), sink, mails)
    last = gauge(port, "throughline_events_committed")
    _until(until, lambda: gauge(port, "throughline_trail_size_entries") >= last, sink, mails)


def _until(end: float, so: Callable[[], bool], sink: Path, mails: int) -> None:
    while not so():
        if time.monotonic() > end:
            raise RuntimeError(f"{(sink / 'count').read_text()} of {mails} acknowledgements after 300 s")
        time.sleep(0.05)


def _sending(
    port: int, smtp_port: int, mailbox: str, numbers: range, kind: str
) -> Coroutine[None, None, None]:
    """What sends these messages; they are made now, not while they are sent."""
    if kind == "mail":
        mails = [generate.mail(number, mailbox) for number in numbers]
        return generate.mail_all(smtp_port, mailbox, mails)
    bodies = [generate.body(number) for number in numbers]
    if kind == "single":
        return generate.post_all(port, "/v1/messages", bodies)
    batches = [b"[" + b",".join(bodies[at : at + BATCH]) + b"]" for at in range(0, len(bodies), BATCH)]
    return generate.post_all(port, "/v1/messages", batches, connections=8)


def e2e(count: int, *, mail: bool) -> dict[str, object]:
    """The bench `e2e`, or `e2e --mail`."""
    if mail:
        with tempfile.TemporaryDirectory() as directory:
            figures = measure(count, "mail", Path(directory))
        reference = asyncio.run(aiosmtpd_discards(count))
        return {
            "bench": "e2e --mail",
            "value": round(figures.rate),
            "door": round(figures.door_rate),
            "reference": round(reference),
            "reference_is": "aiosmtpd on uvloop that parses and discards, the same mails",
            "ratio": round(figures.rate / reference, 3),
            "rss_mib": round(figures.rss_mib),
            "messages": count,
        }
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        figures = measure(count, "single", work)
        reference, stated = raw_sqlite(work / "data", count + WARM_UP, work)
    with tempfile.TemporaryDirectory() as directory:
        batch = measure(count, "batch", Path(directory))
    return {
        "bench": "e2e",
        "value": round(figures.rate),
        "batch_value": round(batch.rate),
        "door": round(figures.door_rate),
        "reference": round(reference),
        "reference_is": stated,
        "ratio": round(figures.rate / reference, 3),
        "rss_mib": round(figures.rss_mib),
        "messages": count,
    }
