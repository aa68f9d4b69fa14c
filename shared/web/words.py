"""The words on pages: one TOML file a language, its keys dotted (`case.accept`); the three files have the same keys."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from shared.organisation.text import LANGUAGES, Language

SHARED = Path(__file__).parent / "words"

Words = dict[Language, dict[str, str]]


def read_words(*folders: Path) -> Words:
    """The catalogues of several folders; a later folder's words stand before an earlier one's."""
    words: Words = {language: {} for language in LANGUAGES}
    for folder in folders:
        for language in LANGUAGES:
            path = folder / f"{language}.toml"
            if path.exists():
                words[language] |= dict(_flat(tomllib.loads(path.read_text("utf-8")), ""))
    return words


def _flat(table: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        pairs += (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", str(value))]
        )
    return pairs
