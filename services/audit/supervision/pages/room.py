"""What the pages of supervision have in common: how a form is read, done, and shown again where a rule forbids it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import uuid4

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from services.audit import pages as console
from services.audit.evidence import Evidence
from services.audit.pages.saying import Saying
from services.audit.supervision.desk import Supervision
from services.audit.supervision.pages.naming import Naming
from services.audit.supervision.showing import Showing
from services.audit.trail import Trail
from shared.rights import Principal, may
from shared.rights.gate import CSRF_FIELD
from shared.service import House
from shared.web.pages import Pages
from shared.web.problems import Problem

FOLDER = Path(__file__).parent
M = TypeVar("M", bound=BaseModel)

TABS = (
    ("/findings", "findings", "cases.read"),
    ("/orders", "orders", "cases.read"),
    ("/exclusions", "exclusions", "cases.direct"),
    ("/samples", "samples", "supervision"),
    ("/probes", "probes", "supervision"),
)
Cursor = Annotated[str | None, Query(max_length=100)]
Short = Annotated[str, Query(max_length=80)]
_ASIDE = frozenset({"once", CSRF_FIELD})


@dataclass(frozen=True)
class Refusal:
    """What was not done: what was typed, and why not."""

    act: str
    typed: Mapping[str, str]
    problem: Problem


@dataclass(frozen=True)
class Room:
    """What every page needs."""

    house: House
    trail: Trail
    evidence: Evidence
    supervision: Supervision
    showing: Showing
    pages: Pages
    entries: Pages
    """The words of entries."""

    @classmethod
    def of(
        cls, house: House, trail: Trail, evidence: Evidence, supervision: Supervision, showing: Showing
    ) -> Room:
        """Over one installation."""
        own, entries = Pages(house, FOLDER), Pages(house, console.FOLDER)
        return cls(house, trail, evidence, supervision, showing, own, entries)

    def render(self, request: Request, principal: Principal, template: str, **context: Any) -> Response:
        """A page of supervision; where something was refused, with its status."""
        language = self.pages.language(request)
        refused: Refusal | None = context.get("refused")
        tabs = [(path, word) for path, word, right in TABS if may(principal, right)]  # type: ignore[arg-type]
        naming = Naming(self.pages, language)
        shared = {
            "tabs": tabs,
            "naming": naming,
            "refused": refused,
            "why": self._why(request, refused),
            "departments": [one.id for one in self.house.organisation.departments],
        }
        status = refused.problem.status if refused else 200
        return self.pages.render(request, template, status=status, **(context | shared))

    def saying(self, request: Request) -> Saying:
        """Says entries in the reader's language."""
        return Saying(self.entries, self.house.organisation, self.entries.language(request))

    def _why(self, request: Request, refused: Refusal | None) -> str:
        if refused is None:
            return ""
        words = self.pages.words(self.pages.language(request))
        return words.get(f"refused.{refused.problem.code}", refused.problem.detail)


async def done(
    request: Request,
    act: str,
    model: type[M],
    does: Callable[[M, str | None], Awaitable[str]],
    shows: Callable[[Refusal], Awaitable[Response]],
) -> Response:
    """Do what a form says, under its `once`, and go to the address that this answers; or show the form again."""
    form = {name: text for name, text in (await request.form()).items() if isinstance(text, str)}
    typed = {name: text for name, text in form.items() if text and name not in _ASIDE}
    try:
        body = model.model_validate(typed)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        told = f"{'.'.join(str(one) for one in first['loc'])}: {first['msg']}"
        return await shows(Refusal(act, typed, Problem(422, "invalid", "Incomplete", told)))
    try:
        return RedirectResponse(await does(body, form.get("once") or None), 303)
    except Problem as problem:
        if problem.status not in {403, 404, 409, 422} or (problem.status == 404 and act not in _NAMES_A_CASE):
            raise
        return await shows(Refusal(act, typed, problem))


_NAMES_A_CASE = frozenset({"issue", "exclude", "plant"})
"""What names a case that there may not be."""


def once() -> str:
    """Names a form: sent twice, it is done once."""
    return uuid4().hex
