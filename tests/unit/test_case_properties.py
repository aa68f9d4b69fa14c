"""Whatever people and time do to a case, these hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import orjson
from hypothesis import given, settings

from services.routing.case import Case
from services.routing.commands import TABLE, Command
from services.routing.diagram import document
from services.routing.evolve import evolve
from shared.events import Record
from shared.events.cases import CaseAlarmed, CaseContested, CaseReopened, MessageAttached
from shared.events.envelope import REGISTRY
from tests.unit.case_lives import (
    ANSWERED,
    ASKED,
    ENDS,
    LIKELY,
    LIVES,
    STEPS,
    SUPERVISES,
    Life,
    Step,
    check,
    lived,
)
from tests.unit.case_samples import desk as plain
from tests.unit.case_samples import particular


@settings(max_examples=150, deadline=None)
@given(LIVES, STEPS)
def test_every_open_case_has_an_owner_who_exists_and_one_lead_or_the_coordinator(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    check(life)
    for step in steps:
        life.step(step)
        check(life)


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_nothing_happens_after_the_close_but_what_opens_it_again_waits_for_an_officer_or_supervision_asks(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    for step in steps:
        assert life.case is not None
        closed, before = not life.case.is_open, len(life.records)
        life.step(step)
        if closed:
            new = [record.data for record in life.records[before:]]
            assert all(
                isinstance(event, (MessageAttached, CaseReopened, CaseContested, *ASKED)) for event in new[:1]
            )
            assert life.case.is_open == any(
                isinstance(event, CaseReopened | CaseContested) or getattr(event, "reopened", False)
                for event in new
            )


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_replaying_its_bytes_gives_the_same_case_and_its_document_reads_back(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    for step in steps:
        life.step(step)
    again: Case | None = None
    for number, record in enumerate(life.records, 1):
        read = Record.read("cases", record.value)
        assert read.sequence == number
        again = evolve(again, read.data, read)
    assert life.case is not None
    assert again == life.case
    assert Case.model_validate(orjson.loads(life.case.model_dump_json(exclude_defaults=True))) == life.case


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_each_rung_falls_once_and_a_breach_is_never_erased(life: Life, steps: list[Step]) -> None:
    lived(life, steps)
    breached: set[str] = set()
    for step in steps:
        life.step(step)
        assert life.case is not None
        assert breached <= set(life.case.breached)
        breached = set(life.case.breached)
    climbed = [
        (rung.obligation, rung.rung)
        for record in life.records
        if isinstance(event := record.data, CaseAlarmed)
        for rung in event.rungs
    ]
    assert len(climbed) == len(set(climbed))


def test_long_lives_go_through_everything_that_can_happen_to_a_case() -> None:
    chance = Random(20261127)
    happened: set[str] = set()
    led: set[tuple[type[Command], str]] = set()
    for _ in range(700):
        life = Life(
            assigned=chance.random() < 0.7,
            can_mail=chance.random() < 0.7,
            kind=chance.choice(["problem", "complaint", "enquiry", "report", "praise"]),
            desk=chance.choice([plain(), particular()]),
        )
        lived(life, [])
        for step in chance.choice([(), ANSWERED]):
            life.step(step)
        for _ in range(30):
            steps: list[Step] = [
                chance.randrange(40),
                chance.choice([*LIKELY.values(), *ENDS * 8]),
                timedelta(minutes=chance.choice([10, 60, 600, 3_000, 9_000])),
                chance.choice(["verified", "unverified"]),
                chance.choice(SUPERVISES),
            ]
            life.step(chance.choices(steps, [55, 20, 20, 5, 3])[0])
            check(life)
        happened |= {record.type for record in life.records}
        led |= life.led
    follow_elsewhere = {
        "throughline.case.joined",
        "throughline.case.rescheduled",
        "throughline.case.erased",
        "throughline.case.sender_opened",
    }
    assert happened | follow_elsewhere == {one for one in REGISTRY if one.startswith("throughline.case.")}
    said = {(row.command, state) for row in TABLE.values() for state in row.becomes}
    assert said <= led, f"the table says more than happens: {said - led}"


def test_the_page_about_the_life_of_a_case_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "case.md"
    assert page.read_text() == document(), "write it anew: python -m services.routing.diagram > docs/case.md"


def test_a_case_left_alone_stays_small() -> None:
    life = Life(assigned=True, can_mail=True, kind="problem")
    lived(life, [])
    assert life.case is not None
    case = life.case.model_copy(update={"message": "msg_" + "a" * 26, "words": "c_" + "a" * 26})
    assert len(case.model_dump_json(exclude_defaults=True)) < 1200
