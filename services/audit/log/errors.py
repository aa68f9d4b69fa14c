"""What can go wrong with a log. Everything is a ValueError: what was read isn't what it should be.

ValueError
├── NoteError         a note, checkpoint, key or proof file isn't in its format (shared.note)
│   └── SignatureError    a known key's signature is false, or no known key signed
│       └── QuorumError       fewer witnesses cosigned than the policy asks for
└── LogError
    ├── ProofError        a proof doesn't lead to the root
    ├── TileError         a tile or bundle isn't what its path says
    ├── EntryError        an entry can't be logged
    ├── StateError        the directory isn't what the index says is committed
    └── LockedError       another writer has the directory
"""

from __future__ import annotations

from shared.note import NoteError, SignatureError

__all__ = [
    "EntryError",
    "LockedError",
    "LogError",
    "NoteError",
    "ProofError",
    "QuorumError",
    "SignatureError",
    "StateError",
    "TileError",
]


class QuorumError(SignatureError):
    """Fewer witnesses cosigned a checkpoint than the policy asks for."""


class LogError(ValueError):
    """Any failure of the transparency log but a malformed or falsely signed note."""


class ProofError(LogError):
    """A Merkle proof that doesn't verify; `expected` and `got` are hashes (hex) or counts."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        self.expected = _shown(expected)
        self.got = _shown(got)
        super().__init__(f"{what}: expected {self.expected}, got {self.got}")


class TileError(LogError):
    """A tile or entry bundle that isn't what its path says; `path` names it."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        super().__init__(f"{path}: {what}")


class EntryError(LogError):
    """An entry or batch that can't be logged; nothing was written."""


class StateError(LogError):
    """The log directory and the committed state don't belong together; nothing may be signed."""


class LockedError(LogError):
    """Another writer holds the log directory."""


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
