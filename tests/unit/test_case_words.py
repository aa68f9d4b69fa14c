"""Whatever the case page may have to say, it has words for."""

from __future__ import annotations

import re
from inspect import getsource
from typing import get_args

import pytest

from services.routing import commands
from services.routing.commands import TABLE
from services.routing.pages import FOLDER
from services.routing.shapes import TrackedEntry
from shared.events.cases import (
    CaseAssigned,
    CaseEvent,
    DeclineReason,
    ObligationKind,
    QueueReason,
    ReturnReason,
)
from shared.events.envelope import REGISTRY
from shared.organisation import LANGUAGES, Language
from shared.web.words import SHARED, read_words


def choices(model: type, field: str) -> tuple[str, ...]:
    """The values that a field of a model may have."""
    found: tuple[str, ...] = get_args(model.model_fields[field].annotation)  # type: ignore[attr-defined]
    return found


def spoken() -> set[str]:
    """Every key that the templates put together from what happened."""
    given = [name for name, row in TABLE.items() if row.who != "sender"]
    refusals = set(re.findall(r'Refused\(\s*"([a-z-]+)"', getsource(commands)))
    assert "same-department" in refusals
    happened = [kind for kind, model in REGISTRY.items() if issubclass(model, CaseEvent)]
    return {
        *(f"command.{name}" for name in given),
        *(f"done.{name}" for name in given),
        *(f"refused.{code}" for code in (*refusals, "moved-on", "invalid")),
        *(f"case.by_{by}" for by in (*choices(CaseAssigned, "by"), *get_args(QueueReason))),
        *(f"return.{reason}" for reason in get_args(ReturnReason)),
        *(f"decline.{reason}" for reason in get_args(DeclineReason)),
        *(f"obligation.{kind}" for kind in get_args(ObligationKind)),
        *(f"told.{what}" for what in choices(TrackedEntry, "what")),
        *(f"event.{kind.rpartition('.')[2]}" for kind in happened),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_each_in_every_language(language: Language) -> None:
    words = read_words(SHARED, FOLDER / "words")[language]
    assert spoken() - words.keys() == set()
