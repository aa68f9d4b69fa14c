"""Every check and every number that it finds has words in the three languages."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from services.audit.checks import CHECKS
from services.audit.checks.check import Check
from services.audit.checks.words import check_words
from shared.organisation import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_check_and_each_of_its_numbers_has_words(language: str) -> None:
    words = check_words(language)
    assert words.keys() == {check.name for check in CHECKS}
    for check in CHECKS:
        said = words[check.name]
        assert said.title.strip()
        assert said.meaning.strip()
        assert set(said.figures) == set(check.figures), check.name
        assert all(one.name.strip() for one in said.figures.values())


def test_the_two_chinese_scripts_are_two_texts() -> None:
    hant, hans = check_words("zh-Hant"), check_words("zh-Hans")
    assert all(hant[name].meaning != hans[name].meaning for name in hant)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_says_of_itself_what_it_sees_and_what_its_numbers_are(check: Check[Any]) -> None:
    doc = inspect.getdoc(type(check)) or ""
    assert len(doc) > 150
    assert [figure for figure in check.figures if f"`{figure}`" not in doc] == []


def test_each_check_has_a_section_in_the_documentation_and_a_row_of_how_far_to_trust_it() -> None:
    told = Path("docs/checks.md").read_text("utf-8")
    for check in CHECKS:
        assert f"(`{check.name}`)\n" in told
        assert f"\n| `{check.name}` | {'exact' if check.exact else 'judgement'} |" in told
