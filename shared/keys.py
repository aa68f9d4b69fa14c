"""The installation's secrets, each in a file of its own that only its owner may read; made at first start."""

from __future__ import annotations

import errno
import hmac
import os
import secrets
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BYTES = 32
"""Of each."""


class NoKey(OSError):
    """A secret is not there and can't be made; says which, and what to do."""


class Keys:
    """The keys below one directory. What is used for one purpose is derived for that purpose alone.

    Several processes may share a directory and start at once: whoever makes a key first, all have that one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.purpose = cache(self._purpose)

    @cached_property
    def _installation(self) -> bytes:
        return self._secret("installation.key")

    def _purpose(self, name: str) -> bytes:
        """The symmetric key for one purpose (`thread`, `message`, `tracking`, `reply`, `session`, `csrf`, `ref`)."""
        return hmac.digest(self._installation, name.encode(), "sha256")

    def ed25519(self, name: str) -> Ed25519PrivateKey:
        """A signing key (`receipt`, `log`, `log.next`), made where there is none yet."""
        return Ed25519PrivateKey.from_private_bytes(self._secret(f"{name}.ed25519"))

    def has(self, name: str) -> bool:
        """Whether there is a signing key of that name."""
        return (self.directory / f"{name}.ed25519").is_file()

    def _secret(self, name: str) -> bytes:
        path = self.directory / name
        with suppress(FileNotFoundError, NotADirectoryError):
            return self._read(path)
        try:
            self._make(path)
        except OSError as error:
            raise NoKey(
                error.errno,
                f"{path} is not there and can't be made ({error.strerror}): put the installation's keys there,"
                " or name their directory with THROUGHLINE_KEYS",
            ) from error
        return self._read(path)

    @staticmethod
    def _read(path: Path) -> bytes:
        if len(secret := path.read_bytes()) != BYTES:
            raise NoKey(
                errno.EINVAL,
                f"{path} is no key: it has {len(secret)} bytes, not {BYTES}. Put back the one it was",
            )
        return secret

    def put(self, name: str, secret: bytes) -> None:
        """Keep a signing key that was kept elsewhere. Raises NoKey where another one of that name is here."""
        path = self.directory / f"{name}.ed25519"
        self._make(path, secret)
        if self._read(path) != secret:
            raise NoKey(errno.EEXIST, f"{path} is another key: it was left as it is. Name an empty directory")

    def _make(self, path: Path, secret: bytes | None = None) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(BYTES) if secret is None else secret)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another was faster: that one is the key
            path.hardlink_to(temporary)
        temporary.unlink()
        folder = os.open(self.directory, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
