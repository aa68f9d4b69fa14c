"""What a command is, and what its decision rests on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.routing.case import Case
from services.routing.desk import Desk, facts_of
from services.routing.obligation import COORDINATOR, Obligation, ended, ending
from shared.calendar import Limit
from shared.content.files import MAX_FILES, FileBody
from shared.content.words import Note
from shared.events.cases import CaseEvent, CaseQueued
from shared.events.content import ContentRef
from shared.events.obligations import Ended, Notice, ObligationKind, Started

OF_THE_DEPARTMENT: tuple[ObligationKind, ...] = ("accept", "contact", "resolve")
"""What a department owes from the moment a case is assigned to it."""
_OF_A_POST = frozenset({"holder", "deputy", "head", "leader"})


def _trimmed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds halves of characters, which are no text")
    return text.strip()


Text = Annotated[
    str, BeforeValidator(_trimmed), Field(max_length=20_000, description="In your own words; kept as content")
]
Said = Annotated[Text, Field(min_length=1)]


class Refused(Exception):
    """A rule does not allow the command. `code` names the rule, `text` says it and what can be done."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Other:
    """Another case that a command names."""

    id: str
    ref: str
    is_open: bool


@dataclass(slots=True)
class Now:
    """What a decision rests on besides the case and the command."""

    desk: Desk
    at: datetime
    words: ContentRef | None = None
    """What was written with the command, kept as content."""
    actor: str | None = None
    other: Other | None = None
    part: str = ""
    """The id of the case that a split would open."""
    begun: int = 0
    """How many obligations this decision has begun so far: their numbers have no holes."""

    @property
    def said(self) -> ContentRef:
        """The words of a command that can't do without."""
        assert self.words is not None
        return self.words

    def starts(
        self, case: Case, *kinds: ObligationKind, owner: str | None = None, since: datetime | None = None
    ) -> list[Started]:
        """What is owed from here on: by whoever holds the case, where no other owner is named."""
        first = case.started + 1 + self.begun
        begun = self.desk.starts(facts_of(case), owner or case.holder, since or self.at, first, *kinds)
        self.begun += len(begun)
        return begun

    def until(
        self, case: Case, kind: ObligationKind, owner: str, limit: Limit, *, about: str | None = None
    ) -> Started:
        """One thing that is owed under a limit which whoever asks for it has named; `about` a finding or an order."""
        number = case.started + 1 + self.begun
        self.begun += 1
        return self.desk.start(facts_of(case), kind, owner, self.at, limit=limit, number=number, about=about)

    def again(
        self, case: Case, one: Obligation, end: datetime, *, paused: int = 0, anew: bool = False
    ) -> Started:
        """The same owed with another end; its ladder begins `anew`, but for reminders that would lie in the past."""
        number = case.started + 1 + self.begun
        self.begun += 1
        return self.desk.again(one, number, end=end, paused=paused, passed=self.at if anew else None)

    def ends(self, case: Case, how: Any, *kinds: ObligationKind) -> list[Ended]:
        """The end of those of these kinds that are open; where none is named, of all but what supervision asks."""
        return ending(case.obligations, self.at, how, *kinds)

    def end(self, one: Obligation, how: Any) -> Ended:
        """The end of one."""
        return ended(one, self.at, how)

    def tell(
        self, case: Case, posts: Sequence[str], owner: str | None = None, *, digest: bool = False
    ) -> list[Notice]:
        """Those in certain posts are told, but for whoever gives the command."""
        office = owner or case.holder
        people = [one for one in self.desk.people(posts, office) if one != self.actor]
        return self.desk.notices(people, office, self.at, urgent=case.urgent, digest=digest)

    def require_department(self, department: str) -> None:
        """Raises Refused where there is none such."""
        if not self.desk.has(department):
            raise Refused("no-such-department", f"The organisation has no department {department!r}.")

    def require_own(self, department: str) -> None:
        """Raises Refused where somebody speaks for a department that is not theirs; a machine speaks for any."""
        if self.actor not in self.desk.organisation.person:
            return
        if self.actor not in self.desk.people(["holder", "deputy", "head"], department):
            raise Refused("not-your-part", f"{department} owes that part, and only its own people give it.")

    def require_limit(self, kind: ObligationKind, case: Case) -> Limit:
        """How long somebody has for that. Raises Refused where the organisation sets no limit."""
        if (limit := self.desk.limit(kind, facts_of(case))) is None:
            raise Refused(
                "no-limit",
                f"The organisation file sets no limit for `{kind}` in such cases, so it can't be asked for.",
            )
        return limit

    def require_other(self, *, open_: bool) -> Other:
        """The other case. Raises Refused where the command may not name it."""
        assert self.other is not None
        if open_ and not self.other.is_open:
            raise Refused(
                "other-closed", f"{self.other.ref} is closed: reopen it first, or name another case."
            )
        return self.other


class Command(BaseModel):
    """What somebody wants done with a case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text = ""

    @property
    def attached(self) -> Sequence[FileBody]:
        """Files that were given with it."""
        return ()

    @property
    def content(self) -> BaseModel | None:
        """What is kept as content of what was written."""
        return Note(text=self.text) if self.text else None

    @property
    def other_ref(self) -> str | None:
        """The ref of another case that it names."""
        return None

    @property
    def ends_pause(self) -> bool:
        """Whether a suspended case's clock must run again first."""
        return False

    @abstractmethod
    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        """What follows. Raises Refused; the table has already said that the case's state allows it."""


class WithFiles(Command):
    """One that files can be given with: what shows that it is done, say."""

    files: tuple[FileBody, ...] = Field(
        (), max_length=MAX_FILES, description="What shows it; kept as content"
    )

    @property
    def attached(self) -> Sequence[FileBody]:
        return self.files

    @property
    def content(self) -> Note | None:
        return Note(text=self.text) if self.text or self.files else None


class EndsPause(Command):
    """One that takes the matter on from where it stood still."""

    @property
    def ends_pause(self) -> bool:
        return True


def owner_of(case: Case, post: str) -> str:
    """A post as the owner of what it owes: one of the office that holds the case, or of the whole organisation."""
    return f"{case.holder}/{post}" if post in _OF_A_POST else post


def taken_up_again(case: Case, now: Now, *begins: ObligationKind) -> tuple[list[Started], list[CaseEvent]]:
    """What is owed when a case goes on after its answer: by its department, or else it waits for the coordinator."""
    if case.department is not None:
        return now.starts(case, *begins), []
    return [], [CaseQueued(reason="reopened", starts=now.starts(case, "dispatch", owner=COORDINATOR))]
