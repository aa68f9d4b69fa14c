"""A delivery as a mail: content is opened here, at the time of sending, and kept nowhere else."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Protocol

from services.notify.channels import Mail
from services.notify.channels.addresses import BadAddress, MailAddress, read_address
from services.notify.channels.mime import fill, mailbox, skeleton, thread, unstructured
from services.notify.delivery import Delivery
from services.notify.digest import DigestList
from services.notify.rendering import LANGUAGES, Letter, Rendering
from shared.content import ContentGone
from shared.content.words import MessageWords, Note, Options
from shared.organisation import Organisation
from shared.tokens import Tokens

_BY_HAND = frozenset(("answer", "question", "declined", "reviewed"))
"""What somebody wrote to a sender; all others are automatic (RFC 3834)."""


class Contents(Protocol):
    """Where content is opened."""

    async def open(self, ref: str) -> bytes:
        """The content. Raises ContentGone."""
        ...


class Undeliverable(Exception):
    """It can't be sent, now or later; `args[0]` is the reason as a code."""


class Mails:
    """Makes the mail of a delivery: the same bytes each time, under the one Message-ID."""

    def __init__(
        self, organisation: Organisation, public_url: str, tokens: Tokens, content: Contents
    ) -> None:
        self._organisation = organisation
        self._tokens = tokens
        self._content = content
        self._rendering = Rendering(organisation, public_url, tokens)
        boxes = [read_address(box.address).address for box in organisation.mailboxes]
        general = next((n for n, box in enumerate(organisation.mailboxes) if box.department is None), 0)
        self.sender = boxes[general]
        """The address all mails come from: the first mailbox that is no department's own."""
        self.domain = self.sender.partition("@")[2]
        self._own = frozenset(boxes)
        self._skeletons = {
            (language, automatic): skeleton(
                mailbox(self.sender, organisation.names.get(language)), language, automatic=automatic
            )
            for language in LANGUAGES
            for automatic in (True, False)
        }

    async def make(self, id: str, delivery: Delivery) -> Mail:
        """The mail of a delivery. Raises Undeliverable."""
        try:
            if delivery.party == "sender":
                to, letter, threading = await self._to_sender(delivery)
            else:
                to, letter, threading = await self._to_person(delivery)
        except ContentGone as error:
            raise Undeliverable("content-gone") from error
        except BadAddress as error:
            raise Undeliverable("bad-address") from error
        local, _, domain = to.address.partition("@")
        if f"{local.partition('+')[0]}@{domain}" in self._own:
            raise Undeliverable("own-address")  # or the line would write to itself
        return Mail(
            delivery=id,
            attempt=delivery.attempt,
            deadline=delivery.wait_until or delivery.queued_at,
            sender=self.sender,
            recipient=to.address,
            data=self._data(id, delivery, to, letter, threading),
        )

    async def _to_sender(self, delivery: Delivery) -> tuple[MailAddress, Letter, str]:
        assert delivery.words is not None
        words = MessageWords.model_validate_json(await self._content.open(delivery.words))
        note = Note.model_validate_json(await self._content.open(delivery.note)) if delivery.note else None
        to = read_address(words.sender.email or "", words.sender.name or "")
        reply = self._tokens.reply_address(delivery.case, self.sender)
        threading = f"Reply-To: {reply}\r\n" + thread(words.message_id, words.references)
        return to, self._rendering.to_sender(delivery, words.subject, note), threading

    async def _to_person(self, delivery: Delivery) -> tuple[MailAddress, Letter, str]:
        """No reply address: what an officer writes back must not pass for the sender's words."""
        person = self._organisation.person.get(delivery.party)
        if person is None:
            raise Undeliverable("no-such-person")
        name = person.names.get(delivery.language)
        return read_address(person.mail, name), await self._letter(delivery, name), ""

    async def _letter(self, delivery: Delivery, name: str) -> Letter:
        note = await self._content.open(delivery.note) if delivery.note else None
        match delivery.template:
            case "alarm":
                return self._rendering.alarm(delivery, name)
            case "digest":
                assert note is not None
                return self._rendering.digest(delivery, name, DigestList.model_validate_json(note))
        asked = await self._content.open(delivery.words) if delivery.words else None
        return self._rendering.told(
            delivery,
            name,
            Options.model_validate_json(note) if note else None,
            Options.model_validate_json(asked) if asked else None,
        )

    def _data(self, id: str, delivery: Delivery, to: MailAddress, letter: Letter, threading: str) -> bytes:
        fixed = self._skeletons[delivery.language, delivery.template not in _BY_HAND]
        written = format_datetime(delivery.written_at.astimezone(self._rendering.zone))
        headers = (
            f"To: {mailbox(to.address, to.name)}\r\n"
            f"Subject: {unstructured(letter.subject)}\r\n"
            f"Date: {written}\r\n"
            f"Message-ID: {self._tokens.message_id(id, delivery.case, self.domain)}\r\n"
            f"{threading}"
        )
        return fill(fixed, headers, letter.text, letter.html)
