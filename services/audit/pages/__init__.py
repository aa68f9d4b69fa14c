"""The supervision console (M15): what is late, what came in, the trail's head, and a case's whole timeline."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from services.audit.cosigning import Witnessed
from services.audit.evidence import CHANGED, Evidence, Head
from services.audit.figures import OPEN_STATES, Figures, figures
from services.audit.pages.about import about_page
from services.audit.pages.receipt import Receipts, receipt_page
from services.audit.pages.saying import Saying
from services.audit.patrol import Looked, Patrol
from services.audit.projection import COORDINATOR, STAGES
from services.audit.timeline import Hole, Line, Timeline, known, timeline
from services.audit.trail import Trail
from shared.ids import read_ref
from shared.note import Signer, encode_base64
from shared.rights import Principal, Right, may_see_case, requires, sees_all_cases
from shared.service import House
from shared.web.pages import Pages
from shared.web.problems import not_found
from shared.web.spans import span

FOLDER = Path(__file__).parent
FEW = 20
"""As many obligations are listed at first, so that what follows is not lost beneath them."""
_RUNGS = {stage: action for action, stage in STAGES.items()}

Supervises = Annotated[Principal, requires(Right.CONSOLE)]


@dataclass(frozen=True)
class Checked:
    """The trail's head, computed anew, with what was read again under it."""

    head: Head
    looked: Looked
    at: datetime

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with what was looked at."""
        return self.head.problem is None and not self.looked.damages


class Console:
    """What the pages show, read and computed at each look; nothing of it for the event loop."""

    def __init__(self, house: House, trail: Trail, evidence: Evidence) -> None:
        self._house = house
        self._trail = trail
        self._evidence = evidence
        self._patrol = Patrol(evidence.directory)
        self._zone = ZoneInfo(house.organisation.hours.zone)

    def figures(self, principal: Principal) -> Figures:
        """The figures of now; refs only of the cases that somebody may see."""
        now = self._house.clock.now()
        today = now.astimezone(self._zone).date().isoformat()
        holders = None if sees_all_cases(principal) else sorted(principal.leads)
        return figures(self._trail.projector.path, now, today, holders)

    def check(self) -> Checked:
        """The trail, verified just now."""
        head = self._evidence.head()
        looked = Looked(0, 0, []) if head.problem else self._patrol.look(head.state)
        return Checked(head, looked, self._house.clock.now())

    def timeline(self, ref: str, principal: Principal) -> Timeline:
        """A case's timeline. Raises Problem 404 for one that isn't there or may not be seen."""
        found = timeline(self._trail.projector.path, self._evidence, ref, self._trail.published.size)
        if found is None:
            raise not_found("case")
        holder = found.standing.holder
        led_by = None if holder == COORDINATOR else holder
        if not may_see_case(principal, department=led_by, past_departments=found.departments):
            raise not_found("case")
        return found

    def command(self) -> str:
        """What verifies all of it with nothing of ours but the key."""
        public = self._house.settings.trail_entries == "public"
        where = f"{self._house.public_url}/trail" if public else str(self._house.settings.data)
        vkey = self._trail.signer.verifier.vkey
        return f"throughline trail verify {shlex.quote(where)} --vkey {shlex.quote(vkey)}"

    @property
    def vkey(self) -> str:
        """The log's verifier key."""
        return self._trail.signer.verifier.vkey

    def behind(self, shown: int) -> int:
        """Entries that the log has and that what is shown does not rest on yet."""
        return self._trail.index.state.size - shown

    @property
    def witnessed(self) -> Witnessed | None:
        """Who cosigned the last checkpoint; None where nobody is asked, or where it does not verify at all."""
        cosigning = self._trail.cosigning
        if cosigning is None:
            return None
        try:
            return cosigning.witnessed(self._trail.checkpoint())
        except ValueError:
            return None

    @property
    def waiting(self) -> int:
        """Entries that the next checkpoint will cover."""
        return self._trail.index.state.size - self._trail.published.size


def router(house: House, trail: Trail, evidence: Evidence, receipts: Signer) -> APIRouter:
    """The routes of the console, and of the page on which anybody checks a receipt."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)
    console = Console(house, trail, evidence)
    pages.environment.globals.update(
        moment=lambda ms: datetime.fromtimestamp(ms / 1000, UTC),
        stamp=_stamp(ZoneInfo(house.organisation.hours.zone)),
        base64=encode_base64,
        rung=_RUNGS.get,
        states=OPEN_STATES,
        changed=CHANGED,
    )
    _overview(routes, pages, console)
    _case(routes, pages, console, house)
    about_page(routes, pages, house, evidence, receipts.verifier.vkey)
    receipt_page(routes, pages, Receipts(house, trail, evidence, receipts), house.public_url)
    return routes


def _stamp(zone: ZoneInfo) -> Callable[[datetime], Markup]:
    """How an instant is written in a table, where many stand beneath each other."""

    def stamp(at: datetime) -> Markup:
        local = at.astimezone(zone)
        return Markup('<time class="stamp" datetime="{}">{}</time>').format(
            local.isoformat(), f"{local:%Y-%m-%d %H:%M}"
        )

    return stamp


def _overview(routes: APIRouter, pages: Pages, console: Console) -> None:
    async def show(
        request: Request, principal: Principal, *, sought: str = "", every: bool = False
    ) -> Response:
        seen, checked = await asyncio.gather(
            asyncio.to_thread(console.figures, principal), asyncio.to_thread(console.check)
        )
        language = pages.language(request)

        return pages.render(
            request,
            "console.html",
            status=404 if sought else 200,
            figures=seen,
            checked=checked,
            sought=sought,
            all=every,
            few=FEW,
            own=not sees_all_cases(principal),
            moment_in_words=pages.instant(language, checked.at),
            past=lambda since: span(pages, language, checked.at - since),
            until=lambda due: span(pages, language, due - checked.at),
            widest=max((one.open for one in seen.holders), default=0) or 1,
            command=console.command(),
            vkey=console.vkey,
            waiting=console.waiting,
            witnessed=console.witnessed,
            behind=console.behind(seen.as_of),
        )

    @routes.get("/console")
    async def overview(
        request: Request, principal: Supervises, every: Annotated[bool, Query(alias="all")] = False
    ) -> Response:
        """What is late now, how departments do, what came in, and whether the trail is whole."""
        return await show(request, principal, every=every)

    @routes.get("/console/cases")
    async def find(
        request: Request, principal: Supervises, ref: Annotated[str, Query(max_length=80)] = ""
    ) -> Response:
        """To a case by its ref; back to the console where there is none to be seen."""
        wanted = read_ref(ref)
        if wanted is not None:
            return RedirectResponse(f"/console/cases/{wanted}", 303)
        if not ref.strip():
            return RedirectResponse("/console", 303)
        return await show(request, principal, sought=ref.strip())


def _actor(line: Line) -> str | None:
    """Who did it, as their opaque id; rules, time and senders have none."""
    if line.record is None or not known(line.record):
        return None
    actor: str | None = getattr(line.record.data, "actor", None)
    return actor


def _case(routes: APIRouter, pages: Pages, console: Console, house: House) -> None:
    @routes.get("/console/cases/{ref}")
    async def case(request: Request, principal: Supervises, ref: str) -> Response:
        """Everything the trail has of a case, each entry verified as the page is made."""
        wanted = read_ref(ref) or ref
        found = await asyncio.to_thread(console.timeline, wanted, principal)
        checked = await asyncio.to_thread(console.check)
        language = pages.language(request)
        saying = Saying(pages, house.organisation, language)
        return pages.render(
            request,
            "timeline.html",
            found=found,
            case=found.standing,
            lines=[(line, None if isinstance(line, Hole) else saying.say(line)) for line in found.lines],
            missing=sum(hole.last - hole.first + 1 for hole in found.holes),
            actor=_actor,
            behind=console.behind(found.as_of),
            checked=checked,
        )
