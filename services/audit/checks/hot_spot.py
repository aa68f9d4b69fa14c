"""Many bring the same matter, and nobody has seen that it is one (熱點)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.audit.checks.check import Doubt, HouseCheck, Noted, Parameters
from shared.events.cases import CaseClassified, CaseEscalated
from shared.events.facts import MessageRead
from shared.events.findings import Evidence, Figure
from shared.events.linked import CaseLinked, CaseMerged, CaseSplit


class Many(Parameters):
    """How many are many."""

    cases: int = 5
    senders: int = 3
    days: int = 14
    """Within so many days."""
    likeness: int = 5500
    """Basis points, as `MessageRead.likeness` has it."""


class Member(BaseModel):
    """A case of a spot."""

    case: str
    sender: str | None
    at: datetime
    evidence: Evidence


class Spot(BaseModel):
    """Cases whose matters are alike, each like one before."""

    members: list[Member]
    seen_as_one: bool = False
    """Somebody has linked them to a parent, merged some of them, or said that it is a hard or major matter."""
    told: bool = False


class Spots(BaseModel):
    """What is alike within the time that matters."""

    spots: dict[str, Spot] = {}
    """By the case that each began with."""
    of_case: dict[str, str] = {}
    of_message: dict[str, str] = {}
    swept: datetime | None = None


_SWEEP = timedelta(days=1)
_AS_ONE = frozenset({"hard", "major"})


class HotSpot(HouseCheck[Many, Spots]):
    """Many people bring alike matters within days, and no case stands over them as their parent.

    Such a matter is one for joint consultation (疑難會診): answered case by case, its cause stays. It rests on the fact
    `message_read`: each message names the earlier one that it is most like. It is not seen where some of the cases were
    merged, linked to a parent, or put up as a hard or especially major matter. Nobody is asked to explain it: it is for
    whoever calls sessions. It says how many `cases` of how many `senders` came in how many `days`. A judgement: what
    many say in quite different words is missed; what is alike by its form (a campaign with one text for many matters)
    is taken for one.
    """

    name = "hot_spot"
    version = 1
    exact = False
    figures = ("cases", "senders", "days")
    reads = frozenset(
        one.TYPE for one in (MessageRead, CaseLinked, CaseMerged, CaseSplit, CaseEscalated, CaseClassified)
    )
    parameters = Many
    state = Spots

    def take(self, state: Spots, noted: Noted, parameters: Many) -> Iterator[Doubt]:
        _sweep(state, noted.at, timedelta(days=parameters.days))
        said, case = noted.said, noted.record.subject
        match said:
            case MessageRead():
                yield from self._read(state, noted, said, parameters)
            case CaseLinked() if said.relation in {"parent", "part"}:
                _seen_as_one(state, case, said.case)
            case CaseMerged():
                _seen_as_one(state, case, said.into)
            case CaseSplit():
                _seen_as_one(state, case)
            case CaseEscalated() | CaseClassified() if said.case_class in _AS_ONE:
                _seen_as_one(state, case)

    def _read(self, state: Spots, noted: Noted, said: MessageRead, parameters: Many) -> Iterator[Doubt]:
        root = state.of_case.get(said.case)
        if root is None:
            like = state.of_message.get(said.like) if said.like is not None else None
            root = like if like is not None and said.likeness >= parameters.likeness else said.case
            spot = state.spots.setdefault(root, Spot(members=[]))
            evidence = Evidence(index=noted.index, event=noted.record.id)
            spot.members.append(Member(case=said.case, sender=said.sender, at=noted.at, evidence=evidence))
            state.of_case[said.case] = root
        state.of_message[said.about] = root
        spot = state.spots[root]
        if spot.told or spot.seen_as_one:
            return
        recent = [one for one in spot.members if one.at > noted.at - timedelta(days=parameters.days)]
        senders = {one.sender or one.case for one in recent}
        if len(recent) < parameters.cases or len(senders) < parameters.senders:
            return
        spot.told = True
        yield Doubt(
            key=root,
            since=noted.at,
            evidence=tuple(one.evidence for one in recent),
            case=said.case,
            figures=(
                Figure(name="cases", value=len(recent)),
                Figure(name="senders", value=len(senders)),
                Figure(name="days", value=(noted.at - recent[0].at).days),
            ),
        )


def _seen_as_one(state: Spots, *cases: str) -> None:
    for case in cases:
        if (root := state.of_case.get(case)) is not None:
            state.spots[root].seen_as_one = True


def _sweep(state: Spots, now: datetime, window: timedelta) -> None:
    """Forget spots to which nothing came for as long as counts; once a day."""
    if state.swept is not None and now - state.swept < _SWEEP:
        return
    state.swept = now
    gone = {root for root, spot in state.spots.items() if spot.members[-1].at <= now - window}
    for root in gone:
        del state.spots[root]
    state.of_case = {case: root for case, root in state.of_case.items() if root not in gone}
    state.of_message = {event: root for event, root in state.of_message.items() if root not in gone}
