"""Entries that contradict one another are seen; whatever people and time do to a case contradicts nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings

from services.audit.checks.check import AsOf, CaseHistory, Noted
from services.audit.checks.disagreement import Disagreement
from services.audit.checks.hole import Hole
from shared.events import Event, Record, emit
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseClosed,
    CaseContested,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    FeedbackGiven,
)
from shared.events.messages import MessageSettled
from shared.events.obligations import Ended, Rung, Started
from tests.backtests.lives import BEGINNING, draw_town
from tests.backtests.story import Story
from tests.unit.case_lives import Step, lived
from tests.unit.test_time_account import FAR, LIVES, Moving, Switch
from tests.unit.test_trail_lives import long_lives


def told(records: list[Record], case: str) -> CaseHistory:
    entries = [Noted(at, Record.read("", one.value)) for at, one in enumerate(records)]
    return CaseHistory(case, entries, AsOf(len(entries), entries[-1].at))


def seen(records: list[Record], case: str) -> list[str]:
    """What is found, as codes."""
    check = Disagreement()
    found = check.examine(told(records, case), check.parameters())
    return [doubt.key.partition("/")[0] for doubt in found]


def holes(records: list[Record], case: str) -> list[dict[str, int]]:
    check = Hole()
    found = check.examine(told(records, case), check.parameters())
    return [{one.name: one.value for one in doubt.figures} for doubt in found]


@settings(max_examples=60, deadline=None)
@given(LIVES, FAR)
def test_nothing_that_the_house_writes_contradicts_anything(life: Moving, steps: list[Step | Switch]) -> None:
    lived(life, [])
    for step in steps:
        life.step(step)
    assert seen(life.records, "case_x") == []
    assert holes(life.records, "case_x") == []


def test_nor_do_long_lives_through_pauses_extensions_and_new_calendars() -> None:
    for life in long_lives(Random(20261127), 150, 30):
        assert seen(life.records, "case_x") == []


def story() -> Story:
    """A case that somebody has accepted."""
    rng = Random(1)
    one = Story(draw_town(rng, 0), rng, 7, BEGINNING)
    one.arrive()
    one.spend(600)
    one.accept()
    return one


def begun(one: Story, kind: str) -> Started:
    debt = one.owes(kind)
    assert debt is not None
    return debt.started


def a_rung(one: Story, of: Started, **other: object) -> CaseAlarmed:
    rung = Rung(
        obligation=of.id, kind=of.kind, owner=of.owner, due=of.due, rung=0, action="remind", at=one.now
    )
    return CaseAlarmed(at=one.now, rungs=[rung.model_copy(update=other)])


WRONG: dict[str, Callable[[Story], Event]] = {
    "ends-what-is-not-owed": lambda one: CaseResumed(
        reason="by_hand", ends=[Ended(id="resolve-99", how="met")]
    ),
    "begins-twice": lambda one: CaseSuspended(reason="court", until=one.now, starts=[begun(one, "resolve")]),
    "rung-of-what-is-not-owed": lambda one: a_rung(one, begun(one, "resolve"), obligation="resolve-99"),
    "rung-of-another-deadline": lambda one: a_rung(
        one, begun(one, "resolve"), due=begun(one, "resolve").due + timedelta(days=1)
    ),
    "accepted-when-not-given": lambda one: CaseAccepted(),
    "reopened-when-open": lambda one: CaseReopened(reason="by_hand"),
    "resumed-when-running": lambda one: CaseResumed(reason="by_hand"),
    "feedback-without-an-answer": lambda one: FeedbackGiven(solved=True),
    "contested-when-open": lambda one: CaseContested(outcome="silence", words=one.words()),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_contradicts_is_seen(what: str) -> None:
    one = story()
    assert seen(one.records, one.case) == []
    one.say(WRONG[what](one))
    assert what in seen(one.records, one.case)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("closed-twice", CaseClosed(outcome="withdrawn")),
        ("answered-when-over", CaseAnswered(words=story().words(), final=True)),
    ],
)
def test_what_follows_the_end_is_seen(what: str, said: Event) -> None:
    one = story()
    one.close("withdrawn")
    one.say(said)
    assert seen(one.records, one.case) == [what]


def test_a_message_of_the_case_that_is_settled_as_anothers_is_seen() -> None:
    one = story()
    one.say(MessageSettled(outcome="attached", case="case_other", ref="x"), subject=one.message)
    assert seen(one.records, one.case) == ["settled-as-another's"]


def test_an_aggregate_whose_time_goes_back_is_seen() -> None:
    one = story()
    one.spend(3600)
    one.contact("reached")
    last = one.records[-1]
    early = emit(
        last.data,
        source="/made-up",
        subject=last.subject,
        sequence=last.sequence,
        time=BEGINNING - timedelta(days=1),
        causation="made-up",
        key=last.key,
        nonce=bytes(16),
    )
    assert seen([*one.records[:-1], early], one.case) == ["time-goes-back"]


def test_an_entry_that_is_gone_and_one_that_stands_beside_another_are_seen() -> None:
    one = story()
    of_case = [at for at, record in enumerate(one.records) if record.subject == one.case]
    without = [record for at, record in enumerate(one.records) if at != of_case[1]]
    assert holes(without, one.case) == [{"expected": 2, "found": 3}]
    twice = [*one.records, one.records[of_case[1]]]
    assert holes(twice, one.case) == [{"expected": len(of_case) + 1, "found": 2}]
