"""Reading mail: from bytes to what was said. Pure functions: no network, no store, no clock.

`read_mail` takes a mail apart, `visible_reply` sets aside what it quotes, `automatic` says whether a
machine sent it and `acknowledgeable` whether a machine may answer it.
"""

from services.intake.mail.automatic import Automatic, acknowledgeable, automatic, via_list
from services.intake.mail.bounce import Bounce
from services.intake.mail.message import DEFECTS, Address, Attachment, Mail
from services.intake.mail.read import read_mail
from services.intake.mail.reply import Reply, visible_reply

__all__ = [
    "DEFECTS",
    "Address",
    "Attachment",
    "Automatic",
    "Bounce",
    "Mail",
    "Reply",
    "acknowledgeable",
    "automatic",
    "read_mail",
    "via_list",
    "visible_reply",
]
