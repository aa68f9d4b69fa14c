"""Words in the three languages."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, RootModel

Language = Literal["zh-Hant", "zh-Hans", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_FALLBACK: dict[str, tuple[Language, ...]] = {
    "zh-Hant": ("zh-Hant", "zh-Hans", "en"),
    "zh-Hans": ("zh-Hans", "zh-Hant", "en"),
    "en": ("en", "zh-Hant", "zh-Hans"),
}


class Text(RootModel[dict[Language, Annotated[str, Field(min_length=1)]]]):
    """One thing's words by language; at least one language is there."""

    model_config = ConfigDict(frozen=True)

    root: Annotated[dict[Language, Annotated[str, Field(min_length=1)]], Field(min_length=1)]

    def get(self, language: str) -> str:
        """The words in that language, else in the nearest one that is there; English for an unknown
        language.
        """
        order = _FALLBACK.get(language, _FALLBACK["en"])
        return next(self.root[candidate] for candidate in order if candidate in self.root)

    def missing(self, languages: tuple[Language, ...]) -> list[Language]:
        """Which of these languages it lacks."""
        return [language for language in languages if language not in self.root]
