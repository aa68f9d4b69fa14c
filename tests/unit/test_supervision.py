"""Who may decide what in supervision, and when: every rule, by what it lets pass and what not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.supervision import exclusion, finding, order, probe, sample
from services.audit.supervision.exclusion import Exclusion
from services.audit.supervision.finding import Finding
from services.audit.supervision.judging import Refused
from services.audit.supervision.order import Order
from services.audit.supervision.probe import Probe
from services.audit.supervision.sample import draw
from shared.content.words import ProbeSecret
from shared.events import Event, Record, emit
from shared.events.cases import CaseAccepted, CaseAlarmed
from shared.events.content import ContentRef
from shared.events.findings import OrderConcluded, OrderIssued
from shared.rights import Principal, machine, person
from tests.unit.case_samples import local, organisation

NOW = local("2026-10-14 12:00")
WORDS = ContentRef(ref="c_x", commitment="0" * 64, size=1)
STANDS = Finding(check="late", case="case_x", department="housing", since=NOW, raised=NOW)


def who(id: str) -> Principal:
    found = person(organisation(), id)
    assert found is not None
    return found


SUPERVISOR, HEAD, PRINCIPAL = who("supervisor"), who("housing-head"), who("principal")


def rule(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


@pytest.mark.parametrize(
    ("stands", "answer"),
    [
        ({}, "not-explained-yet"),
        ({"asked": True, "due": NOW + timedelta(minutes=1)}, "not-explained-yet"),
        ({"asked": True, "due": NOW}, "not-explained-yet"),
        ({"asked": True, "due": NOW - timedelta(minutes=1)}, "confirmed"),
        ({"asked": True}, "confirmed"),
        ({"state": "explained", "asked": True, "due": NOW + timedelta(days=1)}, "confirmed"),
        ({"case": None}, "confirmed"),
        ({"department": None}, "confirmed"),
        ({"state": "confirmed"}, "decided-already"),
        ({"state": "dismissed"}, "decided-already"),
    ],
)
def test_a_finding_is_confirmed_once_the_department_had_its_say_or_nobody_has_one(
    stands: dict[str, object], answer: str
) -> None:
    one = STANDS.model_copy(update=stands)
    if answer != "confirmed":
        with pytest.raises(Refused) as refused:
            finding.confirm(one, SUPERVISOR, WORDS, NOW)
        assert rule(refused) == answer
        return
    (event,) = finding.confirm(one, SUPERVISOR, WORDS, NOW)
    assert event.TYPE == "throughline.finding.confirmed"


def test_dismissing_needs_no_explanation() -> None:
    assert finding.dismiss(STANDS, SUPERVISOR, "not_so", WORDS)


@pytest.mark.parametrize(
    ("judge", "person_concerned", "code"),
    [
        (HEAD, None, "own-department"),
        (who("leader-one"), None, "own-department"),
        (SUPERVISOR, "supervisor", "about-yourself"),
        (machine("key", ["supervision"]), None, "people-decide"),
    ],
)
def test_nobody_judges_their_own_and_no_program_judges(
    judge: Principal, person_concerned: str | None, code: str
) -> None:
    one = STANDS.model_copy(update={"person": person_concerned, "state": "explained"})
    decides: list[Callable[[], Sequence[Event]]] = [
        lambda: finding.confirm(one, judge, WORDS, NOW),
        lambda: finding.dismiss(one, judge, "not_so", WORDS),
    ]
    for decide in decides:
        with pytest.raises(Refused) as refused:
            decide()
        assert rule(refused) == code


def test_an_explanation_after_the_decision_changes_nothing() -> None:
    for state in ("explained", "confirmed", "dismissed"):
        one = STANDS.model_copy(update={"state": state})
        assert finding.explained(one, "housing-officer", "housing", WORDS) == []


def test_until_its_department_is_asked_a_finding_is_open_to_none() -> None:
    assert STANDS.open_to is None
    assert STANDS.model_copy(update={"asked": True}).open_to is None, "a report that it never had"
    assert STANDS.model_copy(update={"asked": True, "due": NOW}).open_to == "housing"


ISSUED = Order(case="case_x", department="housing", issued=NOW, by="supervisor", limit="5wd")


@pytest.mark.parametrize(
    ("state", "accept", "conclude"),
    [
        ("issued", "not-answered", ""),
        ("answered", "", "answer-first"),
        ("accepted", "not-answered", ""),
        ("concluded", "not-answered", "concluded-already"),
    ],
)
def test_an_order_goes_from_answer_to_acceptance_to_conclusion(
    state: str, accept: str, conclude: str
) -> None:
    one = ISSUED.model_copy(update={"state": state})
    decides: list[tuple[str, Callable[[], Sequence[Event]]]] = [
        (accept, lambda: order.accept(one, SUPERVISOR, WORDS)),
        (accept, lambda: order.refuse(one, SUPERVISOR, "2wd", WORDS)),
        (conclude, lambda: order.conclude(one, SUPERVISOR, "reminded", WORDS)),
    ]
    for code, decide in decides:
        if not code:
            assert decide()
            continue
        with pytest.raises(Refused) as refused:
            decide()
        assert rule(refused) == code


def test_nobody_issues_an_order_to_themselves_and_one_is_issued_once() -> None:
    demand = OrderIssued(actor="x", case="case_x", department="housing", limit="5wd", words=WORDS)
    with pytest.raises(Refused) as refused:
        order.issue(None, HEAD, demand)
    assert rule(refused) == "own-department"
    assert order.issue(ISSUED, SUPERVISOR, demand) == []
    assert isinstance(order.conclude(ISSUED, SUPERVISOR, "none", WORDS)[0], OrderConcluded)


def test_two_people_leave_a_case_out() -> None:
    assert exclusion.may_ask(HEAD, "housing")
    assert exclusion.may_ask(PRINCIPAL, "housing")
    assert not exclusion.may_ask(who("water-head"), "housing")
    assert not exclusion.may_ask(who("housing-officer"), "housing")
    asked = Exclusion(case="case_x", asked_by="supervisor", asked=NOW)
    with pytest.raises(Refused) as refused:
        exclusion.decide(asked, SUPERVISOR, WORDS, granted=True)
    assert rule(refused) == "same-person"
    assert exclusion.decide(asked, PRINCIPAL, WORDS, granted=True)
    for stands in ("asked", "granted"):
        with pytest.raises(Refused) as refused:
            exclusion.ask(asked.model_copy(update={"state": stands}), HEAD, "case_x", WORDS)
        assert rule(refused) == "asked-already"
    assert exclusion.ask(asked.model_copy(update={"state": "refused"}), HEAD, "case_x", WORDS)


@given(st.sets(st.text("abcdef0123456789", min_size=1, max_size=8)), st.integers(1, 12), st.randoms())
def test_a_draw_does_not_depend_on_the_order_and_a_larger_one_begins_with_the_smaller(
    cases: set[str], count: int, chance: Random
) -> None:
    shuffled = sorted(cases)
    chance.shuffle(shuffled)
    drawn = draw(b"r" * 32, "sample_1", shuffled, count)
    assert drawn == draw(b"r" * 32, "sample_1", sorted(cases), count)
    assert len(drawn) == min(count, len(cases)) == len(set(drawn))
    assert draw(b"r" * 32, "sample_1", cases, count + 1)[:count] == drawn


def test_each_case_is_drawn_about_as_often_as_any_other() -> None:
    cases = [f"case_{number}" for number in range(20)]
    times = dict.fromkeys(cases, 0)
    for number in range(2000):
        for case in draw(number.to_bytes(32, "big"), "sample_1", cases, 5):
            times[case] += 1
    assert all(400 < count < 600 for count in times.values()), "500 each, within five deviations"


def happened(*events: CaseAccepted | CaseAlarmed) -> list[Record]:
    return [
        emit(
            event,
            source="/routing",
            subject="case_x",
            sequence=number,
            time=NOW,
            causation="input",
            key="case_x",
            nonce=bytes(16),
        )
        for number, event in enumerate(events, 1)
    ]


def test_a_probe_is_planted_only_before_anybody_has_handled_it() -> None:
    alarmed = CaseAlarmed(at=NOW, rungs=[])
    assert probe.plant(None, SUPERVISOR, happened(alarmed, CaseAccepted(deemed=True)), "0" * 64, WORDS)
    with pytest.raises(Refused) as refused:
        probe.plant(None, SUPERVISOR, happened(CaseAccepted(actor="housing-officer")), "0" * 64, WORDS)
    assert rule(refused) == "handled-already"


def test_a_probe_is_revealed_once_and_its_commitment_binds() -> None:
    planted = Probe(commitment=probe.committed(b"s" * 32, "msg_1"), planted=NOW, by="supervisor")
    secret = ProbeSecret(message="msg_1", salt=(b"s" * 32).hex())
    assert probe.reveal(planted, SUPERVISOR, secret, None)
    with pytest.raises(Refused) as refused:
        probe.reveal(planted.model_copy(update={"state": "revealed"}), SUPERVISOR, secret, None)
    assert rule(refused) == "revealed-already"
    assert probe.committed(b"s" * 32, "msg_2") != planted.commitment
    assert probe.committed(b"t" * 32, "msg_1") != planted.commitment


def test_a_sample_is_drawn_once() -> None:
    announced = sample.Sample(announced=NOW, by="x", count=1, since=NOW, until=NOW, size=1)
    assert sample.drawn(announced, "checkpoint", 1, ("case_x",))
    assert sample.drawn(announced.model_copy(update={"state": "drawn"}), "checkpoint", 1, ()) == []
