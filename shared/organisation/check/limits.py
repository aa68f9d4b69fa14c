"""Every case has its limits, and every set of special limits has cases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import get_args

from shared.events.messages import Kind
from shared.organisation.check.found import Found, known
from shared.organisation.limits import OWED, Facts, SpecialLimits
from shared.organisation.model import Organisation


def cases_have_limits(organisation: Organisation) -> Found:
    """No combination of kind, duty, sender, urgency and class is without a limit for what it owes."""
    for kind in get_args(Kind):
        for facts in _cases(kind, organisation.special_limits):
            given = organisation.limits.settings().union(
                *(special.limits.settings() for special in organisation.special_limits if special.fit(facts))
            )
            if missing := [owed for owed in OWED if owed not in given]:
                what = f"cases of kind {kind}{_but_for_kind(facts)} have no limit for {', '.join(missing)}"
                yield ("limits",), what, f"Add `{missing[0]}:` here, or in `special_limits` for them"
                break


def _cases(kind: Kind, specials: tuple[SpecialLimits, ...]) -> Iterator[Facts]:
    """One of each sort that the conditions tell apart, an everyday case first."""
    categories = dict.fromkeys(name for special in specials for name in special.categories)
    senders = dict.fromkeys(name for special in specials for name in special.senders)
    classes = dict.fromkeys(name for special in specials for name in special.classes)
    urgencies = (False, True) if any(special.urgent is not None for special in specials) else (False,)
    sorts = product((None, *categories), (None, *senders), urgencies, (None, *classes))
    for category, sender, urgent, case_class in sorts:
        yield Facts(kind=kind, category=category, sender=sender, urgent=urgent, case_class=case_class)


def _but_for_kind(facts: Facts) -> str:
    said = [
        facts.category and f"about {facts.category}",
        facts.sender and f"from a sender of kind {facts.sender}",
        "urgent" if facts.urgent else None,
        facts.case_class and f"of class {facts.case_class}",
    ]
    return "".join(f", {one}" for one in said if one)


def special_limits_name_duties(organisation: Organisation) -> Found:
    """The categories of special limits are duties of departments."""
    for n, special in enumerate(organisation.special_limits):
        for m, category in enumerate(special.categories):
            if category not in organisation.duty:
                path = ("special_limits", n, "categories", m)
                yield path, f"there is no duty {category!r}", known(category, organisation.duty)


def special_limits_take_effect(organisation: Organisation) -> Found:
    """Each set sets something that no single later one always replaces."""
    for n, special in enumerate(organisation.special_limits):
        if not special.settings():
            yield ("special_limits", n), "it sets nothing", "Add `limits:`, `ladder:` or `extensions:`"
            continue
        later = organisation.special_limits[n + 1 :]
        hides = next((m for m, other in enumerate(later, n + 2) if other.covers(special)), None)
        if hides is not None:
            what = f"it never holds, for set {hides} of these fits all its cases and sets all that it sets"
            yield ("special_limits", n), what, "Put it after that one, or leave it out"
