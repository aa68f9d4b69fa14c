"""Every event that a case can have is said in words, in each language; what is not known is told by its type."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pytest

from services.audit.pages import FOLDER
from services.audit.pages.saying import SAID, Said, Saying
from services.audit.timeline import Hole, Line, with_holes
from shared.clock import SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.events import REGISTRY, Event, Record, emit
from shared.events.cases import (
    AssistAsked,
    CaseAccepted,
    CaseAssigned,
    CaseClosed,
    CaseSuspended,
    Ended,
    ExtensionDecided,
    Notice,
    OpinionAsked,
    OpinionGiven,
    ReturnDecided,
)
from shared.events.envelope import Part
from shared.keys import Keys
from shared.organisation import LANGUAGES, Language, load
from shared.service import House
from shared.settings import SAMPLE_ORGANISATION, Settings
from shared.store.sqlite import SqliteStore
from shared.web.pages import Pages
from shared.web.spans import span
from tests.unit.trail_samples import ARRIVAL, DAY, WORDS, ended, owed

ORGANISATION = load(SAMPLE_ORGANISATION)
P = TypeVar("P", bound=Part)
TOPICS = frozenset({"cases", "deliveries", "messages"})
SUPERVISION = tuple(f"throughline.{one}." for one in ("finding", "order", "exclusion", "fact"))
"""What of the topic `findings` belongs to a case."""
TYPES = [
    kind
    for kind in REGISTRY.values()
    if kind.__module__.startswith("shared.") and (kind.TOPIC in TOPICS or kind.TYPE.startswith(SUPERVISION))
]


def values(annotation: Any) -> list[Any]:
    """Some values of a field, of a code each that there is."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return list(inner)
    if origin in {Union, UnionType}:
        return [value for one in inner for value in values(one)]
    if origin in {tuple, list}:
        return [tuple(values(inner[0])), ()]
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [*variants(annotation)]
    plain: dict[Any, list[Any]] = {
        bool: [True, False],
        str: ["housing"],
        int: [2],
        datetime: [ARRIVAL],
        NoneType: [None],
    }
    return plain[annotation]


def variants(model: type[P]) -> list[P]:
    """One that has everything, and for each field one of every value that it can have."""
    several = {name: values(one.annotation) for name, one in model.model_fields.items()}
    first = {name: those[0] for name, those in several.items()}
    others = [first | {name: value} for name, those in several.items() for value in those[1:]]
    return [model(**fields) for fields in (first, *others)]


def codes(event: Part) -> set[str]:
    """The codes in an event that people don't read as they are."""
    found: set[str] = set()
    for name, one in type(event).model_fields.items():
        value = getattr(event, name)
        if isinstance(value, Part):
            found |= codes(value)
        elif isinstance(value, tuple | list):
            found |= {code for part in value if isinstance(part, Part) for code in codes(part)}
        elif isinstance(value, str) and "Literal" in str(one.annotation):
            found.add(value)
    return found


def record(event: Event, subject: str = "case_1", sequence: int = 1) -> Record:
    return emit(
        event,
        source="/test",
        subject=subject,
        sequence=sequence,
        time=ARRIVAL,
        causation="test",
        key=subject,
        nonce=bytes(16),
    )


def line(event: Event, subject: str = "case_1", sequence: int = 1, problem: str | None = None) -> Line:
    return Line(7, subject, record(event, subject, sequence), problem)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    directory = tmp_path_factory.mktemp("house")
    store = SqliteStore(directory, [])
    return House(
        Settings(),
        SimulatedClock(ARRIVAL),
        store,
        EmbeddedContent(store, directory / "content"),
        Keys(directory / "keys"),
        ORGANISATION,
        directory,
    )


@pytest.fixture(scope="module")
def pages(house: House) -> Pages:
    return Pages(house, FOLDER)


def saying(pages: Pages, language: Language = "en") -> Saying:
    return Saying(pages, ORGANISATION, language)


def test_nothing_that_a_case_can_have_was_forgotten() -> None:
    assert set(SAID) == set(TYPES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.TYPE)
def test_every_event_is_said_in_words_whatever_its_codes(
    pages: Pages, kind: type[Event], language: Language
) -> None:
    one = saying(pages, language)
    for event in variants(kind):
        said = one.say(line(event, "dlv-1"))
        for text in (said.sentence, *said.particulars):
            assert text, event
            assert "throughline." not in text, event
            assert "_" not in text, event
            if language != "en":
                assert codes(event).isdisjoint(re.findall(r"[a-z_]+", text)), (text, event)


def test_what_was_owed_is_named_when_it_ends(pages: Pages) -> None:
    one = saying(pages)
    begun = one.say(
        line(CaseAssigned(department="housing", by="line", starts=[owed("accept-1", "housing", ARRIVAL)]))
    )
    assert begun.particulars[-1] == (
        "Owed from here on: accept, by Housing and Urban-Rural Development Bureau, due 30 September 2026, 16:00"
    )
    over = one.say(line(CaseAccepted(ends=[ended("accept-1", late=True)])))
    assert over.particulars == ["Done late: accept"]


HOUSING = "Housing and Urban-Rural Development Bureau"


def test_who_asked_whom_is_said_with_names_of_posts(pages: Pages) -> None:
    one = saying(pages)
    one.say(line(CaseAssigned(department="housing", by="line")))
    asked = OpinionAsked(
        opinion="opinion-2",
        to="housing/head",
        words=WORDS,
        starts=[owed("opinion-2", "housing/head", ARRIVAL)],
    )
    assert one.say(line(asked)) == Said(
        f"{HOUSING} asks head of {HOUSING} for an opinion",
        [f"Owed from here on: give an opinion, by head of {HOUSING}, due 30 September 2026, 16:00"],
    )
    answered = OpinionGiven(opinion="opinion-2", choice=2, words=WORDS, ends=[ended("opinion-2")])
    assert one.say(line(answered)) == Said(
        f"An opinion was given by head of {HOUSING}",
        ["Option 2 is chosen", "Done in time: give an opinion"],
    )
    helped = one.say(line(AssistAsked(assist="assist-3", department="transport", words=WORDS)))
    assert helped.sentence.startswith(f"{HOUSING} asks ")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh-Hant", ["住房和城鄉建設局負責人", "主要領導", "領導小組", "督查人員", "來件人", "綜合協調組"]),
        ("zh-Hans", ["住房和城乡建设局负责人", "主要领导", "领导小组", "督查人员", "来件人", "综合协调组"]),
    ],
)
def test_whoever_owes_has_a_name(pages: Pages, language: Language, told: list[str]) -> None:
    owners = ["housing/head", "principal", "group", "supervisors", "sender", "coordinator"]
    assert [pages.owner(language, one) for one in owners] == told
    assert pages.owner(language, "closed-office/clerk") == "closed-office · clerk"


def test_new_dates_and_what_had_been_owed_are_said(pages: Pages) -> None:
    one = saying(pages)
    one.say(
        line(CaseAssigned(department="housing", by="line", starts=[owed("resolve-1", "housing", ARRIVAL)]))
    )
    later = ARRIVAL + DAY
    granted = ExtensionDecided(
        granted=True,
        due=later,
        promise=later,
        ends=[Ended(id="resolve-1", how="extended", late=True)],
        starts=[owed("resolve-2", "housing", later)],
    )
    assert one.say(line(granted)) == Said(
        "More time is given, until 1 October 2026, 16:00",
        [
            "The sender is promised now: by 1 October 2026, 16:00",
            "Extended: resolve, was due 30 September 2026, 16:00 (late by then)",
            f"Owed from here on: resolve, by {HOUSING}, due 1 October 2026, 16:00",
        ],
    )
    waits = CaseSuspended(reason="weather", until=later, ends=[Ended(id="resolve-2", how="paused")])
    assert one.say(line(waits)).particulars == [
        "Reason: the weather does not allow it",
        "Stands still: resolve, was due 1 October 2026, 16:00",
    ]


def test_booked_time_is_said_with_whom_it_is_booked_on(pages: Pages) -> None:
    booked = {"begin": ARRIVAL, "end": ARRIVAL + DAY, "holder": "coordinator"}
    assert saying(pages).say(line(ReturnDecided(upheld=True, department="housing", booked=[booked]))) == Said(
        f"The return by {HOUSING} was upheld",
        ["The time from 30 September 2026, 16:00 to 1 October 2026, 16:00 is booked on Coordination desk"],
    )


def test_who_was_told_when_is_said_for_those_together_who_were_told_alike(pages: Pages) -> None:
    notices = (
        Notice(person="anna"),
        Notice(person="bert", at=ARRIVAL, digest=True),
        Notice(person="carl"),
        Notice(person="dora", at=ARRIVAL),
    )
    assert saying(pages).say(line(CaseAccepted(notices=notices))).particulars == [
        "Told at once: anna, carl",
        "To be told in the digest of 30 September 2026, 16:00: bert",
        "To be told on 30 September 2026, 16:00: dora",
    ]


def test_a_case_that_closes_after_a_no_was_reviewed_and_not_confirmed(pages: Pages) -> None:
    closed = saying(pages).say(line(CaseClosed(outcome="feedback", solved=False)))
    assert closed == Said("Closed after the review", ["On record: not solved"])


def test_what_a_newer_version_says_is_told_by_its_type(pages: Pages) -> None:
    known = record(CaseAccepted())
    newer = Record.read("", known.value.replace(b"case.accepted", b"case.pondered"))
    assert saying(pages).say(Line(7, "case_1", newer, None)) == Said(
        "An event of the type throughline.case.pondered"
    )
    closed = record(CaseClosed(outcome="silence"))
    changed = Record.read("", closed.value.replace(b'"silence"', b'"merged!"'))
    assert (
        "throughline.case.closed, in a form" in saying(pages).say(Line(7, "case_1", changed, None)).sentence
    )
    assert saying(pages).say(Line(7, "case_1", None, "it is cut")).sentence


def test_holes_are_found_in_each_sequence_and_what_is_damaged_fills_its_place() -> None:
    event = CaseAccepted()
    lines = [
        line(event, "case_1", 1),
        line(event, "msg_1", 2),
        line(event, "case_1", 9, problem="it is not what was signed"),
        Line(8, "case_1", None, "it is cut"),
        line(event, "case_1", 6),
    ]
    found = [one for one in with_holes(lines) if isinstance(one, Hole)]
    assert found == [Hole("msg_1", 1, 1), Hole("case_1", 4, 5)]


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(days=3, hours=4, minutes=59), "3 days 4 hours"),
        (timedelta(days=1, minutes=5), "1 day"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(minutes=1, seconds=1), "1 minute 1 second"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_a_length_of_time_is_said_in_two_units(pages: Pages, length: timedelta, told: str) -> None:
    assert span(pages, "en", length) == told
