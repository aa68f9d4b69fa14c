"""Every event that a case can have is said in words, in each language; what is not known is told by its type."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.audit.pages import FOLDER
from services.audit.pages.saying import Said, Saying
from services.audit.timeline import Hole, Line, with_holes
from shared.clock import SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.events import REGISTRY, Event, Record, emit
from shared.events.cases import (
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseQueued,
    CaseReopened,
    CaseReturned,
    Ended,
    FeedbackGiven,
    MessageAttached,
    Notice,
    ReturnDecided,
    SenderAsked,
    SenderContacted,
)
from shared.events.deliveries import (
    DeliveryAttempted,
    DeliveryBounced,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryQueued,
    DeliveryReplied,
    DeliverySent,
)
from shared.events.messages import (
    Automatic,
    DeliveryAnswered,
    MessageQuarantined,
    MessageRefused,
    MessageReleased,
    MessageSentAgain,
    MessageSettled,
)
from shared.keys import Keys
from shared.organisation import LANGUAGES, Language, load
from shared.service import House
from shared.settings import SAMPLE_ORGANISATION, Settings
from shared.store.sqlite import SqliteStore
from shared.web.pages import Pages
from shared.web.spans import span
from tests.unit.trail_samples import ARRIVAL, WORDS, alarmed, ended, opened, owed, received

CAME = {"channel": "email", "endpoint": "line@sample.example", "raw": WORDS}
ATTACHED = {"ref": "REF-1", "message": "msg_1", "channel": "email", "words": WORDS}
QUEUED = {"case": "case_1", "ref": "REF-1", "about": "case_1/1", "channel": "email", "language": "en"}
EVENTS: list[Event] = [
    opened("msg_1", ref="REF-1"),
    opened("msg_1", ref="REF-1").model_copy(update={"anonymous": True, "promise": None}),
    *(MessageAttached(**ATTACHED, how=how, verified=how != "hint") for how in ("token", "thread", "hint")),
    MessageAttached(**ATTACHED, how="token", verified=True, reopened=True),
    *(
        CaseAssigned(department="housing", by=by, rule="homes", beyond_promise=True)
        for by in ("rule", "line", "sender", "coordinator", "return_refused")
    ),
    *(CaseQueued(reason=reason) for reason in ("no_rule", "unsure", "confidential", "returned", "reopened")),
    CaseAccepted(actor="housing-officer-1", ends=[ended("accept-1")]),
    *(
        CaseReturned(department="housing", reason=reason, proposed="transport")
        for reason in ("not_responsible", "overlapping", "outside_organisation")
    ),
    *(ReturnDecided(upheld=upheld, department="housing") for upheld in (True, False)),
    *(SenderContacted(outcome=outcome, callback=True) for outcome in ("reached", "not_reached", "refused")),
    SenderAsked(words=WORDS),
    *(CaseAnswered(words=WORDS, final=final, resolved=final) for final in (True, False)),
    *(FeedbackGiven(solved=good, satisfied=good) for good in (True, False)),
    *(CaseClosed(outcome=outcome) for outcome in ("feedback", "silence")),
    *(
        CaseClosed(outcome="declined", reason=reason)
        for reason in ("outside_organisation", "before_a_court", "no_facts", "already_decided")
    ),
    CaseReopened(reason="not_solved", starts=[owed("silence-9", "coordinator", ARRIVAL, binding=False)]),
    *(alarmed("resolve-2", action, ARRIVAL) for action in ("remind", "warn", "breach", "escalate", "lapse")),
    alarmed("resolve-2", "warn", ARRIVAL).model_copy(
        update={"notices": (Notice(person="housing-head", rungs=[0]),)}
    ),
    CaseReopened(
        reason="not_solved",
        ends=[Ended(id=f"resolve-{number}", how=how) for number, how in enumerate(("cancelled", "lapsed"))],
    ),
    *(
        DeliveryQueued(**QUEUED, template=template, party="sender")
        for template in (
            "acknowledgement",
            "answer",
            "question",
            "assigned",
            "alarm",
            "coordinator",
            "reopened",
        )
    ),
    DeliveryAttempted(attempt=2, deadline=ARRIVAL),
    DeliverySent(attempt=2, case="case_1"),
    DeliveryDeferred(attempt=2, reason="451", next_at=ARRIVAL),
    DeliveryFailed(attempt=2, reason="550", case="case_1"),
    *(DeliveryBounced(message="msg_2", permanent=permanent, case="case_1") for permanent in (True, False)),
    DeliveryReplied(message="msg_2", kind="auto-reply"),
    received(),
    MessageQuarantined(**CAME, reason="unreadable", thread="t"),
    MessageRefused(**CAME, reason="bounce", automatic=Automatic(kind="bounce")),
    DeliveryAnswered(**CAME, automatic=Automatic(kind="bounce")),
    MessageReleased(actor="intake-clerk", outcome="case"),
    MessageReleased(actor="intake-clerk", outcome="refused", reason="other"),
    *(
        MessageSettled(outcome=outcome, case="case_1", ref="REF-1")
        for outcome in ("new", "attached", "unverified")
    ),
    MessageSentAgain(message=received(), after_seconds=900),
]


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
        load(SAMPLE_ORGANISATION),
        directory,
    )


def saying(house: House, language: Language = "en") -> Saying:
    return Saying(Pages(house, FOLDER), house.organisation, language)


def test_nothing_that_a_case_can_have_was_forgotten() -> None:
    topics = {"cases", "deliveries", "messages"}
    assert {type(event) for event in EVENTS} == {
        kind for kind in REGISTRY.values() if kind.TOPIC in topics and kind.__module__.startswith("shared.")
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_is_said_in_words(house: House, language: Language) -> None:
    one = saying(house, language)
    for event in EVENTS:
        said = one.say(line(event))
        for text in (said.sentence, *said.particulars):
            assert text, event
            assert "throughline." not in text, event
            assert "_" not in text, event


def test_what_was_owed_is_named_when_it_ends(house: House) -> None:
    one = saying(house)
    begun = one.say(
        line(CaseAssigned(department="housing", by="line", starts=[owed("accept-1", "housing", ARRIVAL)]))
    )
    assert begun.particulars[-1] == (
        "Owed from here on: accept, by Housing and Urban-Rural Development Bureau, due 30 September 2026, 16:00"
    )
    over = one.say(line(CaseAccepted(ends=[ended("accept-1", late=True)])))
    assert over.particulars == ["Done late: accept"]


def test_what_a_newer_version_says_is_told_by_its_type(house: House) -> None:
    known = record(CaseAccepted())
    newer = Record.read("", known.value.replace(b"case.accepted", b"case.pondered"))
    assert saying(house).say(Line(7, "case_1", newer, None)) == Said(
        "An event of the type throughline.case.pondered"
    )
    closed = record(CaseClosed(outcome="silence"))
    changed = Record.read("", closed.value.replace(b'"silence"', b'"merged!"'))
    assert (
        "throughline.case.closed, in a form" in saying(house).say(Line(7, "case_1", changed, None)).sentence
    )
    assert saying(house).say(Line(7, "case_1", None, "it is cut")).sentence


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
def test_a_length_of_time_is_said_in_two_units(house: House, length: timedelta, told: str) -> None:
    assert span(Pages(house, FOLDER), "en", length) == told
