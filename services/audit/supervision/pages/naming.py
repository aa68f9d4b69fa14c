"""What a check and its numbers are called, in the reader's language."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.audit import checks
from shared.events.findings import Figure
from shared.organisation import Language
from shared.web.pages import Pages
from shared.web.spans import span

_WORDS = Path(checks.__file__).with_name("words.toml")


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8")) if _WORDS.exists() else {}


class Naming:
    """Names checks in one language; one that nobody has named yet is called as it calls itself."""

    def __init__(self, pages: Pages, language: Language) -> None:
        self._pages = pages
        self._language = language

    def title(self, check: str) -> str:
        """What it is called."""
        return str(_words().get(check, {}).get(self._language, {}).get("title", check))

    def meaning(self, check: str) -> str:
        """What it looks for, in a sentence; empty where nobody has said."""
        return str(_words().get(check, {}).get(self._language, {}).get("meaning", ""))

    def figure(self, check: str, one: Figure) -> tuple[str, str]:
        """What a number of a finding is called, and how it is said."""
        said = _words().get(check, {}).get("figures", {}).get(one.name, {})
        return str(said.get(self._language, one.name)), self._value(said.get("unit", "count"), one.value)

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
        return list(_words())
