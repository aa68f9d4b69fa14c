"""Which aggregate an entry belongs to, and how its state follows from its entries: of every room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.audit.facts.fact import KIND as FACT
from services.audit.following.ticks import KIND as TICK
from services.audit.keys import KIND as TRAIL
from services.audit.supervision.exclusion import KIND as EXCLUSION
from services.audit.supervision.finding import KIND as FINDING
from services.audit.supervision.order import KIND as ORDER
from services.audit.supervision.probe import KIND as PROBE
from services.audit.supervision.sample import KIND as SAMPLE
from services.intake.message import messages
from services.notify.delivery import KIND as DELIVERY
from services.notify.digest import KIND as DIGEST
from services.notify.holding import HOLD
from services.routing.erasing.erasure import ERASURE_KIND
from services.routing.erasing.holds import KIND as LEGAL_HOLD
from services.routing.handlers import CASE_KIND
from services.routing.published import KEPT, ORGANISATION
from shared.aggregate import Kind
from shared.events.envelope import TYPE_PREFIX
from shared.rights.accounts import ACCOUNT_KIND, KEY_KIND

BY_TYPE: dict[str, Kind[Any]] = {
    "case.": CASE_KIND,
    "message.": messages(timedelta()),  # when one is sent again is no part of its state
    "delivery.": DELIVERY,
    "digest.": DIGEST,
    "account.key_issued": KEY_KIND,
    "account.": ACCOUNT_KIND,
    "organisation.published": ORGANISATION,
    "organisation.calendars_kept": KEPT,
    "trail.key_": TRAIL,
    "trail.ticked": TICK,
    "fact.": FACT,
    "finding.": FINDING,
    "order.": ORDER,
    "exclusion.": EXCLUSION,
    "sample.": SAMPLE,
    "probe.": PROBE,
    "sending.": HOLD,
    "erasure.hold_": LEGAL_HOLD,
    "erasure.": ERASURE_KIND,
}
"""The kind of an aggregate by what its first event's type begins with; the first that fits."""

UNSPOKEN: dict[str, frozenset[str]] = {
    ACCOUNT_KIND.collection.name: frozenset({"password_hash"}),
    KEY_KIND.collection.name: frozenset({"secret_hash"}),
    ERASURE_KIND.collection.name: frozenset({"plan"}),
    KEPT.collection.name: frozenset({"usual", "own", "kept"}),
}
"""Fields that are never among an event's bytes, and so can't follow from the trail (`Unspoken`), by collection."""


def kind_of(first: str) -> Kind[Any] | None:
    """The kind of an aggregate whose first event has this type; None for one that this version does not know."""
    name = first.removeprefix(TYPE_PREFIX)
    return next((kind for begins, kind in BY_TYPE.items() if name.startswith(begins)), None)
