"""Whatever happens to a case, the audit's projection has it as routing does, from the entries alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.projected import FILE, Projection
from services.audit.projection import BREACHED, STAGES, milliseconds
from services.routing.case import Case, State
from services.routing.desk import Desk
from services.routing.obligation import Obligation
from shared.events.obligations import Ended
from tests.projections import Rows, project_all, rows
from tests.unit.case_lives import LIKELY, Step, lived
from tests.unit.test_time_account import DESKS, FAR, LIVES, Moving, Switch
from tests.unit.trail_samples import SHANGHAI

CUTS = st.lists(st.integers(1, 12), max_size=20)

BEGINNINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("accept", "extend", "grant-extension"),
    ("accept", "ask"),
    ("accept", "suspend", "resume"),
    ("accept", "answer"),
    ("answer-directly",),
)


def fold(projection: Projection, life: Moving, cuts: list[int]) -> None:
    """Project the life's entries, so many at a time, the last of them at once."""
    at = 0
    for size in (*cuts, len(life.records)):
        some = life.records[at : at + size]
        at += len(some)
        projection.commit(some, b"")


def furthest(desk: Desk, one: Obligation) -> int:
    """How far an obligation can have aged, as its next rung says."""
    rung, stage = 0, 0
    while rung != one.next_rung:
        action = desk.step(one, rung).action
        stage = max(stage, STAGES.get(action, 0))
        following, _ = desk.rung_after(one, rung)
        if following is None:
            break
        rung = following
    return stage


def check(found: Rows, desk: Desk, case: Case) -> None:
    ((id, ref, kind, channel, arrived, promise, state, holder, pause),) = found["cases"]
    assert (id, ref, channel) == ("case_x", case.ref, case.channel)
    assert (state, holder, kind) == (case.state, case.holder, case.kind)
    assert arrived == milliseconds(case.arrived)
    assert promise == (milliseconds(case.promise) if case.promise else None)
    assert pause == (case.pause.reason if case.pause else "")
    still = {row[1] for row in found["owed"] if row[-1]}
    assert still == {one.id for one in case.pause.obligations} if case.pause else not still
    owed = {row[1]: row[2:8] for row in found["owed"] if not row[-1]}
    assert owed.keys() == {one.id for one in case.obligations}
    for one in case.obligations:
        kind, owner, since, due, binding, stage = owed[one.id]
        assert (kind, owner) == (one.kind, one.owner)
        assert (since, due) == (milliseconds(one.since), milliseconds(one.due))
        assert binding == one.binding
        assert stage <= furthest(desk, one)
        if one.id in case.breached:
            assert stage >= BREACHED


def compare(life: Moving, cuts: list[int]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / FILE
        projection = Projection(path, SHANGHAI)
        fold(projection, life, cuts)
        found = rows(path)
        projection.clear()
        project_all(projection, [record.value for record in life.records], b"")
        projection.close()
        again = rows(path)
    assert life.case is not None
    check(found, life.desk, life.case)
    assert again == found, "made anew from the entries' bytes it is the same"


@settings(max_examples=60, deadline=None)
@given(LIVES, FAR, CUTS)
def test_the_projection_has_a_case_as_routing_has_it(
    life: Moving, steps: list[Step | Switch], cuts: list[int]
) -> None:
    lived(life, [])
    for step in steps:
        life.step(step)
    compare(life, cuts)


def long_lives(chance: Random, count: int, most: int) -> Iterator[Moving]:
    """Lives of up to so many steps, through pauses, extensions and new calendars."""
    for _ in range(count):
        life = Moving(
            assigned=chance.random() < 0.7,
            can_mail=chance.random() < 0.7,
            kind=chance.choice(["problem", "complaint", "enquiry"]),
            desk=chance.choice(DESKS),
        )
        lived(life, [])
        for name in chance.choice(BEGINNINGS):
            life.step(LIKELY[name])
        for _ in range(chance.randrange(most)):
            steps: list[Step | Switch] = [
                chance.choice([*LIKELY.values()]),
                chance.randrange(40),
                timedelta(minutes=chance.choice([10, 60, 600, 3_000, 15_000])),
                Switch(chance.randrange(len(DESKS)), moves=True),
            ]
            life.step(chance.choices(steps, [40, 30, 25, 5])[0])
            assert life.case is not None
            if life.case.pause is not None and chance.random() < 0.2:
                break
        yield life


def test_it_has_long_lives_as_well_through_pauses_extensions_and_new_calendars() -> None:
    chance = Random(20261127)
    ends: set[str] = set()
    states: set[tuple[str, bool]] = set()
    for life in long_lives(chance, 60, 25):
        compare(life, [chance.randint(2, 15) for _ in range(20)])
        assert life.case is not None
        states.add((life.case.state, life.case.pause is not None))
        ends |= {one.how for record in life.records for one in getattr(record.data, "ends", ())}
    assert ends == set(get_args(Ended.model_fields["how"].annotation))
    assert states == {*((state, False) for state in get_args(State)), ("accepted", True)}
