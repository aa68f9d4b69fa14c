"""What people may do with a case, and what is refused by which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.routing.case import Case
from services.routing.commands import (
    Accept,
    Answer,
    Ask,
    Assign,
    Assist,
    Classify,
    Command,
    Contact,
    Contribute,
    Decline,
    Feedback,
    Now,
    Refused,
    RefuseReturn,
    Return,
    Review,
    UpholdReturn,
    decide,
)
from shared.events.cases import CaseAlarmed, CaseAnswered, CaseAssigned, CaseClosed, CaseOpened
from tests.unit.case_lives import START, WORDS, Life, lived
from tests.unit.case_samples import desk, local, particular


def life(*steps: Command | timedelta | str, assigned: bool = True, can_mail: bool = True) -> Life:
    """A problem to which this was done."""
    begun = lived(Life(assigned=assigned, can_mail=can_mail, kind="problem"), [])
    for step in steps:
        done(begun, step)
    return begun


def done(one: Life, step: Command | timedelta | str) -> None:
    """As `Life.step`, but a refusal is heard."""
    if isinstance(step, Command):
        one.happen(one.decided(step))
    else:
        one.step(step)


def case(one: Life) -> Case:
    assert one.case is not None
    return one.case


def owed(one: Life) -> set[str]:
    return {obligation.kind for obligation in case(one).obligations}


ACCEPTED = (Accept(),)
ANSWERED = (Accept(), Answer(text="It is repaired", resolved=True))


def test_accepting_ends_the_obligation_to_accept() -> None:
    one = life(*ACCEPTED)
    assert case(one).state == "accepted"
    assert owed(one) == {"promise", "contact", "resolve"}


def test_a_late_end_is_marked_late_and_the_breach_stays_after_the_close() -> None:
    one = life(timedelta(days=9), Accept())
    (ended,) = one.records[-1].data.model_dump()["ends"]
    assert (ended["id"], ended["how"], ended["late"]) == ("accept-2", "met", True)
    done(one, Answer(text="done"))
    done(one, Feedback(solved=True))
    assert case(one).state == "closed"
    assert "accept-2" in case(one).breached


def test_reaching_the_sender_ends_first_contact_and_not_reaching_them_does_not() -> None:
    one = life(Accept(), Contact(outcome="not_reached"))
    assert "contact" in owed(one)
    done(one, Contact(outcome="reached"))
    assert "contact" not in owed(one)


def test_an_interim_answer_is_a_contact_and_leaves_the_rest_owed() -> None:
    one = life(Accept(), Answer(text="We are looking at it", final=False))
    assert case(one).state == "accepted"
    assert owed(one) == {"promise", "resolve"}


def test_a_final_answer_ends_what_was_owed_and_promised_and_waits_for_the_senders_word() -> None:
    one = life(*ANSWERED)
    assert case(one).state == "answered"
    assert owed(one) == {"silence"}


def test_nobody_can_mail_a_caller_so_the_answer_is_a_call_back_of_its_own_limit() -> None:
    one = life(*ANSWERED, can_mail=False)
    assert owed(one) == {"callback"}
    callback = case(one).owes("callback")
    assert callback is not None
    assert (callback.owner, callback.limit, callback.binding) == ("housing", "1wd", True)
    done(one, Contact(outcome="reached"))
    assert owed(one) == {"silence"}


def test_after_three_calls_in_vain_the_answer_counts_as_given() -> None:
    one = life(*ANSWERED, Contact(outcome="not_reached"), Contact(outcome="not_reached"), can_mail=False)
    assert owed(one) == {"callback"}
    done(one, Contact(outcome="not_reached"))
    assert owed(one) == {"silence"}


def test_silence_closes_a_case_as_silence_after_seven_days_and_breaches_nothing() -> None:
    one = life(*ANSWERED, timedelta(days=6, hours=23))
    assert case(one).state == "answered"
    done(one, timedelta(hours=1))
    closed = one.records[-1].data
    assert isinstance(closed, CaseClosed)
    assert (closed.outcome, closed.solved, closed.ends[0].how) == ("silence", None, "lapsed")
    assert case(one).breached == ()


def test_another_person_reviews_a_no_and_may_open_the_case_again_with_a_new_limit() -> None:
    one = life(*ANSWERED, Feedback(solved=False))
    assert (case(one).state, owed(one)) == ("answered", {"review"})
    review = case(one).owes("review")
    assert review is not None
    assert (review.owner, review.limit) == ("coordinator", "2wd")
    done(one, Review(outcome="reopened", text="It leaks again"))
    assert (case(one).state, owed(one)) == ("accepted", {"resolve"})


def test_who_answered_does_not_review_a_no() -> None:
    one = life(Accept())
    assert one.case is not None
    answer = decide(one.case, Answer(text="done"), Now(one.desk, one.now, WORDS, "officer"))
    one.happen([*answer])
    done(one, Feedback(solved=False))
    with pytest.raises(Refused) as refused:
        decide(case(one), Review(outcome="upheld", text="fine"), Now(one.desk, one.now, WORDS, "officer"))
    assert refused.value.code == "same-person"


def test_a_part_is_given_by_the_people_of_who_owes_it_and_by_machines() -> None:
    one = life(Accept(), Assist(department="water", text="Whose pipe is it?"))
    part = Contribute(department="water", text="Ours")
    with pytest.raises(Refused) as refused:
        decide(case(one), part, Now(one.desk, one.now, WORDS, "housing-officer"))
    assert refused.value.code == "not-your-part"
    for actor in ("water-officer", "water-head", "key_1", None):
        assert decide(case(one), part, Now(one.desk, one.now, WORDS, actor))


def test_who_must_know_is_told_what_the_coordinator_takes_a_case_for() -> None:
    one = life(Accept())
    told = {}
    for command in (Classify(case_class="major"), Classify(urgent=True), Classify(kind="complaint")):
        (classified,) = decide(case(one), command, Now(one.desk, one.now, None, "desk-officer"))
        told[str(command)] = [notice.person for notice in classified.notices]
    assert [*told.values()] == [["principal"], ["housing-officer"], []]


def test_a_no_that_was_right_as_it_was_closes_the_case_unsolved() -> None:
    one = life(*ANSWERED, Feedback(solved=False), Review(outcome="upheld", text="Nothing more can be done"))
    closed = one.records[-1].data
    assert isinstance(closed, CaseClosed)
    assert (closed.outcome, closed.solved) == ("feedback", False)


def test_a_return_goes_back_to_the_coordinator_and_the_promise_runs_on() -> None:
    one = life()
    promise = case(one).owes("promise")
    done(one, Return(text="Water's", proposed="water"))
    assert (case(one).state, case(one).holder, case(one).returned_by) == ("new", "coordinator", "housing")
    assert owed(one) == {"promise", "dispatch"}
    assert case(one).owes("promise") == promise


def test_an_upheld_return_goes_to_another_department_whose_limits_begin_then() -> None:
    one = life(Return(text="Water's"))
    one.now = local("2026-10-08 09:10")
    done(one, UpholdReturn(department="water"))
    assigned = one.records[-1].data
    assert isinstance(assigned, CaseAssigned)
    assert assigned.beyond_promise
    resolve = case(one).owes("resolve")
    assert resolve is not None
    assert (resolve.owner, resolve.due) == ("water", local("2026-10-14 17:30"))
    assert case(one).past == ("housing",)


def test_a_refused_return_leaves_the_time_it_took_with_who_returned_it() -> None:
    one = life(Return(text="Water's"))
    one.now = local("2026-10-08 09:10")
    done(one, RefuseReturn(text="It is your roof"))
    accept, resolve = case(one).owes("accept"), case(one).owes("resolve")
    assert accept is not None
    assert resolve is not None
    assert (resolve.owner, resolve.since, resolve.due) == ("housing", START, local("2026-10-13 17:30"))
    assert accept.since == local("2026-10-08 09:10")


def test_the_coordinator_reassigns_a_case_and_the_first_department_owes_nothing_more() -> None:
    one = life(*ACCEPTED, Assign(department="water"))
    assert {obligation.owner for obligation in case(one).obligations} == {"water", "coordinator"}


def test_what_is_declined_is_closed_with_its_reason() -> None:
    one = life(Decline(reason="before_a_court", text="The court has it"), assigned=False)
    closed = one.records[-1].data
    assert isinstance(closed, CaseClosed)
    assert (closed.outcome, closed.reason) == ("declined", "before_a_court")


def test_the_sender_writing_again_opens_an_answered_case() -> None:
    one = life(*ANSWERED, "verified")
    assert case(one).state == "accepted"
    assert owed(one) == {"resolve"}


def test_a_declined_case_that_its_sender_opens_again_waits_for_the_coordinator() -> None:
    one = life(Decline(reason="no_facts", text="Which house?"), "verified", assigned=False)
    assert (case(one).state, owed(one)) == ("new", {"dispatch"})


def test_each_event_names_who_did_it() -> None:
    one = life(*ANSWERED)
    answered, opened = one.records[-1].data, one.records[0].data
    assert isinstance(answered, CaseAnswered)
    assert isinstance(opened, CaseOpened)
    assert (answered.actor, opened.actor) == ("person-2", None)


@pytest.mark.parametrize(
    ("before", "command", "rule"),
    [
        ((), Answer(text="x"), "answer-not-while-assigned"),
        ((Accept(), Answer(text="x")), Return(text="x"), "return-not-while-answered"),
        ((Accept(),), Assign(department="nowhere"), "no-such-department"),
        ((Accept(),), Assign(department="housing"), "same-department"),
        ((Accept(),), Answer(text="x", final=False, resolved=True), "not-final"),
        ((), Return(text="x", proposed="nowhere"), "no-such-department"),
        ((Return(text="x"),), Assign(department="water"), "return-not-decided"),
        ((Return(text="x"),), UpholdReturn(department="housing"), "same-department"),
        (ANSWERED, Contact(outcome="reached"), "no-call-back"),
        ((*ANSWERED, Feedback(solved=True)), Accept(), "accept-not-while-closed"),
        ((Return(text="x"), RefuseReturn(text="x")) * 2, Return(text="x"), "returned-too-often"),
    ],
)
def test_a_refused_command_names_the_rule(before: tuple[Command, ...], command: Command, rule: str) -> None:
    one = life(*before)
    with pytest.raises(Refused) as refused:
        done(one, command)
    assert refused.value.code == rule
    assert refused.value.text.endswith(".")


def test_assigning_what_was_never_returned_is_no_decision_on_a_return() -> None:
    with pytest.raises(Refused, match="no-return"):
        life(RefuseReturn(text="x"), assigned=False)


def test_a_caller_without_an_address_can_only_be_called() -> None:
    with pytest.raises(Refused, match="no-address"):
        life(Accept(), Ask(text="Where?"), can_mail=False)


def test_a_limit_of_days_begins_after_the_day_of_arrival() -> None:
    assert case(life()).promise == datetime.fromisoformat("2026-10-13T09:30:00+00:00")


def test_an_obligation_whose_ladder_was_taken_away_or_became_shorter_climbs_on() -> None:
    one = lived(Life(assigned=True, can_mail=True, kind="complaint", desk=particular()), [])
    assert {owed.ladder for owed in case(one).obligations if owed.binding} == {"strict"}
    done(one, timedelta(days=30))
    one.desk = desk()
    resolve = replace(case(one).owed("resolve")[0], next_rung=7, next_at=one.now)
    assert one.case is not None
    one.case = one.case.model_copy(update={"obligations": (resolve,)})
    done(one, timedelta(seconds=1))
    alarmed = one.records[-1].data
    assert isinstance(alarmed, CaseAlarmed)
    assert [(rung.action, rung.next_rung) for rung in alarmed.rungs] == [("escalate", None)]
