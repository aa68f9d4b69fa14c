"""A witness (c2sp.org/tlog-witness): it cosigns a log's checkpoint once it has seen that it continues the last one.

What it answers is a pure decision over the request and what it has recorded; what it records is durable before it
answers. So whoever asks, however often and at once, nobody has its word for two histories of a log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from services.audit.log.checkpoint import Checkpoint, open_any_checkpoint, parse_checkpoint
from services.audit.log.consistency import ConsistencyProof
from services.audit.log.cosignature import Policy, WitnessSigner
from services.audit.log.disk import Disk, lock, put_durably
from services.audit.log.errors import LogError, NoteError, ProofError, SignatureError, StateError
from services.audit.log.merkle import EMPTY_TREE, TreeState
from shared.note import Signature, Verifier, join_note, open_note, split_note

CHECKPOINT = "checkpoint"
MAX_REQUEST = 64 * 1024
"""Bytes; a proof has 63 lines at most, a checkpoint a hundred signatures."""

Logs = Mapping[str, Sequence[Verifier]]
"""By origin, the keys that sign for it: two while one takes over from the other."""


class Refused(LogError):
    """A request that gets no cosignature: the HTTP status that says so, and why; `size` where it is 409."""

    def __init__(self, status: int, why: str, size: int | None = None) -> None:
        self.status = status
        self.size = size
        super().__init__(why)


def origin_id(origin: str) -> str:
    """How a witness's readers name a log: the SHA-256 of its origin, in hex."""
    return sha256(origin.encode()).hexdigest()


def decide(request: ConsistencyProof, logs: Logs, recorded: Callable[[str], TreeState]) -> Checkpoint:
    """The checkpoint that is to be cosigned. Raises Refused.

    `recorded` is the tree last cosigned of a log, the empty one before the first.
    """
    try:
        text, _ = split_note(request.checkpoint)
        origin = parse_checkpoint(text).origin
    except NoteError as error:
        raise Refused(400, str(error)) from error
    if origin not in logs:
        raise Refused(404, f"this witness does not know the log {origin!r}")
    try:
        checkpoint = open_any_checkpoint(request.checkpoint, logs[origin], origin=origin)
    except SignatureError as error:
        raise Refused(403, str(error)) from error
    size = checkpoint.state.size
    if request.old > size:
        raise Refused(400, f"the old size {request.old} is above the checkpoint's {size}")
    last = recorded(origin)
    if request.old != last.size:
        raise Refused(409, f"the last tree cosigned has {last.size} entries, not {request.old}", last.size)
    try:
        request.verify(last, checkpoint)
    except ProofError as error:
        raise Refused(422, str(error)) from error
    return checkpoint


class WitnessBook:
    """What a witness has cosigned, one checkpoint a log, in a directory that it alone writes. Safe in several threads.

    Opening raises LockedError where another process has it, StateError for a record that is not its own word any more:
    a witness that took it for nothing would cosign another history.
    """

    def __init__(
        self,
        directory: Path,
        signer: WitnessSigner,
        logs: Iterable[Verifier],
        *,
        disk: Disk | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.signer = signer
        self._directory = directory
        self._disk = disk or Disk()
        self._now = now
        self._one_by_one = Lock()
        self._logs: dict[str, list[Verifier]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock(directory / ".lock", "is this witness")
        try:
            for origin in self._logs:
                self._recorded(origin)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def origins(self) -> list[str]:
        """The logs it cosigns."""
        return list(self._logs)

    def add_checkpoint(self, body: bytes) -> bytes:
        """The cosignature's line, once it is recorded. Raises Refused, OSError where it can't be recorded."""
        try:
            request = ConsistencyProof.parse(body)
        except NoteError as error:
            raise Refused(400, str(error)) from error
        with self._one_by_one:
            checkpoint = decide(request, self._logs, self._recorded)
            cosignature = self.signer.cosign(checkpoint.text, self._now())
            signed = self._known_signatures(checkpoint, request.checkpoint)
            note = join_note(checkpoint.text, [*signed, cosignature])
            put_durably(self._disk, self._directory, f"{origin_id(checkpoint.origin)}/{CHECKPOINT}", note)
            return cosignature.line.encode()

    def checkpoint(self, id: str) -> bytes | None:
        """The last checkpoint cosigned of the log with that `origin_id`; None where there is none."""
        if id not in map(origin_id, self._logs):
            return None
        try:
            return (self._directory / id / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Let another process have the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known_signatures(self, checkpoint: Checkpoint, note: bytes) -> list[Signature]:
        # Of what else stands under a note, anybody may have written it there.
        known = {(key.name, key.key_id) for key in self._logs[checkpoint.origin]}
        signatures = open_note(note, self._logs[checkpoint.origin]).signatures
        return list({one: None for one in signatures if (one.name, one.key_id) in known})

    def _recorded(self, origin: str) -> TreeState:
        path = self._directory / origin_id(origin) / CHECKPOINT
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return EMPTY_TREE
        try:
            # Only our own word counts: the log's key may be another by now.
            Policy((self.signer.verifier,), 1).check(note)
            return parse_checkpoint(split_note(note)[0]).state
        except NoteError as error:
            raise StateError(
                f"{path}: this isn't what the witness {self.signer.verifier.vkey} cosigned of {origin}: {error}. Put"
                " back its newest backup; nothing is cosigned without it"
            ) from error
