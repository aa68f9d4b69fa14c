"""The image is small, pinned, and runs as nobody special: what a linter would say of it, said here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.composed import HOME, OURS, dockerfile, environment_of_image, of_image

INSTRUCTIONS = dockerfile()
LAST = max(at for at, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
FINAL = INSTRUCTIONS[LAST:]


def told(name: str, among: list[tuple[str, str]] = INSTRUCTIONS) -> list[str]:
    return [rest for instruction, rest in among if instruction == name]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    each_step_apart = ("--ignore", "DL3059")  # a step that fails is seen, and a test can go through them
    ran = subprocess.run(
        [hadolint, *each_step_apart, "--no-color", HOME / "deploy" / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_it_stands_on_is_of_one_version_and_named_without_a_host() -> None:
    bases = [rest.split()[0] for rest in told("FROM")]
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base), base  # the version that all tests run on


def test_what_builds_it_stays_behind() -> None:
    assert told("FROM")[0].split()[1:] == ["AS", "built"]
    assert not [rest for rest in told("RUN", FINAL) if re.search(r"\b(pip|apt|apt-get)\b", rest)]
    (installed,) = [rest for rest in told("RUN") if " install " in rest and "pip" in rest]
    words = shlex.split(installed)
    assert {"--no-cache-dir", ".[cluster]"} <= set(words)
    assert words[words.index("--constraint") + 1] == "requirements.lock"


def test_nothing_comes_from_elsewhere_and_every_step_is_one_that_can_fail() -> None:
    assert told("ADD") == []
    for rest in told("RUN"):
        assert not re.search(r"\b(curl|wget|git|sudo)\b|[|;]|://", rest), rest


def test_it_runs_as_nobody_special() -> None:
    user, group = told("USER", FINAL)[-1].split(":")
    assert int(user) > 1000
    assert any(f"--uid {user}" in rest for rest in told("RUN", FINAL))
    assert any(f"--gid {group}" in rest for rest in told("RUN", FINAL))
    after = [name for name, _ in FINAL[[name for name, _ in FINAL].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after


def test_it_has_no_secret_and_no_data() -> None:
    assert told("ARG") == []
    assert not [key for key in environment_of_image() if re.search("PASSWORD|TOKEN|SECRET|URL", key)]
    taken = (HOME / ".dockerignore").read_text().splitlines()
    assert taken[1] == "*"
    allowed = {line.removeprefix("!") for line in taken if line.startswith("!")}
    sources = [word for rest in told("COPY") if not rest.startswith("--from") for word in rest.split()[:-1]]
    for source in sources:
        assert (HOME / source).exists()
        assert any(source == one or source.startswith(f"{one}/") for one in allowed), source


def test_it_says_whether_it_lives_and_is_told_to_end_itself() -> None:
    how = told("HEALTHCHECK", FINAL)[0]
    assert "/healthz" in how
    assert json.loads(how.partition("CMD ")[2])[0] == "python"
    assert json.loads(of_image("ENTRYPOINT")) == ["throughline"]  # no shell between: SIGTERM is for it
    assert of_image("EXPOSE").split() == ["8080", "2525"]
    assert len(OURS) == 4
