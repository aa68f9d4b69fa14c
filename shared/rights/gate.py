"""The door of every route: who asks and whether they may (`requires`); none without one (`check_routes`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from shared.clock import Clock
from shared.keys import Keys
from shared.rights.policy import Principal, Right, may, nobody, person
from shared.rights.sessions import Session, Sessions
from shared.settings import Settings
from shared.web.problems import Problem

if TYPE_CHECKING:
    from shared.organisation import Organisation

KEY_PREFIX = "tl_"
"""What an API key begins with, so that a leaked one is found by who looks for it."""
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

VerifyKey = Callable[[str], Awaitable[Principal | None]]
Stands = Callable[[Session], Awaitable[bool]]
Ends = Callable[[Session], Awaitable[None]]


class UnguardedRoute(RuntimeError):
    """A route names no right: nothing starts with it."""


class Gate:
    """Finds out who asks. One for an application, at `app.state.gate`."""

    def __init__(
        self, settings: Settings, keys: Keys, clock: Clock, organisation: Organisation, public_url: str
    ) -> None:
        self.sessions = Sessions(keys, clock, settings.session_hours)
        self.verify_key: VerifyKey | None = None
        """Whose an API key is; set by who keeps the keys. Without it no key is accepted."""
        self.stands: Stands | None = None
        """Whether a session's account is open and of the same generation; set by who keeps the accounts."""
        self.ends: Ends | None = None
        """Has a session refused by every service from now on; set by who keeps the accounts."""
        self._nobody = nobody(open_intake=settings.open_intake)
        self._clock = clock
        self._organisation = organisation
        self._secure = urlsplit(public_url).scheme == "https"
        self._ended: dict[str, datetime] = {}

    @property
    def cookie(self) -> str:
        """The session cookie's name; browsers tie a `__Host-` cookie to this very host."""
        return "__Host-throughline" if self._secure else "throughline"

    async def who(self, request: Request) -> tuple[Principal, Session | None]:
        """Who asks, and their session where a cookie says so. Raises Problem 401 for a false key."""
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._machine(credentials.strip()), None
        session = self.sessions.read(request.cookies.get(self.cookie, ""))
        if session is None or session.id in self._ended:
            return self._nobody, None
        if self.stands is not None and not await self.stands(session):
            return self._nobody, None
        found = person(self._organisation, session.person)
        return (found, session) if found else (self._nobody, None)

    async def _machine(self, key: str) -> Principal:
        found = await self.verify_key(key) if self.verify_key and key.startswith(KEY_PREFIX) else None
        if found is None:
            raise Problem(
                401,
                "key-not-accepted",
                "The API key is not accepted",
                "It is unknown or was revoked; `throughline key create` makes a new one.",
                headers={"WWW-Authenticate": 'Bearer realm="throughline", error="invalid_token"'},
            )
        return found

    def sign_in(self, response: Response, person_id: str, generation: int) -> Session:
        """Begin a new session and give its cookie to the browser."""
        session, token = self.sessions.issue(person_id, generation)
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(self.sessions.lasts.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
        return session

    async def sign_out(self, response: Response, session: Session | None) -> None:
        """End a session: its cookie is deleted, a copy of it refused."""
        await self.end(session)
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    async def end(self, session: Session | None) -> None:
        """Refuse a session from now on."""
        now = self._clock.now()
        self._ended = {ended: expires for ended, expires in self._ended.items() if expires > now}
        if session is not None:
            self._ended[session.id] = session.expires
            if self.ends is not None:
                await self.ends(session)

    @property
    def anybody(self) -> Principal:
        """Who has not signed in."""
        return self._nobody


class Guard:
    """Lets through who has the right; answers the principal."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> Principal:
        gate: Gate = request.app.state.gate
        principal, session = await gate.who(request)
        if (
            session is not None
            and request.method not in _SAFE
            and not await _csrf_holds(gate, request, session)
        ):
            if not may(gate.anybody, self.right):
                raise Problem(
                    403,
                    "form-expired",
                    "This form does not belong to your session",
                    "Load the page again and send it once more; a program sends the token as X-CSRF-Token.",
                )
            principal, session = (
                gate.anybody,
                None,
            )  # what anybody may do needs no session, so it counts as nobody's
        request.state.principal = principal
        request.state.session = session
        if may(principal, self.right):
            return principal
        if principal.kind == "nobody":
            raise Problem(
                401,
                "sign-in-needed",
                "Sign in first",
                f"This needs the right `{self.right}`: sign in, or send an API key that carries it.",
                headers={"WWW-Authenticate": 'Bearer realm="throughline"'},
            )
        raise Problem(
            403,
            "not-allowed",
            "You may not do this",
            f"It needs the right `{self.right}` ({self.right.meaning}).",
        )


async def _csrf_holds(gate: Gate, request: Request, session: Session) -> bool:
    token = request.headers.get(CSRF_HEADER)
    if token is None and request.headers.get("Content-Type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        token = field if isinstance(field, str) else None
    return token is not None and gate.sessions.csrf_holds(session.id, token)


def requires(right: Right) -> Any:
    """The dependency that every route has: `principal: Annotated[Principal, requires(Right.CASES_READ)]`."""
    return Depends(Guard(right))


def sign_in_path(request: Request) -> str:
    """Where to sign in, and to come back from to the page that was asked for."""
    came_from = request.url
    if request.method not in _SAFE:
        referer = urlsplit(request.headers.get("Referer", ""))
        wanted = referer.path + (f"?{referer.query}" if referer.query else "")
    else:
        wanted = came_from.path + (f"?{came_from.query}" if came_from.query else "")
    return f"/sign-in?next={quote(local_path(wanted), safe='/')}"


def local_path(path: str) -> str:
    """A path on this host to go on to; `/` for anything that a browser could take elsewhere."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else "/"


def install(app: FastAPI, gate: Gate) -> None:
    """Make `requires` work in an application."""
    app.state.gate = gate


def guard_of(dependant: Dependant) -> Guard | None:
    """The guard among a route's dependencies, or None."""
    if isinstance(dependant.call, Guard):
        return dependant.call
    return next((guard for inner in dependant.dependencies if (guard := guard_of(inner)) is not None), None)


def right_of(dependant: Dependant) -> Right | None:
    """The right that a route's dependencies ask for, or None."""
    guard = guard_of(dependant)
    return guard.right if guard is not None else None


def rights_of_routes(app: FastAPI) -> dict[str, Right | None]:
    """Every route, as `GET /v1/cases`, with its right. Mounted applications are routes without one."""
    found: dict[str, Right | None] = {}
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        methods = ",".join(sorted(route.methods or ())) or "MOUNT"
        path = route.path if route.path is not None else repr(route.original_route)
        found[f"{methods} {path}"] = right_of(dependant) if isinstance(dependant, Dependant) else None
    return found


def check_routes(app: FastAPI) -> None:
    """Refuse an application with an unguarded route. Raises UnguardedRoute, naming each one."""
    unguarded = [name for name, right in rights_of_routes(app).items() if right is None]
    if unguarded:
        raise UnguardedRoute(
            "these routes name no right: "
            + "; ".join(unguarded)
            + ". Give each a parameter `principal: Annotated[Principal, requires(Right.…)]`;"
            " where everybody may, say Right.PUBLIC."
        )
