"""Signing in and out, by page and by API, and one's own password."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from services.routing.people.account import AccountRefused
from services.routing.people.passwords import LONGEST, SHORTEST
from services.routing.people.people import People, TooManyAttempts
from shared.rights import Gate, Principal, Right, Session, local_path, person, requires
from shared.rights.accounts import Account
from shared.service import House
from shared.web.nav import home_of
from shared.web.pages import Pages
from shared.web.problems import Problem

PAGES = Path(__file__).parent / "pages"

Public = Annotated[Principal, requires(Right.PUBLIC)]
SignedIn = Annotated[Principal, requires(Right.SESSION)]
Words = Annotated[str, Form(max_length=LONGEST)]


class Credentials(BaseModel):
    """Who signs in."""

    login: str = Field(
        max_length=200, description="A person's id or mail address", examples=["housing-officer-1"]
    )
    password: str = Field(max_length=LONGEST)


class NewPassword(BaseModel):
    """A change of one's own password."""

    current: str = Field(max_length=LONGEST)
    new: str = Field(max_length=LONGEST, description=f"At least {SHORTEST} characters")


class SignedInAs(BaseModel):
    """A session; it stands in a cookie."""

    person: str
    roles: list[str]
    rights: list[str]
    expires: datetime
    csrf: str = Field(description="Send it as X-CSRF-Token with everything but GET")


def router(house: House, people: People) -> APIRouter:
    """The routes of sign-in."""
    routes = APIRouter()
    _api(routes, people)
    _pages(routes, people, Pages(house, PAGES))
    return routes


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


async def _sign_in(request: Request, people: People, login: str, password: str) -> Account:
    """The account. Raises Problem 401, one for every reason, or 429."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Problem(403, "other-site", "Another site sent this form", "Sign in on our own page.")
    address = request.client.host if request.client else ""
    try:
        account = await people.sign_in(login, password, address)
    except TooManyAttempts as error:
        minutes = ceil(error.wait.total_seconds() / 60)
        raise Problem(
            429,
            "too-many-attempts",
            "Too many wrong passwords",
            f"For this account, or from this address. Wait {minutes} min, or ask an administrator for a new password.",
            headers={"Retry-After": str(ceil(error.wait.total_seconds()))},
            minutes=minutes,
        ) from error
    if account is None or person(people.organisation, account.person) is None:
        raise Problem(
            401, "wrong-password", "This login and password open no account", "Check both and try again."
        )
    return account


async def _begin(request: Request, response: Response, account: Account) -> Session:
    gate = _gate(request)
    await gate.end(getattr(request.state, "session", None))
    return gate.sign_in(response, account.person, account.generation)


async def _change(request: Request, people: People, principal: Principal, current: str, new: str) -> Account:
    """The account with its new password. Raises Problem 401, 422 or 429."""
    await _sign_in(request, people, principal.id, current)
    try:
        return await people.set_password(principal.id, new, principal.id)
    except AccountRefused as error:
        raise Problem(422, "password-refused", "This can't be the password", str(error)) from error


def _api(routes: APIRouter, people: People) -> None:
    failures: dict[int | str, dict[str, Any]] = {
        401: {"description": "Wrong"},
        429: {"description": "Too many attempts; see Retry-After"},
    }

    @routes.post("/v1/sign-in", tags=["sign-in"], responses=failures)
    async def sign_in(
        request: Request, response: Response, principal: Public, credentials: Credentials
    ) -> SignedInAs:
        """Begin a session. Its cookie comes with the answer."""
        account = await _sign_in(request, people, credentials.login, credentials.password)
        return _shown(request, people, await _begin(request, response, account))

    @routes.get("/v1/session", tags=["sign-in"])
    async def get_session(request: Request, principal: SignedIn) -> SignedInAs:
        """Who is signed in, and until when."""
        return _shown(request, people, request.state.session)

    @routes.post("/v1/sign-out", tags=["sign-in"], status_code=204)
    async def sign_out(request: Request, principal: SignedIn) -> Response:
        """End the session."""
        response = Response(status_code=204)
        await _gate(request).sign_out(response, request.state.session)
        return response

    @routes.post("/v1/password", tags=["sign-in"], responses=failures)
    async def change_password(
        request: Request, response: Response, principal: SignedIn, words: NewPassword
    ) -> SignedInAs:
        """Change one's own password. All other sessions end; this one goes on under a new cookie."""
        account = await _change(request, people, principal, words.current, words.new)
        return _shown(request, people, await _begin(request, response, account))


def _shown(request: Request, people: People, session: Session) -> SignedInAs:
    principal = person(people.organisation, session.person)
    assert principal is not None
    return SignedInAs(
        person=principal.id,
        roles=sorted(principal.roles),
        rights=sorted(principal.rights),
        expires=session.expires,
        csrf=_gate(request).sessions.csrf(session.id),
    )


def _pages(routes: APIRouter, people: People, pages: Pages) -> None:
    @routes.get("/sign-in", include_in_schema=False)
    async def sign_in_page(
        request: Request, principal: Public, go: Annotated[str, Query(alias="next", max_length=2000)] = "/"
    ) -> Response:
        return pages.render(request, "sign_in.html", go=local_path(go), login="", problem=None)

    @routes.post("/sign-in", include_in_schema=False)
    async def sign_in(
        request: Request,
        principal: Public,
        login: Words,
        password: Words,
        go: Annotated[str, Form(alias="next", max_length=2000)] = "/",
    ) -> Response:
        try:
            account = await _sign_in(request, people, login, password)
        except Problem as problem:
            return pages.render(
                request,
                "sign_in.html",
                status=problem.status,
                headers=problem.headers,
                go=local_path(go),
                login=login,
                problem=problem,
            )
        known = person(people.organisation, account.person)
        assert known is not None
        wanted = local_path(go)
        response = RedirectResponse(home_of(request.app, known) if wanted == "/" else wanted, 303)
        await _begin(request, response, account)
        return response

    @routes.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request, principal: SignedIn) -> Response:
        response = RedirectResponse("/", 303)
        await _gate(request).sign_out(response, request.state.session)
        return response

    @routes.get("/account", include_in_schema=False)
    async def account_page(request: Request, principal: SignedIn, done: bool = False) -> Response:
        return pages.render(request, "account.html", done=done, problem=None)

    @routes.post("/account/password", include_in_schema=False)
    async def change_password(request: Request, principal: SignedIn, current: Words, new: Words) -> Response:
        response = RedirectResponse("/account?done=true", 303)
        try:
            account = await _change(request, people, principal, current, new)
        except Problem as problem:
            return pages.render(request, "account.html", status=problem.status, done=False, problem=problem)
        await _begin(request, response, account)
        return response
