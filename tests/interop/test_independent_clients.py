"""The log as our trail writes and serves it is verified by clients that nobody here wrote; they find what is changed.

The one is the Go checksum database's (golang.org/x/mod/sumdb), the other that of Tessera, a log of the same format.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from services.audit.log import LogWriter
from services.embedded import embedded
from shared.settings import Settings
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.tools import interop
from tests.unit.log_samples import SIGNER, VKEY, QuickDisk, grow, sample_entries
from tests.unit.trail_samples import SIGNER as TRAIL_SIGNER
from tests.unit.trail_samples import Life, a_trail, take

pytestmark = pytest.mark.cluster

CLIENTS = ("sumdb", "tessera")
SIZE = 900


def read(
    client: str, place: Path | str, vkey: str, since: Sequence[Path] = (), step: int = 1
) -> subprocess.CompletedProcess[str]:
    """What a client says of a log."""
    kept = [argument for file in since for argument in ("-since", str(file))]
    command = [str(interop(client)), "-vkey", vkey, "-step", str(step), *kept, str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def whole(
    client: str, place: Path | str, vkey: str, since: Sequence[Path], size: int, *, step: int = 1
) -> None:
    ran = read(client, place, vkey, since, step)
    assert (ran.returncode, ran.stdout) == (0, f"{size} entries, {len(since)} older checkpoints\n"), (
        ran.stderr
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 900 entries, and beside it the checkpoint it had at each of its sizes: `tmp_path/0 …`."""
    _, notes = grow(tmp_path / "log", [100, 500, 190, 20, 90])
    for number, note in enumerate(notes):
        (tmp_path / str(number)).write_bytes(note)
    return tmp_path / "log"


def kept(log: Path) -> list[Path]:
    return [log.parent / str(number) for number in range(5)]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_log_and_its_whole_past_is_verified(log: Path, client: str) -> None:
    whole(client, log, VKEY, kept(log), SIZE)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_log_of_three_levels_is_verified(tmp_path: Path, client: str) -> None:
    _, notes = grow(tmp_path / "log", [40_000, 25_536, 1_000])
    since = [tmp_path / str(number) for number in range(3)]
    for file, note in zip(since, notes, strict=True):
        file.write_bytes(note)
    whole(client, tmp_path / "log", VKEY, since, 66_536, step=100)


@in_a_loop
async def test_the_directory_that_the_trail_wrote_is_verified(tmp_path: Path) -> None:
    since = []
    async with a_trail(tmp_path) as trail:
        for number in range(0, 150, 10):
            life = Life()
            for case in range(number, number + 10):
                life.case(case)
            await take(trail, life.records)
            await trail.publish()
            since.append(tmp_path / f"checkpoint {number}")
            since[-1].write_bytes((trail.directory / "checkpoint").read_bytes())
    for client in CLIENTS:
        whole(client, trail.directory, TRAIL_SIGNER.verifier.vkey, since, 600)


@in_a_loop
async def test_the_log_that_the_audit_serves_is_verified(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0, smtp_port=0, trail_entries="public")
    async with (
        embedded(settings) as one,
        on_a_port(one.app()) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        since = []
        for number in range(3):
            messages = [{"text": f"The lamp is dark, {number}/{lamp}"} for lamp in range(30)]
            assert (await http.post("/v1/messages", json=messages)).status_code == 202
            await one.idle()
            since.append(tmp_path / f"checkpoint {number}")
            since[-1].write_bytes((await http.get("/trail/checkpoint")).content)
        size = int(since[-1].read_text().split("\n")[1])
        assert size > 256
        vkey = (await http.get("/trail/vkey")).text.strip()
        for client in CLIENTS:
            await asyncio.to_thread(whole, client, f"{url}/trail", vkey, since, size)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def swap(one: Path, other: Path) -> None:
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "an entry changed": lambda log: flip(log / "tile/entries/001", 40),
    "the newest entry changed": lambda log: flip(log / "tile/entries/003.p/132", -1),
    "a hash changed": lambda log: flip(log / "tile/0/002", 99),
    "an upper hash changed": lambda log: flip(log / "tile/1/000.p/3", 1),
    "the root changed": lambda log: flip(log / "checkpoint", 26),
    "the signature changed": lambda log: flip(log / "checkpoint", -9),
    "bundles swapped": lambda log: swap(log / "tile/entries/000", log / "tile/entries/001"),
    "tiles swapped": lambda log: swap(log / "tile/0/000", log / "tile/0/001"),
    "a bundle cut": lambda log: (log / "tile/entries/000").write_bytes(
        (log / "tile/entries/000").read_bytes()[:-30]
    ),
    "a tile gone": lambda log: (log / "tile/0/001").unlink(),
    "an older tile": lambda log: shutil.copy(log / "tile/0/003.p/22", log / "tile/0/003.p/132"),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_is_changed_is_found_by_them_too(log: Path, client: str, tampering: str) -> None:
    TAMPERINGS[tampering](log)
    ran = read(client, log, VKEY)
    assert ran.returncode == 1, ran.stdout
    assert ran.stderr.strip()


@pytest.mark.parametrize("client", CLIENTS)
def test_another_past_under_the_same_key_is_found_by_a_kept_checkpoint(
    log: Path, tmp_path: Path, client: str
) -> None:
    entries = sample_entries(SIZE + 50)
    entries[5] = b"never said"
    with LogWriter(tmp_path / "fork", disk=QuickDisk()) as writer:
        writer.publish(writer.integrate(entries), SIGNER)
    whole(client, tmp_path / "fork", VKEY, [], SIZE + 50)
    ran = read(client, tmp_path / "fork", VKEY, kept(log)[-1:])
    assert ran.returncode == 1, ran.stdout
    assert "900 entries" in ran.stderr
