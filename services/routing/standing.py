"""What somebody is to a case: which rows of the table of commands are open to them."""

from __future__ import annotations

from services.routing.case import Case
from services.routing.commands import Who
from services.routing.commands.command import owner_of
from services.routing.obligation import COORDINATOR
from shared.organisation import Organisation
from shared.rights import Principal, Right, may, may_handle_case

RIGHTS: dict[Who, Right] = {
    "department": Right.CASES_HANDLE,
    "assisting": Right.CASES_HANDLE,
    "answerable": Right.CASES_HANDLE,
    "head": Right.CASES_HANDLE,
    "coordinator": Right.CASES_DISPATCH,
    "granter": Right.CASES_DIRECT,
    "addressee": Right.CASES_ADVISE,
    "inspector": Right.CASES_DIRECT,
    "superior": Right.CASES_DIRECT,
}
"""The right without which a command is out of the question, whatever the case; a sender needs none but their code."""


def standing(principal: Principal, case: Case, organisation: Organisation) -> frozenset[Who]:
    """What somebody is to a case. A machine is whatever its key's rights let it be."""
    if principal.kind == "machine":
        return frozenset(who for who, right in RIGHTS.items() if may(principal, right))
    found: set[Who] = set()
    if may_handle_case(principal, department=case.department):
        found.add("department")
    if any(one.owner in principal.works_in for one in case.owed("assist")):
        found.add("assisting")
    if any(one.owner in principal.works_in for one in case.owed("explain", "rectify")):
        found.add("answerable")
    if COORDINATOR in principal.works_in and may(principal, Right.CASES_DISPATCH):
        found.add("coordinator")
    posts: dict[Who, list[str]] = {
        "head": [owner_of(case, "head")],
        "granter": [owner_of(case, organisation.choices.grants)],
        "inspector": [owner_of(case, organisation.choices.inspects)],
        "addressee": [one.owner for one in case.owed("opinion")],
        "superior": [
            owner_of(case, post) for post in ("head", "leader", "principal", COORDINATOR, "supervisors")
        ],
    }
    for who, owners in posts.items():
        if any(principal.id in organisation.who("holder", owner) for owner in owners):
            found.add(who)
    return frozenset(who for who in found if may(principal, RIGHTS[who]))
