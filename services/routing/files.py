"""The files of a case: what came with its messages, these as they came, what was given with commands.

To be kept as files, never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import Response
from pydantic import BaseModel

from shared.content import ContentGone, ContentStore, seal, seal_model
from shared.content.files import FileBody
from shared.content.words import Attachment, MessageWords, Note
from shared.events.cases import CaseOpened, MessageAttached
from shared.events.content import ContentRef
from shared.events.messages import MessageReceived
from shared.service import House
from shared.store import Sealed, Store
from shared.web.problems import Problem, not_found

MEDIA_TYPE = "application/octet-stream"
_SUFFIXES = {"email": ".eml", "phone": ".txt"}


@dataclass(frozen=True)
class Download:
    """A file on its way to somebody who may have it."""

    name: str
    content: bytes

    def response(self) -> Response:
        """Saved, not opened: whatever it says it is, it runs nowhere and stands in no cache."""
        return Response(
            self.content,
            media_type=MEDIA_TYPE,
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(self.name, safe='')}",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )


async def original_of(store: Store, message: str) -> ContentRef | None:
    """The bytes of a message as it came, where its channel has such."""
    history = await store.history(message)
    received = next((one.data for one in history if isinstance(one.data, MessageReceived)), None)
    return received.raw if received else None


def sealed_with(
    said: BaseModel, files: Sequence[FileBody], *, owner: str, now: datetime
) -> tuple[list[Sealed], ContentRef]:
    """What was written with a command, and the files that were given with it: what is written names them."""
    sealed: list[Sealed] = []
    attachments: list[Attachment] = []
    for file in files:
        box, content = seal(file.content, owner=owner, now=now)
        sealed.append(box)
        attachments.append(Attachment(name=file.name, content_type=file.content_type, content=content))
    if attachments:
        said = said.model_copy(update={"attachments": tuple(attachments)})
    box, words = seal_model(said, owner=owner, now=now)
    return [*sealed, box], words


class Files:
    """Finds them by case and message, or entry: what belongs to none of the case is not there."""

    def __init__(self, house: House) -> None:
        self._store = house.store
        self._content = house.content

    async def attachment(self, case_id: str, message: str, number: int) -> Download:
        """The file with that number, from 1 on. Raises Problem 404 or 410."""
        event = await self._event(case_id, message)
        words = MessageWords.model_validate_json(await _open(self._content, event.words))
        return await self._download(words.attachments, number)

    async def given(self, case_id: str, sequence: int, number: int) -> Download:
        """The file with that number that was given with a command. Raises Problem 404 or 410."""
        history = await self._store.history(case_id)
        event = next((one.data for one in history if one.sequence == sequence), None)
        words = None if isinstance(event, CaseOpened | MessageAttached) else getattr(event, "words", None)
        if words is None:
            raise not_found("file")
        said = Note.model_validate_json(await _open(self._content, words))
        return await self._download(said.attachments, number)

    async def _download(self, attachments: Sequence[Attachment], number: int) -> Download:
        if not 1 <= number <= len(attachments):
            raise not_found("file")
        one = attachments[number - 1]
        return Download(one.name, await _open(self._content, one.content))

    async def original(self, case_id: str, message: str) -> Download:
        """The message as it came. Raises Problem 404 or 410."""
        event = await self._event(case_id, message)
        raw = await original_of(self._store, message)
        if raw is None:
            raise not_found("file")
        return Download(message + _SUFFIXES.get(event.channel, ".bin"), await _open(self._content, raw))

    async def _event(self, case_id: str, message: str) -> CaseOpened | MessageAttached:
        for record in await self._store.history(case_id):
            event = record.data
            if isinstance(event, CaseOpened | MessageAttached) and event.message == message:
                return event
        raise not_found("file")


async def _open(content: ContentStore, what: ContentRef) -> bytes:
    try:
        return await content.open(what.ref)
    except ContentGone as error:
        raise Problem(
            410, "content-erased", "The content was erased", "The entry stays, what it said is gone."
        ) from error
