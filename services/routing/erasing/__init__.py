"""Erasing what somebody said: what goes, what must stay and why, and that it is gone (DESIGN.md sections 5 and 7).

What goes is found first and written down, insert-once; then it is destroyed, with what derives from it; then the trail
says so. Whoever is cut off goes on with what was written down.
"""

from services.routing.erasing.erasing import Erasing
from services.routing.erasing.erasure import ERASURES
from services.routing.erasing.holds import HOLDS, Holds
from services.routing.erasing.reach import NobodyLikeThat, Wanted

COLLECTIONS = (ERASURES, HOLDS)

__all__ = ["COLLECTIONS", "ERASURES", "HOLDS", "Erasing", "Holds", "NobodyLikeThat", "Wanted"]
