"""What the four organisations have agreed, written down from the agreements: limits, hours, posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.journeys.month.hours import Hours, Limit

LADDER = (
    ("remind", "50%", ("holder",)),
    ("warn", "75%", ("holder", "deputy")),
    ("breach", "100%", ("head",)),
    ("escalate", "+1wd", ("leader",)),
    ("escalate", "+3wd", ("principal",)),
    ("circulate", "+5wd", ("heads", "principal")),
)
LAPSE = (("lapse", "100%", ()),)
LAPSING = {"silence", "reply", "pause"}
EVERYWHERE = (
    "callback 1wd silence 7d review 2wd assist 2wd reply 5wd pause 2wd extension 4wh opinion 1wd more 5wd"
)
"""`extension`: to decide on more time; `more`: how much that is; `pause`: as long as the month's superiors approve."""


@dataclass(frozen=True)
class Facts:
    """What limits depend on."""

    kind: str
    category: str | None = None
    urgent: bool = False
    case_class: str | None = None

    def words(self) -> set[str]:
        """As the tables name them."""
        found = {self.kind, self.category or "", self.case_class or ""}
        return found | ({"urgent"} if self.urgent else set())


@dataclass(frozen=True)
class Table:
    """One organisation."""

    hours: Hours
    rows: tuple[tuple[str, str], ...]
    """Whom a row is for (`problem|complaint major`: one of the first and all of the rest), and its limits."""
    leaders: Mapping[str, str]
    office: str
    """What the coordinator's people are called, as `coordination`."""
    coordinators: tuple[str, ...]
    office_leader: str
    principal: str
    group: tuple[str, ...]
    supervisors: tuple[str, ...] = ("supervision-officer",)
    grants: str = "leader"
    more: int = 1
    """How often a case is given more time."""
    awake: tuple[str, ...] = ()
    """Departments that work round the clock."""
    office_head: str | None = None

    def limit(self, what: str, facts: Facts) -> Limit | None:
        """How long somebody has; None where nothing is agreed."""
        found: str | None = None
        for whom, limits in (("", EVERYWHERE), *self.rows):
            one_of, *all_of = whom.split(" ") if whom else [""]
            words = facts.words()
            if (not one_of or set(one_of.split("|")) & words) and set(all_of) <= words:
                pairs = limits.split()
                found = dict(zip(pairs[::2], pairs[1::2], strict=True)).get(what, found)
        return None if found in {None, "-"} else Limit.read(str(found))

    def hours_of(self, owner: str) -> Hours:
        """When whoever owes something works."""
        return AWAKE if owner.partition("/")[0] in self.awake else self.hours

    def hours_of_person(self, person: str) -> Hours:
        """When somebody works: as their own post does."""
        department = next((one for one in self.leaders if _is_of(person, one)), "")
        return self.hours_of(department)

    def people(self, post: str, owner: str) -> tuple[str, ...]:
        """Who is in a post, seen from who owes something."""
        place, _, own = owner.partition("/")
        if post == "holder" and own:
            return self.people(own, place)
        if post == "holder" and place in {"supervisors", "principal", "group"}:
            return self.people(place, "coordinator")
        if post == "head" and (own or place) in {"head", "leader", "principal", "group"}:
            return self.people("leader" if own == "head" else "principal", place)
        if post == "deputy" and (own or place) in {"leader", "principal", "group"}:
            return ()
        known = place in self.leaders
        return {
            "holder": (f"{place}-officer-1", f"{place}-officer-2") if known else self.coordinators,
            "deputy": (f"{place if known else self.office}-deputy",),
            "head": (f"{place}-head" if known else self.office_head or f"{self.office}-head",),
            "leader": (self.leaders.get(place, self.office_leader),),
            "principal": (self.principal,),
            "group": self.group,
            "supervisors": self.supervisors,
            "heads": tuple(f"{one}-head" for one in self.leaders),
        }[post]


def _is_of(person: str, department: str) -> bool:
    return person.startswith(f"{department}-") and person[len(department) + 1 :] in {
        "officer-1",
        "officer-2",
        "deputy",
        "head",
    }


AWAKE = Hours((("00:00", "24:00"),), always=True)

COUNTY = Table(
    hours=Hours((("09:00", "12:00"), ("13:30", "17:30"))),
    rows=(
        ("", "dispatch 2wh accept 4wh contact 1wd resolve 5wd"),
        ("enquiry", "dispatch 30wm accept 2wh resolve 3wd more 2wd"),
        ("report|suggestion", "dispatch 4wh accept 1wd contact 2wd resolve 15wd more 15wd"),
        ("problem|complaint major", "resolve 15wd"),
        ("problem|complaint|report|enquiry urgent", "dispatch 15min accept 30min contact 2h resolve 1d"),
    ),
    leaders={
        "housing": "vice-mayor-1",
        "natural-resources": "vice-mayor-1",
        "city-management": "vice-mayor-2",
        "labour": "vice-mayor-2",
        "education": "vice-mayor-2",
        "health": "vice-mayor-2",
        "environment": "vice-mayor-1",
        "transport": "vice-mayor-1",
        "market": "vice-mayor-1",
        "commerce-tourism": "vice-mayor-2",
        "security": "vice-mayor-1",
    },
    office="coordination",
    coordinators=("coordination-officer-1", "coordination-officer-2"),
    office_leader="vice-mayor-1",
    principal="mayor",
    group=("mayor", "vice-mayor-1", "vice-mayor-2"),
)
COMPANY = Table(
    hours=Hours((("09:00", "12:00"), ("13:00", "18:00"))),
    rows=(("", "dispatch 4wh accept 1wd contact 1wd resolve 5wd"),),
    leaders={
        "personnel": "deputy-manager-1",
        "administration": "deputy-manager-1",
        "finance": "deputy-manager-1",
        "information": "deputy-manager-1",
        "production": "deputy-manager-2",
        "market": "deputy-manager-2",
        "culture": "deputy-manager-2",
        "branch": "deputy-manager-2",
    },
    office="general-office",
    coordinators=("general-office-officer-1", "general-office-officer-2"),
    office_leader="deputy-manager-1",
    principal="general-manager",
    group=("general-manager",),
)
CONSTRUCTION = Table(
    hours=Hours((("08:00", "12:00"), ("14:00", "18:00"))),
    rows=(
        ("", "dispatch 4wh accept 4wh contact 1wd resolve 7d inspect 2wd more 7d"),
        ("site-safety", "dispatch 1h accept 1h contact 4h resolve 1d more 1d"),
    ),
    leaders=dict.fromkeys(
        ("structure", "finishing", "installations", "site", "records"), "executive-manager"
    ),
    office="issue-tracker",
    coordinators=("issue-tracker-1", "issue-tracker-2"),
    office_leader="executive-manager",
    office_head="quality-lead",
    principal="owner-representative",
    group=("owner-representative",),
    supervisors=("supervision-chief", "supervision-engineer"),
    grants="supervisors",
)
HOSPITAL = Table(
    hours=Hours((("08:00", "12:00"), ("14:00", "17:30"))),
    rows=(
        ("", "dispatch 5min accept 4wh contact 1wd resolve 5wd"),
        ("problem|complaint", "accept 1h contact 2h resolve 8wh"),
        ("problem|complaint urgent", "accept 10min contact 15min resolve 2h"),
    ),
    leaders={
        "information": "vice-president-1",
        "information-duty": "vice-president-1",
        "medical-affairs": "vice-president-2",
        "nursing": "vice-president-2",
    },
    office="hospital-office",
    coordinators=("hospital-office-officer-1", "hospital-office-officer-2"),
    office_leader="vice-president-1",
    principal="president",
    group=("president", "vice-president-1", "vice-president-2"),
    more=0,
    awake=("information-duty",),
)
TABLES = {"county": COUNTY, "company": COMPANY, "construction": CONSTRUCTION, "hospital": HOSPITAL}
