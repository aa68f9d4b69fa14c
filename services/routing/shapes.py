"""What a page or the API shows of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.routing.account import Account
from services.routing.case import State
from shared.content.words import Sender
from shared.events.cases import Outcome
from shared.events.messages import Channel, Kind
from shared.events.obligations import Action, ObligationKind


class ListedCase(BaseModel):
    """A case as it stands in a list."""

    id: str
    ref: str
    kind: Kind
    channel: Channel
    state: State
    department: str | None = Field(description="Who leads it; none while the coordinator must dispatch it")
    arrived: datetime
    promise: datetime | None
    due: datetime | None = Field(description="When the next thing is owed")
    owes: ObligationKind | None = Field(description="What is owed then")
    overdue: bool = Field(description="That instant has passed")
    breached: bool = Field(description="Something of it was ever late; nothing erases that")
    returned_by: str | None
    closed: datetime | None
    outcome: Outcome | None


class CaseList(BaseModel):
    """A page of cases: open ones by what is owed next, then closed ones, the latest first."""

    cases: list[ListedCase]
    next: str | None = Field(None, description="`cursor` of the following page")
    count: int = Field(description="How many there are")
    at_least: bool = Field(False, description="There are more than `count` says: counting stopped there")


class Owed(BaseModel):
    """Somebody owes something by a time."""

    id: str
    kind: ObligationKind
    owner: str
    since: datetime
    due: datetime
    limit: str
    binding: bool
    overdue: bool
    breached: bool
    next_action: Action | None
    next_at: datetime | None


class ShownFile(BaseModel):
    """A file that came with a message; `number` is its place in the address it is fetched from."""

    number: int
    name: str
    content_type: str
    size: int


class ShownMessage(BaseModel):
    """A message of the case, with its words where they still stand and the asker may see them."""

    id: str
    channel: Channel
    at: datetime
    verified: bool = Field(description="It is known to come from the case's sender")
    how: Literal["opened", "token", "thread", "hint"]
    subject: str | None = None
    text: str | None = None
    quoted: str | None = None
    sender: Sender | None = None
    attachments: list[ShownFile] = []
    original: int | None = Field(
        None,
        description="Bytes of the message as it came, where there is such an original and the asker may see it",
    )
    gone: bool = Field(False, description="Its content was erased")


class Explanation(BaseModel):
    """Why a department, or the coordinator, got the case."""

    by: str
    rule: str | None = None
    department: str | None = None
    words: list[str] = []
    score: int | None = None
    alternatives: dict[str, int] = {}


class Entry(BaseModel):
    """One event of the case: what happened, when, by whom. `data` is the event's own, without content."""

    sequence: int
    type: str
    at: datetime
    actor: str | None = None
    text: str | None = Field(None, description="What was written with it")
    data: dict[str, Any]


class ShownCase(ListedCase):
    """Everything of a case that the asker may see."""

    version: int
    language: str
    can_mail: bool
    anonymous: bool
    related: str | None = Field(None, description="The ref of a closed case on whose thread it came")
    obligations: list[Owed]
    explanation: Explanation | None
    messages: list[ShownMessage]
    timeline: list[Entry]
    account: Account = Field(
        description="Who had it when, what counted, and why each deadline ends when it ends"
    )
    commands: list[str] = Field(description="What may be done now, by those whose turn it is")


class TrackedEntry(BaseModel):
    """What the sender hears of their case."""

    what: Literal[
        "received",
        "assigned",
        "question",
        "interim_answer",
        "answer",
        "feedback",
        "reopened",
        "declined",
        "closed",
    ]
    at: datetime
    department: str | None = None
    text: str | None = Field(None, description="What was written, by the sender or to them")
    attachments: list[str] = Field([], description="Names of the files that came with it")


class TrackedCase(BaseModel):
    """The sender's view of a case."""

    ref: str
    state: State | Literal["under_review"] = Field(
        description="`under_review`: an officer must see first whether the message belongs to this case"
    )
    kind: Kind | None = None
    department: str | None = Field(None, description="Its name, in the case's language")
    arrived: datetime | None = None
    promise: datetime | None = None
    outcome: Outcome | None = None
    entries: list[TrackedEntry] = []
    asks_feedback: bool = Field(False, description="An answer was sent: is the matter solved?")
