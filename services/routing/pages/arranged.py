"""Which commands stand where on a case's page: what waits for somebody first, the rest by what it is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.routing.shapes import ShownCase

GROUPS: Mapping[str, Sequence[str]] = {
    "decide": (
        "advise",
        "contribute",
        "decline-assist",
        "explain",
        "rectify",
        "grant-extension",
        "refuse-extension",
        "sign-off",
        "send-back",
        "inspect",
        "review",
    ),
    "hand_over": ("accept", "assign", "uphold-return", "refuse-return", "return", "transfer", "classify"),
    "answer": ("answer", "answer-directly", "contact", "resolve"),
    "ask": ("ask", "assist", "release-assist", "consult", "escalate", "urge"),
    "time": ("extend", "suspend", "resume"),
    "end": ("split", "link", "merge", "decline", "close", "reopen"),
}
"""Every command that is given on the page, by what it is for."""

_WAITS = (
    ("advise", ()),
    ("contribute", ("decline-assist",)),
    ("explain", ()),
    ("rectify", ()),
    ("sign-off", ("send-back",)),
    ("grant-extension", ("refuse-extension",)),
    ("inspect", ()),
    ("review", ()),
    ("uphold-return", ("refuse-return",)),
)
"""What somebody is waited for, with the other thing that they may say."""
_NEXT = (
    ("accept", ("return",)),
    ("assign", ("answer-directly", "decline")),
    ("answer", ("contact", "ask")),
    ("contact", ()),
)
"""What usually comes next, with what is nearly as usual; the first that is possible counts."""


@dataclass(frozen=True)
class Arranged:
    """Names of commands: open forms, lines beside them, and groups of the rest."""

    first: Sequence[str]
    beside: Sequence[str]
    more: Mapping[str, Sequence[str]]


def arrange(case: ShownCase, commands: Collection[str]) -> Arranged:
    """Where what somebody may do now stands."""
    waits = [(name, also) for name, also in _WAITS if name in commands and _is_waited_for(case, name)]
    usual = [(name, also) for name, also in _NEXT if name in commands and _is_next(case, name)]
    steps = waits or usual[:1]
    first = [name for name, _ in steps]
    beside = [other for _, also in steps for other in also if other in commands]
    rest = {
        group: [name for name in names if name in commands and name not in first and name not in beside]
        for group, names in GROUPS.items()
    }
    return Arranged(first, beside, {group: names for group, names in rest.items() if names})


_OWED = {
    "advise": "opinion",
    "contribute": "assist",
    "explain": "explain",
    "rectify": "rectify",
    "sign-off": "signoff",
    "grant-extension": "extension",
    "inspect": "inspect",
    "review": "review",
}


def _is_waited_for(case: ShownCase, name: str) -> bool:
    kind = _OWED.get(name)
    return kind is None or any(owed.kind == kind and owed.yours for owed in case.obligations)


def _is_next(case: ShownCase, name: str) -> bool:
    if name == "assign":
        return case.state == "new"
    return name != "contact" or case.state == "answered"
