"""The outbox: every delivery and how far it came; in the outbox folder, each mail as it was written."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path as Folder
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.notify.api import asked_ref
from services.notify.channels.outbox import OutboxSender
from services.notify.course import course
from services.notify.delivery import Delivery
from services.notify.holding import Holding
from services.notify.listing import DeliveryView, listing, view
from services.notify.rendering import labels
from shared.aggregate import Aggregates
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


def named(one: DeliveryView, t: Callable[[str], str], language: str) -> str:
    """What a delivery is: what somebody in the house is told of by its own name, all others by their template's."""
    if one.happened is None:
        return t(f"outbox.template.{one.template}")
    words = labels(language)["happened"]
    return str(words.get(one.happened, words["changed"])["headline"])


def router(
    house: House, deliveries: Aggregates[Delivery], holding: Holding, written: OutboxSender
) -> APIRouter:
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
            hold=await holding.look(),
            ref=ref or "",
            only=only,
            there=there,
            reason_word=reason_word,
            named=named,
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
            named=named,
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
    """A mail names whom it was sent to, and brings what they wrote: to see one to a sender, or with a sender's words,
    takes the right to see the sender."""
    if delivery.template == "digest":
        return may_see_case(principal, department=None)
    stands = course(await store.history(delivery.case))
    who: dict[str, Any] = {
        "department": stands.department,
        "helpers": stands.helpers,
        "liaison": stands.opened.liaison,
    }
    if "sender" in {delivery.party, delivery.actor}:
        return may_see_sender(principal, kind=stands.opened.kind, **who)
    return may_see_case(principal, **who)
