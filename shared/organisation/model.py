"""The organisation: departments with their duties, people in their posts, limits, ladder, calendar."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Literal

import orjson
from pydantic import Field

from shared.calendar import Calendar
from shared.events.messages import Kind
from shared.organisation.hours import Hours
from shared.organisation.ladder import POSTS, Post, Rung
from shared.organisation.limits import CaseClass, KindLimits, Limits
from shared.organisation.part import Address, Part, Slug
from shared.organisation.text import LANGUAGES, Language, Text

Role = Literal[
    "officer", "deputy", "head", "leader", "principal", "coordinator", "supervisor", "clerk", "admin"
]


class Duty(Part):
    """What a department is responsible for, and the words by which messages about it are known."""

    id: Slug
    names: Text
    article: str | None = None
    """Where it is laid down, as it is cited."""
    keywords: dict[Language | Literal["any"], tuple[str, ...]] = Field(default_factory=dict)
    """By the language they are written in; traditional and simplified Chinese find each other."""

    def words(self) -> list[str]:
        """Its keywords of all languages."""
        return [word for words in self.keywords.values() for word in words]


class Contact(Part):
    """How the public reaches a department (科室聯系卡)."""

    phone: str | None = None
    address: Text | None = None


class Staffed(Part):
    """A post that can hold a case: ids of people."""

    mail: Address
    head: Slug
    officers: tuple[Slug, ...] = Field(min_length=1)
    deputies: tuple[Slug, ...] = ()
    leader: Slug
    """The leader in charge (分管領導)."""


class Department(Staffed):
    """It handles cases; what it is known for stands in its duties."""

    id: Slug
    names: Text
    duties: tuple[Duty, ...] = ()
    parent: Slug | None = None
    contact: Contact = Contact()


class Person(Part):
    """Somebody who may sign in. Roles that follow from a post are not written here: `Organisation.roles`
    finds them.
    """

    id: Slug
    names: Text
    language: Language
    mail: Address
    department: Slug | None = None
    roles: tuple[Literal["supervisor", "clerk", "admin"], ...] = ()


class Line(Part):
    """The one line that senders know, by its names and its telephone."""

    names: Text
    phone: str | None = None


class Mailbox(Part):
    """An address that mail comes to; one with a department is that department's own line (M01)."""

    address: Address
    department: Slug | None = None


class Organisation(Part):
    """One organisation, as its file describes it; `load` checks that its parts fit together."""

    id: Slug
    names: Text
    languages: tuple[Language, ...] = LANGUAGES
    line: Line
    mailboxes: tuple[Mailbox, ...] = Field(min_length=1)
    hours: Hours = Field(alias="calendar")
    coordinator: Staffed
    principal: tuple[Slug, ...] = Field(min_length=1)
    """The principal leaders (主要領導)."""
    departments: tuple[Department, ...] = Field(min_length=1)
    people: tuple[Person, ...] = Field(min_length=1)
    limits: Limits = Limits()
    kinds: dict[Kind, KindLimits] = Field(default_factory=dict)
    ladder: tuple[Rung, ...] = Field(min_length=1)
    terms: dict[str, Text] = Field(default_factory=dict)
    """The organisation's own words for ours, by our word (DESIGN.md section 1)."""

    @cached_property
    def calendar(self) -> Calendar:
        """Its materialised calendar; costs about half a second the first time."""
        return self.hours.calendar()

    @cached_property
    def version(self) -> str:
        """SHA-256 of its canonical JSON, in hexadecimal."""
        whole = self.model_dump(mode="json", by_alias=True)
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @cached_property
    def department(self) -> dict[str, Department]:
        """Departments by id."""
        return {department.id: department for department in self.departments}

    @cached_property
    def person(self) -> dict[str, Person]:
        """People by id."""
        return {person.id: person for person in self.people}

    @cached_property
    def duty(self) -> dict[str, tuple[Department, Duty]]:
        """Duties, with the department that has them, by id."""
        return {duty.id: (department, duty) for department in self.departments for duty in department.duties}

    def limits_for(self, kind: Kind, of_class: CaseClass | None = None) -> Limits:
        """The limits of a kind of case: its class's before the kind's before the organisation's."""
        own = self.kinds.get(kind, KindLimits())
        limits = own.limits.over(self.limits)
        return own.classes[of_class].over(limits) if of_class in own.classes else limits

    def staffed(self, holder: str) -> Staffed:
        """The post that holds a case: a department by its id, or `coordinator`. Raises `KeyError`."""
        return self.coordinator if holder == "coordinator" else self.department[holder]

    def who(self, post: str, holder: str) -> tuple[str, ...]:
        """Ids of the people in a post, seen from who holds the case (a department's id, or `coordinator`).

        `post` as a rung writes it, `housing/head` included. Empty where the post is vacant; raises `KeyError`
        for an unknown post or department.
        """
        department, slash, own = post.partition("/")
        if slash:
            return self.who(own, department)
        place = self.staffed(holder)
        people: dict[Post, tuple[str, ...]] = {
            "holder": place.officers,
            "deputy": place.deputies,
            "head": (place.head,),
            "leader": (place.leader,),
            "principal": self.principal,
            "coordinator": self.coordinator.officers,
        }
        return people[_post(post)]

    @cached_property
    def _roles(self) -> dict[str, frozenset[Role]]:
        roles: dict[str, set[Role]] = {person.id: set(person.roles) for person in self.people}

        def grant(role: Role, *people: str) -> None:
            for person in people:
                roles.setdefault(person, set()).add(role)

        for place in (*self.departments, self.coordinator):
            grant("officer" if isinstance(place, Department) else "coordinator", *place.officers)
            grant("deputy" if isinstance(place, Department) else "coordinator", *place.deputies)
            grant("head" if isinstance(place, Department) else "coordinator", place.head)
            grant("leader", place.leader)
        grant("principal", *self.principal)
        return {person: frozenset(found) for person, found in roles.items()}

    def roles(self, person: str) -> frozenset[Role]:
        """What somebody is, by post and by the roles written beside the name."""
        return self._roles.get(person, frozenset())


def _post(text: str) -> Post:
    for post in POSTS:
        if post == text:
            return post
    raise KeyError(text)
