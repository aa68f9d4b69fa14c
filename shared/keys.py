"""The installation's secrets, each in a file of its own that only its owner may read; made at first start."""

from __future__ import annotations

import hmac
import os
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Keys:
    """The keys below one directory. What is used for one purpose is derived for that purpose alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._installation = self._secret("installation.key")
        self.purpose = cache(self._purpose)

    def _purpose(self, name: str) -> bytes:
        """The symmetric key for one purpose (`thread`, `message`, `tracking`, `reply`, `session`, `csrf`, `ref`)."""
        return hmac.digest(self._installation, name.encode(), "sha256")

    def ed25519(self, name: str) -> Ed25519PrivateKey:
        """A signing key, `receipt` or `log`, made where there is none yet."""
        return Ed25519PrivateKey.from_private_bytes(self._secret(f"{name}.ed25519"))

    def _secret(self, name: str) -> bytes:
        path = self.directory / name
        if not path.exists():
            temporary = path.with_suffix(".new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(32))
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            folder = os.open(self.directory, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return path.read_bytes()
