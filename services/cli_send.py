"""`throughline send`: files people have → messages, with an account at the end."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.intake.records import ColumnMap, FileUnreadable, kind_of, parse_map, read_records
from services.sending.balance import Balance, Outcome, total
from services.sending.lanes import WIDTH, Sending, Source
from services.sending.over_http import HttpDoor
from services.sending.over_smtp import SmtpDoor, is_address
from services.sending.patience import Patience

SHOWN_FILES = 20
"""With more files than this only those are listed of which something was not accepted."""

SLOW = 2.0
"""Seconds after which a person at a terminal sees how far it is."""

NOTES = {
    "date_unreadable": "but without their date, which could not be read",
    "ragged": "with more cells than headings; the surplus stands at the end of their text",
}


def send(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE…", help="What to send."),
    ],
    *,
    to: Annotated[
        str, typer.Option(help="Throughline's address, for records and transcripts.")
    ] = "http://127.0.0.1:8080",
    smtp: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Its mail door, for mails.")
    ] = "127.0.0.1:2525",
    channel: Annotated[str | None, typer.Option(help="Channel of records that name none, e.g. web.")] = None,
    map_: Annotated[
        str | None,
        typer.Option("--map", metavar="FIELD=COLUMN,…", help="Which columns hold what; join several with +."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="THROUGHLINE_API_KEY", help="API key, if the door asks for one.")
    ] = None,
    rcpt: Annotated[str, typer.Option(help="Address the mails go to.")] = "line@localhost",
    timezone: Annotated[
        str | None,
        typer.Option(help="Zone of dates that name none, e.g. Asia/Taipei; this computer's by default."),
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Keep each receipt as a file in DIR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> None:
    """Send mails (.eml .mbox), transcripts (.vtt .srt .sbv .json .tsv) and records (.csv .json .jsonl .txt).

    Sending the same file again adds nothing. Ends with 0 if everything was taken, 1 if something was refused
    or could not be sent, 2 if the command itself was wrong (then nothing was sent).

    Example: throughline send letters.mbox calls/*.vtt complaints.csv --map text=留言详情,subject=留言主题
    """
    err = Console(stderr=True)
    try:
        mapping, zone, mail_door = parse_map(map_), _zone(timezone), _host_and_port(smtp)
        sources = [_source(path, mapping) for path in files]
        address = httpx.URL(to)
        if address.scheme not in ("http", "https") or not address.host:
            raise FileUnreadable("usage", f"--to {to}: expected an address such as http://127.0.0.1:8080.")
        if not is_address(rcpt):
            raise FileUnreadable("usage", f"--rcpt {rcpt}: expected an address such as line@localhost.")
    except (FileUnreadable, httpx.InvalidURL) as wrong:
        err.print(f"Nothing was sent. {wrong}", markup=False, highlight=False)
        raise typer.Exit(2) from None
    with _SlowProgress(err) as progress:
        handing = _Handing(address, mail_door, key, rcpt, mapping, channel, zone, receipts, progress)
        asyncio.run(handing.over(sources))
    _report([source.balance for source in sources], as_json=as_json)
    if not all(source.balance.all_taken for source in sources):
        raise typer.Exit(1)


class _SlowProgress:
    """A line that counts what was handed over, shown to a person at a terminal once it takes `SLOW`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()
        self._count = 0
        self._shown: Progress | None = None

    def __enter__(self) -> _SlowProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._shown.stop()

    def advance(self) -> None:
        """One more message ended."""
        self._count += 1
        if self._shown is None and self.console.is_terminal and time.monotonic() - self._began > SLOW:
            self._shown = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=self.console
            )
            self._shown.add_task("")
            self._shown.start()
        if self._shown:
            self._shown.update(self._shown.task_ids[0], description=f"{self._count:,} handed over")


@dataclass(frozen=True, slots=True)
class _Handing:
    """One run of the command."""

    to: httpx.URL
    mail_door: tuple[str, int]
    key: str | None
    rcpt: str
    mapping: ColumnMap
    channel: str | None
    zone: tzinfo
    receipts: Path | None
    progress: _SlowProgress

    async def over(self, sources: Sequence[Source]) -> None:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        # Each door has its own patience: mails go on while the HTTP API is shut, and the other way round.
        http_patience, smtp_patience = Patience(tell=self._tell), Patience(tell=self._tell)
        host, port = self.mail_door
        doors = [SmtpDoor(host, port, self.rcpt, smtp_patience) for _ in range(WIDTH)]
        local = self.to.host in ("localhost", "127.0.0.1", "::1")  # never through a proxy
        async with httpx.AsyncClient(
            base_url=self.to, headers=headers, timeout=60, trust_env=not local
        ) as client:
            door = HttpDoor(client, http_patience)
            await Sending(door, doors, self.mapping, self.channel, self.zone, self._book).all(sources)

    def _tell(self, message: str) -> None:
        self.progress.console.print(message, markup=False, highlight=False)

    def _book(self, source: Source, outcome: Outcome, where: str) -> None:
        source.balance.add(outcome, where)
        if self.receipts and outcome.receipt and outcome.message_id:
            _keep(self.receipts, outcome.message_id, outcome.receipt)
        self.progress.advance()


def _keep(folder: Path, message_id: str, receipt: Any) -> None:
    """Writes a receipt as it came; the id is the server's word, so it may not lead out of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", message_id)[:200]
    text = receipt if isinstance(receipt, str) else json.dumps(receipt, ensure_ascii=False)
    (folder / f"{name}.receipt").write_text(text, encoding="utf-8")


def _report(balances: Sequence[Balance], *, as_json: bool) -> None:
    whole = total(balances)
    if as_json:
        document = {"files": [balance.as_json() for balance in balances], "total": whole.as_json()}
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    few = len(balances) <= SHOWN_FILES
    for balance in balances:
        if few or balance.ends["accepted"] != balance.input:
            typer.echo(_account(balance))
    if len(balances) > 1:
        typer.echo(_account(whole))


def _account(balance: Balance) -> str:
    ends = balance.ends
    line = f"{balance.file}: {balance.input} in = {ends['accepted']} accepted"
    line += f" + {ends['quarantined']} quarantined + {ends['refused']} refused" + (
        f" + {ends['not_sent']} not sent" if ends["not_sent"] else ""
    )
    lines = [line]
    for (end, code), reason in sorted(balance.reasons.items()):
        lines.append(
            f"  {reason.count} {end.replace('_', ' ')}, {code}: {reason.detail} (first: {reason.first})"
        )
    lines += [f"  {count} sent, {NOTES.get(code, code)}" for code, count in sorted(balance.notes.items())]
    return "\n".join(lines)


def _source(path: Path, mapping: ColumnMap) -> Source:
    """The file, once it is sure that it can be read: nothing is sent of any file if one can't."""
    kind = kind_of(path)
    if kind == "records":
        read_records(path, mapping)
    return Source(path, kind, Balance(str(path)))


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return datetime.now().astimezone().tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise FileUnreadable("usage", f"--timezone {name}: expected a name such as Asia/Taipei.") from None


def _host_and_port(smtp: str) -> tuple[str, int]:
    host, _, port = smtp.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise FileUnreadable("usage", f"--smtp {smtp}: expected HOST:PORT, for example 127.0.0.1:2525.")
    return host.strip("[]"), int(port)
