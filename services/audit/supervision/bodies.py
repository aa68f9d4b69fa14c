"""What requests of supervision say."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from shared.calendar import Limit
from shared.events.findings import Dismissal, Measure

MOST_DAYS = 90
"""Nothing is put right in a longer time than that."""


def _trimmed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds halves of characters, which are no text")
    return text.strip()


def _limit(text: str) -> str:
    limit = Limit.parse(text)
    if (limit.counts_days and limit.number > MOST_DAYS) or (
        not limit.counts_days and limit.seconds > MOST_DAYS * 86_400
    ):
        raise ValueError(f"nobody has more than {MOST_DAYS} days: name a shorter time")
    return str(limit)


Said = Annotated[
    str,
    BeforeValidator(_trimmed),
    Field(min_length=1, max_length=20_000, description="In your own words; kept as content"),
]
For = Annotated[
    str, AfterValidator(_limit), Field(max_length=20, description="How long it has", examples=["5wd"])
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Confirmation(_Body):
    """A finding is so."""

    text: Said


class Dismissed(_Body):
    """A finding is not so, or not to be blamed on anybody."""

    reason: Dismissal
    text: Said


class NewOrder(_Body):
    """Something must be put right."""

    case: str = Field(max_length=40, description="The case's ref", examples=["K7QM-2XPA-B"])
    department: str = Field(max_length=40, examples=["housing"])
    limit: For
    text: Said
    finding: str | None = Field(None, max_length=80, description="The finding that it follows from")


class Acceptance(_Body):
    """It is put right."""

    text: Said


class Refusal(_Body):
    """It is not put right yet."""

    limit: For
    text: Said


class Conclusion(_Body):
    """What follows for those who answer for it."""

    measure: Measure
    text: Said


class NewExclusion(_Body):
    """A case is to be left out of the figures."""

    case: str = Field(max_length=40, description="The case's ref", examples=["K7QM-2XPA-B"])
    text: Said


class ExclusionDecision(_Body):
    """Leave it out, or not."""

    granted: bool
    text: Said


class NewSample(_Body):
    """Draw so many of the cases that were closed in a time."""

    count: int = Field(ge=1, le=1000, description="How many")
    since: AwareDatetime = Field(examples=["2026-09-01T00:00:00+08:00"])
    until: AwareDatetime = Field(examples=["2026-10-01T00:00:00+08:00"])
    department: str | None = Field(None, max_length=40, description="Only cases that it led last")


class NewProbe(_Body):
    """The message that opened a case is a test."""

    case: str = Field(max_length=40, description="The case's ref", examples=["K7QM-2XPA-B"])


class Revelation(_Body):
    """What was seen of a probe."""

    text: Said
