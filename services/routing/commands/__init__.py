"""What people may do with a case. Pure: each command takes the case and the time, and says what follows.

A command that may not be done raises `Refused`, which names the rule. `table.py` says who may do what, and when.
"""

from services.routing.commands.answering import (
    MOST_TRIES,
    Answer,
    Ask,
    Contact,
    Inspect,
    Resolve,
    SendBack,
    SignOff,
)
from services.routing.commands.answering_for import Explain, Rectify
from services.routing.commands.assisting import Assist, Contribute, DeclineAssist, ReleaseAssist
from services.routing.commands.command import Command, Now, Other, Refused, WithFiles
from services.routing.commands.dispatching import (
    AnswerDirectly,
    Assign,
    Classify,
    Decline,
    RefuseReturn,
    UpholdReturn,
)
from services.routing.commands.ending import Close, Contest, Feedback, Reopen, Review
from services.routing.commands.leading import MOST_RETURNS, Accept, Return, Transfer
from services.routing.commands.linking import Link, Merge, Split
from services.routing.commands.pausing import Extend, GrantExtension, RefuseExtension, Resume, Suspend
from services.routing.commands.table import TABLE, Row, Who, decide, offered, row_of, stamped
from services.routing.commands.upwards import Advise, Consult, Escalate, Urge

__all__ = [
    "MOST_RETURNS",
    "MOST_TRIES",
    "TABLE",
    "Accept",
    "Advise",
    "Answer",
    "AnswerDirectly",
    "Ask",
    "Assign",
    "Assist",
    "Classify",
    "Close",
    "Command",
    "Consult",
    "Contact",
    "Contest",
    "Contribute",
    "Decline",
    "DeclineAssist",
    "Escalate",
    "Explain",
    "Extend",
    "Feedback",
    "GrantExtension",
    "Inspect",
    "Link",
    "Merge",
    "Now",
    "Other",
    "Rectify",
    "RefuseExtension",
    "RefuseReturn",
    "Refused",
    "ReleaseAssist",
    "Reopen",
    "Resolve",
    "Resume",
    "Return",
    "Review",
    "Row",
    "SendBack",
    "SignOff",
    "Split",
    "Suspend",
    "Transfer",
    "UpholdReturn",
    "Urge",
    "Who",
    "WithFiles",
    "decide",
    "offered",
    "row_of",
    "stamped",
]
