"""A transparency log of C2SP tlog-tiles: what it is made of, its one writer, its readers, its verification.

It knows nothing of what its entries mean.
"""

from services.audit.log.asking import Asked, Witnesses
from services.audit.log.checkpoint import (
    Checkpoint,
    open_any_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    with_signatures,
)
from services.audit.log.consistency import ConsistencyProof
from services.audit.log.cosignature import NO_WITNESSES, Policy, Witness, WitnessSigner
from services.audit.log.errors import (
    EntryError,
    LockedError,
    LogError,
    NoteError,
    ProofError,
    QuorumError,
    SignatureError,
    StateError,
    TileError,
)
from services.audit.log.fetch import Fetch, from_directory, from_url
from services.audit.log.merkle import (
    EMPTY_ROOT,
    EMPTY_TREE,
    TreeState,
    leaf_hash,
    leaf_hashes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from services.audit.log.proof import TlogProof
from services.audit.log.reader import LogReader
from services.audit.log.report import Problem, Report
from services.audit.log.tiles import MAX_ENTRY
from services.audit.log.verify import verify_log
from services.audit.log.witness import Refused, WitnessBook
from services.audit.log.writer import LogWriter
from shared.note import Note, Signer, Verifier, open_note, sign_note

__all__ = [
    "EMPTY_ROOT",
    "EMPTY_TREE",
    "MAX_ENTRY",
    "NO_WITNESSES",
    "Asked",
    "Checkpoint",
    "ConsistencyProof",
    "EntryError",
    "Fetch",
    "LockedError",
    "LogError",
    "LogReader",
    "LogWriter",
    "Note",
    "NoteError",
    "Policy",
    "Problem",
    "ProofError",
    "QuorumError",
    "Refused",
    "Report",
    "SignatureError",
    "Signer",
    "StateError",
    "TileError",
    "TlogProof",
    "TreeState",
    "Verifier",
    "Witness",
    "WitnessBook",
    "WitnessSigner",
    "Witnesses",
    "from_directory",
    "from_url",
    "leaf_hash",
    "leaf_hashes",
    "open_any_checkpoint",
    "open_checkpoint",
    "open_note",
    "parse_checkpoint",
    "sign_checkpoint",
    "sign_note",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
    "verify_log",
    "with_signatures",
]
