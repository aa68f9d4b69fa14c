"""Who has how long for what (mechanism M14)."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from pydantic import Field

from shared.calendar import Limit
from shared.events.cases import CaseClass
from shared.events.messages import Kind
from shared.organisation.part import Part, Slug

Owed = Literal["dispatch", "accept", "contact", "resolve", "callback", "silence"]
OWED: tuple[Owed, ...] = get_args(Owed)
"""What every kind of case must have a limit for."""

SenderKind = Literal["citizen", "enterprise", "staff", "association"]


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

    returns: Limit | None = None
    """How long after its assignment a department may return a case; where absent, as long as it has not answered."""
    visit: Limit | None = None
    """How long it may after somebody went to look."""
    assist: Limit | None = None
    reply: Limit | None = None
    """How long a case waits for the sender's reply before it goes on without."""
    decide: Limit | None = None
    """How long whoever is asked for more time has to grant or refuse it."""
    extension: Limit | None = None
    """How much more time an extension gives."""
    signoff: Limit | None = None
    review: Limit | None = None
    """How long another person has to look at a sender's "no"."""
    opinion: Limit | None = None
    explain: Limit | None = None
    """How long a department has to say how it came to what supervision found."""
    inspect: Limit | None = None
    """How long after an answer somebody looks whether what is called solved is; where absent, nobody does."""

    def over(self, general: Limits) -> Limits:
        """These limits, completed from more general ones."""
        return general.model_copy(update={name: value for name, value in self if value is not None})

    def settings(self) -> set[str]:
        """The names of the limits that are set."""
        return {name for name, value in self if value is not None}


USUAL = Limits.model_validate(
    {
        "assist": "2wd",
        "reply": "5wd",
        "decide": "4wh",
        "extension": "5wd",
        "signoff": "4wh",
        "review": "2wd",
        "opinion": "1wd",
        "explain": "2wd",
    }
)
"""What holds where an organisation says nothing."""


class Facts(NamedTuple):
    """What a case's limits depend on."""

    kind: Kind
    category: str | None = None
    sender: str | None = None
    urgent: bool = False
    case_class: CaseClass | None = None


class SpecialLimits(Part):
    """Limits of certain cases. All sets that fit a case are laid over one another, the later over the earlier.

    A condition that is absent fits every case.
    """

    kinds: tuple[Kind, ...] = ()
    categories: tuple[Slug, ...] = ()
    """Ids of duties."""
    senders: tuple[SenderKind, ...] = ()
    urgent: bool | None = None
    classes: tuple[CaseClass, ...] = ()
    limits: Limits = Limits()
    ladder: Slug | None = None
    """Which of `ladders` these cases climb."""
    extensions: int | None = Field(None, ge=0, le=10)
    """How often they may be extended."""

    def fit(self, facts: Facts) -> bool:
        """Whether they hold for such a case."""
        return (
            (not self.kinds or facts.kind in self.kinds)
            and (not self.categories or facts.category in self.categories)
            and (not self.senders or facts.sender in self.senders)
            and (self.urgent is None or facts.urgent == self.urgent)
            and (not self.classes or facts.case_class in self.classes)
        )

    def covers(self, other: SpecialLimits) -> bool:
        """Whether they fit every case that those fit, and set all that those set: laid over them, they hide them."""
        return (
            _within(other.kinds, self.kinds)
            and _within(other.categories, self.categories)
            and _within(other.senders, self.senders)
            and _within(other.classes, self.classes)
            and self.urgent in {None, other.urgent}
            and other.settings() <= self.settings()
        )

    def settings(self) -> set[str]:
        """The names of what they set: limits, `ladder`, `extensions`."""
        own = {name for name in ("ladder", "extensions") if getattr(self, name) is not None}
        return own | self.limits.settings()


def _within(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


class Conditions(Part):
    """What holds for cases of certain facts: limits, ladder, how often they may be extended."""

    limits: Limits
    ladder: str | None = None
    extensions: int = 1
