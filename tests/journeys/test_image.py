"""The image's steps, gone through without Docker, make a Throughline that runs and has nothing that it need not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.composed import HOME, of_image
from tests.image import OF_THE_MACHINE, Image, built

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Built once."""
    return built(tmp_path_factory.mktemp("image"))


@contextmanager
def running(image: Image, data: Path) -> Iterator[str]:
    """All four in one process of the image, on the data given; its address."""
    command = ["throughline", "run", "--data", str(data), "--port", "0", "--smtp-port", "0"]
    environment = image.environment() | {
        "THROUGHLINE_HOST": "127.0.0.1",
        "THROUGHLINE_KEYS": str(data / "keys"),
    }
    command[0] = str(shutil.which(command[0], path=environment["PATH"]))
    log = data.with_suffix(".log")
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, cwd="/", stdout=said, stderr=said)
    try:
        addresses = data / "addresses"
        while not addresses.exists():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{addresses.read_text().split()[0]}"
    finally:
        process.terminate()
        assert process.wait(60) == 0, log.read_text()


def test_all_steps_are_gone_through_but_those_that_change_the_machine(image: Image) -> None:
    assert [step.split()[0] for step in image.left_out] == list(OF_THE_MACHINE)
    if not os.geteuid():
        made = image.at("/var/lib/throughline").stat()
        assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (10001, 10001, 0o700)


def test_it_has_what_is_locked_and_no_tools(image: Image) -> None:
    listed = image.run("python", "-c", _LIST)
    assert listed.returncode == 0, listed.stderr
    there: dict[str, str] = json.loads(listed.stdout)
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)$", (HOME / "requirements.lock").read_text(), re.MULTILINE))
    assert there.pop("throughline")
    assert {"aiokafka", "faststream", "pymongo", "fastapi"} <= set(there)
    assert {name: version for name, version in there.items() if locked.get(name) != version} == {}
    assert not {"pip", "setuptools", "pytest", "mypy", "ruff", "playwright", "motor"} & set(there)


_LIST = """
import json, re
from importlib.metadata import distributions
print(json.dumps({re.sub('[-_.]+', '-', one.name).lower(): one.version for one in distributions()}))
"""


def test_its_program_is_the_entrypoint_and_names_what_it_was_not_told(image: Image) -> None:
    (program,) = json.loads(of_image("ENTRYPOINT"))
    assert "serve" in image.run(program, *json.loads(of_image("CMD"))).stdout
    said = image.run(program, "serve", "intake")
    assert said.returncode == 2
    assert "THROUGHLINE_KAFKA_SERVERS" in said.stderr
    for command in (["topics", "acl"], ["serve", "--help"], ["migrate", "--help"]):
        ran = image.run(program, *command)
        assert ran.returncode == 0, ran.stderr
    assert image.run(program, "topics", "acl").stdout == (HOME / "deploy/kafka/acls.sh").read_text()


def test_it_serves_pages_takes_a_message_and_is_found_well(image: Image, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(image, data) as address, httpx.Client(base_url=address, trust_env=False) as client:
        front = client.get("/", headers={"Accept": "text/html"}).text
        assets = re.findall(r'"(/static/[^"]+)"', front)
        assert assets
        for path in ("/", "/sign-in", "/track", "/openapi.json", *assets):
            assert client.get(path, headers={"Accept": "text/html"}).status_code == 200, path
        sender = {"email": "wang@citizen.example", "language": "zh-Hant"}
        said = client.post("/v1/messages", json={"text": "路燈不亮", "sender": sender})
        assert said.status_code == 202, said.text
        while not list(data.glob("outbox/*.eml")):
            assert client.get("/readyz").status_code == 200
            time.sleep(0.05)

        check = json.loads(of_image("HEALTHCHECK").partition("CMD ")[2])
        asked = [word.replace("http://127.0.0.1:8080", address) for word in check]
        assert asked != check
        well = image.run(*asked)
        assert well.returncode == 0, well.stderr
    assert image.run(*asked).returncode != 0  # nobody is there any more
