"""The HTTP door alone: durable, no other service running."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from bench import generate
from bench.processes import appears, child
from services import intake
from services.http import listening
from services.intake.channels.web import MessageBody
from shared.embedded import Embedded
from shared.settings import Settings

WARM_UP = 500


def http(count: int, work: Path) -> dict[str, object]:
    """The bench `http`."""
    ours = _rate("ours", count, work)
    bare = _rate("bare", count, work)
    return {
        "bench": "http",
        "value": round(ours),
        "reference": round(bare),
        "reference_is": "bare FastAPI validating the same body with the same model, nothing kept",
        "ratio": round(ours / bare, 3),
        "messages": count,
    }


def _rate(which: str, count: int, work: Path) -> float:
    log = work / f"{which}.log"
    with child("-m", "bench.door", which, str(work), log=log) as process:
        port = int(appears(work / f"{which}.port", process, log))
        asyncio.run(generate.post_all(port, "/v1/messages", [generate.body(n) for n in range(WARM_UP)]))
        bodies = [generate.body(number) for number in range(WARM_UP, WARM_UP + count)]
        started = time.perf_counter()
        asyncio.run(generate.post_all(port, "/v1/messages", bodies))
        return count / (time.perf_counter() - started)


def _bare() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/messages", status_code=202)
    async def post(body: MessageBody) -> dict[str, str]:
        return {"subject": body.subject}

    return app


async def _serve(which: str, work: Path) -> None:
    door = listening("127.0.0.1", 0)
    config = {"log_config": None, "access_log": False, "lifespan": "off"}
    (work / f"{which}.port").write_text(str(door.getsockname()[1]))
    if which == "bare":
        await uvicorn.Server(uvicorn.Config(_bare(), **config)).serve(sockets=[door])  # type: ignore[arg-type]
        return
    settings = Settings(data=work / "data", smtp_port=0)
    async with Embedded(settings, [intake.service], intake.COLLECTIONS) as installation:
        await uvicorn.Server(uvicorn.Config(installation.app(), **config)).serve(sockets=[door])  # type: ignore[arg-type]


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2])))
