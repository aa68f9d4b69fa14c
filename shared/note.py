"""Signed notes (c2sp.org/signed-note): a text and the signatures under it; ours are Ed25519.

Base64 must be canonical here: what two readers could decode differently is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class NoteError(ValueError):
    """Bytes that aren't a signed note, checkpoint, key or proof file."""


class SignatureError(NoteError):
    """A known key's signature is false, or no known key signed."""


ED25519 = 0x01
COSIGNATURE = 0x04
MAX_SIGNATURES = 100
MAX_NOTE_SIZE = 1_000_000
_DASH = "— "
_PRIVATE = "PRIVATE+KEY+"
_KINDS = {ED25519: "Ed25519", COSIGNATURE: "cosignature/v1"}


@dataclass(frozen=True)
class PublicKey:
    """A key by its name and its 32 Ed25519 bytes, of one of the kinds of signature that notes know."""

    KIND: ClassVar[int]

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != 32:
            raise NoteError(f"public key of {self.name}: expected 32 bytes, got {len(self.public_key)}")

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `name+keyid+base64(kind ‖ key)`. Raises NoteError."""
        key = cls(*parse_key(vkey, cls.KIND))
        check_key_id(vkey, key.key_id)
        return key

    @cached_property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say which key signed."""
        return key_id(self.name, self.KIND, self.public_key)

    @property
    def vkey(self) -> str:
        """The key as people pass it on."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.KIND]) + self.public_key)}"


@dataclass(frozen=True)
class Verifier(PublicKey):
    """A key that may have signed."""

    KIND: ClassVar[int] = ED25519

    def verify(self, text: str, signature: bytes) -> None:
        """Raises SignatureError when the signature isn't this key's over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise SignatureError(f"signature of {self.name}+{self.key_id.hex()} is false") from None


@dataclass(frozen=True)
class PrivateKey:
    """A signing key of one of these kinds: its name and its 32-byte Ed25519 seed, which `repr` doesn't show."""

    KIND: ClassVar[int]

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.seed) != 32:
            raise NoteError(f"signing key of {self.name}: expected 32 bytes, got {len(self.seed)}")

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Read `PRIVATE+KEY+name+keyid+base64(kind ‖ seed)`. Raises NoteError, which never shows the key."""
        try:
            if not skey.startswith(_PRIVATE):
                raise NoteError("no private key")
            rest = skey.removeprefix(_PRIVATE)
            key = cls(*parse_key(rest, cls.KIND))
            check_key_id(rest, key_id(key.name, key.KIND, key.public_key))
        except NoteError:
            raise NoteError(
                f"not a signing key of {_KINDS[cls.KIND]}: it must begin with {_PRIVATE}, and name, key ID and key"
                " belong together"
            ) from None
        return key

    @property
    def skey(self) -> str:
        """The key as it is kept in a secret file."""
        key = encode_base64(bytes([self.KIND]) + self.seed)
        return f"{_PRIVATE}{self.name}+{key_id(self.name, self.KIND, self.public_key).hex()}+{key}"

    @cached_property
    def public_key(self) -> bytes:
        """The public half's 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True)
class Signer(PrivateKey):
    """A key that signs."""

    KIND: ClassVar[int] = ED25519

    @cached_property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.public_key)

    def sign(self, text: str) -> bytes:
        """64 bytes over the text."""
        return self._private.sign(text.encode())


@dataclass(frozen=True)
class Signature:
    """One signature line; of an unknown key unless a verifier was found for it."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """As it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A note that was opened: at least one of `signers` signed `text`."""

    text: str
    signatures: tuple[Signature, ...]
    signers: tuple[Verifier, ...]


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """The note's bytes. Raises NoteError when the text can't be one."""
    if not text.endswith("\n"):
        raise NoteError("a note's text must end in a newline")
    _check_characters(text)
    return join_note(text, [Signature(one.name, one.verifier.key_id, one.sign(text)) for one in signers])


def join_note(text: str, signatures: Iterable[Signature]) -> bytes:
    """The bytes of a text and the signatures under it; whether they are right is not looked at."""
    return f"{text}\n{''.join(signature.line for signature in signatures)}".encode()


def split_note(note: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Text and signature lines, nothing verified. Raises NoteError."""
    if len(note) > MAX_NOTE_SIZE:
        raise NoteError(f"note of {len(note)} bytes: at most {MAX_NOTE_SIZE} are read")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"note isn't UTF-8: {error}") from None
    _check_characters(decoded)
    blank = decoded.rfind("\n\n")
    if blank < 0:
        raise NoteError("note has no blank line before its signatures")
    return decoded[: blank + 1], parse_signatures(decoded[blank + 2 :])


def parse_signatures(block: str) -> tuple[Signature, ...]:
    """Signature lines as they stand under a note, nothing verified. Raises NoteError."""
    if not block.endswith("\n"):
        raise NoteError("note has no signatures, or the last line isn't ended")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"note with {len(lines)} signatures: at most {MAX_SIGNATURES} are read")
    return tuple(_parse_signature(line) for line in lines)


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Parse and verify.

    Signatures of unknown keys are ignored. Raises NoteError for what isn't a note, SignatureError when a
    known key's signature is false or no known key signed.
    """
    text, signatures = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signers: list[Verifier] = []
    for signature in signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        verifier.verify(text, signature.signature)
        if verifier not in signers:
            signers.append(verifier)
    if not signers:
        wanted = ", ".join(f"{name}+{key_id.hex()}" for name, key_id in known) or "any known key"
        got = ", ".join(f"{signature.name}+{signature.key_id.hex()}" for signature in signatures)
        raise SignatureError(f"no known key signed: expected {wanted}, got {got}")
    return Note(text, signatures, tuple(signers))


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str) -> bytes:
    """Canonical standard base64. Raises NoteError naming `what`."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteError(f"{what} isn't base64") from None
    if encode_base64(data) != text:
        raise NoteError(f"{what} isn't canonical base64")
    return data


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise NoteError(f"not a signature line: {line!r}")
    check_name(name)
    data = decode_base64(encoded, f"signature of {name}")
    if len(data) < 5:
        raise NoteError(f"signature of {name}: expected a key ID and a signature, got {len(data)} bytes")
    return Signature(name, data[:4], data[4:])


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """Four bytes that, with the name, say which key signed."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


def parse_key(key: str, kind: int) -> tuple[str, bytes]:
    """Name and key of `name+keyid+base64(kind ‖ key)`; the key ID isn't looked at. Raises NoteError."""
    parts = key.split("+", 2)
    if len(parts) != 3:
        raise NoteError("not a key: expected name+keyid+base64")
    name, _, encoded = parts
    check_name(name)
    data = decode_base64(encoded, f"key of {name}")
    if data[:1] != bytes([kind]):
        raise NoteError(
            f"key of {name}: only {_KINDS[kind]} (type {kind:02x}) is known here, got type {data[:1].hex() or 'none'}"
        )
    return name, data[1:]


def check_key_id(key: str, expected: bytes) -> None:
    """Raises NoteError where a key's text names another ID than it has."""
    got = key.split("+", 2)[1]
    if got != expected.hex():
        raise NoteError(f"key ID: expected {expected.hex()}, got {got}")


def check_name(name: str) -> None:
    """Raises NoteError for what can't be a key's name."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError(f"key name {name!r}: it must not be empty nor have spaces or '+'")


def _check_characters(text: str) -> None:
    for character in text:
        if character < " " and character != "\n":
            raise NoteError(f"control character {character!r} in a note")
