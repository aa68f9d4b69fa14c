"""docker-compose.yml, the Dockerfile and the manifests, as a test reads them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOME = Path(__file__).parent.parent
OURS = ("intake", "routing", "notify", "audit")
_GIVEN = re.compile(r"\$\{(\w+):-([^}]*)\}")


def compose() -> dict[str, Any]:
    """The whole file, with what nobody set at its default."""
    text = (HOME / "docker-compose.yml").read_text()
    read: dict[str, Any] = yaml.safe_load(_GIVEN.sub(lambda found: found[2], text))
    return read


def dockerfile() -> list[tuple[str, str]]:
    """Its instructions, in order, each with what it is told."""
    text = (HOME / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def of_image(name: str) -> str:
    """What the image says last of something, such as its `ENTRYPOINT`."""
    return [rest for instruction, rest in dockerfile() if instruction == name][-1]


def environment_of_image() -> dict[str, str]:
    """What is set in it."""
    return dict(word.split("=", 1) for word in shlex.split(of_image("ENV")))


@dataclass(frozen=True)
class Process:
    """What a container runs, in which environment, and which of its secrets is called what."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """By the file's name in the container, which of the installation's secrets it is."""


def composed(name: str) -> Process:
    """One of ours, as compose starts it."""
    one = compose()["services"][name]
    command = (*json.loads(of_image("ENTRYPOINT")), *one["command"])
    secrets = {each["target"]: each["source"] for each in one["secrets"]}
    return Process(command, environment_of_image() | one["environment"], secrets)


def manifests() -> list[dict[str, Any]]:
    """Every document of deploy/kubernetes."""
    files = sorted((HOME / "deploy" / "kubernetes").glob("*.yaml"))
    return [one for path in files for one in yaml.safe_load_all(path.read_text()) if one]


def secrets_template() -> list[dict[str, Any]]:
    """Which secrets there must be in Kubernetes."""
    text = (HOME / "deploy" / "kubernetes" / "secrets.yaml.template").read_text()
    return [one for one in yaml.safe_load_all(text) if one]
