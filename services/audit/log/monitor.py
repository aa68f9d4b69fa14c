"""Watching a log from outside: that it only grows, shows everybody the same, and keeps what it promised.

A monitor keeps the last checkpoint that it verified. Whatever contradicts it is kept beside it, both signed by the log:
so a log that was set back or forked is convicted by its own key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

from services.audit.log.asking import Asked
from services.audit.log.checkpoint import Checkpoint, open_any_checkpoint
from services.audit.log.consistency import ConsistencyProof
from services.audit.log.cosignature import Policy
from services.audit.log.disk import Disk, put_durably
from services.audit.log.errors import LogError, NoteError, QuorumError
from services.audit.log.fetch import Fetch, fetch_hashes, from_url
from services.audit.log.merkle import EMPTY_TREE, HASH_SIZE, TreeState, convicts, verify_inclusion
from services.audit.log.reader import LogReader
from services.audit.log.tiles import TILE_WIDTH, tile_at
from services.audit.log.witness import origin_id
from shared.note import Verifier

CHECKPOINT, PROMISES, EVIDENCE = "checkpoint", "promises.json", "evidence"
WITHHELD_AFTER = timedelta(seconds=60)
"""How long after a witness cosigned a tree everybody must be shown it."""

Kind = Literal["unreachable", "unsigned", "rewind", "fork", "broken", "uncosigned", "withheld", "promise"]


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong, and the folder of what proves it, where something does."""

    kind: Kind
    what: str
    evidence: str = ""


@dataclass(frozen=True)
class Promise:
    """That a checkpoint covers the entry with this leaf hash by then; `name` is for people."""

    name: str
    leaf: bytes
    due: datetime


@dataclass
class Look:
    """What one look found; `state` is the newest tree that continues all that was seen before."""

    at: datetime
    state: TreeState = EMPTY_TREE
    alarms: list[Alarm] = field(default_factory=list)
    kept: int = 0
    pending: int = 0
    """Promises whose time has not come."""
    cosigned_by: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.alarms


class Monitor:
    """Watches the log that `fetch` reads. What it has seen is durable in `directory`; for one thread, one process.

    `keys` are the log's, the first by which it is known. Opening raises NoteError where what it kept is damaged.
    """

    def __init__(
        self,
        fetch: Fetch,
        keys: Sequence[Verifier],
        directory: Path,
        *,
        policy: Policy,
        witnesses: Sequence[Asked] = (),
        disk: Disk | None = None,
    ) -> None:
        self._fetch = fetch
        self.keys = list(keys)
        self._origin = keys[0].name
        self._directory = directory
        self._policy = policy
        self._witnesses = witnesses
        self._disk = disk or Disk()
        directory.mkdir(parents=True, exist_ok=True)

    def look(self, now: datetime, promises: Iterable[Promise] = ()) -> Look:
        """Look once. Raises NoteError where what was kept is damaged, OSError where nothing can be kept."""
        look = Look(now)
        kept = self._kept()
        last = self._open(kept).state if kept else EMPTY_TREE
        look.state = last
        note = self._newest(look)
        goes_on = note is not None and self._continues(look, kept or b"", last, note)
        if note is not None and goes_on:
            checkpoint = self._open(note)
            look.state = checkpoint.state
            if note != kept:
                put_durably(self._disk, self._directory, CHECKPOINT, note)
            self._compare_with_witnesses(look, note, checkpoint)
        self._promises(look, list(promises), search=goes_on)
        return look

    def _kept(self) -> bytes | None:
        try:
            return (self._directory / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def _open(self, note: bytes) -> Checkpoint:
        return open_any_checkpoint(note, self.keys, origin=self._origin)

    def _newest(self, look: Look) -> bytes | None:
        """The checkpoint that the log shows, where it is the log's."""
        try:
            note = self._fetch("checkpoint")
        except (OSError, ValueError) as error:
            look.alarms.append(Alarm("unreachable", f"the log does not answer: {error}"))
            return None
        try:
            self._open(note)
        except NoteError as error:
            look.alarms.append(
                Alarm("unsigned", str(error), self._keep("unsigned", {"shown.checkpoint": note}))
            )
            return None
        try:
            look.cosigned_by = [one.witness.name for one in self._policy.check(note)]
        except QuorumError as error:
            look.alarms.append(Alarm("uncosigned", str(error)))
        except NoteError as error:
            evidence = self._keep("uncosigned", {"shown.checkpoint": note})
            look.alarms.append(Alarm("uncosigned", str(error), evidence))
        return note

    def _continues(self, look: Look, kept: bytes, last: TreeState, note: bytes) -> bool:
        """Whether the log's tree begins with the one that was seen last."""
        new = self._open(note).state
        if new.size < last.size:
            what = f"the log was set back: it shows {new.size} entries, and had signed {last.size}"
            both = {"older.checkpoint": kept, "newer.checkpoint": note}
            look.alarms.append(Alarm("rewind", what, self._keep("rewind", both)))
            return False
        what = f"the log was forked: its first {last.size} entries are not those that it had signed before"
        return self._begins_with(look, last, note, what, {"older.checkpoint": kept})

    def _begins_with(
        self, look: Look, older: TreeState, note: bytes, fork: str, evidence: dict[str, bytes]
    ) -> bool:
        """Whether the tree of a checkpoint begins with an older one; where it doesn't, an alarm says why."""
        newer = self._open(note)
        reader = LogReader(self._fetch)
        try:
            proof = ConsistencyProof(
                older.size, tuple(reader.consistency_proof(older.size, newer.state.size)), note
            )
            proof.verify(older, newer)
            return True
        except OSError as error:
            look.alarms.append(Alarm("unreachable", f"the log's tiles do not answer: {error}"))
            return False
        except LogError as error:
            if not self._certain(reader, older, newer.state):
                look.alarms.append(
                    Alarm("broken", f"the tiles do not lead to the root that is signed: {error}")
                )
                return False
        evidence = evidence | {"newer.checkpoint": note, "newer.consistency": proof.format()}
        look.alarms.append(Alarm("fork", fork, self._keep("fork", evidence)))
        return False

    def _certain(self, reader: LogReader, older: TreeState, newer: TreeState) -> bool:
        """Whether the newer tree has another root at that size, and the tiles aren't merely damaged."""
        if older.size == newer.size:
            return True
        try:
            return convicts(older.size, newer.size, newer.root, reader.hash_reader(newer.size))
        except (LogError, OSError):
            return False

    def _compare_with_witnesses(self, look: Look, note: bytes, checkpoint: Checkpoint) -> None:
        """That witnesses were shown this log and no other."""
        for asked in self._witnesses:
            try:
                seen = from_url(asked.url)(f"{origin_id(self._origin)}/checkpoint")
                (cosigned,) = Policy((asked.witness,), 1).check(seen)
                theirs = self._open(seen).state
            except (OSError, ValueError) as error:
                look.alarms.append(
                    Alarm("unreachable", f"{asked.witness.name} does not say what it saw: {error}")
                )
                continue
            if theirs.size > checkpoint.state.size:
                if cosigned.at + WITHHELD_AFTER < look.at:
                    what = (
                        f"{asked.witness.name} cosigned {theirs.size} entries at {cosigned.at.isoformat()}, and the log"
                        f" shows {checkpoint.state.size}"
                    )
                    both = {"newer.checkpoint": note, "witness.checkpoint": seen}
                    look.alarms.append(Alarm("withheld", what, self._keep("withheld", both)))
                continue
            what = f"{asked.witness.name} was shown another history of its first {theirs.size} entries"
            self._begins_with(look, theirs, note, f"the log was forked: {what}", {"witness.checkpoint": seen})

    def _promises(self, look: Look, promises: list[Promise], *, search: bool) -> None:
        """Look for the entries that were promised; the log's own tiles say where they are, its root that they are."""
        known = self._known()
        looked = {one.leaf: known.setdefault(one.leaf.hex(), [0, None]) for one in promises}
        try:
            if search:
                self._search(look.state, {leaf: where for leaf, where in looked.items() if where[1] is None})
        except (OSError, LogError) as error:
            look.alarms.append(Alarm("broken", f"what was promised can't be looked for: {error}"))
        put_durably(self._disk, self._directory, PROMISES, json.dumps(known).encode())
        for one in promises:
            if known[one.leaf.hex()][1] is not None:
                look.kept += 1
            elif one.due < look.at:
                what = (
                    f"{one.name}: no checkpoint covers its entry, which was promised by {one.due.isoformat()}"
                )
                note = self._kept()
                evidence = self._keep("promise", {"shown.checkpoint": note}) if note else ""
                look.alarms.append(Alarm("promise", what, evidence))
            else:
                look.pending += 1

    def _known(self) -> dict[str, list[int | None]]:
        """By leaf hash, up to where it was looked for, and where it was found."""
        try:
            found: dict[str, list[int | None]] = json.loads((self._directory / PROMISES).read_bytes())
            return found
        except FileNotFoundError:
            return {}

    def _search(self, state: TreeState, wanted: dict[bytes, list[int | None]]) -> None:
        start = min((where[0] or 0 for where in wanted.values()), default=state.size)
        found: dict[bytes, int] = {}
        for number in range(start // TILE_WIDTH, -(-state.size // TILE_WIDTH)):
            tile = tile_at(0, number, state.size)
            assert tile is not None
            hashes = fetch_hashes(self._fetch, tile)
            for at in range(tile.width):
                leaf = hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]
                if leaf in wanted:
                    found.setdefault(leaf, tile.start + at)
        reader = LogReader(self._fetch)
        for leaf, index in found.items():
            proof = reader.inclusion_proof(index, state.size)
            verify_inclusion(index, state.size, leaf, proof, state.root)
            wanted[leaf][1] = index
        for where in wanted.values():
            where[0] = state.size

    def _keep(self, kind: str, files: dict[str, bytes]) -> str:
        """Keep what proves an alarm; the folder's path. The same proof again has the same folder."""
        digest = sha256(b"".join(files.values())).hexdigest()[:12]
        folder = f"{EVIDENCE}/{kind}-{digest}"
        for name, data in files.items():
            if not (self._directory / folder / name).is_file():
                put_durably(self._disk, self._directory, f"{folder}/{name}", data)
        return str(self._directory / folder)
