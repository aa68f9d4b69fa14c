"""What follows the log with its own cursor: ticks, facts from content, the checks (mechanism M15).

Nothing of it is part of an append: entries never wait for it, and what it keeps can be made anew from them.
"""

from services.audit.following.follower import Follower
from services.audit.following.ticks import Ticks

__all__ = ["Follower", "Ticks"]
