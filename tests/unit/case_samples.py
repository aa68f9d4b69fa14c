"""A small organisation and its desk, for tests of the case."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from services.routing.desk import Desk
from shared.organisation.model import Organisation

SHANGHAI = ZoneInfo("Asia/Shanghai")

_PEOPLE = [
    "housing-officer",
    "housing-deputy",
    "housing-head",
    "water-officer",
    "water-head",
    "desk-officer",
    "desk-head",
    "leader-one",
    "leader-two",
    "principal",
]


def local(text: str) -> datetime:
    """`2026-09-30 16:00` on the organisation's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@cache
def organisation() -> Organisation:
    """Two departments under China's calendar, with the limits and the ladder of the first sample organisation."""
    return Organisation.model_validate(
        {
            "id": "sample",
            "names": {"en": "Sample county"},
            "line": {"names": {"en": "The line"}},
            "mailboxes": [
                {"address": "line@sample.example"},
                {"address": "water@sample.example", "department": "water"},
            ],
            "calendar": {
                "zone": "Asia/Shanghai",
                "windows": ["09:00-12:00", "13:30-17:30"],
                "country": "CN",
            },
            "coordinator": {
                "mail": "desk@sample.example",
                "head": "desk-head",
                "officers": ["desk-officer"],
                "leader": "leader-one",
            },
            "principal": ["principal"],
            "departments": [
                {
                    "id": "housing",
                    "names": {"en": "Housing"},
                    "mail": "housing@sample.example",
                    "head": "housing-head",
                    "officers": ["housing-officer"],
                    "deputies": ["housing-deputy"],
                    "leader": "leader-one",
                    "duties": [
                        {"id": "repairs", "names": {"en": "Repairs"}, "keywords": {"any": ["roof", "漏水"]}}
                    ],
                },
                {
                    "id": "water",
                    "names": {"en": "Water"},
                    "mail": "water@sample.example",
                    "head": "water-head",
                    "officers": ["water-officer"],
                    "leader": "leader-two",
                    "duties": [{"id": "supply", "names": {"en": "Supply"}, "keywords": {"any": ["tap"]}}],
                },
            ],
            "people": [
                {"id": one, "names": {"en": one}, "language": "en", "mail": f"{one}@sample.example"}
                for one in _PEOPLE
            ],
            "limits": {
                "dispatch": "2wh",
                "accept": "4wh",
                "contact": "1wd",
                "resolve": "5wd",
                "callback": "1wd",
                "silence": "7d",
            },
            "kinds": {"enquiry": {"limits": {"accept": "2wh", "resolve": "3wd"}}},
            "ladder": [
                {"at": "50%", "action": "remind", "to": "holder"},
                {"at": "75%", "action": "warn", "to": ["holder", "deputy"]},
                {"at": "100%", "action": "breach", "to": "head"},
                {"at": "+1wd", "action": "escalate", "to": "leader"},
                {"at": "+3wd", "action": "escalate", "to": "principal"},
            ],
        }
    )


@cache
def desk() -> Desk:
    """The desk of that organisation."""
    return Desk(organisation())
