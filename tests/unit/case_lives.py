"""Lives of cases, made of commands, hours and what supervision asks: to be drawn at random, and lived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from services.routing import commands as c
from services.routing import demands
from services.routing.arrival import Arrival, Placement, receive
from services.routing.case import RANK_OF_CLOSED, Case, due, milliseconds, rank
from services.routing.commands import TABLE, Command, Now, Other, Refused, decide, offered, row_of
from services.routing.desk import Desk
from services.routing.evolve import evolve
from services.routing.ladder import climb
from services.routing.obligation import COORDINATOR
from shared.events import Event, Record, emit
from shared.events.cases import CaseAlarmed
from shared.events.content import ContentRef
from shared.events.findings import FindingRaised
from shared.events.messages import MessageReceived
from shared.events.obligations import OF_SUPERVISION
from shared.events.supervised import (
    CaseExplained,
    CaseOrdered,
    CaseRectified,
    DemandDropped,
    ExplanationAsked,
)
from tests.unit.case_samples import desk as plain
from tests.unit.case_samples import particular

Step = Command | timedelta | str | int
WORDS = ContentRef(ref="c_x", commitment="0" * 64, size=1)
DEPARTMENTS = st.sampled_from(["housing", "water"])
START = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)

OTHER = Other("case_y", "K7QM-2XPA-C", is_open=True)
OPTIONS: tuple[Any, ...] = (
    {"name": "repair", "pros": "soon", "cons": "dear"},
    {"name": "replace", "risks": "late"},
)

COMMANDS = st.one_of(
    st.builds(c.Return, text=st.just("not ours"), proposed=st.none() | DEPARTMENTS),
    st.builds(c.UpholdReturn, department=DEPARTMENTS),
    st.builds(c.Assign, department=DEPARTMENTS),
    st.builds(c.Transfer, department=DEPARTMENTS, text=st.just("theirs")),
    st.builds(c.Assist, department=DEPARTMENTS, text=st.just("look at the pipes")),
    st.builds(c.Contribute, department=DEPARTMENTS, text=st.just("they are old")),
    st.builds(c.ReleaseAssist, department=DEPARTMENTS),
    st.builds(
        c.Contact, outcome=st.sampled_from(["reached", "not_reached", "refused"]), site_visit=st.booleans()
    ),
    st.builds(c.Ask, text=st.just("where?"), suspends=st.booleans()),
    st.builds(
        c.Suspend,
        reason=st.just("weather"),
        limit=st.sampled_from(["5wd", "12h", "30wm"]),
        text=st.just("rain"),
    ),
    st.builds(c.Answer, text=st.just("done"), final=st.booleans()),
    st.builds(c.Answer, text=st.just("done"), resolved=st.just(True)),
    st.builds(c.Feedback, solved=st.booleans(), satisfied=st.none() | st.booleans()),
    st.builds(
        c.Review, outcome=st.sampled_from(["reopened", "followed_up", "upheld"]), text=st.just("looked at it")
    ),
    st.builds(c.Inspect, passed=st.booleans()),
    st.builds(
        c.Classify,
        kind=st.none() | st.sampled_from(["problem", "complaint", "enquiry", "praise"]),
        urgent=st.none() | st.booleans(),
        case_class=st.none() | st.sampled_from(["major", "hard"]),
    ),
    st.builds(
        c.Escalate,
        case_class=st.sampled_from(["major", "hard", "cross", "external"]),
        text=st.just("too much for us"),
        options=st.just(OPTIONS),
    ),
    st.builds(
        c.Consult,
        to=st.sampled_from(["water", "housing", "leader", "principal", "group"]),
        text=st.just("what do you think"),
        options=st.just(OPTIONS),
    ),
    st.builds(c.Split, department=st.none() | DEPARTMENTS, text=st.just("the other half")),
)
LIKELY: dict[str, Command] = {
    "accept": c.Accept(),
    "return": c.Return(text="not ours"),
    "uphold-return": c.UpholdReturn(department="water"),
    "refuse-return": c.RefuseReturn(text="it is"),
    "assign": c.Assign(department="water"),
    "transfer": c.Transfer(department="water", text="theirs"),
    "classify": c.Classify(urgent=True),
    "contact": c.Contact(outcome="not_reached"),
    "ask": c.Ask(text="where?", suspends=True),
    "assist": c.Assist(department="water", text="look at the pipes"),
    "contribute": c.Contribute(department="water", text="they are old"),
    "decline-assist": c.DeclineAssist(department="water", text="not our pipes"),
    "release-assist": c.ReleaseAssist(department="water"),
    "suspend": c.Suspend(reason="weather", limit="5wd", text="rain"),
    "resume": c.Resume(),
    "extend": c.Extend(text="the pipes are old"),
    "grant-extension": c.GrantExtension(),
    "refuse-extension": c.RefuseExtension(text="no"),
    "urge": c.Urge(),
    "escalate": c.Escalate(case_class="hard", text="too much for us", options=OPTIONS),
    "consult": c.Consult(to="leader", text="what do you think", options=OPTIONS),
    "advise": c.Advise(choice=1, text="the first"),
    "answer": c.Answer(text="done"),
    "answer-directly": c.AnswerDirectly(text="it is so"),
    "sign-off": c.SignOff(),
    "send-back": c.SendBack(text="say more"),
    "resolve": c.Resolve(text="new pipes are in"),
    "inspect": c.Inspect(passed=False),
    "decline": c.Decline(reason="no_facts", text="nothing to go by"),
    "feedback": c.Feedback(solved=False),
    "contest": c.Contest(text="there is"),
    "review": c.Review(outcome="reopened", text="again"),
    "close": c.Close(text="they called"),
    "reopen": c.Reopen(text="it is back"),
    "merge": c.Merge(into=OTHER.ref),
    "link": c.Link(to=OTHER.ref),
    "split": c.Split(text="the other half"),
    "explain": c.Explain(finding="find_1", text="the roof was closed"),
    "rectify": c.Rectify(order="ordr_1", text="it is open"),
}
"""One that is probably allowed, for each name in the table: so that lives go far."""
ENDS: tuple[Command, ...] = (
    c.Answer(text="done", resolved=True),
    c.Feedback(solved=True),
    c.Inspect(passed=True),
    c.Review(outcome="upheld", text="it is as it was said"),
)

ANSWERED: tuple[Command, ...] = (c.Accept(), c.Answer(text="done", resolved=True), c.Feedback(solved=True))

SUPERVISES = ("ask", "ask another", "order", "order again", "drop")
"""What supervision does, by the name of the step."""
STEP = st.one_of(
    COMMANDS,
    st.integers(0, 40),
    st.integers(1, 15 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from(["verified", "unverified", *SUPERVISES]),
)
STEPS = st.lists(STEP, max_size=30)


class Life:
    """A case in the test's hands, with every record of it."""

    def __init__(self, *, assigned: bool, can_mail: bool, kind: str, desk: Desk | None = None) -> None:
        self.desk = desk or plain()
        self.actors = 0
        self.led: set[tuple[type[Command], str]] = set()
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

    def supervise(self, step: str) -> None:
        assert self.case is not None
        match step:
            case "ask" | "ask another":
                department, finding = ("housing", "find_1") if step == "ask" else ("water", "find_2")
                raised = FindingRaised(
                    check="late",
                    version=1,
                    parameters="p",
                    key=finding,
                    case="case_x",
                    department=department,
                    since=self.now,
                    as_of=7,
                    evidence=(),
                )
                self.happen([*demands.ask(self.desk, self.case, finding, raised, self.now)])
            case "order" | "order again":
                if any(one.about == "ordr_1" for one in self.case.obligations):
                    return  # an order is not refused before it is answered
                again = step == "order again"
                order = demands.Order("ordr_1", "housing", "5wd", WORDS, "supervisor", again=again)
                self.happen([*demands.order(self.desk, self.case, order, self.now)])
            case "drop":
                self.happen([*demands.drop(self.desk, self.case, "find_1", self.now)])

    def decided(self, command: Command) -> list[Event]:
        """What a command comes to; each is given by another person."""
        assert self.case is not None
        self.actors += 1
        now = Now(self.desk, self.now, WORDS, f"person-{self.actors}", OTHER, f"case_part_{self.actors}")
        return [*decide(self.case, command, now)]

    def step(self, step: Step) -> None:
        if isinstance(step, int):
            assert self.case is not None
            if not (names := offered(self.case)):
                return
            step = LIKELY[names[step % len(names)]]
        if isinstance(step, timedelta):
            self.now += step
            assert self.case is not None
            self.happen([*climb(self.desk, self.case, self.now)])
        elif step in SUPERVISES:
            self.supervise(str(step))
        elif isinstance(step, str):
            arrival = self.arrival(verified=step == "verified")
            self.happen([*receive(self.desk, self.case, self.now, arrival, None)])
        else:
            assert self.case is not None
            open_to = offered(self.case)
            try:
                events = self.decided(step)
            except Refused:
                return
            row, before = row_of(step), self.case.state
            assert next(name for name, one in TABLE.items() if one is row) in open_to
            self.happen([*events])
            assert self.case.state in {before, *row.becomes}, f"{step!r} leads where the table does not say"
            self.led.add((type(step), self.case.state))


ASKED = (ExplanationAsked, CaseExplained, CaseOrdered, CaseRectified, DemandDropped, CaseAlarmed)
"""What happens to a closed case of which supervision asks something."""
LIVES = st.builds(
    Life,
    assigned=st.booleans(),
    can_mail=st.booleans(),
    kind=st.sampled_from(["problem", "enquiry", "report", "complaint", "praise"]),
    desk=st.sampled_from([plain(), particular()]),
)


def lived(life: Life, steps: list[Step]) -> Life:
    life.happen([*receive(life.desk, None, life.now, life.arrival(verified=False), None)])
    return life


def check(life: Life) -> None:
    case = life.case
    assert case is not None
    owners = [one.owner for one in case.obligations]
    own = [one for one in case.obligations if one.kind not in OF_SUPERVISION]
    if case.is_open:
        assert own, f"{case.state}: an open case owes something"
        assert all(owner == "sender" or life.desk.people(["holder"], owner) for owner in owners)
        assert due(case) is not None or all(one.id in case.breached for one in case.obligations)
        assert rank(case) == min(
            [milliseconds(one.due) for one in case.obligations if one.binding]
            or [milliseconds(one.due) for one in case.obligations]
        )
    else:
        assert not own
        assert case.closed is not None
        assert owners or due(case) is None
        assert owners or rank(case) >= RANK_OF_CLOSED
    assert (case.department is None) == (case.holder == COORDINATOR)
    assert case.state != "new" or case.department is None
    assert case.state not in {"assigned", "accepted"} or case.department is not None
    kinds = [
        one.kind
        if one.kind not in {"assist", "opinion", *OF_SUPERVISION}
        else (one.kind, one.owner, one.about)
        for one in case.obligations
    ]
    assert len(kinds) == len(set(kinds)), kinds
    ids = [one.id for record in life.records for one in getattr(record.data, "starts", ())]
    assert len(ids) == len(set(ids)) == case.started, "each obligation has a number of its own"
    assert case.pause is None or case.state == "accepted"
    assert case.draft is None or case.owes("signoff")
    assert (case.extension is None) == (case.owes("extension") is None)
