"""What a bounce is about: the mails it names, whom they failed to reach, and whether for good.

Read from the report's own parts (RFC 3464) where it has any, else from the header of the returned mail and
the status codes in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.intake.mail.charsets import clean
from services.intake.mail.message import Attachment, Mail

_SCAN = 64 * 1024
RETURNED = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "text/rfc822",
)
_ID = re.compile(r"^[ \t>]*message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(r"^[ \t>]*received:[ \t]*\(?(?:from|by|qmail)\b", re.IGNORECASE | re.MULTILINE)
_STATUS_FIELD = re.compile(r"^status:[ \t]*([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(r"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(
    r"^(?:final|original)-recipient:[ \t]*(?:[a-z0-9-]+[ \t]*;)?[ \t]*<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"(?<![\d.])([45]\.[0-9]{1,2}\.[0-9]{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.:/-])(4[235][0-9]|5[0357][0-9])[ -](?=[#\d<A-Za-z])")
_SMTP = re.compile(
    r"(?<!\d)[45]\d\d[ -]#?[45]\.\d{1,2}\.\d{1,3}\b|\(#[45]\.\d{1,2}\.\d{1,3}\)|\bsaid:? [45]\d\d[ -]|\bsmtp error\b"
    r"|^[ \t]*<<<[ \t]*[45]\d\d|^[ \t]*(?:status(?: code)?|diagnostic-code):[ \t]*\S*[45][.\d]"
    r"|^[ \t]*5[0357]\d[ -].{0,100}(?:user|mailbox|recipient|relay|reject|block)",
    re.IGNORECASE | re.MULTILINE,
)
_SAYS_DELAYED = re.compile(
    r"still being retried|will (?:continue to )?(?:be )?(?:re)?tr(?:y|ied)"
    r"|could not send message for past|warning message only"
    r"|do not need to resend|delivery (?:is|has been) delayed|not yet been delivered|正在重试|延迟|延遲",
    re.IGNORECASE,
)
_SAYS_PERMANENT = re.compile(
    r"permanent (?:fatal )?error|failed permanently|user unknown|unknown user|no such user|does not exist"
    r"|收件人不存在|地址不存在|用户不存在",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """about: Message-IDs of the mails it returns. permanent: None where it doesn't say. status: RFC 3463,
    `5.1.1`."""

    about: tuple[str, ...] = ()
    permanent: bool | None = None
    status: str | None = None
    action: str | None = None
    recipients: tuple[str, ...] = ()


def read_bounce(mail: Mail) -> Bounce:
    """The facts of a mail known to be a bounce or a report."""
    report = "\n".join(_text(part) for part in mail.attachments if part.content_type.endswith("-status"))
    returned = "\n".join(_header(part) for part in mail.attachments if part.content_type in RETURNED)
    text = mail.text[:_SCAN]
    status = next(iter(_STATUS_FIELD.findall(report)), None) or next(iter(_STATUS.findall(text)), None)
    action = next(iter(_ACTION.findall(report)), "").lower() or None
    recipients = dict.fromkeys(_RECIPIENT.findall(report))
    if not recipients and (failed := mail.header("x-failed-recipients")):
        recipients = dict.fromkeys(address.strip() for address in failed.split(",") if "@" in address)
    return Bounce(
        about=_about(mail, returned, text),
        permanent=_permanent(status, action, text),
        status=status,
        action=action,
        recipients=tuple(recipients)[:50],
    )


def quotes_smtp(text: str) -> bool:
    """Whether the text quotes an SMTP reply to a failure, as people's letters and parcels don't."""
    return bool(_SMTP.search(text))


def names_mails(text: str) -> bool:
    """Whether the text holds the header of a mail, as bounces without parts do."""
    return bool(_ID.search(text) or _RECEIVED.search(text))


def _about(mail: Mail, returned: str, text: str) -> tuple[str, ...]:
    found = [given.strip("<>") for said in (returned, text) for given in _ID.findall(said)]
    if not found:
        found = [*([mail.in_reply_to] if mail.in_reply_to else []), *mail.references[-1:]]
    return tuple(dict.fromkeys(found))[:20]


def _permanent(status: str | None, action: str | None, text: str) -> bool | None:
    if action == "delayed" or _SAYS_DELAYED.search(text):
        return False
    if action == "failed" and status is None:
        return True
    if status is not None and status[0] in "45":
        return status[0] == "5" or action == "failed"
    codes: list[str] = _REPLY_CODE.findall(text)
    if codes:
        return codes[0][0] == "5"
    return True if _SAYS_PERMANENT.search(text) else None


def _header(part: Attachment) -> str:
    return _text(part).partition("\n\n")[0]


def _text(part: Attachment) -> str:
    return clean(part.content[:_SCAN].decode("utf-8", "replace"))
