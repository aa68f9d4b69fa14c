"""A probe: a test message that only supervisors can tell apart from others (mechanism M32). Pure.

It is sent by any ordinary door. Before anybody in the house has done anything with its case a supervisor plants it: the
commitment `HMAC-SHA256(salt, message id)` is an entry from then on, so that nobody can choose afterwards, by how it
went, what was a probe. Revealed, it is left out of the figures.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.supervision.judging import Refused
from shared import ids
from shared.aggregate import Kind
from shared.content.words import ProbeSecret
from shared.events import Event, Record
from shared.events.cases import CaseEvent
from shared.events.content import ContentRef
from shared.events.findings import ProbePlanted, ProbeRevealed
from shared.rights import Principal
from shared.store import Collection

State = Literal["planted", "revealed"]

PROBES = Collection("probes", fields={"state": str, "rank": int}, indexes=(("state", "rank"), ("rank",)))


class Probe(BaseModel):
    """A probe as it stands. Which message it is, is content until it is revealed."""

    model_config = ConfigDict(frozen=True)

    commitment: str
    planted: datetime
    by: str
    secret: str | None = None
    """The reference of `ProbeSecret`."""
    state: State = "planted"
    message: str | None = None


def probe_id(message: str) -> str:
    """Each message is one probe at most."""
    return ids.derived("probe", message)


def committed(salt: bytes, message: str) -> str:
    """The commitment to a message, in hex."""
    return hmac.new(salt, message.encode(), "sha256").hexdigest()


def untouched(history: Iterable[Record]) -> bool:
    """Whether nobody has done anything with a case yet: only rules and time have."""
    return all(not isinstance(one.data, CaseEvent) or one.data.actor is None for one in history)


def plant(
    probe: Probe | None, who: Principal, history: Iterable[Record], commitment: str, secret: ContentRef
) -> list[Event]:
    """Commit to it before anybody knows how it goes. Raises Refused once somebody has begun to handle it."""
    if who.kind != "person":
        raise Refused("people-decide", "A supervisor plants a probe, signed in with their own account.")
    if probe is not None:
        raise Refused("planted-already", "This message is a probe already.")
    if not untouched(history):
        raise Refused(
            "handled-already",
            "Somebody has begun to handle this case. A probe is planted before: send another message, and plant it at"
            " once.",
        )
    return [ProbePlanted(actor=who.id, commitment=commitment, secret=secret)]


def reveal(probe: Probe, who: Principal, secret: ProbeSecret, words: ContentRef | None) -> list[Event]:
    """Say which message it was, and what was seen."""
    if who.kind != "person":
        raise Refused("people-decide", "A supervisor reveals a probe, signed in with their own account.")
    if probe.state == "revealed":
        raise Refused("revealed-already", "This probe was revealed.")
    return [ProbeRevealed(actor=who.id, message=secret.message, salt=secret.salt, words=words)]


def evolve(probe: Probe | None, event: Event, record: Record) -> Probe:
    """What an event makes of a probe."""
    if isinstance(event, ProbePlanted):
        return Probe(
            commitment=event.commitment,
            planted=record.time,
            by=event.actor,
            secret=event.secret.ref if event.secret else None,
        )
    assert probe is not None, f"{record.id} is {record.type}: a probe begins by being planted"
    if not isinstance(event, ProbeRevealed):
        return probe
    return probe.model_copy(update={"state": "revealed", "message": event.message})


KIND = Kind(
    PROBES,
    "/audit",
    Probe,
    evolve,
    fields=lambda one: {"state": one.state, "rank": -round(one.planted.timestamp() * 1000)},
)
