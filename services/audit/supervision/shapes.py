"""What a page or the API shows of findings, orders, exclusions, samples and probes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.audit.supervision.exclusion import State as ExclusionState
from services.audit.supervision.finding import State as FindingState
from services.audit.supervision.order import State as OrderState
from services.audit.supervision.probe import State as ProbeState
from services.audit.supervision.sample import State as SampleState
from shared.events.findings import Dismissal, Evidence, Figure, Measure

_REF = ["K7QM-2XPA-B"]
Ref = Annotated[str | None, Field(description="The ref of the case that it is about", examples=_REF)]


class ListedFinding(BaseModel):
    """A finding as it stands in a list."""

    id: str
    check: str = Field(examples=["late"])
    state: FindingState
    case: Ref
    department: str | None = Field(description="Who is asked to explain it", examples=["housing"])
    since: datetime = Field(description="From when on it could be seen")
    raised: datetime
    due: datetime | None = Field(description="Until when the department explains it")
    left_out: bool = Field(description="Its case is left out of the figures")


class FindingList(BaseModel):
    """A page of findings, the latest first."""

    findings: list[ListedFinding]
    next: str | None = Field(None, description="`cursor` of the following page")


class Decision(BaseModel):
    """What a person decided, and why."""

    outcome: str = Field(examples=["confirmed"])
    reason: Dismissal | Measure | None = None
    by: str
    at: datetime
    text: str | None = Field(description="None where it was erased")


class Answered(BaseModel):
    """What the department says."""

    by: str
    department: str = Field(examples=["housing"])
    at: datetime
    text: str | None = Field(description="None where it was erased")


class ShownFinding(ListedFinding):
    """Everything of a finding that the asker may see."""

    version: int = Field(description="Of the check")
    parameters: str = Field(description="The digest of the parameters that it ran with")
    person: str | None = Field(description="The officer whom it is about, for those who judge or lead")
    as_of: int = Field(description="The size of the tree in which it was seen")
    evidence: list[Evidence]
    figures: list[Figure]
    explanation: Answered | None
    decision: Decision | None
    orders: list[str] = Field(description="Orders that followed from it, by their ids")
    possible: list[Literal["confirm", "dismiss", "order"]] = Field(description="What the asker may do now")
    waits: str | None = Field(description="Why it can't be confirmed yet")


class ListedOrder(BaseModel):
    """An order as it stands in a list."""

    id: str
    case: Ref
    department: str = Field(examples=["housing"])
    state: OrderState
    issued: datetime
    due: datetime | None = Field(
        description="Until when it is put right; none before the case has taken it up"
    )
    refusals: int = Field(description="How often what was put right was not enough")
    measure: Measure | None


class OrderList(BaseModel):
    """A page of orders, the latest first."""

    orders: list[ListedOrder]
    next: str | None = Field(None, description="`cursor` of the following page")


class Step(BaseModel):
    """One thing that happened to an order."""

    what: Literal["issued", "answered", "accepted", "refused", "concluded"]
    by: str
    at: datetime
    text: str | None = Field(description="None where it was erased")
    limit: str | None = Field(None, description="How long it had from then on", examples=["5wd"])
    measure: Measure | None = None


class ShownOrder(ListedOrder):
    """Everything of an order."""

    finding: str | None = Field(description="The finding that it follows from")
    limit: str = Field(examples=["5wd"])
    steps: list[Step]
    possible: list[Literal["accept", "refuse", "conclude"]] = Field(description="What the asker may do now")


class ShownExclusion(BaseModel):
    """That a case be left out of the figures: asked for by one person, decided by another."""

    id: str
    case: Ref
    state: ExclusionState
    asked_by: str
    asked: datetime
    reason: str | None = Field(description="Why, in the words of who asked; none where they were erased")
    decided_by: str | None
    words: str | None = Field(description="What was said to the decision")


class ExclusionList(BaseModel):
    """A page of them, the latest first."""

    exclusions: list[ShownExclusion]
    next: str | None = Field(None, description="`cursor` of the following page")
    left_out: int = Field(description="How many cases are left out of the figures")


class ShownSample(BaseModel):
    """Cases drawn at random by a checkpoint that nobody knew when the sample was announced."""

    id: str
    state: SampleState
    by: str
    announced: datetime
    count: int = Field(description="How many are drawn")
    since: datetime
    until: datetime
    department: str | None
    size: int = Field(description="A checkpoint of more entries than this draws")
    of: int = Field(description="How many cases there were to draw from")
    cases: list[str] = Field(description="The refs of the drawn cases", examples=[_REF])
    checkpoint: str | None = Field(description="The one that drew them, as it was signed")


class SampleList(BaseModel):
    """A page of samples, the latest first."""

    samples: list[ShownSample]
    next: str | None = Field(None, description="`cursor` of the following page")


class ShownProbe(BaseModel):
    """A test message; only those who supervise learn which."""

    id: str
    state: ProbeState
    by: str
    planted: datetime
    commitment: str
    case: Ref
    words: str | None = Field(description="What was seen")


class ProbeList(BaseModel):
    """A page of probes, the latest first."""

    probes: list[ShownProbe]
    next: str | None = Field(None, description="`cursor` of the following page")
