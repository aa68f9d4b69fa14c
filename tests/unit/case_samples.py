"""A small organisation and its desk, for tests of the case."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
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
    "supervisor",
]


def local(text: str) -> datetime:
    """`2026-09-30 16:00` on the organisation's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def plan() -> dict[str, Any]:
    """The organisation as its file would say it."""
    return {
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
            {
                "id": one,
                "names": {"en": one},
                "language": "en",
                "mail": f"{one}@sample.example",
                "roles": ["supervisor"] if one == "supervisor" else [],
            }
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
        "special_limits": [{"kinds": ["enquiry"], "limits": {"accept": "2wh", "resolve": "3wd"}}],
        "ladder": [
            {"at": "50%", "action": "remind", "to": "holder"},
            {"at": "75%", "action": "warn", "to": ["holder", "deputy"]},
            {"at": "100%", "action": "breach", "to": "head"},
            {"at": "+1wd", "action": "escalate", "to": "leader"},
            {"at": "+3wd", "action": "escalate", "to": "principal"},
        ],
    }


@cache
def organisation() -> Organisation:
    """Two departments under China's calendar, with the limits and the ladder of the first sample organisation."""
    return Organisation.model_validate(plan())


@cache
def desk() -> Desk:
    """The desk of that organisation."""
    return Desk(organisation())


@cache
def particular() -> Desk:
    """The desk of an organisation that does everything its own way.

    Deemed acceptance, transfers, sign-off, inspections, a leading group, limits of urgent and major cases, a ladder
    with repetitions, a department that works round the clock abroad.
    """
    own = plan()
    own["limits"] |= {"returns": "4wh", "visit": "1wd", "inspect": "2wd"}
    own["special_limits"] += [
        {"classes": ["major"], "limits": {"resolve": "15wd"}},
        {"urgent": True, "limits": {"accept": "30min", "contact": "2h", "resolve": "1d"}, "extensions": 0},
        {"kinds": ["complaint"], "ladder": "strict"},
    ]
    own["ladders"] = {
        "strict": [
            {"at": "100%", "action": "breach", "to": "head"},
            {"at": "+1wd", "times": 3, "action": "escalate", "to": "leader"},
            {"at": "+5wd", "action": "circulate", "to": ["heads", "principal"]},
        ]
    }
    own["choices"] = {"deemed_accepted": True, "transfers": True, "sign_off": ["complaint"]}
    own["leading_group"] = ["leader-one", "principal"]
    own["departments"][1]["calendar"] = {
        "zone": "Europe/Berlin",
        "windows": ["00:00-24:00"],
        "weekend": [],
    }
    own["departments"][1]["duties"][0]["urgent"] = {"any": ["burst"]}
    return Desk(Organisation.model_validate(own))
