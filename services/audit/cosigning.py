"""Whether what the trail publishes has its witnesses' cosignatures, and since when it has not (decision 22).

Promises are kept with or without witnesses: a checkpoint waits a moment for those that answer, and is then published.
That too few cosigned is for all to see: in the checkpoint, a metric, `/readyz`, the console.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from services.audit.log import Asked, Policy, Witnesses, from_directory
from shared import metrics
from shared.settings import NotTold, Settings


def cosigning_of(settings: Settings, log: Path) -> Cosigning | None:
    """The witnesses that the settings name, of the log in a directory; None where they name none. Raises NotTold."""
    try:
        asked = [Asked.parse(one) for one in settings.witnesses.split(",") if one.strip()]
        if not asked:
            return None
        return Cosigning(Witnesses(asked, settings.witness_policy, from_directory(log)))
    except ValueError as error:
        raise NotTold(
            f"THROUGHLINE_WITNESSES is a comma-separated list of `URL VKEY`, and THROUGHLINE_WITNESS_POLICY how many of"
            f" them must cosign: {error}"
        ) from error


@dataclass(frozen=True)
class Witnessed:
    """Who cosigned what is published."""

    names: tuple[str, ...]
    needed: int
    disputed: tuple[str, ...] = ()
    """What witnesses have seen that is not here."""

    @property
    def met(self) -> bool:
        """Whether they are enough."""
        return len(self.names) >= self.needed


class Cosigning:
    """The witnesses at work for one trail; for the event loop."""

    def __init__(self, witnesses: Witnesses) -> None:
        self._witnesses = witnesses
        self._since: float | None = None
        metrics.COSIGNED.set(0)
        metrics.UNCOSIGNED.set_function(self.uncosigned_seconds)

    @property
    def policy(self) -> Policy:
        """Whose cosignatures are enough."""
        return self._witnesses.policy

    async def cosign(self, note: bytes) -> bytes:
        """A checkpoint that was just signed, with the cosignatures that came within a moment."""
        return await self._witnesses.cosign(note)

    def joined(self, published: bytes | None) -> bytes | None:
        """The published checkpoint with cosignatures that came since; None where none did."""
        if published is None:
            return None
        joined = self._witnesses.joined(published)
        return joined if joined != published else None

    def placed(self, note: bytes, size: int) -> None:
        """This is published now."""
        if self.policy.met(note):
            self._since = None
            metrics.COSIGNED.set(size)
        elif self._since is None:
            self._since = time.monotonic()

    def witnessed(self, published: bytes | None) -> Witnessed:
        """Who cosigned the published checkpoint. Raises NoteError where a cosignature under it is false."""
        cosigned = self.policy.cosigned(published) if published is not None else ()
        names = tuple(one.witness.name for one in cosigned)
        return Witnessed(names, self.policy.needed, tuple(self._witnesses.disputed))

    def uncosigned_seconds(self) -> float:
        """How long what is published has had too few cosignatures."""
        since = self._since  # read once: the loop sets it, and whoever asks may be elsewhere
        return 0.0 if since is None else time.monotonic() - since

    def late(self) -> list[str]:
        """What is to be known of the witnesses though all gets on."""
        said = list(self._witnesses.disputed)
        if self._since is not None:
            why = f": {'; '.join(self._witnesses.away)}" if self._witnesses.away else ""
            said.append(
                f"checkpoints are published without the {self.policy.needed} cosignatures that are wanted, for"
                f" {self.uncosigned_seconds():.0f} s{why}"
            )
        return said

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._witnesses.close()
