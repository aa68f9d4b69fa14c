"""Assignment by the first duty whose words occur: stands in until the rules of `assign` do."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.routing.desk import Match, Matcher
from shared.folding import fold
from shared.organisation.model import Organisation


@dataclass(frozen=True)
class _Found:
    department: str | None = None
    rule: str | None = None
    words: list[str] = field(default_factory=list)
    score: int = 0
    alternatives: dict[str, int] = field(default_factory=dict)


def matcher(organisation: Organisation) -> Matcher:
    duties = [
        (department.id, duty.id, [fold(word) for word in duty.words()])
        for department in organisation.departments
        for duty in department.duties
    ]

    def match(text: str) -> Match:
        folded = fold(text)
        for department, rule, words in duties:
            if found := [word for word in words if word in folded]:
                return _Found(department, rule, found, len(found))
        return _Found()

    return match
