"""The organisation: departments with their duties, people in their posts, limits, ladder, calendar."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import AfterValidator, Field

from shared.calendar import Calendar
from shared.events.cases import CaseClass
from shared.events.messages import Kind
from shared.organisation.calendars import Calendars
from shared.organisation.hours import Hours, OwnHours
from shared.organisation.ladder import POSTS, Post, Rung
from shared.organisation.limits import USUAL, Conditions, Facts, Limits, SpecialLimits
from shared.organisation.part import Address, Part, Slug
from shared.organisation.retention import Retention, over
from shared.organisation.text import LANGUAGES, Language, Text

Role = Literal[
    "officer",
    "deputy",
    "head",
    "leader",
    "principal",
    "group",
    "coordinator",
    "supervisor",
    "clerk",
    "admin",
]


SENDER = "sender"
"""Who owes a reply."""


_ABOVE: dict[tuple[str, str], Post | Literal[""]] = {
    ("head", "head"): "leader",
    ("head", "leader"): "principal",
    ("head", "principal"): "principal",
    ("head", "group"): "principal",
    ("deputy", "leader"): "",
    ("deputy", "principal"): "",
    ("deputy", "group"): "",
}
"""Who hears, instead of the head of a department or its deputies, that a post of the house is late: nobody below it."""


class Duty(Part):
    """What a department is responsible for, and the words by which messages about it are known."""

    id: Slug
    names: Text
    article: str | None = None
    """Where it is laid down, as it is cited."""
    keywords: dict[Language | Literal["any"], tuple[str, ...]] = Field(default_factory=dict)
    """By the language they are written in; traditional and simplified Chinese find each other."""
    urgent: dict[Language | Literal["any"], tuple[str, ...]] = Field(default_factory=dict)
    """Words that make a case of this duty urgent."""

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
    hours: OwnHours | None = Field(None, alias="calendar")
    """When it works, where that is not when the organisation does."""


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


class Posting(Part):
    """Somebody posted with enterprises (企業指導員、掛點), who sees their cases and hears how they end (M08, M37)."""

    person: Slug
    mails: tuple[str, ...] = Field(min_length=1)
    """Addresses of the enterprises, or their domains as `@example.org`."""


def _time_of_day(text: str) -> str:
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text) is None:
        raise ValueError(f"{text!r} is no time of day: write it as 08:30")
    return text


class Choices(Part):
    """What an organisation does its own way."""

    deemed_accepted: bool = False
    """A case that nobody accepts or returns within the limit counts as accepted (視同簽收)."""
    first_receiver_leads: bool = False
    """Where responsibilities overlap, who received it first keeps the lead (首接負責)."""
    transfers: bool = False
    """A department may hand a case to another directly."""
    sign_off: tuple[Kind, ...] = ()
    """Kinds whose final answers the head of the department signs off."""
    grants: Post = "leader"
    """Who grants more time."""
    inspects: Post = "supervisors"
    """Who looks whether what is called solved is."""
    enter: dict[CaseClass, Post] = {
        "cross": "leader",
        "external": "leader",
        "major": "principal",
        "hard": "group",
    }
    """The post that a case of that class goes to at once (M12)."""
    digest: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When each person's daily digest goes out, on the post's clock; where absent, when its working day begins."""


class Line(Part):
    """The one line that senders know, by its names and its telephone."""

    names: Text
    phone: str | None = None


class Mailbox(Part):
    """An address that mail comes to; one with a department is that department's own line (M01)."""

    address: Address
    department: Slug | None = None


Told = bool | int | str | tuple[int | str, ...]
"""What a parameter of a check may be."""


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
    leading_group: tuple[Slug, ...] = ()
    """Who sits in the leading group (領導小組); where absent, the principal leaders."""
    limits: Limits = Limits()
    special_limits: tuple[SpecialLimits, ...] = ()
    ladder: tuple[Rung, ...] = Field(min_length=1)
    ladders: dict[Slug, tuple[Rung, ...]] = Field(default_factory=dict)
    """Other ladders, which `special_limits` may name."""
    choices: Choices = Choices()
    postings: tuple[Posting, ...] = ()
    checks: dict[str, dict[str, Told]] = Field(default_factory=dict)
    """What supervision checks are told otherwise than their defaults, by check and parameter; `off` for one that is not
    asked. Which there are is the audit's to say."""
    retention: Retention = Field(default_factory=dict)
    """How long what was said in a closed case must be kept, by kind or for `any`."""
    terms: dict[str, Text] = Field(default_factory=dict)
    """The organisation's own words for ours, by our word (DESIGN.md section 1)."""

    @cached_property
    def calendar(self) -> Calendar:
        """Its materialised calendar."""
        return self.hours.calendar()

    @cached_property
    def version(self) -> str:
        """SHA-256 of its canonical JSON with its calendars' digest, in hexadecimal.

        Where the state announces other days, the same file is another version.
        """
        whole = {"calendars": self.all_calendars.digest, "file": self.model_dump(mode="json", by_alias=True)}
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def kept_until(self, kind: Kind, closed: datetime) -> datetime:
        """Until when what was said in a case that was closed then must be kept."""
        period = self.retention.get(kind, self.retention.get("any"))
        return closed if period is None else over(period, closed, ZoneInfo(self.hours.zone))

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

    @cached_property
    def calendars(self) -> dict[str, Calendar]:
        """The calendars of the departments that have their own, by department; equal ones are one."""
        return {one.id: self.hours_of(one.id).calendar() for one in self.departments if one.hours is not None}

    def hours_of(self, holder: str) -> Hours:
        """When whoever owes something works: a department as it says, for the rest as the organisation does.

        `holder` is a department's id, a post of one as `housing/head`, or any other post.
        """
        department = self.department.get(holder.partition("/")[0])
        return (
            self.hours
            if department is None or department.hours is None
            else department.hours.over(self.hours)
        )

    @cached_property
    def all_calendars(self) -> Calendars:
        """All of them, to be kept with this version."""
        return Calendars.gathered(self.calendar, self.calendars)

    def calendar_of(self, holder: str) -> Calendar:
        """The calendar of whoever owes something: a department's own, else the organisation's."""
        own = self.calendars.get(holder.partition("/")[0])
        return self.calendar if own is None else own

    def conditions_for(self, facts: Facts) -> Conditions:
        """What holds for cases of these facts: each set of special limits that fits, the later over the earlier."""
        found = Conditions(limits=self.limits.over(USUAL))
        for special in self.special_limits:
            if special.fit(facts):
                found = Conditions(
                    limits=special.limits.over(found.limits),
                    ladder=special.ladder or found.ladder,
                    extensions=found.extensions if special.extensions is None else special.extensions,
                )
        return found

    def limits_for(self, kind: Kind) -> Limits:
        """The limits of an everyday case of that kind."""
        return self.conditions_for(Facts(kind=kind)).limits

    def rungs(self, ladder: str | None = None) -> tuple[Rung, ...]:
        """The rungs of a ladder, repetitions one by one; the usual ladder where none is named. Raises `KeyError`."""
        rungs = self.ladder if ladder is None else self.ladders[ladder]
        return tuple(one for rung in rungs for one in rung.each())

    def staffed(self, holder: str) -> Staffed:
        """The office around whoever owes something: a department for itself and its posts, else the coordinator's.

        Raises `KeyError` for what is neither a department nor a post.
        """
        place, _, _ = holder.partition("/")
        if place in self.department:
            return self.department[place]
        if place == SENDER or place in POSTS:
            return self.coordinator
        raise KeyError(place)

    def who(self, post: str, holder: str) -> tuple[str, ...]:
        """Ids of the people in a post, seen from who holds the case or owes something.

        `holder` is a department's id, `coordinator`, `sender` or itself a post; `post` as a rung writes it,
        `housing/head` included. Empty where the post is vacant; raises `KeyError` for an unknown one.
        """
        department, slash, own = post.partition("/")
        if slash:
            return self.who(own, department)
        if post == "holder" and "/" in holder:
            return self.who(holder, holder)
        if post == "holder" and holder in POSTS:
            return self.who(holder, "coordinator")
        if (
            above := _ABOVE.get((post, holder.rpartition("/")[2]))
        ) is not None and holder not in self.department:
            return self.who(above, holder.partition("/")[0]) if above else ()
        place = self.staffed(holder)
        people: dict[Post, tuple[str, ...]] = {
            "holder": () if holder == SENDER else place.officers,
            "deputy": place.deputies,
            "head": (place.head,),
            "leader": (place.leader,),
            "principal": self.principal,
            "group": self.leading_group or self.principal,
            "coordinator": self.coordinator.officers,
            "supervisors": self._supervisors,
            "heads": tuple(dict.fromkeys(one.head for one in self.departments)),
        }
        return people[_post(post)]

    @cached_property
    def _supervisors(self) -> tuple[str, ...]:
        return tuple(person.id for person in self.people if "supervisor" in person.roles)

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
        grant("group", *self.who("group", "coordinator"))
        return {person: frozenset(found) for person, found in roles.items()}

    def roles(self, person: str) -> frozenset[Role]:
        """What somebody is, by post and by the roles written beside the name."""
        return self._roles.get(person, frozenset())


def _post(text: str) -> Post:
    for post in POSTS:
        if post == text:
            return post
    raise KeyError(text)
