"""`python -m bench NAME [--json]`."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bench.cluster import e2e_cluster
from bench.door import http
from bench.e2e import e2e
from bench.pages import pages
from bench.timers import timers
from bench.trail import trail

app = typer.Typer(help="Speeds, each beside a reference measured in the same run.", no_args_is_help=True)


def _print(figures: dict[str, object], as_json: bool) -> None:
    if not as_json:
        for name, value in figures.items():
            typer.echo(f"{name:>14}  {value}")
    typer.echo(json.dumps(figures))


@app.command("e2e", epilog="Example: python -m bench e2e --json")
def bench_e2e(
    mail: Annotated[bool, typer.Option("--mail", help="From the SMTP door, 2 kB mails")] = False,
    cluster: Annotated[bool, typer.Option("--cluster", help="Over Kafka and MongoDB's protocol")] = False,
    count: Annotated[int, typer.Option(help="Messages to send")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Door to checkpoint and acknowledgement, messages/s."""
    _print(e2e_cluster(count) if cluster else e2e(count, mail=mail), as_json)


@app.command("http", epilog="Example: python -m bench http --json")
def bench_http(
    count: Annotated[int, typer.Option(help="Messages to send")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The HTTP door alone, durable, beside a bare FastAPI that validates the same body."""
    with tempfile.TemporaryDirectory() as directory:
        _print(http(count, Path(directory)), as_json)


@app.command("pages", epilog="Example: python -m bench pages --json")
def bench_pages(
    count: Annotated[int, typer.Option(help="Cases to list")] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The workbench's list, p95 in milliseconds of the slowest set of filters."""
    _print(pages(count), as_json)


@app.command("timers", epilog="Example: python -m bench timers --json")
def bench_timers(
    obligations: Annotated[int, typer.Option(help="Open obligations")] = 1_000_000,
    alarms: Annotated[int, typer.Option(help="Alarms of the first part, as quick as can be")] = 60_000,
    seconds: Annotated[float, typer.Option(help="Of the second part, at half that rate")] = 20,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Alarms/s of a million open obligations, and how late they are at half that rate."""
    _print(timers(obligations, alarms, seconds), as_json)


@app.command("trail", epilog="Example: python -m bench trail --json")
def bench_trail(
    entries: Annotated[int, typer.Option(help="Entries of the log")] = 10_000_000,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Entries/s appended, durable and indexed; proofs, verification, queries of a log of ten million."""
    _print(trail(entries), as_json)


if __name__ == "__main__":
    # However it is ended, what it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    uvloop.install()
    app()
