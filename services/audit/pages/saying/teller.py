"""What saying an entry needs: words, names, and what the entries before it have told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.events.cases import Started
from shared.organisation import Language, Organisation
from shared.web.pages import Pages


@dataclass
class Said:
    """What an entry says: a sentence, and its particulars."""

    sentence: str
    particulars: list[str] = field(default_factory=list)


class Teller:
    """Words and names in one language, for the entries of one case in their order."""

    def __init__(self, pages: Pages, organisation: Organisation, language: Language) -> None:
        self._pages = pages
        self._organisation = organisation
        self._language = language
        self.subject = ""
        """Whose entry is being said."""
        self.holder = "coordinator"
        """Who has the case."""
        self.owed: dict[str, Started] = {}
        """What was ever owed, by its id."""
        self.deliveries: dict[str, str] = {}
        """What each delivery is, in words."""

    @property
    def language(self) -> Language:
        """In which everything is said."""
        return self._language

    def word(self, key: str, **values: object) -> str:
        """The words of a key."""
        return self._pages.word(self._language, key, **values)

    def code(self, table: str, code: str) -> str:
        """The words of a code, or the code where there are none."""
        try:
            return self.word(f"{table}.{code}")
        except KeyError:
            return code

    def coded(self, key: str, code: str, **values: object) -> str:
        """A sentence that there is one of for each code, or the code where there is none."""
        try:
            return self.word(f"{key}_{code}", **values)
        except KeyError:
            return code

    def at(self, instant: datetime) -> str:
        """An instant as people say it."""
        return self._pages.instant(self._language, instant)

    def owner(self, owner: str) -> str:
        """A department, a post, or the sender."""
        return self._pages.owner(self._language, owner)

    @property
    def by_holder(self) -> str:
        """Who has the case, by name."""
        return self.owner(self.holder)

    def duty(self, id: str) -> str:
        """A duty by its name."""
        found = self._organisation.duty.get(id)
        return found[1].names.get(self._language) if found else id


SaysIt = Callable[[Teller, Any], Said]
"""Says one event of the type that it is kept for."""


def plainly(key: str) -> SaysIt:
    """Says an event that has nothing but its type to tell."""
    return lambda tell, _: Said(tell.word(key))
