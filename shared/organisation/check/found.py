"""What rules have in common: where something stands, and what could have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from shared.organisation.model import Organisation, Staffed
from shared.organisation.source import Path

Found = Iterator[tuple[Path, str, str]]
"""What a rule finds: where, what is wrong, what to do."""


def places(organisation: Organisation) -> Iterator[tuple[Path, str, Staffed]]:
    """The coordinator and the departments: whoever may hold a case."""
    yield ("coordinator",), "coordinator", organisation.coordinator
    for n, department in enumerate(organisation.departments):
        yield ("departments", n), department.id, department


def known(word: str, among: Iterable[str], otherwise: str = "") -> str:
    """What to do about a word that is not among these."""
    names = list(among)
    close = difflib.get_close_matches(word, names, n=1)
    return (
        f"Did you mean `{close[0]}`?" if close else otherwise or f"Known: {', '.join(names[:12]) or 'none'}"
    )


def vacant(organisation: Organisation, post: str) -> list[str]:
    """Whoever may hold a case and has nobody in that post."""
    return [holder for _, holder, _ in places(organisation) if not organisation.who(post, holder)]
