"""What a page or the API shows of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.routing.account import Account
from services.routing.case import State
from shared.content.words import Option, Sender
from shared.events.cases import CaseClass, Outcome, PauseReason
from shared.events.linked import Relation
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
    category: str | None = Field(
        description="The duty of the organisation file that it falls under, by its id"
    )
    urgent: bool
    case_class: CaseClass | None = Field(description="Especially major, hard, cross-department, external")
    suspended: bool = Field(description="Its clock stands still")
    arrived: datetime
    promise: datetime | None
    due: datetime | None = Field(description="When the next thing is owed")
    owes: ObligationKind | None = Field(description="What is owed then")
    overdue: bool = Field(description="That instant has passed")
    breached: bool = Field(description="Something of it was ever late; nothing erases that")
    returned_by: str | None
    asked: list[str] = Field(description="Whose part or opinion is awaited")
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
    owner: str = Field(
        description="A department's id, `coordinator`, `sender`, or a post such as `housing/head`"
    )
    owner_names: dict[str, str] = Field(
        description="By language: the department's names, or the names of who is in the post"
    )
    yours: bool = Field(description="It is the asker's to do")
    since: datetime
    due: datetime
    limit: str
    binding: bool
    overdue: bool
    breached: bool
    about: str | None = Field(description="The finding or order that it is owed for")
    next_action: Action | None
    next_at: datetime | None


class ShownFile(BaseModel):
    """A file that came with a message or was given with a command; `number` is its place in the address it is
    fetched from."""

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


class ShownErasure(BaseModel):
    """What was said in the case, or part of it, was erased."""

    at: datetime
    ground: Literal["asked", "retention", "court"]


class Entry(BaseModel):
    """One event of the case: what happened, when, by whom. `data` is the event's own, without content."""

    sequence: int
    type: str
    at: datetime
    actor: str | None = None
    text: str | None = Field(None, description="What was written with it")
    options: list[Option] = Field([], description="The ways to go on that were put to somebody with it")
    preferred: int | None = Field(None, description="Which of the options is preferred, counted from 1")
    files: list[ShownFile] = Field([], description="What was given with it")
    gone: bool = Field(False, description="Something was written with it, and was erased")
    data: dict[str, Any]


class ShownPause(BaseModel):
    """The clock stands still."""

    reason: PauseReason
    since: datetime
    until: datetime = Field(description="At the latest")
    text: str | None = Field(description="What was written when it was suspended")


class AskedExtension(BaseModel):
    """More time was asked for, and nobody has decided yet."""

    until: datetime = Field(description="When the case would have to be resolved then")
    by: str | None = Field(description="Who asked")
    text: str | None


class ShownDraft(BaseModel):
    """A final answer that waits for its sign-off."""

    text: str | None
    by: str | None = Field(description="Who wrote it; another person signs it off")
    resolved: bool


class ShownAssist(BaseModel):
    """What another department was asked to help with, and its part."""

    id: str = Field(description="The obligation to assist")
    department: str
    since: datetime
    due: datetime
    state: Literal["open", "given", "declined", "released", "cancelled"]
    asked: str | None = Field(description="What it was asked")
    given: str | None = Field(None, description="Its part, or why it can't help")


class ShownOpinion(BaseModel):
    """What somebody was asked for an opinion on, and the answer."""

    id: str = Field(description="The obligation to give the opinion")
    to: str = Field(description="A department's id, or a post such as `housing/leader`")
    by: str | None = Field(description="Who asked")
    since: datetime
    due: datetime
    state: Literal["open", "given", "cancelled"]
    text: str | None
    options: list[Option]
    preferred: int = Field(description="Which of the options who asked prefers, counted from 1")
    choice: int | None = Field(None, description="The option that was chosen, counted from 1")
    answer: str | None = None


class ShownDemand(BaseModel):
    """What supervision asked a department of a case, and what it was answered."""

    about: str = Field(description="The finding that is to be explained, or the order")
    kind: Literal["explain", "rectify"]
    department: str = Field(description="Or `coordinator`")
    since: datetime
    due: datetime
    state: Literal["open", "given", "dropped"] = "open"
    again: bool = Field(False, description="What was put right before was not enough")
    check: str | None = Field(None, description="The check that found it, by its name")
    asked: str | None = Field(description="What must be put right")
    given: str | None = Field(None, description="The department's answer")


class CaseLink(BaseModel):
    """Another case that this one has to do with."""

    ref: str
    relation: Relation | Literal["thread", "merged_into", "joined"] = Field(
        description="What the other is to this one. `thread`: a closed case on whose thread it came"
    )
    open: bool = Field(False, description="The asker may see it")


class ShownCase(ListedCase):
    """Everything of a case that the asker may see."""

    version: int
    language: str
    can_mail: bool
    anonymous: bool
    category_names: dict[str, str] = Field(
        description="The duty's names, by language; none without a category"
    )
    scope: Literal["external", "internal"]
    sender_kind: str | None
    pause: ShownPause | None
    extension: AskedExtension | None
    draft: ShownDraft | None
    assists: list[ShownAssist]
    opinions: list[ShownOpinion]
    demands: list[ShownDemand] = Field(description="What supervision asks")
    helpers: list[str] = Field(description="Departments that were ever asked to assist or for an opinion")
    links: list[CaseLink]
    returns: int = Field(description="How often departments have returned it")
    extensions: int = Field(description="How often more time was granted")
    answered_by: str | None = Field(description="Who gave the last final answer: another person reviews it")
    solved: bool = Field(description="The department says that the matter itself is solved")
    contested: Outcome | None = Field(description="The end that the sender did not agree with")
    obligations: list[Owed]
    explanation: Explanation | None
    sender_closed: bool = Field(
        False, description="The asker may see who sent it, once they have said why: `open-sender`"
    )
    erased: ShownErasure | None = Field(None, description="When something of it was last erased, and why")
    messages: list[ShownMessage]
    timeline: list[Entry]
    account: Account = Field(
        description="Who had it when, what counted, and why each deadline ends when it ends"
    )
    commands: list[str] = Field(description="What the asker may do now")
