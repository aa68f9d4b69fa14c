"""`automatic`: whether a machine sent a mail, which kind of machine, and how we know.

A citizen's mail taken for a machine's would be lost to them, so words alone decide only where they stand
where mail programs put them and nothing else fits; what somebody merely writes about ("your automatic reply
…") does not.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from services.intake.mail.bounce import RETURNED, Bounce, names_mails, quotes_smtp, read_bounce
from services.intake.mail.message import Mail
from services.intake.mail.reply import visible_reply

Kind = Literal["bounce", "auto-reply", "generated", "report", "receipt", "loop"]

_SCAN = 8000
_HOP_LIMIT = 100  # RFC 5321, 6.3
_REPLIED = re.compile(
    r"^\s*(?:re|aw|sv|antw|回复|回覆|答复|答覆|fwd?|wg|转发|轉寄|轉發)\s*[:：]", re.IGNORECASE
)
_DAEMON = re.compile(
    r"^(?:mailer[ -]daemon|mail-daemon|double-bounce|mdaemon|postmaster|mailadmin|mail[. -]?delivery)\b",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"^\W*(?:undeliver(?:ed|able)\b|(?:mail|message|e-?mail)?\s*deliver[yt]?\s*(?:status|failure"
    r"|failed|notification|report|has failed|error)"
    r"|mail (?:delivery )?(?:fail|system error|error|undeliver)|returned mail\b|failure (?:notice"
    r"|delivery)|failed delivery|failed mail"
    r"|delayed mail|warning: (?:could not send|message .* delayed)|(?:permanent"
    r"|temporary) delivery failure|notice: mail delivery|rejected mail"
    r"|message delivery has failed|mail could not be delivered|message you sent blocked"
    r"|there was an error sending your mail|non[- ]?delivery"
    r"|sorry, your message could not|mail not deliverable|unzustellbar|undelivered mail"
    r"|delivery notification|postmaster notify|mail failed, returning"
    r"|系统退信|系統退信|退信|邮件(?:投递|发送)失败|郵件(?:傳遞|投遞|傳送)失敗|未送达|未送達|无法送达"
    r"|無法(?:傳遞|送達|投遞)|недоставленное|配信(?:不能|エラー)|メール(?:送信|配送)エラー)",
    re.IGNORECASE,
)
_BOUNCE_TEXT = re.compile(
    r"could ?n.t be delivered|could not (?:be delivered|deliver)|did not reach|undeliverable"
    r"|unable to deliver|delivery (?:to|failed|attempts)"
    r"|permanent (?:fatal )?error|returned to (?:you|sender)|user unknown|unknown user|mailbox (?:full"
    r"|unavailable)|failed (?:recipients|addresses|to deliver|delivery)"
    r"|transcript of \w+ follows|original message (?:follows|was|text|headers)|---- ?(?:below|this is"
    r"|original|unsent)|mail loop|unrouteable|was not delivered"
    r"|[45]\d\d[ -][45]\.\d\.\d|无法(?:投递|送达)|無法(?:投遞|送達|傳遞)|退信|收件人.{0,12}不存在",
    re.IGNORECASE,
)
# Where mail programs put the words: at the start, the old subject behind a colon, or alone.
_AUTO_SUBJECT = re.compile(
    r"^\s*[\[【(（]?\s*(?:auto(?:mated|matic|matisch)?[- _]?(?:reply|replied|response|responder"
    r"|antwort)|out[- ]of[- ](?:the )?office(?:[- ](?:auto[- ]?)?reply| auto-?reply| response"
    r"| notification)?"
    r"|away from (?:my mail|the office)|vacation (?:reply|response|notice)|automatic reply|auto|ooo"
    r"|automatische antwort|abwesenheits(?:notiz|benachrichtigung)|réponse automatique"
    r"|message d'absence"
    r"|respuesta automática|fuera de (?:la )?oficina|risposta automatica|automatisch antwoord"
    r"|afwezigheidsbericht|resposta automática|automatiskt svar|autosvar|automatisk svar"
    r"|automaattinen vastaus"
    r"|automatická odpověď|odpowiedź automatyczna|automatyczna odpowiedź|автоматический ответ"
    r"|автоответ|自動返信|自動応答|不在通知|자동 ?(?:회신|응답)|부재중"
    r"|自动(?:回复|答复|应答|回覆)|自動(?:回覆|回復|答覆|回應|應答)|不在办公室|不在辦公室"
    r"|外出(?:自动(?:回复|答复)|自動回覆)|休假(?:自动回复|自動回覆|通知))\s*(?:[\]】)）]|[:：]|$)",
    re.IGNORECASE,
)
_AWAY_SUBJECT = re.compile(
    r"\bis (?:out of the office|on (?:annual )?leave|away)\b|^out of (?:the )?office\b|^(?:外出|出差"
    r"|休假|请假|請假)(?:中|通知)?$",
    re.IGNORECASE,
)
_AWAY_TEXT = re.compile(
    r"\bI(?: a|')?(?:m| will be)(?: currently| now)? (?:out of|away from) (?:the )?office|\bI(?: am|'m"
    r"|’m| will be) (?:currently )?(?:on (?:annual |sick )?(?:leave|vacation|holiday)|away until)"
    r"|我(?:目前|现在|現在|正|已|将|將|会|會)?[^。\n]{0,20}(?:外出|出差|休假|不在办公室|不在辦公室"
    r"|请假|請假)|(?:本人|我).{0,20}(?:无法|無法|不能)(?:及时|即時|立即)?(?:回复|回覆|处理|處理)",
    re.IGNORECASE,
)
_AUTO_TEXT = re.compile(
    r"this is an automat|automatically generated|automated (?:response|reply|message)|auto-?(?:reply"
    r"|response)|do not reply to this|系统自动|系統自動|自动(?:回复|发送|发出)|自動(?:回覆|發送|發出)"
    r"|请勿(?:直接)?回复|請勿(?:直接)?回覆",
    re.IGNORECASE,
)
_REPLY_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-autoresponder",
)
_REPORTS: tuple[tuple[Kind, str], ...] = (
    ("receipt", "disposition-notification"),
    ("report", "feedback-report"),
    ("bounce", "delivery-status"),
    ("bounce", "global-delivery-status"),
)


@dataclass(frozen=True, slots=True)
class Automatic:
    """A mail no person wrote to us.

    kind: `bounce` (ours, or one under our name, did not arrive or is late), `auto-reply` (somebody is away,
    or a desk has received it), `generated` (a program sent it, in answer to nothing we know), `report`
    (abuse, success and other reports), `receipt` (it was displayed: an MDN), `loop` (ours came back). why:
    the sign, for the record. bounce: what it is about, for bounces, reports and receipts; for an auto-reply
    what it answers.
    """

    kind: Kind
    why: str
    bounce: Bounce = field(default_factory=Bounce)


def automatic(mail: Mail, envelope_from: str | None = None, own: Collection[str] = ()) -> Automatic | None:
    """How we know that a machine sent this mail; None where a person may have.

    envelope_from: MAIL FROM as the SMTP server was given it (`""` or `<>` for the null sender), None where
    unknown: then Return-Path stands for it. own: addresses or marks of ours, to know our own mail again by
    X-Loop. Mail through a list, bulk mail and X-Auto-Response-Suppress don't make a mail automatic: see
    `acknowledgeable`.
    """
    kind, why = (
        _loop(mail, own) or _report(mail) or _declared(mail, envelope_from) or _worded(mail) or (None, "")
    )
    if kind is None:
        return None
    bounce = read_bounce(mail) if kind != "loop" else Bounce()
    if kind == "bounce" and bounce.action in ("delivered", "relayed", "expanded"):
        kind = "report"
    return Automatic(kind, why, bounce)


def acknowledgeable(mail: Mail, envelope_from: str | None = None) -> bool:
    """Whether an automatic acknowledgement may be sent (RFC 3834, section 2), whoever wrote: not to lists,
    bulk mail, null senders and those who ask not to, nor without an address or where the subject says it is
    an automatic reply."""
    if _null_sender(mail, envelope_from) or not (mail.sender.address or mail.reply_to):
        return False
    if _submitted(mail) != "no" or _AUTO_SUBJECT.match(mail.subject):
        return False
    precedence = (mail.header("precedence") or "").strip().lower()
    listed = any(name.startswith("list-") and name != "list-unsubscribe" for name, _ in mail.headers)
    return (
        precedence not in ("bulk", "junk", "list")
        and not listed
        and not mail.header("x-auto-response-suppress")
    )


def via_list(mail: Mail) -> bool:
    """Whether the mail came through a mailing list (RFC 2919): a person may have written it."""
    return mail.header("list-id") is not None or (mail.header("precedence") or "").strip().lower() == "list"


def _null_sender(mail: Mail, envelope_from: str | None) -> bool:
    path = envelope_from if envelope_from is not None else mail.header("return-path")
    return path is not None and path.strip() in ("", "<>")


def _loop(mail: Mail, own: Collection[str]) -> tuple[Kind, str] | None:
    marks = {mark.lower() for mark in own}
    loops = {value.strip().strip("<>").lower() for name, value in mail.headers if name == "x-loop"}
    if marks & loops:
        return "loop", "x-loop"
    hops = sum(name == "received" for name, _ in mail.headers)
    return ("loop", "hops") if hops > _HOP_LIMIT else None


def _report(mail: Mail) -> tuple[Kind, str] | None:
    """By the parts a report has (RFC 6522)."""
    types = {part.content_type for part in mail.attachments} | {mail.content_type}
    if "multipart/report" not in types and _REPLIED.match(mail.subject):
        return None  # somebody forwards a report they got
    declared = (mail.header("content-type") or "").lower()
    for kind, name in _REPORTS:
        if f"message/{name}" in types or ("multipart/report" in types and name in declared):
            return kind, name
    return ("report", "multipart/report") if "multipart/report" in types else None


def _declared(mail: Mail, envelope_from: str | None) -> tuple[Kind, str] | None:
    """By what its sender's machine says of itself (RFC 3834, RFC 5321 4.5.5)."""
    if mail.header("x-failed-recipients"):
        return "bounce", "x-failed-recipients"
    submitted = _submitted(mail)
    null = _null_sender(mail, envelope_from)
    if submitted != "no" or null:
        why = f"auto-submitted: {submitted[:40]}" if submitted != "no" else "null sender"
        if _is_bounce(mail, sure=True):
            return "bounce", why
        if submitted == "auto-replied" or _away(mail):
            return "auto-reply", why
        return ("bounce" if null else "generated"), why
    answered = next((name for name in _REPLY_FIELDS if _means_yes(mail.header(name))), None)
    if answered is None and (mail.header("precedence") or "").strip().lower() in ("auto_reply", "auto-reply"):
        answered = "precedence: auto_reply"
    if answered is None and "autoresponder" in (mail.header("x-post-messageclass") or "").lower():
        answered = "x-post-messageclass"
    return ("auto-reply", answered) if answered else None


def _submitted(mail: Mail) -> str:
    """Auto-Submitted without parameters and remarks; `no` where absent (RFC 3834, 5)."""
    value = (mail.header("auto-submitted") or "no").partition(";")[0].partition("(")[0]
    return value.strip().lower() or "no"


def _means_yes(value: str | None) -> bool:
    return value is not None and value.strip().lower() not in ("no", "false", "0")


def _worded(mail: Mail) -> tuple[Kind, str] | None:
    """By its words, where mail programs put them and something else agrees; never for an answer or a forward
    that a person made of such a mail."""
    if _REPLIED.match(mail.subject):
        return None
    if _is_bounce(mail):
        return "bounce", "subject and sender or report"
    said, away = _AUTO_SUBJECT.match(mail.subject), _AWAY_SUBJECT.search(mail.subject)
    if not (said or away):
        return None
    own = visible_reply(mail.text[:_SCAN], mail.subject).text
    answers = bool(mail.in_reply_to or mail.references)
    if said and (answers or _AWAY_TEXT.search(own) or _AUTO_TEXT.search(own)):
        return "auto-reply", "subject"
    return ("auto-reply", "subject and text") if away and _AWAY_TEXT.search(own) else None


def _away(mail: Mail) -> bool:
    subject = _AUTO_SUBJECT.match(mail.subject) or _AWAY_SUBJECT.search(mail.subject)
    return bool(subject or _AWAY_TEXT.search(mail.text[:_SCAN]))


def _is_bounce(mail: Mail, *, sure: bool = False) -> bool:
    """sure: that it is automatic is known already; one sign is enough. Else a subject needs a mail system as
    sender or technical matter in the text: people do write about letters that were not delivered."""
    path = (mail.header("return-path") or "").strip("<> ")
    daemon = any(_DAEMON.match(name) for name in (mail.sender.address, mail.sender.name, path))
    subject = bool(_BOUNCE_SUBJECT.match(mail.subject))
    if not (daemon or subject or sure):
        return False
    text = mail.text[:_SCAN]
    returned = any(part.content_type in RETURNED for part in mail.attachments) or names_mails(text)
    if sure:
        return daemon or subject or (returned and bool(_BOUNCE_TEXT.search(text)))
    return (daemon and subject) or returned or quotes_smtp(text)
