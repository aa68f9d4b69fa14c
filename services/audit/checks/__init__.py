"""The supervision checks, one file each (mechanism M15). Pure."""

from __future__ import annotations

from typing import Any

from services.audit.checks.about_to_be_late import AboutToBeLate
from services.audit.checks.bad_manners import BadManners
from services.audit.checks.blocked_channel import BlockedChannel
from services.audit.checks.buck_passing import BuckPassing
from services.audit.checks.bursts import Bursts
from services.audit.checks.check import Check
from services.audit.checks.clock_abuse import ClockAbuse
from services.audit.checks.disagreement import Disagreement
from services.audit.checks.false_closure import FalseClosure
from services.audit.checks.form import Form
from services.audit.checks.hole import Hole
from services.audit.checks.hot_spot import HotSpot
from services.audit.checks.late import Late
from services.audit.checks.own_complaint import OwnComplaint
from services.audit.checks.perfunctory import Perfunctory
from services.audit.checks.repeated_complaint import RepeatedComplaint
from services.audit.checks.unreachable_sender import UnreachableSender

CHECKS: tuple[Check[Any], ...] = (
    Late(),
    AboutToBeLate(),
    BuckPassing(),
    ClockAbuse(),
    FalseClosure(),
    UnreachableSender(),
    OwnComplaint(),
    Perfunctory(),
    BadManners(),
    RepeatedComplaint(),
    HotSpot(),
    Form(),
    BlockedChannel(),
    Bursts(),
    Hole(),
    Disagreement(),
)
"""In the order in which they are listed for people."""
