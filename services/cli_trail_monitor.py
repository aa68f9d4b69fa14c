"""`throughline trail monitor`: watch a trail from outside; alarm where it was set back, forked or broke a promise."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from services.audit.log import Asked, Fetch, NoteError, Policy, Verifier, Witness, from_url
from services.audit.log.monitor import Look, Monitor, Promise
from services.audit.log_keys import handovers
from shared.receipts import open_receipt


def monitor(
    *,
    url: Annotated[str, typer.Argument(help="The log's http address: an installation's, and /trail")],
    vkey: Annotated[str, typer.Option(help="The log's verifier key; have it confirmed by another way")],
    state: Annotated[
        Path, typer.Option(help="Directory where what was seen is kept, and what proves alarms")
    ],
    witness: Annotated[
        list[str] | None,
        typer.Option(
            help="A witness: `VKEY`, or `URL VKEY` to compare with what it was shown; may be given again"
        ),
    ] = None,
    needed: Annotated[
        int | None, typer.Option("--policy", help="How many must have cosigned; else most")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option(help="Directory of receipts, *.receipt, to watch over")
    ] = None,
    receipt_vkey: Annotated[
        list[str] | None, typer.Option(help="A key that signs receipts; may be given again")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Seconds between looks")] = 60,
    once: Annotated[bool, typer.Option("--once", help="Look once and end")] = False,
    metrics: Annotated[Path | None, typer.Option(help="File for Prometheus's textfile collector")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a look")] = False,
) -> None:
    """Watch a trail. Exit 1 where anything was wrong at any look, saying what; 0 else.

    Each look fetches the checkpoint, verifies that it continues the last one, and that what receipts promise is in it.
    What contradicts an earlier checkpoint is kept with it: both are signed by the trail.
    """
    try:
        key = Verifier.parse(vkey.strip())
        asked, policy = _witnesses(witness or [], needed)
        receipt_keys = [Verifier.parse(one.strip()) for one in receipt_vkey or ()]
        if receipts is not None and (not receipts.is_dir() or not receipt_keys):
            raise ValueError(
                f"--receipts names a directory ({receipts}), and --receipt-vkey who signed what is in it"
            )
        fetch = from_url(url.rstrip("/"))
        watching = Monitor(fetch, [key], state, policy=policy, witnesses=asked)
    except (ValueError, OSError) as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(2) from error
    told = threading.Event()
    for number in () if once else (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    wrong = False
    while True:
        watching.keys = _keys(fetch, key)
        now = datetime.now(UTC)
        promises, unread = _promises(receipts, receipt_keys)
        try:
            look = watching.look(now, promises)
        except (NoteError, ValueError, OSError) as error:
            typer.echo(f"throughline: {state}: {error}", err=True)
            raise typer.Exit(2) from error
        wrong = wrong or not look.ok or bool(unread)
        _tell(look, unread, as_json=as_json)
        if metrics is not None:
            _write_metrics(metrics, look, unread)
        if once or told.wait(every):
            raise typer.Exit(int(wrong))


def _witnesses(told: Sequence[str], needed: int | None) -> tuple[list[Asked], Policy]:
    asked = [Asked.parse(one) for one in told if " " in one.strip()]
    keys = [one.strip().rpartition(" ")[2] for one in told]
    return asked, Policy.of((Witness.parse(one) for one in keys), needed)


def _keys(fetch: Fetch, key: Verifier) -> list[Verifier]:
    """The key, and those that it has led to since."""
    with suppress(ValueError, OSError):
        return [key, *(change.new for change in handovers(fetch, key))]
    return [key]


def _promises(directory: Path | None, keys: Sequence[Verifier]) -> tuple[list[Promise], list[str]]:
    """What receipts promise, and which of them can't be read, with why."""
    promises, unread = [], []
    for path in sorted(directory.glob("*.receipt")) if directory is not None else ():
        try:
            receipt = open_receipt(path.read_bytes(), keys)
        except (NoteError, OSError) as error:
            unread.append(f"{path.name}: {error}")
            continue
        due = receipt.time + timedelta(seconds=receipt.merge_delay)
        promises.append(Promise(f"{path.name} ({receipt.message})", receipt.leaf, due))
    return promises, unread


def _tell(look: Look, unread: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        said = {
            "at": look.at.isoformat(),
            "ok": look.ok and not unread,
            "size": look.state.size,
            "root": look.state.root.hex(),
            "cosigned_by": look.cosigned_by,
            "promises": {"kept": look.kept, "pending": look.pending},
            "alarms": [asdict(alarm) for alarm in look.alarms],
            "unread": list(unread),
        }
        typer.echo(json.dumps(said, ensure_ascii=False))
        return
    for alarm in look.alarms:
        evidence = f"   (kept in {alarm.evidence})" if alarm.evidence else ""
        typer.echo(f"ALARM  {alarm.kind}: {alarm.what}{evidence}")
    for one in unread:
        typer.echo(f"ALARM  receipt that can't be read: {one}")
    if look.ok and not unread:
        promised = f", {look.kept} promises kept, {look.pending} pending" if look.kept or look.pending else ""
        cosigned = f", cosigned by {', '.join(look.cosigned_by)}" if look.cosigned_by else ""
        typer.echo(f"{look.at.isoformat()}  {look.state.size} entries{cosigned}{promised}")


def _write_metrics(path: Path, look: Look, unread: Sequence[str]) -> None:
    kinds = [alarm.kind for alarm in look.alarms]
    lines = [
        "# TYPE throughline_monitor_ok gauge",
        f"throughline_monitor_ok {int(look.ok and not unread)}",
        "# TYPE throughline_monitor_look_timestamp_seconds gauge",
        f"throughline_monitor_look_timestamp_seconds {look.at.timestamp():.3f}",
        "# TYPE throughline_monitor_size_entries gauge",
        f"throughline_monitor_size_entries {look.state.size}",
        "# TYPE throughline_monitor_promises gauge",
        f'throughline_monitor_promises{{state="kept"}} {look.kept}',
        f'throughline_monitor_promises{{state="pending"}} {look.pending}',
        f'throughline_monitor_promises{{state="broken"}} {kinds.count("promise")}',
        "# TYPE throughline_monitor_alarms gauge",
        *(f'throughline_monitor_alarms{{kind="{kind}"}} {kinds.count(kind)}' for kind in sorted(set(kinds))),
    ]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.replace(path)
