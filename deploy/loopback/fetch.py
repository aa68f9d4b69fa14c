"""The servers' jars, fetched once by Maven into a cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

KAFKA = ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36")
KAFKA_TOOLS = ("org.apache.kafka:kafka-tools:4.4.0", "org.slf4j:slf4j-simple:1.7.36")
"""Its scripts for operators, such as `kafka-acls.sh`."""
MONGO = ("de.bwaldvogel:mongo-java-server-h2-backend:1.47.0", "org.slf4j:slf4j-simple:2.0.17")

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>throughline</groupId>
  <artifactId>loopback</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


class Missing(RuntimeError):
    """The servers can't be had on this machine. Says what is missing and what to do."""


def java() -> str:
    """The machine's Java. Raises Missing."""
    found = shutil.which("java")
    if found is None:
        raise Missing(
            "Java is missing, so neither Kafka nor the Mongo-wire server runs: install a JDK, 17 or later"
        )
    return found


def cache() -> Path:
    """Where fetched jars are kept."""
    return Path(os.environ.get("THROUGHLINE_CACHE") or Path.home() / ".cache" / "throughline")


@contextmanager
def filling() -> Iterator[None]:
    """While something is put into the cache folder: by one process at a time."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".filling").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        yield


def jars(artifacts: Sequence[str]) -> Path:
    """The folder with these artifacts and all that they need. Raises Missing."""
    folder = cache() / "-".join(artifacts[0].split(":")[1:])
    with filling():
        if not folder.is_dir():
            _fetch(artifacts, folder)
    return folder


def _fetch(artifacts: Sequence[str], folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing(f"Maven is missing and {folder} is not there: install Maven (mvn)")
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        pom, fetched = Path(made, "pom.xml"), Path(made, "jars")
        pom.write_text(_POM.format("".join(_DEPENDENCY.format(*one.split(":")) for one in artifacts)))
        command = [maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
        ran = subprocess.run(
            [*command, f"-DoutputDirectory={fetched}"], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise Missing(f"{artifacts[0]} can't be fetched:\n{(ran.stdout + ran.stderr).strip()[-2000:]}")
        fetched.rename(folder)  # whole or not at all
