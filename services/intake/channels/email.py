"""The e-mail channel: one mail as it really is becomes what came in (M01). Pure but for the tokens' keys."""

from __future__ import annotations

import re

from services.intake import mail as reading
from services.intake.receiving import File, Incoming
from shared.content.words import MessageWords, Sender
from shared.events.messages import Automatic
from shared.ids import read_ref
from shared.tokens import Tokens

_REF = re.compile(r"\b[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]\b")
_LANGUAGES = {
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh-hans": "zh-Hans",
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "en": "en",
}


def incoming(
    raw: bytes,
    *,
    tokens: Tokens,
    mailbox: str,
    recipients: tuple[str, ...] = (),
    envelope_from: str | None = None,
) -> Incoming:
    """A mail as what came in. Any bytes give one: what can't be read is quarantined with the original attached."""
    mail = reading.read_mail(raw)
    machine = reading.automatic(mail, envelope_from, own=(mailbox,))
    reply = reading.visible_reply(mail.text, mail.subject)
    mentioned = (*mail.references, *((mail.in_reply_to,) if mail.in_reply_to else ()))
    sender = (mail.reply_to or (mail.sender,))[0] if mail.reply_to else mail.sender
    words = MessageWords(
        subject=mail.subject,
        text=reply.text,
        quoted=reply.quoted,
        sender=Sender(
            name=mail.sender.name or None,
            email=sender.address or mail.sender.address or None,
            language=_language(mail.languages),
        ),
        message_id=mail.message_id,
        references=list(mail.references),
    )
    return Incoming(
        channel="email",
        endpoint=mailbox,
        words=words,
        own_key=mail.message_id,
        raw=raw,
        files=[File(one.name, one.content_type, one.content) for one in mail.attachments],
        conversation=mentioned[0] if mentioned else mail.message_id,
        earlier=mentioned,
        reply_case=_answered_case(tokens, (*recipients, *mail.recipients), mentioned),
        hint_ref=_ref(mail.subject),
        acknowledge=reading.acknowledgeable(mail, envelope_from),
        occurred_at=mail.date,
        defects=mail.defects,
        quarantine=_unfit(mail, reply.text),
        automatic=_automatic(tokens, machine, mentioned) if machine else None,
    )


def _answered_case(tokens: Tokens, recipients: tuple[str, ...], mentioned: tuple[str, ...]) -> str | None:
    """The case of ours it answers: by the signed reply address first, then by a Message-ID of ours."""
    for address in recipients:
        if case := tokens.read_reply_address(address):
            return case
    for message_id in reversed(mentioned):
        if found := tokens.read_message_id(message_id):
            return found[1]
    return None


def _automatic(tokens: Tokens, machine: reading.Automatic, mentioned: tuple[str, ...]) -> Automatic:
    for message_id in (*machine.bounce.about, *reversed(mentioned)):
        if found := tokens.read_message_id(message_id):
            return Automatic(kind=machine.kind, delivery=found[0], permanent=machine.bounce.permanent is True)
    return Automatic(kind=machine.kind)


def _unfit(mail: reading.Mail, text: str) -> str | None:
    """Why a person must look before this becomes a case."""
    if "unreadable" in mail.defects:
        return "unreadable"
    if not mail.headers:
        return "no-headers"
    if not text.strip() and not mail.subject.strip() and not mail.attachments:
        return "nothing-said"
    return None


def _ref(subject: str) -> str | None:
    found = _REF.search(subject.upper())
    return read_ref(found[0]) if found else None


def _language(tags: tuple[str, ...]) -> str | None:
    for tag in tags:
        lower = tag.lower()
        if found := _LANGUAGES.get(lower) or _LANGUAGES.get(lower.partition("-")[0]):
            return found
    return None
