"""Session tokens, forms' tokens, and that no route stands open unsaid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import jwt
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from shared.clock import SimulatedClock
from shared.keys import Keys
from shared.rights import Principal, Right, Sessions, UnguardedRoute, check_routes, local_path, requires

START = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)


def sessions(directory: Path, clock: SimulatedClock | None = None) -> Sessions:
    return Sessions(Keys(directory), clock or SimulatedClock(START), 12)


def test_a_session_is_read_back_from_its_token(tmp_path: Path) -> None:
    issued, token = sessions(tmp_path).issue("housing-officer-1", 3)
    assert sessions(tmp_path).read(token) == issued
    assert issued.generation == 3


def test_every_sign_in_has_a_session_of_its_own(tmp_path: Path) -> None:
    ours = sessions(tmp_path)
    assert ours.issue("a", 1)[0].id != ours.issue("a", 1)[0].id


def test_a_session_ends_after_its_hours(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    ours = sessions(tmp_path, clock)
    _, token = ours.issue("a", 1)
    clock.advance_to(START + timedelta(hours=12) - timedelta(seconds=1))
    assert ours.read(token) is not None
    clock.advance_to(START + timedelta(hours=12))
    assert ours.read(token) is None


def test_a_token_of_another_installation_is_refused(tmp_path: Path) -> None:
    _, token = sessions(tmp_path / "one").issue("a", 1)
    assert sessions(tmp_path / "two").read(token) is None


def test_a_token_changed_in_any_part_is_refused(tmp_path: Path) -> None:
    ours = sessions(tmp_path)
    _, token = ours.issue("a", 1)
    for part in range(3):
        pieces = token.split(".")
        middle = len(pieces[part]) // 2
        pieces[part] = (
            pieces[part][:middle] + ("A" if pieces[part][middle] != "A" else "B") + pieces[part][middle + 1 :]
        )
        assert ours.read(".".join(pieces)) is None


def test_an_unsigned_token_is_refused(tmp_path: Path) -> None:
    claims = {"sub": "a", "sid": "x", "gen": 1, "iat": 0, "exp": 2**40}
    assert sessions(tmp_path).read(jwt.encode(claims, "", algorithm="none")) is None


@pytest.mark.parametrize("missing", ["sub", "sid", "gen", "exp"])
def test_a_signed_token_that_lacks_something_is_refused(tmp_path: Path, missing: str) -> None:
    claims: dict[str, object] = {"sub": "a", "sid": "x", "gen": 1, "iat": 0, "exp": 4102444800}
    key = Keys(tmp_path).purpose("session")
    assert sessions(tmp_path).read(jwt.encode(claims, key, algorithm="HS256")) is not None
    del claims[missing]
    assert sessions(tmp_path).read(jwt.encode(claims, key, algorithm="HS256")) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é"])
def test_what_is_no_token_is_no_session(tmp_path: Path, token: str) -> None:
    assert sessions(tmp_path).read(token) is None


def test_a_forms_token_belongs_to_one_session(tmp_path: Path) -> None:
    ours = sessions(tmp_path)
    assert ours.csrf_holds("one", ours.csrf("one"))
    assert not ours.csrf_holds("two", ours.csrf("one"))
    assert not ours.csrf_holds("one", "")
    assert not ours.csrf_holds("one", "全")


def guarded() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/said")
    async def said(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> None: ...

    return app


def test_an_application_whose_every_route_has_a_right_may_start() -> None:
    check_routes(guarded())


def test_a_route_without_a_right_is_named() -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/v1")

    @inner.post("/forgotten")
    async def forgotten() -> None: ...

    outer.include_router(inner)
    app = guarded()
    app.include_router(outer)
    with pytest.raises(UnguardedRoute, match="POST /v1/inner/forgotten"):
        check_routes(app)


def test_a_right_given_to_a_whole_router_counts() -> None:
    routes = APIRouter()

    @routes.get("/inner")
    async def inner() -> None: ...

    app = guarded()
    app.include_router(routes, dependencies=[requires(Right.OPERATIONS)])
    check_routes(app)


def test_what_the_framework_adds_by_itself_counts_too() -> None:
    with pytest.raises(UnguardedRoute, match=r"/openapi\.json.*/docs"):
        check_routes(FastAPI())


def test_mounted_files_and_plain_routes_count_too(tmp_path: Path) -> None:
    app = guarded()
    app.mount("/files", StaticFiles(directory=tmp_path))
    with pytest.raises(UnguardedRoute, match="/files"):
        check_routes(app)
    app = guarded()
    app.router.routes.append(Route("/plain", lambda request: PlainTextResponse("")))
    with pytest.raises(UnguardedRoute, match="/plain"):
        check_routes(app)


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/a\nb", "/a\\b"]
)
def test_a_sign_in_leads_to_no_other_site(path: str) -> None:
    assert local_path(path) == "/"


def test_a_sign_in_leads_back_to_where_one_was() -> None:
    assert local_path("/cases?state=new") == "/cases?state=new"
