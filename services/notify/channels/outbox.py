"""Mail into a folder of `.eml` files, for an installation without a mail server. The folder is synced once a batch."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog

from services.notify.channels import SENT, Mail, Outcome

log = structlog.get_logger()

_DELIVERY = re.compile(r"dlv_[0-9a-f]{32}", re.ASCII)


class OutboxSender:
    """Writes each mail to `<delivery id>.eml`; it counts as sent once the folder is on disk."""

    batch = 256

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        outcome = SENT
        try:
            await asyncio.to_thread(self._write, mails)
        except OSError as error:
            log.warning("outbox.not_written", folder=str(self._folder), error=str(error), mails=len(mails))
            outcome = Outcome("deferred", "outbox-not-written")
        for _ in mails:
            yield outcome

    async def close(self) -> None:
        """Nothing is held open."""

    def _write(self, mails: Sequence[Mail]) -> None:
        for mail in mails:
            path = self._folder / f"{mail.delivery}.eml"
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(mail.data)
            temporary.rename(path)
        _sync(self._folder, [f"{mail.delivery}.eml" for mail in mails])

    def among(self, deliveries: Sequence[str]) -> frozenset[str]:
        """Which of these deliveries' mails stand in the folder."""
        return frozenset(id for id in deliveries if (self._folder / f"{id}.eml").exists())

    def forget(self, deliveries: Sequence[str]) -> None:
        """Delete these deliveries' mails, half-written ones too."""
        for delivery in deliveries:
            for suffix in (".eml", ".tmp"):
                (self._folder / delivery).with_suffix(suffix).unlink(missing_ok=True)

    def read(self, delivery: str) -> bytes | None:
        """A mail as it was written, or None where there is none."""
        if not _DELIVERY.fullmatch(delivery):
            return None
        try:
            return (self._folder / f"{delivery}.eml").read_bytes()
        except FileNotFoundError:
            return None


def _syncfs() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):  # not Linux
        return None


_SYNCFS = _syncfs()
_FEW = 4
"""Up to so many files, syncing each is less work than syncing the file system."""


def _sync(folder: Path, names: Sequence[str]) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _SYNCFS is not None and len(names) > _FEW:
            if _SYNCFS(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(folder))
            return
        for name in names:
            file = os.open(name, os.O_RDONLY, dir_fd=descriptor)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
