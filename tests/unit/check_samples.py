"""Checks to try their running with: of cases, of the house, of time; one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pydantic import BaseModel

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, HouseCheck, Noted, Parameters
from services.audit.checks.history import owed
from shared.events.cases import CaseAccepted, CaseAssigned, CaseEvent, CaseOpened
from shared.events.facts import MessageRead
from shared.events.trail import TrailTicked


class Few(Parameters):
    """How many are few."""

    most: int = 1


class Assignments(CaseCheck[Few]):
    """More than so many assignments."""

    name = "assignments"
    version = 1
    exact = True
    reads = frozenset({CaseAssigned.TYPE})
    parameters = Few

    def examine(self, history: CaseHistory, parameters: Few) -> Iterator[Doubt]:
        found = [one for one in history.entries if isinstance(one.said, CaseAssigned)]
        for one in found[parameters.most :]:
            yield Doubt(f"{one.record.id}", one.at, (one,), case=history.case)


class Seen(BaseModel):
    """How often each department was assigned something."""

    departments: dict[str, int] = {}


class Busy(HouseCheck[Few, Seen]):
    """A department that is assigned more than so many."""

    name = "busy"
    version = 1
    exact = True
    reads = frozenset({CaseAssigned.TYPE})
    parameters = Few
    state = Seen

    def take(self, state: Seen, noted: Noted, parameters: Few) -> Iterator[Doubt]:
        assert isinstance(noted.said, CaseAssigned), "a check is asked only about what it reads"
        department = noted.said.department
        state.departments[department] = state.departments.get(department, 0) + 1
        if state.departments[department] == parameters.most + 1:
            yield Doubt(department, noted.at, (noted,), department=department)


class Grace(Parameters):
    """How long after it was due something is late."""

    seconds: int = 0
    """Seconds."""


class Late(CaseCheck[Grace]):
    """Something that is not done though it was due: time alone shows it."""

    name = "late"
    version = 1
    exact = True
    reads = frozenset({CaseOpened.TYPE, CaseAssigned.TYPE, CaseAccepted.TYPE, TrailTicked.TYPE})
    parameters = Grace

    def examine(self, history: CaseHistory, parameters: Grace) -> Iterator[Doubt]:
        for one in owed(history):
            late = one.started.due + timedelta(seconds=parameters.seconds)
            if late <= history.as_of.at and (one.end is None or one.end.at > late):
                yield Doubt(f"{history.case}/{one.started.id}", late, (one.began,), case=history.case)


class Read(CaseCheck[Few]):
    """A sender who complains of manners, as the fact says."""

    name = "read"
    version = 1
    exact = False
    reads = frozenset({MessageRead.TYPE})
    parameters = Few

    def examine(self, history: CaseHistory, parameters: Few) -> Iterator[Doubt]:
        for one in history.entries:
            if isinstance(one.said, MessageRead) and one.said.manners >= 5_000:
                yield Doubt(one.said.about, one.at, (one,), case=history.case)


class Broken(CaseCheck[Few]):
    """It fails on every case."""

    name = "broken"
    version = 1
    exact = True
    reads = frozenset({CaseEvent.TYPE, CaseOpened.TYPE})
    parameters = Few

    def examine(self, history: CaseHistory, parameters: Few) -> Iterator[Doubt]:
        raise RuntimeError(f"nothing can be made of {history.case}")


SAMPLES = (Assignments(), Busy(), Late(), Read())
