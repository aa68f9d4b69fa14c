"""The organisation file: who is responsible for what, by when, and who is told (DESIGN.md section 6)."""

from shared.organisation.calendars import Calendars
from shared.organisation.ladder import POSTS, Post, Rung, RungTime
from shared.organisation.limits import Conditions, Facts, Limits, SpecialLimits
from shared.organisation.load import OrganisationWrong, load, parse
from shared.organisation.model import (
    Choices,
    Contact,
    Department,
    Duty,
    Line,
    Mailbox,
    Organisation,
    Person,
    Posting,
    Role,
    Staffed,
)
from shared.organisation.source import Fault
from shared.organisation.text import LANGUAGES, Language, Text

__all__ = [
    "LANGUAGES",
    "POSTS",
    "Calendars",
    "Choices",
    "Conditions",
    "Contact",
    "Department",
    "Duty",
    "Facts",
    "Fault",
    "Language",
    "Limits",
    "Line",
    "Mailbox",
    "Organisation",
    "OrganisationWrong",
    "Person",
    "Post",
    "Posting",
    "Role",
    "Rung",
    "RungTime",
    "SpecialLimits",
    "Staffed",
    "Text",
    "load",
    "parse",
]
