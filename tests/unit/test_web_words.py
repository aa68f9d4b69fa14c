"""The three languages are equals: the same words, and a fair choice between them."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from shared.events.obligations import ObligationKind
from shared.organisation import LANGUAGES, Language
from shared.organisation.model import Role
from shared.web.language import accepted, language_named
from shared.web.words import SHARED, read_words

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [SHARED, *sorted(ROOT.glob("services/**/pages/words"))]


def test_there_are_words_to_compare() -> None:
    assert len(read_words(SHARED)["en"]) > 50
    assert ROOT / "services/routing/people/pages/words" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_the_three_languages_have_the_same_keys_with_the_same_gaps(folder: Path) -> None:
    words = read_words(folder)
    for language in LANGUAGES:
        assert words[language].keys() == words["en"].keys(), language
        for key, text in words[language].items():
            assert text.strip(), key
            assert _gaps(text) == _gaps(words["en"][key]), (language, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_role_and_everything_owed_is_said(language: Language) -> None:
    said = read_words(SHARED)[language]
    spoken = {f"role.{role}" for role in get_args(Role)}
    spoken |= {f"obligation.{kind}" for kind in get_args(ObligationKind)}
    assert spoken - said.keys() == set()


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-MO", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("en-GB", "en"),
        ("fr", None),
        ("", None),
    ],
)
def test_a_browsers_language_is_one_of_ours_or_none(tag: str, language: Language | None) -> None:
    assert language_named(tag) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr, zh-TW;q=0.8, en;q=0.9", "en"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("zh-CN;q=0", None),
        ("en;q=x, zh", "zh-Hans"),
        ("*", None),
        ("", None),
    ],
)
def test_the_language_a_browser_likes_best_is_taken(header: str, language: Language | None) -> None:
    assert accepted(header, LANGUAGES) == language


def test_a_language_that_the_organisation_does_not_offer_is_not_taken() -> None:
    assert accepted("en, zh-TW;q=0.5", ("zh-Hant",)) == "zh-Hant"
