"""Write to us: the form at `/`, and what stands there once it was sent. It works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.datastructures import FormData

from services.intake.body import receiving
from services.intake.channels.web import BODY, MAX_TEXT, MessageBody, incoming
from services.intake.receiving import Door, File, Incoming, Received
from shared import ids
from shared.content.files import MAX_FILES
from shared.events.messages import MessageReceived
from shared.organisation import Facts, Language
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.store import Unavailable
from shared.web.files import chosen
from shared.web.pages import Pages
from shared.web.problems import RETRY_SECONDS, not_found

FOLDER = Path(__file__).parent
ENDPOINT = "form"
KINDS = ("problem", "complaint", "report", "enquiry", "suggestion", "praise")

_SENDER = ("name", "email", "phone")
_TYPED = ("form_id", "kind", "subject", "text", *_SENDER, "anonymous")
_WRONG = {
    "string_too_short": "missing",
    "value_error": "missing",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "email",
}
"""What Pydantic finds → `write.wrong.<word>`."""


@dataclass(frozen=True)
class Filled:
    """The form as it came back."""

    typed: Mapping[str, str]
    files: Sequence[File]

    def body(self, language: Language) -> MessageBody:
        """What was typed, as the channel takes it. Raises ValidationError."""
        typed = {name: value for name, value in self.typed.items() if value}
        return BODY.validate_python(
            {
                "kind": typed.get("kind"),
                "subject": typed.get("subject", ""),
                "text": typed.get("text", ""),
                "sender": {name: typed.get(name) for name in _SENDER} | {"language": language},
                "anonymous": "anonymous" in typed,
            }
        )

    def message(self, body: MessageBody) -> Incoming:
        """What came in. Sent twice it is one; changed and sent again it joins the first."""
        came = incoming(body, own_key=self.typed["form_id"], endpoint=ENDPOINT)
        return replace(came, files=self.files, conversation=came.own_key)


def checked(pages: Pages, language: Language, filled: Filled) -> tuple[MessageBody | None, dict[str, str]]:
    """The body of what was filled in; None with what is wrong, field by field, where it can't be taken."""
    wrong: dict[str, str] = {}
    body = None
    try:
        body = filled.body(language)
    except ValidationError as error:
        wrong = explained(pages, language, error)
    if len(filled.files) > MAX_FILES:
        wrong["files"] = pages.word(language, "write.wrong.files", most=MAX_FILES)
    return (None if wrong else body), wrong


def limits(house: House, filled: Filled) -> dict[str, object]:
    """What a form says of how much it takes, and whether files must be chosen again: a browser forgets them."""
    return {
        "files_lost": bool(filled.files),
        "most_text": MAX_TEXT,
        "most_files": MAX_FILES,
        "most_megabytes": house.settings.max_body // 2**20,
    }


def router(house: House, door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter(route_class=receiving("web", house.settings.max_body), include_in_schema=False)
    pages = Pages(house, FOLDER)

    def form(
        request: Request,
        filled: Filled,
        wrong: Mapping[str, str],
        *,
        status: int = 200,
        notice: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        return pages.render(
            request,
            "write.html",
            status=status,
            headers=headers,
            typed=filled.typed,
            wrong=wrong,
            notice_word=notice,
            kinds=KINDS,
            **limits(house, filled),
            mailbox=house.organisation.mailboxes[0].address,
        )

    @routes.get("/")
    async def get_form(
        request: Request, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> HTMLResponse:
        typed = dict.fromkeys(_TYPED, "") | {"form_id": new_form_id()}
        return form(request, Filled(typed, ()), {})

    @routes.post("/")
    async def post_form(
        request: Request, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> Response:
        async with request.form() as sent:
            filled = await read_form(sent)
        body, wrong = checked(pages, pages.language(request), filled)
        if body is None:
            return form(request, filled, wrong, status=422, notice="write.wrong.some")
        try:
            received = await door.receive(filled.message(body))
        except Unavailable:
            later = {"Retry-After": str(RETRY_SECONDS)}
            return form(request, filled, {}, status=503, notice="write.not_now", headers=later)
        if received.tracking is None:
            return await thanks(pages, house, request, received, None)
        return RedirectResponse(f"/received/{received.tracking}", 303)

    @routes.get("/received/{code}")
    async def get_received(
        code: str, request: Request, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> HTMLResponse:
        message_id = await door.tracking.read(code)
        received = await door.again(message_id) if message_id else None
        if received is None:
            raise not_found()
        return await thanks(pages, house, request, received, code)

    return routes


async def thanks(
    pages: Pages, house: House, request: Request, received: Received, code: str | None
) -> HTMLResponse:
    """What the sender takes along. Without a code it was told before, and can't be told again."""
    message = (await house.store.history(received.message_id))[0].data
    if not isinstance(message, MessageReceived):
        raise not_found()
    return pages.render(
        request,
        "received.html",
        received=received,
        message=message,
        track=code and f"{house.public_url}/track/{code}",
        limits=promised(pages, house, pages.language(request), message),
    )


async def read_form(form: FormData) -> Filled:
    """What was typed and the files that were chosen."""
    typed = dict.fromkeys(_TYPED, "")
    for name in _TYPED:
        value = form.get(name)
        if isinstance(value, str):
            typed[name] = value.replace("\r\n", "\n") if name == "text" else value.strip()
    typed["form_id"] = typed["form_id"] or new_form_id()
    typed["kind"] = typed["kind"] if typed["kind"] in KINDS else ""
    files = [File(one.name, one.content_type, one.content) for one in await chosen(form)]
    return Filled(typed, files)


def new_form_id() -> str:
    """What makes two deliveries of one form one message."""
    return ids.random_bytes(16).hex()


def explained(pages: Pages, language: Language, error: ValidationError) -> dict[str, str]:
    """What is wrong, by field, in the reader's language."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False):
        word = _WRONG.get(one["type"], "other")
        most = one.get("ctx", {}).get("max_length", "")
        found.setdefault(str(one["loc"][-1]), pages.word(language, f"write.wrong.{word}", most=most))
    return found


def promised(
    pages: Pages, house: House, language: Language, message: MessageReceived
) -> list[tuple[str, str]]:
    """What is owed to this sender, as a word of ours (`write.next.<word>`), and within what time."""
    facts = Facts(kind=message.kind or "problem", sender=message.sender_kind)
    limits = house.organisation.conditions_for(facts).limits
    owed = {
        "contact": None if message.anonymous else limits.contact,
        "resolve": limits.promise or limits.resolve,
    }
    found = []
    for name, limit in owed.items():
        if limit is not None:
            number = "one" if limit.number == 1 else "many"
            within = pages.word(language, f"within.{limit.unit}.{number}", number=limit.number)
            found.append((name, within))
    return found
