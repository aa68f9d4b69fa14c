"""Whatever the case page may have to say, it has words for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from services.routing import commands
from services.routing.account import Assisted, Holder
from services.routing.commands import TABLE
from services.routing.deadlines import How
from services.routing.office import __file__ as office
from services.routing.pages import FOLDER
from services.routing.pages.arranged import GROUPS
from services.routing.pages.forms import CONSULTED, FIELDS, Look
from services.routing.shapes import CaseLink, ShownAssist, ShownOpinion
from services.routing.told import TrackedEntry
from shared.calendar import Reason, Unit
from shared.content.words import Option
from shared.events.cases import Action, CaseEvent, ObligationKind
from shared.events.envelope import REGISTRY
from shared.organisation import LANGUAGES, POSTS, Language
from shared.web.words import SHARED, read_words

SAID = {
    ("opened", "kind"): "kind.",
    ("opened", "channel"): "channel.",
    ("message_attached", "channel"): "channel.",
    ("assigned", "by"): "case.by_",
    ("queued", "reason"): "case.by_",
    ("returned", "reason"): "return.",
    ("closed", "outcome"): "outcome.",
    ("closed", "reason"): "decline.",
    ("reopened", "reason"): "reopened.",
    ("classified", "kind"): "kind.",
    ("classified", "case_class"): "class.",
    ("assist_given", "outcome"): "assist.",
    ("suspended", "reason"): "pause.",
    ("resumed", "reason"): "resumed.",
    ("urged", "by"): "urged.",
    ("escalated", "case_class"): "class.",
    ("contested", "outcome"): "outcome.",
    ("reviewed", "outcome"): "review.",
    ("linked", "relation"): "link.",
    ("split", "kind"): "kind.",
    ("erased", "ground"): "ground.",
    ("sender_opened", "reason"): "opening.",
}
"""By event and field: how the keys of the words for its values begin."""
SAID_OTHERWISE = {("opened", "scope"), ("message_attached", "how"), ("contacted", "outcome")}
"""What the page says by a mark, or in words that do not follow from the value."""


def values(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal, alone or beside None; empty for anything else."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(value for one in get_args(annotation) for value in values(one))
    return ()


def choices(model: Any, field: str) -> tuple[str, ...]:
    """The values that a field of a model may have."""
    return values(model.model_fields[field].annotation)


def happened() -> dict[str, type[CaseEvent]]:
    """Every event of a case, by the last word of its type."""
    return {
        kind.rpartition(".")[2]: model for kind, model in REGISTRY.items() if issubclass(model, CaseEvent)
    }


def refusals() -> set[str]:
    """The code of every refusal that stands in the commands, or in the office."""
    files = [*Path(commands.__file__).parent.glob("*.py"), Path(office)]
    source = "\n".join(file.read_text("utf-8") for file in files)
    return set(re.findall(r'Refused\(\s*"([a-z-]+)"', source)) | set(re.findall(r'rule="([a-z-]+)"', source))


def of_events() -> Iterator[str]:
    for name, model in happened().items():
        yield f"event.{name}"
        for field in model.model_fields:
            if (name, field) in SAID:
                yield from (SAID[name, field] + value for value in choices(model, field))


def of_forms() -> Iterator[str]:
    for fields in FIELDS.values():
        for field in fields:
            yield from (key for key in (field.label, field.help) if key)
            if field.look != "way":
                yield from (word for _, word in field.choices)


def of_accounts() -> Iterator[str]:
    """What the time account says of its own."""
    outcomes = get_args(get_type_hints(Assisted)["outcome"])
    yield from ("account.assist_over" if one == "over" else f"assist.{one}" for one in outcomes)
    roles = get_args(get_type_hints(Holder)["role"])
    yield from (f"account.{role}" for role in roles if role not in {"coordinator", "department"})
    yield from (f"counting.{reason}" for reason in Reason)
    yield from (f"turn.{how}" for how in get_args(How))
    yield from (f"ending.{how}" for how in ("met", "cancelled", "lapsed"))
    yield from (f"limit.{one}{unit}" for one in ("", "one_") for unit in Unit)
    yield from (f"weekday.{day}" for day in range(1, 8))


def spoken() -> set[str]:
    """Every key that the templates put together from what happened."""
    given = [name for name, row in TABLE.items() if row.who != "sender"]
    return {
        *(f"command.{name}" for name in (*given, "reassign", "callback", "answer_anew")),
        *(f"done.{name}" for name in given),
        *(f"refused.{code}" for code in (*refusals(), "moved-on", "invalid", "no-such-case")),
        *(f"obligation.{kind}" for kind in get_args(ObligationKind)),
        *(f"action.{action}" for action in get_args(Action)),
        *(f"post.{post}" for post in (*POSTS, *CONSULTED, "sender")),
        *(f"group.{group}" for group in GROUPS),
        *(f"wrong.{look}" for look in (*get_args(Look), "preferred")),
        *(f"option.{part}" for part in Option.model_fields),
        *(f"assist.{state}" for state in choices(ShownAssist, "state")),
        *(f"opinion.{state}" for state in choices(ShownOpinion, "state")),
        *(f"link.{relation}" for relation in choices(CaseLink, "relation")),
        *(f"told.{what}" for what in choices(TrackedEntry, "what")),
        *(f"reviewed.{outcome}" for outcome in choices(TrackedEntry, "outcome")),
        *of_accounts(),
        *of_events(),
        *of_forms(),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_word_for_each_in_every_language(language: Language) -> None:
    words = read_words(SHARED, FOLDER / "words")[language]
    assert spoken() - words.keys() == set()


def test_no_choice_of_an_event_is_forgotten() -> None:
    found = {
        (name, field)
        for name, model in happened().items()
        for field in model.model_fields
        if choices(model, field)
    }
    assert found == SAID.keys() | SAID_OTHERWISE


def test_the_refusals_are_found() -> None:
    assert {"same-department", "first-receiver-leads", "assists-open", "same-case"} <= refusals()


def test_every_command_has_its_form_in_one_group_with_a_field_for_all_it_needs() -> None:
    given = {name: row.command for name, row in TABLE.items() if row.who != "sender"}
    placed = [name for names in GROUPS.values() for name in names]
    assert sorted(placed) == sorted(given)
    assert FIELDS.keys() == given.keys()
    by_hidden = {("advise", "opinion"), ("contribute", "department"), ("decline-assist", "department")}
    by_hidden |= {("explain", "finding"), ("rectify", "order")}
    by_rows = {("escalate", "preferred"), ("consult", "preferred")}
    for name, command in given.items():
        offered = {field.name for field in FIELDS[name]}
        assert offered <= command.model_fields.keys(), name
        needed = set(command.model_fields) - {"text"}
        needed |= {"text"} if command.model_fields["text"].is_required() else set()
        missing = {(name, field) for field in needed - offered}
        assert missing <= by_hidden | by_rows, name
