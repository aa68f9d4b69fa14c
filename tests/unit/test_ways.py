"""Split by prefix over four processes, every address is answered by who serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.embedded import embedded
from services.ways import WAYS, service_of
from shared.rights import rights_of_routes
from shared.settings import Settings
from shared.web.app import build
from tests.installations import in_a_loop

OF_EACH = {"/metrics", "/healthz", "/readyz", "/openapi.json", "/asyncapi.json", "/static/{name}"}
HELD_BACK = "/v1/dead/{group}/{key}"
NAMES = ("intake", "routing", "notify", "audit")


@asynccontextmanager
async def four(directory: Path) -> AsyncIterator[dict[str, FastAPI]]:
    """The application of each service on its own."""
    async with embedded(Settings(data=directory, smtp_port=0)) as one:
        yield {service.name: build(one.house, [service], one.not_ready, one.bus) for service in one.services}


def paths(app: FastAPI) -> set[str]:
    return {name.partition(" ")[2] for name in rights_of_routes(app)}


@in_a_loop
async def test_every_address_of_a_service_leads_to_it(tmp_path: Path) -> None:
    async with four(tmp_path) as apps:
        assert set(apps) == set(NAMES)
        for name, app in apps.items():
            own = {path for path in paths(app) - OF_EACH if not path.startswith("/v1/dead")}
            assert {service_of(path) for path in own} == {name}


@in_a_loop
async def test_every_prefix_leads_to_something(tmp_path: Path) -> None:
    async with four(tmp_path) as apps:
        for prefix, name in WAYS.items():
            served = {path for path in paths(apps[name]) if path == prefix or path.startswith(f"{prefix}/")}
            assert served or prefix == f"/v1/dead/{name}", f"{name} serves nothing below {prefix}"


@in_a_loop
async def test_what_a_group_holds_back_is_replayed_by_its_own_service(tmp_path: Path) -> None:
    async with four(tmp_path) as apps:
        for name in ("intake", "routing", "notify"):
            assert any(path.startswith(HELD_BACK) for path in paths(apps[name]))
            assert service_of(f"/v1/dead/{name}/case_1/replay") == name


def test_a_prefix_is_of_whole_segments() -> None:
    assert service_of("/cases/K7QM") == "routing"
    assert service_of("/casework") == service_of("/nowhere/at/all") == "intake"
