"""`read_mail`: the bytes of a mail → what was said, by whom, with what attached."""

from __future__ import annotations

import re
from itertools import islice

from services.intake.mail import addresses
from services.intake.mail.charsets import clean, codec, decode
from services.intake.mail.html_text import LIMIT as HTML_LIMIT
from services.intake.mail.html_text import html_to_text
from services.intake.mail.message import Address, Attachment, Mail
from services.intake.mail.plain import tidy, unflowed
from services.intake.mail.structure import Part, parse
from services.intake.mail.uuencode import uudecoded
from services.intake.mail.words import raw, unfolded, unstructured

TEXT_LIMIT = 1024 * 1024  # characters; far beyond what anybody writes
SUBJECT_LIMIT = 4000
_TEXT_TYPES = {"text/plain", "text/html", "text/enriched", "text/markdown", "text/x-markdown", "text/xhtml"}
_FIELDS_KEPT = 300
_VALUE_KEPT = 4000
_STATISTICAL_GUESSES = 5  # each costs milliseconds; a mail has one or two bodies
_EXTENSIONS = {
    "message/rfc822": ".eml", "text/calendar": ".ics", "image/jpeg": ".jpg",
    "image/png": ".png", "image/gif": ".gif",
    "application/pdf": ".pdf", "application/ms-tnef": ".dat", "text/html": ".html", "text/plain": ".txt",
    "message/delivery-status": ".txt", "text/rfc822-headers": ".txt", "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m",
}  # fmt: skip
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}")
_CHARSET_LANGUAGE = {
    "gb2312": "zh-Hans", "gbk": "zh-Hans", "gb18030": "zh-Hans", "hz": "zh-Hans", "big5": "zh-Hant",
    "cp950": "zh-Hant", "big5hkscs": "zh-Hant", "iso2022_jp": "ja",
    "shift_jis": "ja", "cp932": "ja", "euc_jp": "ja",
    "euc_kr": "ko", "cp949": "ko", "koi8-r": "ru", "cp1251": "ru",
}  # fmt: skip
_MIME_PREAMBLE = re.compile(r"multi-?part|mime", re.IGNORECASE)


def read_mail(data: bytes) -> Mail:
    """What a mail says, whatever its bytes are: this never raises.

    What had to be repaired is in `defects` (codes of `DEFECTS`). The text is `text/plain` where there is
    any, else HTML as text; several text parts follow each other. Everything else, inline images and
    attached mails included, is an attachment, so nothing but the HTML twin of a plain text is left out.
    Keep the bytes: they are the original.
    """
    try:
        return _Reader().read(data)
    except Exception:
        # A mail nobody can take apart is still a message, with its original beside it.
        text = tidy(clean(decode(data[:TEXT_LIMIT])[0]))
        return Mail(text=text, defects=("unreadable",))


class _Reader:
    """Collects while one mail is read."""

    def __init__(self) -> None:
        self.attachments: list[Attachment] = []
        self.named_texts: list[Part] = []
        self.defects: list[str] = []
        self.languages: list[str] = []
        self.charset: str | None = None
        self.guesses = 0

    def read(self, data: bytes) -> Mail:
        root, self.defects = parse(data)
        fields = root.fields
        text = self._text(root)
        self.charset = self.charset or root.declared.parameters.get("charset")
        date = addresses.date(fields["date"]) if "date" in fields else None
        if date is None and "date" in fields:
            self._defect("date-damaged")
        ids = addresses.message_ids(fields.get("message-id", ""))
        if not ids:
            self._defect("no-message-id")
        replied = addresses.message_ids(fields.get("in-reply-to", ""))
        return Mail(
            message_id=ids[0] if ids else None,
            in_reply_to=replied[0] if replied else None,
            references=addresses.message_ids(fields.get("references", "")),
            sender=self._sender(fields),
            reply_to=tuple(addresses.addresses(fields["reply-to"], self.charset))
            if "reply-to" in fields
            else (),
            recipients=self._recipients(root),
            subject=self._subject(fields.get("subject", "")),
            date=date,
            text=text,
            attachments=tuple(self.attachments),
            languages=tuple(dict.fromkeys((*self._declared_languages(fields), *self.languages))),
            content_type=clean(root.declared.value),
            headers=_headers(root),
            defects=tuple(dict.fromkeys(self.defects)),
        )

    def _defect(self, code: str) -> None:
        self.defects.append(code)

    def _text(self, root: Part) -> str:
        text = "\n\n".join(filter(None, self._texts(root)))
        if not text and self.named_texts:
            text = self._decoded(self.named_texts[0])
        if not text and root.preamble and not _MIME_PREAMBLE.search(root.preamble[:200]):
            text = clean(decode(raw(root.preamble))[0])
        text = tidy(text)
        if len(text) > TEXT_LIMIT:
            self._defect("text-truncated")
            text = text[:TEXT_LIMIT]
        return text

    def _texts(self, part: Part) -> list[str]:
        """The texts of a part and below, in order; what is no text joins the attachments."""
        kind = part.declared.value
        if part.children:
            if kind == "multipart/alternative":
                return [self._alternative(part.children)]
            return [text for child in part.children for text in self._texts(child)]
        if kind.startswith("multipart/") and part.get_content_type() == kind:
            return [self._decoded(part)] if part.body.strip() else []
        if kind in _TEXT_TYPES and part.disposition.value != "attachment":
            if not part.filename():
                return [self._decoded(part)]
            self.named_texts.append(part)
        self._attach(part)
        return []

    def _alternative(self, children: list[Part]) -> str:
        """The best of several forms of the same: the plain one unless it is empty, else the last other."""
        plain = other = ""
        for child in children:
            text = "\n\n".join(filter(None, self._texts(child)))
            if child.declared.value == "text/plain":
                plain = plain if plain.strip() else text
            elif text.strip():
                other = text
        return plain if plain.strip() else other

    def _decoded(self, part: Part) -> str:
        kind, parameters = part.declared.value, part.declared.parameters
        label = parameters.get("charset")
        data = self._content(part)
        if kind == "text/plain" and b"\nend" in data:
            files, data = uudecoded(data)
            for name, content in files:
                self.attachments.append(Attachment(name, "application/octet-stream", content))
        text, guessed = decode(data, label, statistical=self.guesses < _STATISTICAL_GUESSES)
        if guessed:
            self._defect("charset-guessed")
            self.guesses += 1
        self._note_language(part, label, text)
        if kind in ("text/html", "text/xhtml", "text/enriched"):
            if len(text) > HTML_LIMIT:
                self._defect("text-truncated")
            return clean(html_to_text(text))
        text = clean(text)
        if parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, delsp=parameters.get("delsp", "").lower() == "yes")
        return text

    def _note_language(self, part: Part, label: str | None, text: str) -> None:
        self.charset = self.charset or label
        if "content-language" in part.fields:
            self.languages += _tags(part.fields["content-language"])
        if label and not text.isascii() and (language := _CHARSET_LANGUAGE.get(codec(label) or "")):
            self.languages.append(language)

    def _content(self, part: Part) -> bytes:
        content, sound = part.content()
        if not sound:
            self._defect("encoding-damaged")
        return content

    def _attach(self, part: Part) -> None:
        kind = clean(part.declared.value)
        content = self._content(part)
        name = part.filename()
        if not content and not name:
            return
        subject = None
        if kind in ("message/rfc822", "message/global"):
            subject = _subject(content)
            name = name or (
                re.sub(r"[\\/:*?\"<>|]", "_", subject).strip(" .")[:120] + ".eml" if subject else ""
            )
        content_id = unstructured(part.fields.get("content-id", "")[:1000]).strip("<> ")
        self.attachments.append(
            Attachment(
                name=name or f"{len(self.attachments) + 1}{_EXTENSIONS.get(kind, '')}",
                content_type=kind,
                content=content,
                inline=part.disposition.value == "inline" or bool(content_id),
                content_id=content_id or None,
                subject=subject,
            )
        )

    def _subject(self, value: str) -> str:
        subject = unstructured(value, self.charset)
        if len(subject) > SUBJECT_LIMIT:
            self._defect("header-truncated")
        return subject[:SUBJECT_LIMIT]

    def _sender(self, fields: dict[str, str]) -> Address:
        for name in ("from", "sender"):
            found = addresses.addresses(fields.get(name, "")[:8192], self.charset)
            if found:
                return found[0]
        self._defect("no-sender")
        return Address(unstructured(fields.get("from", "")[:1000], self.charset).strip("<>\"' "), "")

    def _recipients(self, root: Part) -> tuple[str, ...]:
        found: dict[str, str] = {}
        for name, value in root.raw_items():
            if name.lower() in ("to", "cc", "delivered-to", "x-original-to"):
                for address in addresses.addresses(value, self.charset):
                    found.setdefault(address.address.lower(), address.address)
                if len(found) >= addresses.ADDRESS_LIMIT:
                    break
        return tuple(found.values())

    def _declared_languages(self, fields: dict[str, str]) -> list[str]:
        names = ("content-language", "accept-language", "x-accept-language")
        return [tag for name in names if name in fields for tag in _tags(fields[name])]


def _tags(value: str) -> list[str]:
    return _LANGUAGE_TAG.findall(value[:200])[:5] if value.isascii() else []


def _subject(mail: bytes) -> str | None:
    """The subject of an attached mail, from its header alone."""
    match = re.search(
        rb"(?im)^subject:[ \t]*(.*(?:\r?\n[ \t].*)*)", mail[:16384].split(b"\n\n")[0].split(b"\r\n\r\n")[0]
    )
    return unstructured(match[1].decode("ascii", "surrogateescape")) if match else None


def _headers(root: Part) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.lower(), unfolded(value[:_VALUE_KEPT]))
        for name, value in islice(root.raw_items(), _FIELDS_KEPT)
    )
