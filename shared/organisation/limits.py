"""Who has how long for what (mechanism M14)."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from shared.calendar import Limit
from shared.organisation.part import Part

Owed = Literal["dispatch", "accept", "contact", "resolve", "callback", "silence"]
OWED: tuple[Owed, ...] = get_args(Owed)

CaseClass = Literal["urgent", "major"]


class Limits(Part):
    """Limits by what is owed; one that is absent is taken from the next more general set."""

    dispatch: Limit | None = None
    accept: Limit | None = None
    contact: Limit | None = None
    resolve: Limit | None = None
    callback: Limit | None = None
    silence: Limit | None = None
    """How long a sender may stay silent after an answer before the case is closed by silence."""

    promise: Limit | None = None
    """What the sender is promised, from arrival; where absent, as long as `resolve`."""

    def over(self, general: Limits) -> Limits:
        """These limits, completed from more general ones."""
        return general.model_copy(update={name: value for name, value in self if value is not None})


class KindLimits(Part):
    """The limits of a kind, and what a class of case changes in them."""

    limits: Limits = Limits()
    classes: dict[CaseClass, Limits] = Field(default_factory=dict)
