"""The organisation file: who is responsible for what, by when, and who is told (DESIGN.md section 6)."""

from shared.organisation.ladder import POSTS, Post, Rung, RungTime
from shared.organisation.limits import CaseClass, KindLimits, Limits
from shared.organisation.load import OrganisationWrong, load, parse
from shared.organisation.model import (
    Contact,
    Department,
    Duty,
    Line,
    Mailbox,
    Organisation,
    Person,
    Role,
    Staffed,
)
from shared.organisation.source import Fault
from shared.organisation.text import LANGUAGES, Language, Text

__all__ = [
    "LANGUAGES",
    "POSTS",
    "CaseClass",
    "Contact",
    "Department",
    "Duty",
    "Fault",
    "KindLimits",
    "Language",
    "Limits",
    "Line",
    "Mailbox",
    "Organisation",
    "OrganisationWrong",
    "Person",
    "Post",
    "Role",
    "Rung",
    "RungTime",
    "Staffed",
    "Text",
    "load",
    "parse",
]
