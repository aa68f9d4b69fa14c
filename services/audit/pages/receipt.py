"""The receipt page: whoever wrote to us checks in their own browser that their message is in the trail.

The page carries everything that the check needs, and its script asks nobody: kept as a file, it checks without us, and
without a network. What the server says of the outcome is no ground for anything; so it says nothing of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from markupsafe import Markup

from services.audit.evidence import Evidence
from services.audit.trail import Trail
from shared.note import Signer
from shared.organisation.text import Language
from shared.receipts import Receipt
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.web.pages import Pages
from shared.web.problems import not_found

Public = Annotated[Principal, requires(Right.PUBLIC)]
Id = Annotated[str, Path(max_length=80)]

_STYLE, _SCRIPT = "style.css", "receipt.js"
_SAID_BY_SCRIPT = "receipt.script."


@dataclass(frozen=True)
class Held:
    """What there is to a message: the promise, and the proof where there is one yet."""

    message: str
    receipt: str
    due: datetime
    """By when the promise is to be kept."""
    proof: str = ""
    entry: str = ""
    damaged: str = ""
    """Why the trail can't prove it although it has it: its files are damaged."""
    overdue: bool = False
    """There is no proof, and there should be."""


class Receipts:
    """Puts together what a message's receipt page shows."""

    def __init__(self, house: House, trail: Trail, evidence: Evidence, signer: Signer) -> None:
        self._house = house
        self._trail = trail
        self._evidence = evidence
        self._signer = signer

    @property
    def vkeys(self) -> tuple[str, str]:
        """The verifier keys of receipts and of the log."""
        return self._signer.verifier.vkey, self._trail.signer.verifier.vkey

    async def held(self, message_id: str) -> Held:
        """The receipt, the same bytes as the sender got, and its proof. Raises Problem 404 for no message of ours."""
        history = await self._house.store.history(message_id) if message_id.startswith("msg_") else []
        if not history:
            raise not_found()
        first = history[0]
        promised = Receipt.of(self._house.origin, message_id, first.value, first.time)
        due = promised.time + timedelta(seconds=promised.merge_delay)
        receipt = promised.sign(self._signer).decode()
        try:
            found = self._trail.index.places(message_id)[:1]
            proved = await asyncio.to_thread(self._evidence.prove, found)
        except (ValueError, OSError) as error:
            return Held(message_id, receipt, due, damaged=str(error))
        if not proved.entries:
            return Held(message_id, receipt, due, overdue=self._house.clock.now() > due)
        entry = proved.entries[0]
        return Held(message_id, receipt, due, entry.proof.decode(), entry.value.decode(errors="replace"))


def receipt_page(routes: APIRouter, pages: Pages, receipts: Receipts, public_url: str) -> None:
    """The routes."""
    style, script = pages.assets.text(_STYLE), pages.assets.text(_SCRIPT)
    # Nothing is loaded from anywhere, and nothing else is run than what this page brings along.
    policy = (
        f"default-src 'none'; style-src '{_sha256(style)}'; script-src '{_sha256(script)}';"
        " base-uri 'none'; form-action 'none'"
    )

    async def context(request: Request, message_id: str) -> dict[str, Any]:
        receipt_vkey, log_vkey = receipts.vkeys
        held, language = await receipts.held(message_id), pages.language(request)
        return {
            "held": held,
            "due": pages.instant(language, held.due),
            "receipt_vkey": receipt_vkey,
            "log_vkey": log_vkey,
            "words": _words(pages, language),
            "steps": ("receipt", "entry", "path", "checkpoint", "time", "keys"),
            "at": public_url,
        }

    @routes.get("/receipt/{message_id}")
    async def show(request: Request, principal: Public, message_id: Id) -> Response:
        """The receipt, its proof, and the check."""
        return pages.render(request, "receipt.html", **await context(request, message_id))

    @routes.get("/receipt/{message_id}/saved.html")
    async def saved(request: Request, principal: Public, message_id: Id) -> Response:
        """The same as one file that needs nothing else."""
        response = pages.render(
            request,
            "receipt_saved.html",
            **await context(request, message_id),
            style=Markup(style),  # noqa: S704  ours
            script=Markup(script),  # noqa: S704  ours
            policy=policy,
        )
        response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
        response.headers["Content-Disposition"] = f'attachment; filename="{message_id}.receipt.html"'
        return response


def _words(pages: Pages, language: Language) -> dict[str, str]:
    """What the script says, by key."""
    said = pages.words(language)
    return {
        key.removeprefix(_SAID_BY_SCRIPT): text
        for key, text in said.items()
        if key.startswith(_SAID_BY_SCRIPT)
    }


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
