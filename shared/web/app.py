"""The HTTP application of a process: the routes of its services, operations, and nothing without a right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from shared import metrics
from shared.bus import Bus
from shared.rights import Principal, Right, check_routes, requires
from shared.service import House, Service
from shared.web import dead
from shared.web.asyncapi import document
from shared.web.openapi import complete
from shared.web.pages import install

_METRICS = 'throughline_messages_received_total{channel="web",outcome="accepted"} 41.0\n'


class Health(BaseModel):
    """Whether the process lives, or is ready; and if not, why."""

    ok: bool
    reasons: list[str] = []
    late: list[str] = Field([], description="What does not get on while it serves all the same")
    held: list[str] = Field([], description="By group, how many keys wait until a person replays them")


class Application(FastAPI):
    """FastAPI, with all of its OpenAPI."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = complete(self, super().openapi())
        return self.openapi_schema


def build(
    house: House,
    services: Sequence[Service],
    not_ready: Callable[[], list[str]],
    bus: Bus,
    late: Callable[[], list[str]] = list,
) -> FastAPI:
    """All routes of the services given. Raises where a route names no right."""
    app = Application(
        title="Throughline",
        version="0.1.0",
        summary="One line in, one trail out.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    install(app, house)
    for service in services:
        for router in service.routers:
            app.include_router(router)
        if service.wire is not None:
            service.wire(app)
    _operations(app, not_ready, bus, late)
    _asyncapi(app, services, house.settings.topic_prefix)
    app.include_router(dead.router(bus))
    check_routes(app)
    return app


def _asyncapi(app: FastAPI, services: Sequence[Service], prefix: str) -> None:
    @app.get("/asyncapi.json", tags=["operations"], include_in_schema=False)
    async def get_asyncapi(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        return Response(orjson.dumps(document(services, prefix)), media_type="application/json")


def _operations(
    app: FastAPI, not_ready: Callable[[], list[str]], bus: Bus, late: Callable[[], list[str]]
) -> None:
    metrics.READY.set_function(lambda: int(not not_ready()))

    @app.get("/healthz", tags=["operations"])
    async def healthz(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Health:
        """The process lives."""
        return Health(ok=True)

    @app.get("/readyz", tags=["operations"], responses={503: {"model": Health}})
    async def readyz(principal: Annotated[Principal, requires(Right.PUBLIC)], response: Response) -> Health:
        """Everything is started and gets on; `503` with the reasons otherwise."""
        reasons = not_ready()
        response.status_code = 503 if reasons else 200
        held = [
            f"{group}: {keys} held back; `throughline dead list` says why"
            for group, keys in bus.held_counts().items()
        ]
        return Health(ok=not reasons, reasons=reasons, late=late(), held=held)

    @app.get(
        "/metrics",
        tags=["operations"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _METRICS}}}},
    )
    async def get_metrics(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """For Prometheus. Counts only: no words, no names."""
        return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json", tags=["operations"], include_in_schema=False)
    async def get_openapi(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        return Response(orjson.dumps(app.openapi()), media_type="application/json")
