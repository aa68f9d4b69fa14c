"""Whatever people and time do to a case, these hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.arrival import Arrival, Placement, receive
from services.routing.case import Case, due, milliseconds, rank
from services.routing.commands import (
    TABLE,
    Accept,
    Answer,
    Ask,
    Assign,
    Command,
    Contact,
    Decline,
    Feedback,
    Now,
    Refused,
    RefuseReturn,
    Return,
    UpholdReturn,
    decide,
    offered,
    row_of,
)
from services.routing.evolve import evolve
from services.routing.ladder import climb
from services.routing.obligation import COORDINATOR
from shared.events import Event, Record, emit
from shared.events.cases import CaseAlarmed, MessageAttached
from shared.events.content import ContentRef
from shared.events.messages import MessageReceived
from tests.unit.case_samples import desk

Step = Command | timedelta | str | int
WORDS = ContentRef(ref="c_x", commitment="0" * 64, size=1)
DEPARTMENTS = st.sampled_from(["housing", "water"])
START = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)

COMMANDS = st.one_of(
    st.just(Accept()),
    st.builds(Return, text=st.just("not ours"), proposed=st.none() | DEPARTMENTS),
    st.builds(UpholdReturn, department=DEPARTMENTS),
    st.just(RefuseReturn(text="it is")),
    st.builds(Assign, department=DEPARTMENTS),
    st.builds(Contact, outcome=st.sampled_from(["reached", "not_reached", "refused"])),
    st.just(Ask(text="where?")),
    st.builds(Answer, text=st.just("done"), final=st.booleans()),
    st.builds(Feedback, solved=st.booleans()),
    st.just(Decline(reason="no_facts", text="nothing to go by")),
)
LIKELY: dict[str, Command] = {
    "accept": Accept(),
    "return": Return(text="not ours"),
    "uphold-return": UpholdReturn(department="water"),
    "refuse-return": RefuseReturn(text="it is"),
    "assign": Assign(department="water"),
    "contact": Contact(outcome="not_reached"),
    "ask": Ask(text="where?"),
    "answer": Answer(text="done"),
    "feedback": Feedback(solved=False),
    "decline": Decline(reason="no_facts", text="nothing to go by"),
}
"""One that is probably allowed, for each name in the table: so that lives go far."""

STEPS = st.lists(
    st.one_of(
        COMMANDS,
        st.integers(0, 9),
        st.integers(1, 15 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        st.sampled_from(["verified", "unverified"]),
    ),
    max_size=30,
)


class Life:
    """A case in the test's hands, with every record of it."""

    def __init__(self, *, assigned: bool, can_mail: bool, kind: str) -> None:
        self.now = START
        self.records: list[Record] = []
        self.case: Case | None = None
        self.messages = 0
        self.assigned = assigned
        self.can_mail = can_mail
        self.kind = kind

    def arrival(self, *, verified: bool) -> Arrival:
        self.messages += 1
        message = MessageReceived(
            channel="phone" if not self.can_mail else "email",
            endpoint="line@sample.example",
            words=WORDS,
            thread="t",
            can_mail=self.can_mail,
            kind=self.kind,
        )
        return Arrival(
            id=f"msg_{self.messages}",
            message=message,
            at=self.now,
            language="en",
            ref="K7QM-2XPA-B",
            placement=Placement("housing" if self.assigned else None),
            verified=verified,
        )

    def happen(self, events: list[Event]) -> None:
        for event in events:
            record = emit(
                event,
                source="/routing",
                subject="case_x",
                sequence=len(self.records) + 1,
                time=self.now,
                causation="input",
                key="case_x",
                nonce=bytes(16),
            )
            self.case = evolve(self.case, event, record)
            self.records.append(record)

    def step(self, step: Step) -> None:
        if isinstance(step, int):
            assert self.case is not None
            if not (names := offered(self.case)):
                return
            step = LIKELY[names[step % len(names)]]
        if isinstance(step, timedelta):
            self.now += step
            assert self.case is not None
            self.happen([*climb(desk(), self.case, self.now)])
        elif isinstance(step, str):
            arrival = self.arrival(verified=step == "verified")
            self.happen([*receive(desk(), self.case, self.now, arrival, None)])
        else:
            assert self.case is not None
            open_to = offered(self.case)
            try:
                events = decide(self.case, step, "somebody", Now(desk(), self.now, WORDS))
            except Refused:
                return
            assert next(name for name, row in TABLE.items() if row is row_of(step)) in open_to
            self.happen([*events])


LIVES = st.builds(
    Life,
    assigned=st.booleans(),
    can_mail=st.booleans(),
    kind=st.sampled_from(["problem", "enquiry", "report"]),
)


def lived(life: Life, steps: list[Step]) -> Life:
    life.happen([*receive(desk(), None, life.now, life.arrival(verified=False), None)])
    return life


def check(life: Life) -> None:
    case = life.case
    assert case is not None
    owners = [one.owner for one in case.obligations]
    if case.is_open:
        assert owners, f"{case.state}: an open case owes something"
        assert all(desk().people(["holder"], owner) for owner in owners)
        assert due(case) is not None or all(one.id in case.breached for one in case.obligations)
        assert rank(case) == min(
            [milliseconds(one.due) for one in case.obligations if one.binding]
            or [milliseconds(one.due) for one in case.obligations]
        )
    else:
        assert not owners
        assert case.closed is not None
        assert due(case) is None
    assert (case.department is None) == (case.holder == COORDINATOR)
    assert case.state != "new" or case.department is None
    assert case.state not in {"assigned", "accepted", "answered"} or case.department is not None
    kinds = [one.kind for one in case.obligations]
    assert len(kinds) == len(set(kinds))


@settings(max_examples=150, deadline=None)
@given(LIVES, STEPS)
def test_every_open_case_has_an_owner_who_exists_and_one_lead_or_the_coordinator(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    check(life)
    for step in steps:
        life.step(step)
        check(life)


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_nothing_happens_after_the_close_but_messages_that_open_it_again_or_wait_for_an_officer(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    for step in steps:
        assert life.case is not None
        closed, before = not life.case.is_open, len(life.records)
        life.step(step)
        if closed:
            new = [record.data for record in life.records[before:]]
            assert all(isinstance(event, MessageAttached) for event in new[:1])
            assert life.case.is_open == (step == "verified")


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_replaying_its_bytes_gives_the_same_case_and_its_document_reads_back(
    life: Life, steps: list[Step]
) -> None:
    lived(life, steps)
    for step in steps:
        life.step(step)
    again: Case | None = None
    for number, record in enumerate(life.records, 1):
        read = Record.read("cases", record.value)
        assert read.sequence == number
        again = evolve(again, read.data, read)
    assert life.case is not None
    assert again == life.case
    assert Case.model_validate(orjson.loads(life.case.model_dump_json(exclude_defaults=True))) == life.case


@settings(max_examples=100, deadline=None)
@given(LIVES, STEPS)
def test_each_rung_falls_once_and_a_breach_is_never_erased(life: Life, steps: list[Step]) -> None:
    lived(life, steps)
    breached: set[str] = set()
    for step in steps:
        life.step(step)
        assert life.case is not None
        assert breached <= set(life.case.breached)
        breached = set(life.case.breached)
    climbed = [
        (rung.obligation, rung.rung)
        for record in life.records
        if isinstance(event := record.data, CaseAlarmed)
        for rung in event.rungs
    ]
    assert len(climbed) == len(set(climbed))


def test_a_case_left_alone_stays_small() -> None:
    life = Life(assigned=True, can_mail=True, kind="problem")
    lived(life, [])
    assert life.case is not None
    case = life.case.model_copy(update={"message": "msg_" + "a" * 26, "words": "c_" + "a" * 26})
    assert len(case.model_dump_json(exclude_defaults=True)) < 1200
