"""Which officers a sender names: by every form of their names that the organisation file has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from services.audit.facts.wording import folded
from shared.organisation import Organisation

_LEAST_SIGNS = 2
_LATIN = re.compile(r"[a-z]")


class Names:
    """The names of an organisation's people, made ready to be looked for."""

    def __init__(self, organisation: Organisation) -> None:
        self._forms: dict[str, dict[str, None]] = {}
        for person in organisation.people:
            for name in person.names.root.values():
                for form in _forms(folded(name)):
                    self._forms.setdefault(form, {})[person.id] = None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        # The longest first: who is called 张伟民 does not name 张伟.
        ways = [_way(form) for form in sorted(self._forms, key=lambda form: (-len(form), form))]
        return re.compile("|".join(ways)) if ways else None

    def named(self, text: str) -> tuple[str, ...]:
        """Ids of the people whom a folded text names, in the order of their ids."""
        if self._pattern is None:
            return ()
        found = {person for form in set(_found(self._pattern, text)) for person in self._forms[form]}
        return tuple(sorted(found))


def _found(pattern: re.Pattern[str], text: str) -> Iterable[str]:
    return (" ".join(one.group().split()) for one in pattern.finditer(text))


def _forms(name: str) -> list[str]:
    """A name as it stands, and one of several Latin words also with the family name at the other end."""
    name = " ".join(name.split())
    if len(name) < _LEAST_SIGNS:
        return []
    words = name.split(" ")
    if len(words) < 2 or not _LATIN.search(name):
        return [name]
    return list(dict.fromkeys((name, " ".join((*words[1:], words[0])), " ".join((words[-1], *words[:-1])))))


def _way(form: str) -> str:
    written = r"\s+".join(re.escape(word) for word in form.split(" "))
    return rf"(?<!\w){written}(?!\w)" if _LATIN.search(form) else written
