"""Who may do and see what: one pure policy. What is not granted here is denied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shared.organisation import Organisation

COORDINATOR = "coordinator"
"""Who holds what no department holds."""
GROUP = "group"
"""The leading group: it sees what it was asked about."""


class Right(StrEnum):
    """What a route asks for: what may be done. `may_see_case` and `may_handle_case` say with which cases."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Right:
        right = str.__new__(cls, value)
        right._value_ = value
        right.meaning = meaning
        return right

    PUBLIC = "public", "pages and data for everybody, said explicitly"
    SUBMIT = "messages.submit", "hand in messages"
    QUARANTINE = "messages.quarantine", "look at quarantined messages, release or refuse them"
    CASES_READ = "cases.read", "read the cases one may see"
    CASES_HANDLE = "cases.handle", "accept, return, contact, ask and answer, for one's own department"
    CASES_DISPATCH = "cases.dispatch", "assign, decide on returns, decline"
    CASES_ADVISE = "cases.advise", "give an opinion on a case when asked for it"
    CASES_DIRECT = "cases.direct", "urge, suspend, grant more time, reopen"
    TRAIL_READ = "trail.read", "read the trail's entries"
    CONSOLE = "console.read", "see what is late and how departments do"
    SUPERVISE = "supervision", "judge findings, issue orders, draw samples"
    DELIVERIES_READ = "deliveries.read", "see what is sent to whom, and whether it arrived"
    ERASE = "content.erase", "erase what people said, place and lift holds"
    OPERATIONS = "operations", "look after the installation: dead letters, storage"
    PEOPLE = "people.manage", "manage accounts and keys"
    SESSION = "session", "what every signed-in person may do"


_EVERY_PERSON = frozenset({Right.PUBLIC, Right.SUBMIT, Right.SESSION})
_HANDLING = frozenset({Right.CASES_READ, Right.CASES_HANDLE, Right.CASES_ADVISE})
_DIRECTING = frozenset({Right.CASES_READ, Right.CASES_DIRECT, Right.CASES_ADVISE})

RIGHTS_OF_ROLE: dict[str, frozenset[Right]] = {
    "officer": _HANDLING,
    "deputy": _HANDLING,
    "head": _HANDLING | _DIRECTING,
    "coordinator": _HANDLING | _DIRECTING | {Right.CASES_DISPATCH, Right.DELIVERIES_READ},
    "leader": _DIRECTING | {Right.CONSOLE},
    "group": frozenset({Right.CASES_READ, Right.CASES_ADVISE, Right.CONSOLE}),
    "principal": _DIRECTING | {Right.CONSOLE, Right.TRAIL_READ},
    "supervisor": _DIRECTING | {Right.CONSOLE, Right.SUPERVISE, Right.TRAIL_READ, Right.DELIVERIES_READ},
    "clerk": frozenset({Right.QUARANTINE}),
    "admin": frozenset({Right.OPERATIONS, Right.PEOPLE, Right.ERASE}),
}
"""What each role adds to what every signed-in person may do."""

GRANTABLE = frozenset(Right) - {Right.PUBLIC, Right.SESSION, Right.PEOPLE}
"""What a machine's key may carry: never the making of further keys."""

_SEES_ALL = frozenset({"coordinator", "principal", "supervisor"})


@dataclass(frozen=True)
class Principal:
    """Who asks. Built by `nobody`, `person` or `machine`; a sender with a tracking code is a `sender`."""

    id: str
    kind: Literal["nobody", "person", "machine", "sender"]
    rights: frozenset[Right] = frozenset({Right.PUBLIC})
    roles: frozenset[str] = frozenset()
    department: str | None = None
    """The department that somebody belongs to, as the organisation file says."""
    works_in: frozenset[str] = frozenset()
    """Departments (or `coordinator`) whose cases they handle: as officer, deputy or head."""
    leads: frozenset[str] = frozenset()
    """Departments that they head or are the leader in charge of; `group` for who sits in the leading group."""
    language: str | None = None

    @property
    def signed_in(self) -> bool:
        """Whether a person with an account is there."""
        return self.kind == "person"


def nobody(*, open_intake: bool) -> Principal:
    """Whoever has not signed in."""
    return Principal(
        "nobody", "nobody", frozenset({Right.PUBLIC} | ({Right.SUBMIT} if open_intake else set()))
    )


def machine(key_id: str, rights: Iterable[str]) -> Principal:
    """A program, by its key. Rights that keys can't carry, or that we do not know, are left out."""
    held = frozenset(right for right in GRANTABLE if right.value in set(rights))
    return Principal(key_id, "machine", held | {Right.PUBLIC})


def person(organisation: Organisation, id: str) -> Principal | None:
    """Somebody of the organisation, with what their posts and roles let them do; None for strangers."""
    found = organisation.person.get(id)
    if found is None:
        return None
    roles = frozenset(organisation.roles(id))
    works_in, leads = set(), set()
    for place in organisation.departments:
        if id in (place.head, *place.officers, *place.deputies):
            works_in.add(place.id)
        if id in (place.head, place.leader):
            leads.add(place.id)
    if COORDINATOR in roles:
        works_in.add(COORDINATOR)
    if GROUP in roles:
        leads.add(GROUP)
    return Principal(
        id=id,
        kind="person",
        rights=_EVERY_PERSON.union(*(RIGHTS_OF_ROLE.get(role, frozenset()) for role in roles)),
        roles=roles,
        department=found.department,
        works_in=frozenset(works_in),
        leads=frozenset(leads),
        language=found.language,
    )


def may(principal: Principal, right: Right) -> bool:
    """Whether somebody has a right at all."""
    return right in principal.rights


def sees_all_cases(principal: Principal) -> bool:
    """Whether no case is closed to them: coordinators, supervisors, principal leaders, trusted machines."""
    if not may(principal, Right.CASES_READ):
        return False
    return principal.kind == "machine" or bool(principal.roles & _SEES_ALL)


def may_see_case(
    principal: Principal,
    *,
    department: str | None,
    past_departments: Iterable[str] = (),
    helpers: Iterable[str] = (),
    liaison: str | None = None,
) -> bool:
    """Whether somebody may see a case that `department` holds (None: the coordinator does).

    Officers see what their department holds. Heads and leaders look back at what their department once held,
    too: its time is on their account. `helpers` are departments that were asked to assist or for an opinion; `liaison`
    is the person posted with the sender. A case refused here is answered 404, so that nobody learns it exists.
    """
    if not may(principal, Right.CASES_READ):
        return False
    if sees_all_cases(principal):
        return True
    if liaison is not None and liaison == principal.id:
        return True
    mine = principal.works_in | principal.leads
    return department in mine or not (
        mine.isdisjoint(helpers) and principal.leads.isdisjoint(past_departments)
    )


def may_handle_case(principal: Principal, *, department: str | None) -> bool:
    """Whether somebody may accept, return, answer … a case of `department` (None: the coordinator's)."""
    if not may(principal, Right.CASES_HANDLE):
        return False
    return principal.kind == "machine" or (department or COORDINATOR) in principal.works_in


def may_see_sender(
    principal: Principal,
    *,
    kind: str,
    department: str | None,
    helpers: Iterable[str] = (),
    liaison: str | None = None,
) -> bool:
    """Whether somebody who may see a case may also see who sent it.

    Who reports wrongdoing (kind `report`) is named to nobody of the department concerned, its leaders
    included, and to no machine, whatever else they may see.
    """
    if kind != "report":
        return may_see_case(principal, department=department, helpers=helpers, liaison=liaison)
    concerned = department is not None and department in principal.works_in | principal.leads
    return principal.kind == "person" and sees_all_cases(principal) and not concerned


def must_say_why(principal: Principal, *, kind: str, department: str | None) -> bool:
    """Whether somebody who may see who sent a case must say why first, which is recorded: who sent a report is opened
    without a word only to whoever has the report in hand.
    """
    return kind == "report" and not may_handle_case(principal, department=department)
