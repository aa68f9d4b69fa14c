"""The Dockerfile's steps without Docker: in a directory that stands for the image, on this machine's Python."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.composed import HOME, dockerfile, environment_of_image

OF_THE_MACHINE = ("groupadd", "useradd")
"""What would change this machine's users is left out; it is read by tests/unit/test_dockerfile.py."""


@dataclass
class Image:
    """The directory, and what was left out."""

    root: Path
    left_out: list[str]

    def at(self, path: str) -> Path:
        """Where something of the image is."""
        return self.root / path.removeprefix("/")

    def moved(self, text: str) -> str:
        """The same with the image's paths where they are here."""
        for path in ("/opt/throughline", "/etc/throughline", "/var/lib/throughline"):
            text = text.replace(path, str(self.at(path)))
        return text

    def environment(self) -> dict[str, str]:
        """What a process of it has, and a home for the client of the packages' registry."""
        told = {name: self.moved(value) for name, value in environment_of_image().items()}
        home = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return home | told

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run something in it."""
        program = shutil.which(command[0], path=self.environment()["PATH"])
        assert program is not None, command
        return subprocess.run(
            [program, *command[1:]],
            env=self.environment(),
            cwd=self.at("/var/lib/throughline"),
            capture_output=True,
            text=True,
            check=False,
        )


def built(root: Path) -> Image:
    """Go through the steps, in order."""
    image, directory = Image(root, []), root
    for name, rest in dockerfile():
        if name == "WORKDIR":
            directory = image.at(rest)
            directory.mkdir(parents=True, exist_ok=True)
        elif name == "COPY" and not rest.startswith("--from"):  # both stages are one directory here
            _copy(image, directory, rest.split())
        elif name == "RUN" and rest.split()[0] in OF_THE_MACHINE:
            image.left_out.append(rest)
        elif name == "RUN":
            _run(image, directory, rest)
    return image


def _copy(image: Image, directory: Path, words: list[str]) -> None:
    *sources, target = words
    place = image.at(target) if target.startswith("/") else directory / target
    for source in (HOME / one for one in sources):
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            into = place / source.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into)


def _run(image: Image, directory: Path, step: str) -> None:
    words = shlex.split(image.moved(step))
    if words[0] == "python":
        words[0] = sys.executable
    if words[0] == "install" and os.geteuid():
        words = [word for word in words if word not in {"-o", "-g", "10001"}]
    ran = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{step}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
