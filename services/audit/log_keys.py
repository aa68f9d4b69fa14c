"""The log's keys as files beside the log: the one that signs, and one that takes over from it (decision 22).

While both are there both sign, and the trail introduces the new one. A checkpoint of the old key that covers that
entry is kept beside the log, as the entry's tlog-proof: by it whoever knows the old key alone learns the new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from services.audit.log import (
    Fetch,
    LogReader,
    NoteError,
    Signer,
    StateError,
    TlogProof,
    Verifier,
    from_directory,
    leaf_hash,
    open_checkpoint,
)
from services.audit.log.disk import Disk, put_durably
from shared.events import Record
from shared.events.trail import KeyIntroduced
from shared.keys import Keys

_BLOCK = re.compile(
    r"^(log|log\.next): (\S+)\n(-----BEGIN ENCRYPTED PRIVATE KEY-----\n.+?-----END ENCRYPTED PRIVATE KEY-----)",
    re.DOTALL | re.MULTILINE,
)

CURRENT, NEXT = "log", "log.next"
HANDOVER = "handover"
"""The folder beside the tiles; a file by the key ID, in hex, of the key that another took over from."""


def signers(origin: str, keys: Keys, log: Path) -> tuple[Signer, Signer | None]:
    """Who signs checkpoints: the log key, and the one that takes over from it where there is one.

    For a new log the key is made. Raises StateError where one signed that is not there.
    """
    if not keys.has(CURRENT) and (log / "checkpoint").is_file():
        raise StateError(
            f"{keys.directory} has no log key, and one signed {log / 'checkpoint'}: put that one back (`throughline key"
            " restore`, or a backup of the keys): who verifies this trail knows no other; nothing was changed or signed"
        )
    current = Signer(origin, keys.ed25519(CURRENT).private_bytes_raw())
    return current, Signer(origin, keys.ed25519(NEXT).private_bytes_raw()) if keys.has(NEXT) else None


def introduced(entry: bytes) -> Verifier | None:
    """The log key that an entry introduces, None for any other entry."""
    # Canonical JSON ends with its last key, which is `type`: most entries need not be read for this.
    if not entry.endswith(b'"type":"throughline.trail.key_introduced"}'):
        return None
    try:
        event = Record.read("", entry).data
        return Verifier.parse(event.vkey) if isinstance(event, KeyIntroduced) and event.use == "log" else None
    except ValueError:
        return None


def handover_path(old: Verifier) -> str:
    """Where the proof of who took over from a key lies, relative to the log."""
    return f"{HANDOVER}/{old.key_id.hex()}"


def write_handover(
    directory: Path, old: Verifier, new: Verifier, places: Callable[[], Iterable[int]]
) -> bool:
    """Keep the proof that `old` signed the entry which introduces `new`; whether it is there.

    `places` are the entries in which the trail speaks of itself. Raises LogError, NoteError, OSError.
    """
    if (directory / handover_path(old)).is_file():
        return True
    checkpoint = (directory / "checkpoint").read_bytes()
    size = open_checkpoint(checkpoint, old).state.size
    reader = LogReader(from_directory(directory))
    for index in sorted((place for place in places() if place < size), reverse=True):
        entry = reader.entry(index, size)
        if introduced(entry) == new:
            proof = TlogProof(index, tuple(reader.inclusion_proof(index, size)), checkpoint, extra=entry)
            put_durably(Disk(), directory, handover_path(old), proof.format())
            return True
    return False


@dataclass(frozen=True)
class Handover:
    """That a key took over from another: proved by the old one."""

    old: Verifier
    new: Verifier
    index: int
    checkpoint: bytes
    """Signed by the old one."""


def read_handover(proof: bytes, old: Verifier) -> Handover:
    """Verify a handover under the old key. Raises NoteError, ProofError."""
    shown = TlogProof.parse(proof)
    new = introduced(shown.extra or b"")
    if shown.extra is None or new is None or new.name != old.name or new == old:
        raise NoteError(
            f"handover of {old.vkey}: it carries no entry that introduces another key of this log"
        )
    shown.verify(leaf_hash(shown.extra), old)
    return Handover(old, new, shown.index, shown.checkpoint)


def handovers(fetch: Fetch, known: Verifier) -> Sequence[Handover]:
    """Who took over from a key, and from that one, up to one whose word is the newest. Raises NoteError, ProofError.

    OSError where the log doesn't answer.
    """
    found: list[Handover] = []
    seen = [known]
    while len(set(seen)) == len(seen):  # a key that came back ends it
        try:
            proof = fetch(handover_path(seen[-1]))
        except FileNotFoundError:
            break
        found.append(read_handover(proof, seen[-1]))
        seen.append(found[-1].new)
    return found


def seal(origin: str, keys: Keys, passphrase: str) -> bytes:
    """The log keys as encrypted PKCS#8 PEM, each below its verifier key: what OpenSSL reads, too."""
    protection = BestAvailableEncryption(passphrase.encode())
    blocks = []
    for name in (CURRENT, NEXT):
        if keys.has(name):
            key = keys.ed25519(name)
            vkey = Signer(origin, key.private_bytes_raw()).verifier.vkey
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode()
            blocks.append(f"{name}: {vkey}\n{pem}")
    return "".join(blocks).encode()


def unseal(sealed: bytes, passphrase: str) -> dict[str, Signer]:
    """By name, the keys that `seal` sealed. Raises NoteError for anything else, or another passphrase."""
    found: dict[str, Signer] = {}
    for name, vkey, pem in _BLOCK.findall(sealed.decode("ascii", "replace")):
        try:
            key = load_pem_private_key(pem.encode(), passphrase.encode())
        except ValueError:
            raise NoteError(f"{vkey}: the passphrase is another, or the file was changed") from None
        signer = Signer(
            Verifier.parse(vkey).name, key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else b""
        )
        if signer.verifier.vkey != vkey:
            raise NoteError(f"{vkey}: the key below it is another one")
        found[name] = signer
    if CURRENT not in found:
        raise NoteError("it holds no log key: name a file that `throughline key backup` wrote")
    return found


def begin_change(origin: str, keys: Keys, log: Path) -> tuple[Verifier, Verifier]:
    """Make the key that takes over; the old one, the new one. Raises StateError, NoteError, OSError."""
    old, coming = signers(origin, keys, log)
    if coming is not None:
        raise StateError(
            f"a change to {coming.verifier.vkey} is under way already: start the installation, and end it with --finish"
        )
    try:
        open_checkpoint((log / "checkpoint").read_bytes(), old.verifier)
    except FileNotFoundError:
        raise StateError(f"{log}: nothing was signed yet that another key could take over") from None
    return old.verifier, Signer(origin, keys.ed25519(NEXT).private_bytes_raw()).verifier


def finish_change(origin: str, keys: Keys, log: Path) -> tuple[Verifier, Verifier]:
    """Let the new key sign alone; the old one's bytes are gone then. Raises StateError where it is too early."""
    old, new = signers(origin, keys, log)
    if new is None:
        raise StateError("no key is taking over: begin without --finish")
    try:
        proved = read_handover((log / handover_path(old.verifier)).read_bytes(), old.verifier)
        open_checkpoint((log / "checkpoint").read_bytes(), new.verifier)
    except FileNotFoundError:
        raise StateError(
            f"{log}: no checkpoint of the old key covers the entry yet that introduces the new one: start the"
            " installation, wait for a checkpoint, stop it, and come again; nothing was changed"
        ) from None
    if proved.new != new.verifier:
        raise StateError(
            f"{log / handover_path(old.verifier)} is for {proved.new.vkey}, not {new.verifier.vkey}"
        )
    disk = Disk()
    disk.replace(keys.directory / f"{NEXT}.ed25519", keys.directory / f"{CURRENT}.ed25519")
    disk.sync(keys.directory)
    return old.verifier, new.verifier
