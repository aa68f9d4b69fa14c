"""The lists of cases: one's own, what the coordinator must dispatch, what one was asked for, what one must decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.routing.office import Filter, Office
from services.routing.shapes import CaseList, ListedCase
from shared.content import ContentGone, ContentStore
from shared.content.words import MessageWords
from shared.ids import read_ref
from shared.rights import Principal, Right, may_handle_case, requires
from shared.web.pages import Pages

_SUBJECT_CHARACTERS = 60

Cursor = Annotated[str | None, Query()]


def lists(routes: APIRouter, pages: Pages, office: Office, content: ContentStore) -> None:
    """The routes."""

    async def show(
        request: Request,
        principal: Principal,
        wanted: Filter,
        cursor: str | None,
        title: str,
        *,
        gone: str | None = None,
    ) -> Response:
        found: CaseList = await office.list(principal, wanted, cursor=cursor)
        subjects = {case.id: await subject(content, await office.words_of(case.id)) for case in found.cases}
        return pages.render(
            request,
            "cases.html",
            found=found,
            subjects=subjects,
            title=title,
            accepts=lambda case: _accepts(principal, case),
            wanted=wanted,
            tabs=title == "cases.title",
            gone=gone,
        )

    @routes.get("/cases")
    async def cases(
        *,
        request: Request,
        principal: Annotated[Principal, requires(Right.CASES_READ)],
        overdue: Annotated[bool, Query()] = False,
        urgent: Annotated[bool, Query()] = False,
        helping: Annotated[bool, Query()] = False,
        cursor: Cursor = None,
        gone: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        """A department's cases: what is owed soonest stands first."""
        wanted = Filter(overdue=overdue or None, urgent=urgent or None, helping=helping)
        return await show(request, principal, wanted, cursor, "cases.title", gone=read_ref(gone))

    @routes.get("/queue")
    async def queue(
        request: Request,
        principal: Annotated[Principal, requires(Right.CASES_DISPATCH)],
        cursor: Cursor = None,
    ) -> Response:
        """What the coordinator must dispatch."""
        return await show(request, principal, Filter(department="coordinator"), cursor, "cases.queue")

    @routes.get("/decisions")
    async def decisions(
        request: Request,
        principal: Annotated[Principal, requires(Right.CASES_DIRECT)],
        cursor: Cursor = None,
    ) -> Response:
        """What waits for a leader's word: opinions, more time, drafts, reviews, inspections."""
        return await show(request, principal, Filter(deciding=True), cursor, "cases.decisions")


async def subject(content: ContentStore, ref: str) -> str:
    """What a case is about, in a line: its subject, else how it begins."""
    try:
        words = await content.open_model(ref, MessageWords)
    except ContentGone:
        return "—"
    line = " ".join((words.subject.strip() or words.text).split())
    return line if len(line) <= _SUBJECT_CHARACTERS else line[: _SUBJECT_CHARACTERS - 1] + "…"


def _accepts(principal: Principal, case: ListedCase) -> bool:
    return case.state == "assigned" and may_handle_case(principal, department=case.department)
