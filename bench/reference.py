"""The references: what the parts can do alone, measured in the same run."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from bench import generate
from shared.store import Collection
from shared.store.group_commit import MOST_JOBS_A_COMMIT

COMMIT_MESSAGES = 32
"""Messages to one commit of the reference: about what 64 connections give the writer at a time."""


def raw_sqlite(data: Path, messages: int, work: Path) -> tuple[float, str]:
    """Messages/s of writing the rows that an installation has written into fresh files: the same bytes, WAL, FULL."""
    tables = ("events", "claims", "contents", "doc_messages", "doc_cases", "doc_deliveries")
    source = sqlite3.connect(data / "throughline.db")
    target = _fresh(work / "reference.db")
    keys_source = sqlite3.connect(data / "keys.db")
    keys = _fresh(work / "reference-keys.db")
    rows: dict[str, list[tuple[object, ...]]] = {}
    for table in tables:
        for (sql,) in source.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql NOT NULL", (table,)
        ):
            target.execute(sql)
        rows[table] = source.execute(f"SELECT * FROM {table}").fetchall()
    for (sql,) in keys_source.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL"):
        keys.execute(sql)
    secrets = keys_source.execute("SELECT * FROM keys").fetchall()
    commits = max(1, messages // COMMIT_MESSAGES)
    started = time.perf_counter()
    for number in range(commits):
        _write(keys, "keys", _share(secrets, number, commits))
        target.execute("BEGIN")
        for table in tables:
            part = _share(rows[table], number, commits)
            if part:
                marks = ", ".join("?" * len(part[0]))
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", part)
        target.execute("COMMIT")
    seconds = time.perf_counter() - started
    per_message = {table: round(len(found) / messages, 2) for table, found in rows.items()}
    return (
        messages / seconds,
        f"raw SQLite, {COMMIT_MESSAGES} messages a commit, rows a message: {per_message}",
    )


def group_commit(data: Path, collection: Collection, written: Sequence[tuple[str, int]]) -> tuple[float, str]:
    """Events/s of inserting these events and updating their documents, the bytes an installation has of them."""
    source = sqlite3.connect(data / "throughline.db")
    table = f"doc_{collection.name}"
    events, documents = [], []
    for named in written:
        events += source.execute("SELECT * FROM events WHERE subject = ? AND sequence = ?", named).fetchall()
        documents += source.execute(f"SELECT * FROM {table} WHERE id = ?", named[:1]).fetchall()
    columns = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
    sets = ", ".join(f"{name} = ?" for name in columns)
    marks = ", ".join("?" * len(columns))
    with tempfile.TemporaryDirectory() as work:
        target = _fresh(Path(work) / "reference.db")
        schema = "SELECT sql FROM sqlite_master WHERE tbl_name IN ('events', ?) AND type != 'trigger' AND sql NOT NULL"
        for (sql,) in source.execute(schema, (table,)):
            target.execute(sql)
        target.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", documents)
        started = time.perf_counter()
        for at in range(0, len(events), MOST_JOBS_A_COMMIT):
            target.execute("BEGIN")
            target.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?)", events[at : at + MOST_JOBS_A_COMMIT]
            )
            changed = documents[at : at + MOST_JOBS_A_COMMIT]
            target.executemany(f"UPDATE {table} SET {sets} WHERE id = ?", [(*row, row[0]) for row in changed])
            target.execute("COMMIT")
        seconds = time.perf_counter() - started
        target.close()
    stated = f"raw SQLite, {MOST_JOBS_A_COMMIT} events and updates of as many documents a commit"
    return len(events) / seconds, f"{stated}: the same rows and bytes, among those documents alone"


def _fresh(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=16384")
    return connection


def _write(connection: sqlite3.Connection, table: str, part: list[tuple[object, ...]]) -> None:
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", part)
    connection.execute("COMMIT")


def _share(rows: list[tuple[object, ...]], number: int, parts: int) -> list[tuple[object, ...]]:
    return rows[len(rows) * number // parts : len(rows) * (number + 1) // parts]


class _Discard:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        message_from_bytes(content, policy=policy.compat32)
        return "250 parsed and discarded"


async def aiosmtpd_discards(count: int) -> float:
    """Mails/s of an aiosmtpd that parses and discards, client and server in one loop."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(_Discard(), loop=loop, hostname="localhost"), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    mails = [generate.mail(number, "line@localhost") for number in range(count)]
    started = time.perf_counter()
    await generate.mail_all(port, "line@localhost", mails)
    seconds = time.perf_counter() - started
    server.close()
    return count / seconds
