"""A real nginx before services on loopback, with the configuration that is deployed."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.loopback.process import Server, ports
from deploy.loopback.servers import listens
from tests.composed import HOME

_AROUND = """user {user};
daemon off;
worker_processes 1;
pid {here}/pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {here}/body;
    proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi;
    scgi_temp_path {here}/scgi;
    include {here}/throughline.conf;
}}
"""


def nginx() -> str:
    """Where it is. Without it there is no test: in CI that is a failure."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        why = "nginx is missing: install it (`make proxy`)"
        if os.environ.get("CI"):
            pytest.fail(f"in CI the reverse proxy is tested: {why}")
        pytest.skip(why)
    return found


@asynccontextmanager
async def proxy(directory: Path, doors: Mapping[str, str]) -> AsyncIterator[str]:
    """Its address. `doors` says where each service is, `127.0.0.1:8081` and so on."""
    program = nginx()
    port = ports(directory, ("front",))["front"]
    table = (HOME / "deploy" / "nginx" / "ways.map").read_text()
    for name, door in doors.items():
        table = table.replace(f"{name}:8080", door)
    told = (HOME / "deploy" / "nginx" / "throughline.conf").read_text()
    moved = {"/etc/nginx/ways.map": str(directory / "ways.map"), "listen 8080": f"listen 127.0.0.1:{port}"}
    for there, here in moved.items():
        assert there in told, there
        told = told.replace(there, here)
    (directory / "ways.map").write_text(table)
    (directory / "throughline.conf").write_text(told)
    (directory / "nginx.conf").write_text(_AROUND.format(here=directory, user=getpass.getuser()))
    server = Server(
        "nginx",
        f"127.0.0.1:{port}",
        log=directory / "nginx.log",
        command=(program, "-p", str(directory), "-c", str(directory / "nginx.conf")),
        answers=listens,
    )
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop()
        await asyncio.sleep(0)
