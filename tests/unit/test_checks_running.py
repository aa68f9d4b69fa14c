"""Checks are asked the same way wherever entries come from: cases gathered, house checks folded, time told."""

from __future__ import annotations

from datetime import timedelta

from services.audit.checks.check import AsOf, CaseHistory, Noted, next_due
from services.audit.checks.hole import Hole
from services.audit.checks.running import Fold, Gathered, as_they_are, run
from shared.events import Record
from shared.events.cases import CaseAccepted, CaseAnswered, CaseAssigned, CaseClosed, Ended
from shared.events.facts import AnswerRead
from tests.unit.check_samples import Assignments, Busy, Few
from tests.unit.trail_samples import ARRIVAL, DAY, WORDS, Life, opened, owed, received, ref


def noted(life: Life) -> list[Noted]:
    return [Noted(index, record) for index, record in enumerate(life.records)]


def test_a_case_has_its_own_entries_its_messages_and_facts_about_them_in_the_logs_order() -> None:
    life = Life().case(1).case(2).emit("msg_alone", received())
    life.emit("case_1", CaseAnswered(words=WORDS, final=True))
    life.emit("fact_1", AnswerRead(about="case_1/3", case="case_1", version=1))
    gathered = Gathered()
    for one in noted(life):
        gathered.add(one)
    histories = list(gathered.histories())
    assert [(one.case, [entry.record.id for entry in one.entries]) for one in histories] == [
        ("case_1", ["msg_1/1", "case_1/1", "case_1/2", "msg_1/2", "case_1/3", "fact_1/1"]),
        ("case_2", ["msg_2/1", "case_2/1", "case_2/2", "msg_2/2"]),
    ]
    assert {one.as_of for one in histories} == {AsOf(11, ARRIVAL)}


def test_case_checks_see_each_case_and_house_checks_every_entry() -> None:
    life = Life().case(1).case(2)
    life.emit("case_2", CaseAssigned(department="roads", by="coordinator"))
    found = [
        (check.name, doubt.key) for check, doubt in run(noted(life), as_they_are((Assignments(), Busy())))
    ]
    assert found == [("busy", "housing"), ("assignments", "case_2/3")]


def test_a_house_check_goes_on_from_what_it_kept() -> None:
    entries = noted(Life().case(1).case(2).case(3))
    whole = [doubt.key for _, doubt in run(entries, as_they_are([Busy()]))]
    for cut in range(len(entries)):
        first = Fold(Busy(), Few())
        before = [doubt for one in entries[:cut] for doubt in first.take(one)]
        second = Fold(Busy(), Few(), first.kept())
        after = [doubt for one in entries[cut:] for doubt in second.take(one)]
        assert [doubt.key for doubt in (*before, *after)] == whole


def test_an_event_that_is_not_as_its_type_is_says_nothing_and_is_an_entry_all_the_same() -> None:
    life = Life().case(1)
    good = life.records[-1]
    bad = Record.read("", good.value.replace(b'"outcome":"new"', b'"outcome":"odd"'))
    life.records[-1] = bad
    assert noted(life)[-1].said.model_dump() == {}
    (history,) = _histories(life)
    assert history.entries[-1].record is bad


def test_a_missing_number_is_a_hole_and_repeated_questions_answer_the_same() -> None:
    life = Life().case(1)
    del life.records[1]  # the case's first event
    first, second = ([doubt for _, doubt in run(noted(life), as_they_are([Hole()]))] for _ in range(2))
    assert [doubt.key for doubt in first] == ["case_1/2/1"]
    assert first == second


def test_time_alone_shows_something_when_the_next_of_what_is_owed_falls_due() -> None:
    life = Life().case(1)
    assert next_due(_histories(life)[0]) == ARRIVAL + DAY
    later = AsOf(99, ARRIVAL + 2 * DAY)
    assert next_due(_histories(life, later)[0]) == ARRIVAL + 5 * DAY
    life.emit("case_1", CaseAccepted(ends=[Ended(id="accept-1", how="met")]))
    assert next_due(_histories(life)[0]) == ARRIVAL + 5 * DAY
    life.emit("case_1", CaseClosed(outcome="silence", starts=[owed("assist-9", "roads", ARRIVAL + 9 * DAY)]))
    assert next_due(_histories(life)[0]) == ARRIVAL + 9 * DAY
    assert next_due(_histories(life, AsOf(99, ARRIVAL + timedelta(days=99)))[0]) is None


def test_a_case_whose_beginning_is_missing_is_a_case() -> None:
    life = Life().emit("msg_1", received()).emit("case_1", opened("msg_1", ref=ref(1)), CaseAccepted())
    life.records = [one for one in life.records if one.id != "case_1/1"]
    assert [one.case for one in _histories(life)] == ["case_1"]


def _histories(life: Life, as_of: AsOf | None = None) -> list[CaseHistory]:
    gathered = Gathered()
    for one in noted(life):
        gathered.add(one)
    return list(gathered.histories(as_of))
