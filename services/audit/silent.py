"""What the log can say of a message's silence: the last word by its index, signed with the tree it is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from services.audit.evidence import Evidence
from services.audit.log import LogReader, TlogProof, TreeState, from_directory, leaf_hash, open_checkpoint
from services.audit.silence import LastWord, last_word

MOST_SCANNED = 100_000
"""Entries looked through for the case of a message that is not settled."""
_UNSETTLED = {
    "throughline.message.received",
    "throughline.message.released",
    "throughline.message.sent_again",
}

Places = Callable[[str], Sequence[int]]


class NotSettled(LookupError):
    """The message waits for its case for so long that it isn't looked for now."""


@dataclass(frozen=True)
class Proof:
    """That an entry with this leaf hash is in the log; the entry itself is not shown."""

    index: int
    leaf: bytes
    proof: bytes


@dataclass(frozen=True)
class Silent:
    """The last word on a message in the tree of a checkpoint; proofs of the message's and the case's last entry."""

    word: LastWord
    checkpoint: bytes
    state: TreeState
    proofs: tuple[Proof, ...]


def silent(evidence: Evidence, message: str, places: Places) -> Silent | None:
    """The last word under the published checkpoint; None where it covers no such message. Not for the event loop.

    `places` are an aggregate's entries, also of what is not signed yet. Raises NotSettled; ValueError, OSError for a
    damaged log.
    """
    checkpoint = evidence.checkpoint()
    if checkpoint is None:
        return None
    state = open_checkpoint(checkpoint, evidence.log).state
    reader = LogReader(from_directory(evidence.directory))

    def read(aggregate: str) -> list[tuple[int, bytes]]:
        return [(at, reader.entry(at, state.size)) for at in places(aggregate) if at < state.size]

    own = read(message)
    word = last_word(message, own)
    if not word.said:
        return None
    case = _case(own)
    if case is not None:
        theirs = [at for at in places(case) if at < state.size]
        if theirs:
            last = orjson.loads(reader.entry(theirs[-1], state.size))
            word = LastWord(message, word.said, case, int(last["sequence"]), max(word.entry, theirs[-1]))
    elif orjson.loads(own[-1][1])["type"] in _UNSETTLED:
        # Its case may be there before the message says so.
        if state.size - own[0][0] > MOST_SCANNED:
            raise NotSettled(message)
        word = last_word(message, enumerate(reader.entries(own[0][0], state.size, state.size), own[0][0]))
    lasts = [
        own[-1][0],
        *([at] if word.case and (at := _last(places(word.case), state.size)) is not None else []),
    ]
    proofs = tuple(_prove(reader, at, state.size, checkpoint) for at in lasts)
    return Silent(word, checkpoint, state, proofs)


def _case(own: Sequence[tuple[int, bytes]]) -> str | None:
    for _, entry in reversed(own):
        event = orjson.loads(entry)
        if event["type"] == "throughline.message.settled":
            return str(event["data"]["case"])
    return None


def _last(places: Sequence[int], size: int) -> int | None:
    return max((at for at in places if at < size), default=None)


def _prove(reader: LogReader, index: int, size: int, checkpoint: bytes) -> Proof:
    path = tuple(reader.inclusion_proof(index, size))
    return Proof(index, leaf_hash(reader.entry(index, size)), TlogProof(index, path, checkpoint).format())
