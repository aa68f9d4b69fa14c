"""The outbox: every delivery and how far it came; in the outbox folder, each mail as it was written."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path as Folder
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.notify.api import asked_ref
from services.notify.channels.outbox import OutboxSender
from services.notify.delivery import Delivery
from services.notify.listing import listing, view
from shared.aggregate import Aggregates
from shared.events.cases import CaseAssigned, CaseOpened, CaseQueued
from shared.rights import Principal, Right, may_see_case, may_see_sender, requires
from shared.service import House
from shared.store import Store
from shared.web.pages import Pages
from shared.web.problems import not_found

FOLDER = Folder(__file__).parent
Id = Annotated[str, Path(pattern="^dlv_[0-9a-f]{32}$")]

_SHOWN = ("From", "To", "Reply-To", "Subject", "Date")
_REASONS = frozenset(
    (
        *("bad-address", "own-address", "no-such-person", "content-gone", "not-rendered", "no-outcome"),
        *("relay-unreachable", "relay-timeout", "outbox-not-written", "bounced", "delayed"),
    )
)
_SAID = re.compile(r"(smtp|relay)-[0-9]{3}\b.*", re.ASCII)
"""What a mail server said: of this mail, or of us."""


def reason_word(code: str) -> str:
    """The word that says why a delivery did not arrive: a code of ours, or the kind of a mail server's reply."""
    if found := _SAID.fullmatch(code):
        return found[1]
    return code if code in _REASONS else "other"


def router(house: House, deliveries: Aggregates[Delivery], written: OutboxSender) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)

    async def opened(id: str, principal: Principal) -> tuple[Delivery, bytes]:
        """A delivery and its mail; 404 where there is none, or none for this person."""
        state = (await deliveries.load(id)).state
        if state is None or not await _may_see(house.store, principal, state):
            raise not_found("mail")
        data = await asyncio.to_thread(written.read, id)
        if data is None:
            raise not_found("mail")
        return state, data

    @routes.get("/outbox")
    async def get_list(
        request: Request,
        principal: Annotated[Principal, requires(Right.DELIVERIES_READ)],
        case: Annotated[str | None, Query(max_length=40)] = None,
        only: Literal["all", "trouble"] = "all",
        cursor: Annotated[str | None, Query(max_length=60)] = None,
    ) -> HTMLResponse:
        ref = asked_ref(case)
        found = await listing(house.store, deliveries, ref=ref, only=only, cursor=cursor)
        there = await asyncio.to_thread(written.among, [one.id for one in found.deliveries])
        asked = {"only": only} | ({"case": ref} if ref else {})
        return pages.render(
            request,
            "outbox.html",
            found=found,
            ref=ref or "",
            only=only,
            there=there,
            reason_word=reason_word,
            more=found.next and f"/outbox?{urlencode(asked | {'cursor': found.next})}",
        )

    @routes.get("/outbox/{delivery_id}")
    async def get_one(
        delivery_id: Id, request: Request, principal: Annotated[Principal, requires(Right.DELIVERIES_READ)]
    ) -> HTMLResponse:
        state, data = await opened(delivery_id, principal)
        mail = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        return pages.render(
            request,
            "mail.html",
            delivery=view(delivery_id, state),
            reason_word=reason_word,
            fields=[(name, mail[name]) for name in _SHOWN if mail[name]],
            text=body.get_content().strip() if body else "",
            header=data.partition(b"\r\n\r\n")[0].decode("ascii", "replace").replace("\r\n", "\n"),
            octets=len(data),
        )

    @routes.get("/outbox/{delivery_id}/original")
    async def get_original(
        delivery_id: Id, principal: Annotated[Principal, requires(Right.DELIVERIES_READ)]
    ) -> Response:
        """The mail's bytes, to be opened with a mail program."""
        _, data = await opened(delivery_id, principal)
        name = f'attachment; filename="{delivery_id}.eml"'
        return Response(data, media_type="message/rfc822", headers={"Content-Disposition": name})

    return routes


async def _may_see(store: Store, principal: Principal, delivery: Delivery) -> bool:
    """A mail names whom it was sent to: to see one to a sender takes the right to see the sender."""
    department, kind = None, "report"
    for record in await store.history(delivery.case):
        event = record.data
        if isinstance(event, CaseOpened):
            kind = event.kind
        elif isinstance(event, CaseAssigned):
            department = event.department
        elif isinstance(event, CaseQueued):
            department = None
    if delivery.party == "sender":
        return may_see_sender(principal, kind=kind, department=department)
    return may_see_case(principal, department=department)
