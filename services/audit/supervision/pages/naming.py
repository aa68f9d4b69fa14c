"""What a check and its numbers are called, in the reader's language."""

from __future__ import annotations

from datetime import timedelta

from services.audit.checks.words import check_words
from shared.events.findings import Figure
from shared.organisation import Language
from shared.web.pages import Pages
from shared.web.spans import span


class Naming:
    """Names checks in one language; what nobody has named is called as it calls itself."""

    def __init__(self, pages: Pages, language: Language) -> None:
        self._pages = pages
        self._language = language
        self._words = check_words(language)

    def title(self, check: str) -> str:
        """What it is called."""
        said = self._words.get(check)
        return said.title if said else check

    def meaning(self, check: str) -> str:
        """What it looks for, in a sentence; empty where nobody has said."""
        said = self._words.get(check)
        return said.meaning if said else ""

    def figure(self, check: str, one: Figure) -> tuple[str, str]:
        """What a number of a finding is called, and how it is said."""
        said = self._words.get(check)
        words = said.figures.get(one.name) if said else None
        return (words.name, self._value(words.unit, one.value)) if words else (one.name, str(one.value))

    def _value(self, unit: str, value: int) -> str:
        match unit:
            case "seconds":
                return span(self._pages, self._language, timedelta(seconds=value))
            case "basis_points":
                return f"{value / 100:g} %"
            case "yes":
                return self._pages.word(self._language, "figure.yes" if value else "figure.no")
        return str(value)

    def checks(self) -> list[str]:
        """The checks that have names."""
        return [*self._words]
