"""The policy: what is not granted is denied."""

from __future__ import annotations

import pytest

from shared.rights import (
    RIGHTS_OF_ROLE,
    Principal,
    Right,
    machine,
    may,
    may_handle_case,
    may_see_case,
    may_see_sender,
    nobody,
    person,
)
from tests.people_house import organisation


def somebody(id: str) -> Principal:
    found = person(organisation(), id)
    assert found is not None
    return found


def test_every_role_of_the_organisation_file_has_its_rights_and_nothing_more() -> None:
    held = {role: {right.value for right in rights} for role, rights in RIGHTS_OF_ROLE.items()}
    handling = {"cases.read", "cases.handle", "cases.advise"}
    directing = {"cases.read", "cases.direct", "cases.advise"}
    assert held == {
        "officer": handling,
        "deputy": handling,
        "head": handling | directing,
        "coordinator": handling | directing | {"cases.dispatch", "deliveries.read"},
        "leader": directing | {"console.read"},
        "group": {"cases.read", "cases.advise", "console.read"},
        "principal": directing | {"console.read", "trail.read"},
        "supervisor": directing | {"console.read", "supervision", "trail.read", "deliveries.read"},
        "clerk": {"messages.quarantine"},
        "admin": {"operations", "people.manage", "content.erase"},
    }


def test_each_right_says_what_it_means() -> None:
    assert all(right.meaning for right in Right)
    assert len({right.meaning for right in Right}) == len(Right)


def test_nobody_may_only_what_is_public_and_write_where_the_intake_is_open() -> None:
    assert nobody(open_intake=False).rights == {Right.PUBLIC}
    assert nobody(open_intake=True).rights == {Right.PUBLIC, Right.SUBMIT}


def test_a_stranger_to_the_organisation_is_no_principal() -> None:
    assert person(organisation(), "somebody-else") is None


def test_an_officer_sees_the_cases_of_the_own_department_alone() -> None:
    officer = somebody("housing-officer-1")
    assert may_see_case(officer, department="housing")
    assert not may_see_case(officer, department="labour")
    assert not may_see_case(officer, department="labour", past_departments=["housing"])
    assert not may_see_case(officer, department=None), "what waits for the coordinator is the coordinator's"


def test_a_head_looks_back_at_what_the_department_once_held() -> None:
    assert may_see_case(somebody("housing-head"), department="labour", past_departments=["housing"])
    assert not may_see_case(somebody("labour-head"), department="housing", past_departments=["housing"])


@pytest.mark.parametrize("id", ["coordination-officer-1", "mayor", "supervision-officer"])
def test_coordinators_principal_leaders_and_supervisors_see_every_case(id: str) -> None:
    assert may_see_case(somebody(id), department="housing")
    assert may_see_case(somebody(id), department=None)


@pytest.mark.parametrize("id", ["vice-mayor-1", "vice-mayor-2"])
def test_a_leader_sees_the_departments_led_and_no_other(id: str) -> None:
    leader = somebody(id)
    led = {one.id for one in organisation().departments if one.leader == id}
    seen = {one.id for one in organisation().departments if may_see_case(leader, department=one.id)}
    assert seen == led
    assert led
    assert not may_handle_case(leader, department=next(iter(led)))


@pytest.mark.parametrize("id", ["intake-clerk", "system-admin"])
def test_who_looks_after_the_door_or_the_machine_sees_no_case(id: str) -> None:
    assert not may_see_case(somebody(id), department="housing")
    assert not may_see_case(somebody(id), department=None)


def test_only_who_works_in_a_department_handles_its_cases() -> None:
    assert may_handle_case(somebody("housing-deputy"), department="housing")
    assert not may_handle_case(somebody("labour-officer-1"), department="housing")
    assert not may_handle_case(somebody("coordination-officer-1"), department="housing")
    assert may_handle_case(somebody("coordination-officer-1"), department=None)
    assert not may_handle_case(somebody("supervision-officer"), department="housing")


@pytest.mark.parametrize("id", ["housing-officer-1", "housing-head", "vice-mayor-1", "vice-mayor-2"])
def test_who_reports_wrongdoing_is_not_named_to_the_department_concerned(id: str) -> None:
    assert not may_see_sender(somebody(id), kind="report", department="housing")


def test_who_reports_wrongdoing_is_known_to_who_must_follow_it_up() -> None:
    assert may_see_sender(somebody("supervision-officer"), kind="report", department="housing")
    assert may_see_sender(somebody("housing-officer-1"), kind="problem", department="housing")
    assert not may_see_sender(somebody("labour-officer-1"), kind="problem", department="housing")


def test_a_supervisor_from_the_department_concerned_does_not_learn_who_reported_it() -> None:
    both = Principal(
        "x",
        "person",
        somebody("supervision-officer").rights,
        frozenset({"supervisor"}),
        leads=frozenset({"housing"}),
    )
    assert not may_see_sender(both, kind="report", department="housing")
    assert may_see_sender(both, kind="report", department="labour")


def test_a_key_carries_what_it_was_given_but_never_the_making_of_keys() -> None:
    key = machine("key_1", ["messages.submit", "people.manage", "session", "no.such.right"])
    assert key.rights == {Right.PUBLIC, Right.SUBMIT}


def test_a_machine_trusted_with_cases_sees_them_but_no_reporters() -> None:
    key = machine("key_1", ["cases.read"])
    assert may_see_case(key, department="housing")
    assert not may_handle_case(key, department="housing")
    assert not may_see_sender(key, kind="report", department="housing")
    assert not may(key, Right.CONSOLE)
