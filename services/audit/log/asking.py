"""How a log asks its witnesses to cosign (c2sp.org/tlog-witness).

Who answered the last time is waited for, a moment; who didn't is asked beside, so that a witness that is away holds
nothing up, and counts again once it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import structlog

from services.audit.log.checkpoint import Checkpoint, parse_checkpoint, parse_decimal, with_signatures
from services.audit.log.consistency import ConsistencyProof
from services.audit.log.cosignature import Policy, Witness
from services.audit.log.errors import NoteError, SignatureError
from services.audit.log.fetch import Fetch
from services.audit.log.reader import LogReader
from shared.note import Signature, parse_signatures, split_note

log = structlog.get_logger()

PATIENCE_SECONDS = 2.0
"""How long a checkpoint waits for the witnesses that answered the last time."""
TIMEOUT_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60.0
"""Between two tries at a witness that does not answer; the pause doubles up to this."""
_MAX_ANSWER = 16 * 1024
_TRIES = 3


class Disputed(ValueError):
    """A witness has seen another history of this log, or more of it than there is here. Says which."""


@dataclass(frozen=True)
class Asked:
    """Where a witness takes checkpoints, and the key by which it cosigns."""

    url: str
    witness: Witness

    @classmethod
    def parse(cls, told: str) -> Asked:
        """Read `URL VKEY`. Raises ValueError."""
        url, _, vkey = told.strip().partition(" ")
        if not url.startswith(("http://", "https://")) or not vkey:
            raise ValueError(f"a witness is named by its http address and its verifier key, not by {told!r}")
        return cls(url.rstrip("/"), Witness.parse(vkey.strip()))


@dataclass
class _Standing:
    """What is known of one witness."""

    asked: Asked
    size: int = 0
    """Of the tree that it cosigned last, as far as we know."""
    text: str = ""
    """The checkpoint that it cosigned last."""
    cosignature: Signature | None = None
    failures: int = 0
    again_at: float = 0.0
    disputed: str = ""
    away: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


class Witnesses:
    """The witnesses of a log that is read by `fetch`: as many as `policy` needs make a checkpoint cosigned."""

    def __init__(
        self, asked: Sequence[Asked], needed: int | None, fetch: Fetch, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.policy = Policy.of((one.witness for one in asked), needed)
        self._standings = [_Standing(one) for one in asked]
        self._fetch = fetch
        self._patience = patience
        self._client: httpx.AsyncClient | None = None

    async def cosign(self, note: bytes) -> bytes:
        """The signed note with the cosignatures that came in time; never raises for a witness that is away.

        The tiles of its tree are there.
        """
        text, _ = split_note(note)
        begun = [self._begin(one, note, text) for one in self._standings if not one.busy and not one.failures]
        self._ask_the_rest(note, text)
        if begun:
            await asyncio.wait(begun, timeout=self._patience)
        return self.joined(note)

    def joined(self, note: bytes) -> bytes:
        """The note with all cosignatures of it that have come by now; asks who hasn't cosigned it once more."""
        text, _ = split_note(note)
        self._ask_the_rest(note, text)
        came = [one.cosignature for one in self._standings if one.text == text and one.cosignature]
        return with_signatures(note, came)

    @property
    def away(self) -> list[str]:
        """Why those do not cosign that don't, a sentence each."""
        return [f"{one.asked.witness.name}: {one.away}" for one in self._standings if one.away]

    @property
    def disputed(self) -> list[str]:
        """What witnesses have seen of this log that is not here: it was set back, or its key signs elsewhere."""
        return [one.disputed for one in self._standings if one.disputed]

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = [one.task for one in self._standings if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _ask_the_rest(self, note: bytes, text: str) -> None:
        now = time.monotonic()
        for one in self._standings:
            if one.text != text and not one.busy and (not one.failures or one.again_at <= now):
                self._begin(one, note, text)

    def _begin(self, one: _Standing, note: bytes, text: str) -> asyncio.Task[None]:
        one.task = asyncio.create_task(self._ask(one, note, text))
        return one.task

    async def _ask(self, one: _Standing, note: bytes, text: str) -> None:
        try:
            cosignature = await self._cosignature(one, note, parse_checkpoint(text))
        except (Disputed, NoteError, ValueError, OSError, httpx.HTTPError) as error:
            said = str(error) or type(error).__name__
            one.failures += 1
            one.again_at = time.monotonic() + min(2.0 ** min(one.failures, 8), LONGEST_PAUSE_SECONDS)
            one.away = said
            one.disputed = said if isinstance(error, Disputed) else ""
            level = log.error if one.disputed else log.warning
            level("trail.not_cosigned", witness=one.asked.witness.name, error=said)
            return
        one.text, one.cosignature = text, cosignature
        one.failures, one.away, one.disputed = 0, "", ""

    async def _cosignature(self, one: _Standing, note: bytes, checkpoint: Checkpoint) -> Signature:
        size, name = checkpoint.state.size, one.asked.witness.name
        for _ in range(_TRIES):
            if one.size > size:
                seen, one.size = one.size, 0  # the next time it is asked anew
                raise Disputed(
                    f"{name} has cosigned {seen} entries of this log, and here are {size}: the log was set back, or"
                    " its key signs elsewhere, too"
                )
            path = await asyncio.to_thread(LogReader(self._fetch).consistency_proof, one.size, size)
            status, body = await self._post(one.asked, ConsistencyProof(one.size, tuple(path), note).format())
            if status == 200:
                cosignature = _own(one.asked.witness, checkpoint.text, body)
                one.size = size
                return cosignature
            if status == 422:
                raise Disputed(
                    f"{name} has cosigned another history of this log's first {one.size} entries: keep its checkpoint"
                    " and ours, and find out who signed it"
                )
            if status != 409:
                raise OSError(f"{one.asked.url} answered {status}: {body[:200].decode(errors='replace')}")
            one.size = parse_decimal(body.decode("ascii", "replace").rstrip("\n"), f"{name}'s size")
        raise OSError(f"{one.asked.url} goes on naming other sizes: {one.size}")

    async def _post(self, asked: Asked, body: bytes) -> tuple[int, bytes]:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        answered = b""
        async with self._client.stream("POST", f"{asked.url}/add-checkpoint", content=body) as answer:
            async for part in answer.aiter_bytes():
                answered += part
                if len(answered) > _MAX_ANSWER:
                    raise OSError(f"{asked.url} answers with more than {_MAX_ANSWER} bytes")
        return answer.status_code, answered


def _own(witness: Witness, text: str, body: bytes) -> Signature:
    """The witness's own cosignature among the lines that it answered; others are ignored."""
    for signature in parse_signatures(body.decode()):
        if (signature.name, signature.key_id) == (witness.name, witness.key_id):
            witness.verify(text, signature.signature)
            return signature
    raise SignatureError(f"{witness.name} answered without a cosignature of the key {witness.vkey}")
