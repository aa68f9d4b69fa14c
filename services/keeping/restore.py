"""A backup becomes an installation again. Where events may have been lost, its trail begins another generation.

Nobody can tell from a backup what was signed after it. So unless a checkpoint shows that nothing was, the restored
trail is another log, of another name, whose first entry names the last checkpoint that is known of the one before; the
old log stays beside it, and what it proved, it proves. Deliveries are held until a person has looked: what was told
after the backup would be told again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.audit.index import FILE as INDEX
from services.audit.index import Index
from services.audit.log import LogReader, LogWriter, Signer, Verifier, from_directory, open_checkpoint
from services.audit.log.merkle import root_at
from services.embedded import COLLECTIONS
from services.keeping.backup import COMING, read_keys
from services.keeping.manifest import BackupWrong, Manifest
from services.notify.holding import RESTORED, Holding
from shared import ids
from shared.clock import RealClock
from shared.events import Record, emit
from shared.events.trail import GenerationOpened
from shared.generation import FILE as GENERATION
from shared.generation import read_generation, trail_origin
from shared.organisation import load
from shared.settings import Settings
from shared.store.sqlite import SqliteStore

OPERATOR = "operator"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Restored:
    """What there is again."""

    entries: int
    generation: int
    opened: bool
    """Whether it is a new generation; deliveries are held then."""
    made: datetime
    """When the backup was made."""


async def restore(
    settings: Settings, source: Path, keys: Path, last_known: bytes | None, progress: Progress
) -> Restored:
    """Make an installation in the settings' data directory, which must not be there yet.

    `last_known` is the newest checkpoint that anybody has of the trail. If it is of no more entries than the backup
    has, and the backup contains them, nothing is known to be lost: the generation goes on. Raises BackupWrong,
    LogError, NoteError, OSError, sqlite3.Error or StoreError; the directory is then not there, and it is run again.
    """
    data = settings.data
    if data.exists() and any(data.iterdir()):
        raise BackupWrong(f"{data} is not empty: name a directory that is not there yet with --data")
    manifest, secrets = Manifest.read(source), read_keys(keys)
    coming = data.with_name(f"{data.name}{COMING}")
    shutil.rmtree(coming, ignore_errors=True)
    _lay_out(source, coming, secrets, manifest, progress)
    settings = settings.model_copy(update={"data": coming, "keys": coming / "keys"})
    log = _verifier(settings, manifest)
    if wrong := manifest.check(source, log):
        raise BackupWrong(f"{source} is not whole: {'; '.join(wrong[:5])}")
    goes_on = last_known is not None and _contains(coming, manifest, last_known, log)
    if not goes_on:
        await _open_generation(settings, manifest, last_known or manifest.checkpoint.encode(), log)
    os.sync()
    if data.exists():
        data.rmdir()
    coming.rename(data)
    return Restored(manifest.size, read_generation(data), not goes_on, manifest.made)


def _lay_out(
    source: Path, coming: Path, secrets: dict[str, bytes], manifest: Manifest, progress: Progress
) -> None:
    files = [path for path in source.rglob("*") if path.is_file()]
    for done, path in enumerate(files, 1):
        target = coming / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, target)
        progress("files", done, len(files))
    for name in ("manifest.json", "organisation.yaml"):
        (coming / name).unlink(missing_ok=True)
    (coming / "keys").mkdir(mode=0o700)
    for name, secret in secrets.items():
        if name != "keys.db" and Path(name).parent != Path("keys"):
            raise BackupWrong(f"the backup of keys has {name}, which is none")
        descriptor = os.open(coming / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
    if manifest.generation > 1:
        (coming / GENERATION).write_text(f"{manifest.generation}\n")


def _verifier(settings: Settings, manifest: Manifest) -> Verifier:
    key = settings.data / "keys" / "log.ed25519"
    if not key.is_file():
        raise BackupWrong("the backup of keys has no log key: name the one of this installation")
    origin = manifest.checkpoint.partition("\n")[0] or _origin(settings)
    return Signer(origin, key.read_bytes()).verifier


def _origin(settings: Settings) -> str:
    return trail_origin(settings, load(settings.org).id, settings.data)


def _contains(coming: Path, manifest: Manifest, last_known: bytes, log: Verifier) -> bool:
    """Whether the tree of a checkpoint is part of what the backup has. Raises NoteError for another log's."""
    known = open_checkpoint(last_known, log).state
    if known.size > manifest.size:
        return False
    reader = LogReader(from_directory(coming / "audit" / "log"))
    return known.size == 0 or root_at(known.size, reader.hash_reader(manifest.size)) == known.root


async def _open_generation(settings: Settings, manifest: Manifest, last_known: bytes, log: Verifier) -> None:
    """Put the old log aside, begin the new one with what it follows, hold deliveries."""
    data = settings.data
    generation = manifest.generation + 1
    old = data / "audit" / "generations" / str(manifest.generation)
    old.mkdir(parents=True)
    for name in ("log", INDEX):
        if (data / "audit" / name).exists():
            (data / "audit" / name).rename(old / name)
    (data / GENERATION).write_text(f"{generation}\n")
    said = GenerationOpened(generation=generation, last_known=last_known.decode(), kept=manifest.size)
    id = f"generation_{generation}"
    opened = emit(
        said,
        source="/audit",
        subject=id,
        sequence=1,
        time=datetime.now(UTC),
        causation=f"restore/{manifest.made.isoformat()}",
        key=id,
        nonce=ids.random_bytes(16),
    )
    _before_all(data, opened)
    origin = _origin(settings)
    index = Index(data / "audit" / INDEX)
    try:
        with LogWriter(data / "audit" / "log") as writer:
            # The store's events come again from the first on: the new log has all that was restored.
            index.commit(writer.integrate([opened.value]), {"events": 1}, [opened])
            writer.publish(index.state, Signer(origin, (data / "keys" / "log.ed25519").read_bytes()))
    finally:
        index.close()
    store = SqliteStore(data, COLLECTIONS)
    await store.open()
    try:
        await Holding(store, RealClock()).hold(OPERATOR, RESTORED)
    finally:
        await store.close()


def _before_all(data: Path, opened: Record) -> None:
    """The event stands before the first one, so that no reader of events is handed it again."""
    with closing(sqlite3.connect(data / "throughline.db")) as store, store:
        first = store.execute("SELECT min(position) FROM events").fetchone()[0]
        store.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            (min(first or 1, 1) - 1, opened.topic, opened.subject, opened.sequence, opened.value),
        )
