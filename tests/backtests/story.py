"""One case of a made-up history, told act by act: who does what when."""

from __future__ import annotations

from typing import Any

from shared.events import Record
from shared.events.cases import (
    AnswerDrafted,
    AssistAsked,
    AssistGiven,
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseResumed,
    CaseReturned,
    CaseReviewed,
    CaseSolved,
    CaseSuspended,
    ExtensionAsked,
    ExtensionDecided,
    FeedbackGiven,
    MessageAttached,
    ReturnDecided,
    SenderAsked,
    SenderContacted,
)
from shared.events.facts import MessageRead
from shared.events.messages import MessageReceived, MessageSettled
from shared.events.obligations import Ended, Started
from tests.backtests.passing import COORDINATOR, MOST_TRIES, OF_THE_DEPARTMENT, STAND_STILL, Debt, Passing


class Story(Passing):
    """One case; each act is an event, or the events that go with it."""

    # What senders do

    def arrive(self, *, urgent: bool = False, queued: Any = None, department: str | None = None) -> None:
        """A message comes in and is a case: dispatched by its words, or queued for the coordinator."""
        self.receive(self.message)
        promise = self.begin("promise", COORDINATOR)
        self.say(
            CaseOpened(
                ref=self.case[-6:],
                kind=self.kind,
                message=self.message,
                channel=self.channel,
                words=self.words(),
                thread=self.message,
                language="zh-Hant",
                can_mail=self.can_mail,
                anonymous=self.anonymous,
                arrived_at=self.now,
                promise=promise.due,
                urgent=urgent,
                starts=[promise],
            )
        )
        if queued is not None:
            self.say(CaseQueued(reason=queued, starts=[self.begin("dispatch", COORDINATOR)]))
        else:
            self.assign(department or self.rng.choice(self.town.departments), by="rule")
        self.say(MessageSettled(outcome="new", case=self.case, ref=self.case[-6:]), subject=self.message)

    def receive(self, message: str) -> Record:
        """A message of the sender's."""
        return self.say(
            MessageReceived(
                channel=self.channel,
                endpoint="http",
                words=self.words(),
                thread=self.message,
                kind=self.kind,
                can_mail=self.can_mail,
                anonymous=self.anonymous,
            ),
            subject=message,
        )

    def read(self, about: str, **what: Any) -> Record:
        """A fact about the words of one of the case's events, by its id."""
        fact = MessageRead(about=about, case=self.case, version=1, **what)
        return self.say(fact, subject=f"fact_{about.replace('/', '_')}")

    def write(
        self,
        *,
        verified: bool = True,
        reopens: bool = False,
        resumes: bool = True,
        fact: dict[str, Any] | None = None,
    ) -> Record:
        """The sender, or somebody who may be, writes again. Resumes a clock that stood still for a reply."""
        self._messages += 1
        message = f"{self.message}-{self._messages}"
        self.receive(message)
        ends: list[Ended] = self.ends("cancelled") if reopens else []
        starts = [self.begin("resolve", self.department or COORDINATOR)] if reopens else []
        attached = self.say(
            MessageAttached(
                ref=self.case[-6:],
                message=message,
                channel=self.channel,
                words=self.words(),
                how="thread" if verified else "hint",
                verified=verified,
                reopened=reopens,
                ends=ends,
                starts=starts,
            )
        )
        if reopens:
            self.closed = False
        if fact is not None:
            self.read(attached.id, **fact)
        if verified and resumes and self.owes("reply") is not None:
            self.resume("reply")
        return attached

    def feedback(self, *, solved: bool, satisfied: bool | None = None) -> Record:
        """The sender says what came of it: a yes closes the case, a no is reviewed."""
        words = self.words() if not solved else None
        if solved and satisfied is not False:
            given = self.say(FeedbackGiven(solved=True, satisfied=satisfied))
            self.close("feedback", solved=True)
            return given
        ends = self.ends("cancelled", "silence", "callback")
        starts = [self.begin("review", COORDINATOR)]
        return self.say(
            FeedbackGiven(solved=solved, satisfied=satisfied, words=words, ends=ends, starts=starts)
        )

    # What the coordinator does

    def assign(self, department: str, *, by: Any = "coordinator", actor: str | None = None) -> Record:
        """A department leads the case from here on."""
        ends = self.ends("met", "dispatch") + self.ends(
            "cancelled", *OF_THE_DEPARTMENT, "extension", "signoff"
        )
        refused = by == "return_refused"
        if not refused:
            self.assigned = self.now
        starts = [self.begin("accept", department)]
        starts += [self.begin(kind, department, since=self.assigned) for kind in ("contact", "resolve")]
        self.department = department
        return self.say(CaseAssigned(actor=actor, department=department, by=by, ends=ends, starts=starts))

    def decide_return(self, *, upheld: bool, to: str | None = None) -> Record:
        """The coordinator decides on a return; the case is assigned with it."""
        returner = self.department
        assert returner is not None
        actor = self.officer(COORDINATOR)
        decided = self.say(ReturnDecided(actor=actor, upheld=upheld, department=returner))
        if upheld:
            assert to is not None
            self.assign(to, actor=actor)
        else:
            self.assign(returner, by="return_refused", actor=actor)
        return decided

    def review(self, outcome: Any, *, actor: str | None = None) -> Record:
        """Another person looks at a sender's no."""
        actor = actor or self.officer(COORDINATOR)
        reviewed = self.say(
            CaseReviewed(actor=actor, outcome=outcome, words=self.words(), ends=self.ends("met", "review"))
        )
        if outcome == "reopened":
            self.reopen("reviewed", actor=actor)
        else:
            self.close("feedback", solved=False, actor=actor)
        return reviewed

    def reopen(self, reason: Any, *, actor: str | None = None) -> Record:
        """It was not over."""
        ends = self.ends("cancelled")
        starts = [self.begin("resolve", self.department or COORDINATOR)]
        self.closed = False
        return self.say(CaseReopened(actor=actor, reason=reason, ends=ends, starts=starts))

    def close(self, outcome: Any, *, solved: bool | None = None, actor: str | None = None) -> Record:
        """The end."""
        how = "lapsed" if outcome == "silence" else "cancelled"
        self.closed = True
        self.still = []
        return self.say(CaseClosed(actor=actor, outcome=outcome, solved=solved, ends=self.ends(how)))

    # What the department does

    def accept(self, *, deemed: bool = False, actor: str | None = None) -> Record:
        """The department takes it on."""
        ends = self.ends("lapsed" if deemed else "met", "accept")
        return self.say(
            CaseAccepted(actor=None if deemed else actor or self.officer(), deemed=deemed, ends=ends)
        )

    def give_back(
        self, *, proposed: str | None = None, site_visit: bool = False, actor: str | None = None
    ) -> Record:
        """The department returns it; the coordinator has to decide."""
        assert self.department is not None
        returned = self.say(
            CaseReturned(
                actor=actor or self.officer(),
                department=self.department,
                reason="not_responsible",
                words=self.words(),
                proposed=proposed,
                site_visit=site_visit,
                ends=self.ends("cancelled", *OF_THE_DEPARTMENT, "extension", "signoff"),
            )
        )
        self.say(CaseQueued(reason="returned", starts=[self.begin("dispatch", COORDINATOR)]))
        return returned

    def transfer(self, to: str) -> Record:
        """The department hands it to another by itself."""
        return self.assign(to, by="transfer", actor=self.officer())

    def contact(
        self,
        outcome: Any = "reached",
        *,
        words: bool = True,
        callback: bool = False,
        site_visit: bool = False,
        actor: str | None = None,
    ) -> Record:
        """The department speaks to the sender, or tries to."""
        kind = "callback" if callback else "contact"
        self.not_reached = self.not_reached + 1 if callback and outcome == "not_reached" else 0
        over = outcome != "not_reached" or self.not_reached >= MOST_TRIES
        return self.say(
            SenderContacted(
                actor=actor or self.officer(),
                outcome=outcome,
                callback=callback,
                site_visit=site_visit,
                words=self.words() if words else None,
                ends=self.ends("met", kind) if over else [],
                starts=[self.begin("silence", COORDINATOR)] if callback and over else [],
            )
        )

    def ask(self, *, suspends: bool = False, size: int | None = None) -> Record:
        """A question back to the sender; the clock may stand still until the reply."""
        actor = self.officer()
        asked = self.say(SenderAsked(actor=actor, words=self.words(size), ends=self.ends("met", "contact")))
        if suspends:
            self.suspend("sender", actor=actor)
        return asked

    def suspend(self, reason: Any, *, seconds: float | None = None, actor: str | None = None) -> Record:
        """The clock stands still for what is not late yet."""
        still = [
            debt
            for debt in self.debts.values()
            if debt.started.kind in STAND_STILL and debt.started.due > self.now
        ]
        kind, owner = ("reply", "sender") if reason == "sender" else ("pause", self.department or COORDINATOR)
        waits = self.begin(kind, owner, seconds=seconds)
        self.still = [
            Debt(
                debt.started,
                self.now,
                max(0.0, debt.seconds - self.town.clock(debt.started.kind).between(debt.begin, self.now)),
            )
            for debt in still
        ]
        return self.say(
            CaseSuspended(
                actor=actor or self.officer(),
                reason=reason,
                until=waits.due,
                words=None if reason == "sender" else self.words(),
                ends=[Ended(id=debt.started.id, how="paused") for debt in still],
                starts=[waits],
            )
        )

    def resume(self, reason: Any) -> Record:
        """The clock runs again: what stood still goes on with the time it had left."""
        ends = self.ends("lapsed" if reason == "lapsed" else "met", "reply", "pause")
        starts = [
            self.begin(
                debt.started.kind,
                debt.started.owner,
                since=debt.started.since,
                start=self.now,
                seconds=debt.seconds,
            )
            for debt in self.still
        ]
        self.still = []
        actor = self.officer() if reason in {"by_hand", "answered"} else None
        return self.say(CaseResumed(actor=actor, reason=reason, ends=ends, starts=starts))

    def extend(self) -> Record:
        """The department asks for more time."""
        debt = self.owes("resolve")
        assert debt is not None
        due = self.town.hours.after(debt.started.due, self.town.limits["extension"])
        starts = [self.begin("extension", f"{self.department}/leader", seconds=self.town.limits["decide"])]
        return self.say(
            ExtensionAsked(actor=self.officer(), limit="5wd", due=due, words=self.words(), starts=starts)
        )

    def decide_extension(self, *, granted: bool) -> Record:
        """More time is given or not."""
        ends = self.ends("met", "extension")
        starts: list[Started] = []
        due = None
        if granted:
            for debt in [debt for debt in self.debts.values() if debt.started.kind in {"resolve", "promise"}]:
                began, more = debt.started, debt.seconds + self.town.limits["extension"]
                ends.append(Ended(id=began.id, how="extended", late=self.now > began.due))
                start = self.begin(began.kind, began.owner, since=began.since, start=debt.begin, seconds=more)
                starts.append(start)
                due = start.due if began.kind == "resolve" else due
        return self.say(ExtensionDecided(actor="leader", granted=granted, due=due, ends=ends, starts=starts))

    def assist(self, department: str) -> str:
        """Another department is asked to help."""
        start = self.begin("assist", department)
        self.say(
            AssistAsked(
                actor=self.officer(),
                assist=start.id,
                department=department,
                words=self.words(),
                starts=[start],
            )
        )
        return start.id

    def assisted(self, assist: str) -> Record:
        """It has."""
        debt = self.debts[assist]
        ended = Ended(id=assist, how="met", late=self.town.flagged and debt.is_over(self.now))
        given = AssistGiven(
            actor=self.officer(debt.started.owner),
            assist=assist,
            department=debt.started.owner,
            outcome="given",
            words=self.words(),
            ends=[ended],
        )
        return self.say(given)

    def solve(self, *, actor: str | None = None) -> Record:
        """The department says that the matter is solved, and what shows it."""
        return self.say(CaseSolved(actor=actor or self.officer(), words=self.words()))

    def draft(self, *, actor: str | None = None, resolved: bool = False) -> Record:
        """An answer is written and waits for its sign-off."""
        starts = [self.begin("signoff", f"{self.department}/head")]
        return self.say(
            AnswerDrafted(actor=actor or self.officer(), words=self.words(), resolved=resolved, starts=starts)
        )

    def answer(
        self,
        *,
        final: bool = True,
        resolved: bool = False,
        actor: str | None = None,
        drafted_by: str | None = None,
    ) -> Record:
        """An answer to the sender; the final one asks whether it helped, by mail or by a call."""
        actor = actor or self.officer()
        if not final:
            ends = self.ends("met", "contact")
            return self.say(CaseAnswered(actor=actor, words=self.words(), final=False, ends=ends))
        if self.still:
            self.resume("answered")
        ends = self.ends("met", "dispatch", "contact", "resolve", "promise", "signoff")
        ends += self.ends("cancelled", "accept", "extension", "assist")
        by_call = not self.can_mail and not self.anonymous
        kind, owner = ("callback", self.department or COORDINATOR) if by_call else ("silence", COORDINATOR)
        return self.say(
            CaseAnswered(
                actor=actor,
                words=self.words(),
                final=True,
                resolved=resolved,
                drafted_by=drafted_by,
                ends=ends,
                starts=[self.begin(kind, owner)],
            )
        )
