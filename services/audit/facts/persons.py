"""Which officers a sender names: by every form of their names that the organisation file has. Pure."""

from __future__ import annotations

import re

from services.audit.facts.wording import folded
from shared.organisation import Organisation

_LEAST_SIGNS = 2
_LATIN = re.compile(r"[a-z]")


class Names:
    """The names of an organisation's people, made ready to be looked for."""

    def __init__(self, organisation: Organisation) -> None:
        forms: dict[str, dict[str, None]] = {}
        for person in organisation.people:
            for name in person.names.root.values():
                for form in _forms(folded(name)):
                    forms.setdefault(form, {})[person.id] = None
        # The longest first: who is called 张伟民 does not name 张伟.
        ways = sorted(forms.items(), key=lambda one: (-len(one[0]), one[0]))
        self._ways = [(form, _border(form), tuple(people)) for form, people in ways]

    def named(self, text: str) -> tuple[str, ...]:
        """Ids of the people whom a folded text names, in the order of their ids."""
        text = " ".join(text.split())
        found: set[str] = set()
        for form, border, people in self._ways:
            if form in text and (border is None or border.search(text)):
                found.update(people)
                text = text.replace(form, "\0") if border is None else border.sub("\0", text)
        return tuple(sorted(found))


def _forms(name: str) -> list[str]:
    """A name as it stands, and one of several Latin words also with the family name at the other end."""
    name = " ".join(name.split())
    if len(name) < _LEAST_SIGNS:
        return []
    words = name.split(" ")
    if len(words) < 2 or not _LATIN.search(name):
        return [name]
    return list(dict.fromkeys((name, " ".join((*words[1:], words[0])), " ".join((words[-1], *words[:-1])))))


def _border(form: str) -> re.Pattern[str] | None:
    """A name in Latin letters is one where no word goes on before or after it."""
    return re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") if _LATIN.search(form) else None
