"""A witness cosigns one history of a log, whatever it is asked, however often, and wherever its power goes."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from services.audit.log import (
    ConsistencyProof,
    LockedError,
    LogReader,
    Policy,
    Refused,
    Signer,
    StateError,
    TreeState,
    WitnessBook,
    WitnessSigner,
    from_directory,
    open_checkpoint,
    sign_checkpoint,
    with_signatures,
)
from services.audit.log.disk import Disk
from services.audit.log.witness import MAX_REQUEST, origin_id
from services.audit.log.witness_http import application
from shared.note import parse_signatures
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.unit.log_samples import SIGNER, QuickDisk, grow
from tests.unit.test_log_crash import FailingDisk, PowerCutError

KEY = WitnessSigner("witness.example/w1", bytes(range(1, 33)))
NOW = datetime(2026, 11, 27, tzinfo=UTC)
SIZES = [3, 97, 200, 300, 1, 600]


class Log:
    """A log that grew step by step, and what of it is sent to a witness."""

    def __init__(self, directory: Path) -> None:
        _, self.notes = grow(directory, SIZES)
        self.sizes = [sum(SIZES[: at + 1]) for at in range(len(SIZES))]
        self._reader = LogReader(from_directory(directory))

    def request(self, old: int, at: int, note: bytes | None = None) -> bytes:
        """From the tree of `old` entries to the checkpoint number `at`."""
        path = self._reader.consistency_proof(old, self.sizes[at]) if old <= self.sizes[at] else []
        return ConsistencyProof(old, tuple(path), note or self.notes[at]).format()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log"))


def book(directory: Path, disk: Disk | None = None, *logs: Signer) -> WitnessBook:
    keys = [one.verifier for one in logs or (SIGNER,)]
    return WitnessBook(directory, KEY, keys, disk=disk or QuickDisk(), now=lambda: NOW)


def cosigned_size(body: bytes | None) -> int:
    """The size of a checkpoint that this witness cosigned."""
    assert body is not None
    (cosigned,) = Policy((KEY.verifier,), 1).check(body)
    assert cosigned.at == NOW
    return int(body.split(b"\n")[1])


def refused(act: Callable[[], object], status: int, why: str, size: int | None = None) -> None:
    with pytest.raises(Refused, match=why) as answer:
        act()
    assert (answer.value.status, answer.value.size) == (status, size)


def test_each_checkpoint_that_continues_the_last_is_cosigned_and_recorded(tmp_path: Path, log: Log) -> None:
    id = origin_id(SIGNER.name)
    with book(tmp_path) as witness:
        assert witness.checkpoint(id) is None
        before = 0
        for at, size in enumerate(log.sizes):
            line = witness.add_checkpoint(log.request(before, at))
            (signature,) = parse_signatures(line.decode())
            assert (
                KEY.verifier.verify(log.notes[at].partition(b"\n\n")[0].decode() + "\n", signature.signature)
                == NOW
            )
            assert cosigned_size(witness.checkpoint(id)) == size
            before = size
        witness.add_checkpoint(log.request(before, len(SIZES) - 1))  # the same once more is no other history
    with book(tmp_path) as again:
        refused(lambda: again.add_checkpoint(log.request(0, 1)), 409, "has 1201 entries", 1201)


def test_what_is_refused_has_the_status_of_the_specification(tmp_path: Path, log: Log) -> None:
    other = Signer("example.org/other", bytes(32))
    impostor = Signer(SIGNER.name, bytes(32))
    state = TreeState(100, bytes(32))
    with book(tmp_path) as witness:

        def ask(body: bytes) -> Callable[[], object]:
            return lambda: witness.add_checkpoint(body)

        for body in (
            b"",
            b"old 0",
            b"old 00\n\n" + log.notes[0],
            b"old -1\n\n" + log.notes[0],
            b"new 0\n\n" + log.notes[0],
            b"old 0\nAAAA\n\n" + log.notes[0],
            b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + log.notes[0],
            b"old 0\n\nno checkpoint\n",
            b"old 0\n\n" + log.notes[0].replace(b"\n3\n", b"\nthree\n"),
        ):
            refused(ask(body), 400, ".")
        refused(ask(b"old 0\n\n" + sign_checkpoint(other.name, state, other)), 404, "does not know the log")
        refused(ask(b"old 0\n\n" + sign_checkpoint(SIGNER.name, state, impostor)), 403, "no known key signed")
        false = log.notes[0].replace(b"\n3\n", b"\n4\n")
        refused(ask(b"old 0\n\n" + false), 403, "is false")
        refused(ask(log.request(101, 1)), 400, "above")
        refused(ask(log.request(3, 1)), 409, "has 0 entries", 0)
        proof_at_zero = log.request(3, 1).replace(b"old 3", b"old 0")
        refused(ask(proof_at_zero), 422, "must be empty")
        empty = sign_checkpoint(SIGNER.name, TreeState(0, bytes(32)), SIGNER)
        refused(ask(b"old 0\n\n" + empty), 422, "root of the tree of 0")
        witness.add_checkpoint(log.request(0, 1))
        forked = sign_checkpoint(SIGNER.name, state, SIGNER)
        refused(ask(b"old 100\n\n" + forked), 422, "root of the tree of 100")
        refused(
            ask(log.request(100, 2).replace(b"\n", b"\n" + b"A" * 43 + b"=\n", 1)), 422, "consistency proof"
        )
        assert cosigned_size(witness.checkpoint(origin_id(SIGNER.name))) == 100


def test_of_what_stands_under_a_checkpoint_only_the_log_s_word_is_passed_on(tmp_path: Path, log: Log) -> None:
    stranger = Signer("example.net/stranger", bytes(32))
    text = log.notes[0].partition(b"\n\n")[0].decode() + "\n"
    note = with_signatures(log.notes[0], [KEY.cosign(text, NOW)])
    with book(tmp_path) as witness:
        crowded = note + b"\xe2\x80\x94 " + stranger.name.encode() + b" AAAAAAA=\n"
        witness.add_checkpoint(log.request(0, 0, crowded))
        kept = witness.checkpoint(origin_id(SIGNER.name)) or b""
        assert stranger.name.encode() not in kept
        assert kept.count("\n— ".encode()) == 2


def test_both_keys_of_a_log_hold_while_one_takes_over(tmp_path: Path, log: Log) -> None:
    new = Signer(SIGNER.name, bytes(32))
    with book(tmp_path, None, SIGNER, new) as witness:
        witness.add_checkpoint(log.request(0, 0))
        state = open_checkpoint(log.notes[1], SIGNER.verifier).state
        witness.add_checkpoint(log.request(3, 1, sign_checkpoint(SIGNER.name, state, new)))
        assert cosigned_size(witness.checkpoint(origin_id(SIGNER.name))) == 100


def test_asked_by_many_at_once_it_has_one_history(tmp_path: Path, log: Log) -> None:
    asked = [(old, at) for at in range(len(SIZES)) for old in (0, *log.sizes[:at])]
    random.Random(1).shuffle(asked)
    cosigned: list[int] = []
    with book(tmp_path) as witness:

        def ask(old: int, at: int) -> None:
            try:
                witness.add_checkpoint(log.request(old, at))
            except Refused as error:
                assert error.status == 409  # noqa: PT017
            else:
                cosigned.append(log.sizes[at])

        threads = [threading.Thread(target=ask, args=one) for one in asked * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert cosigned == sorted(cosigned)
        assert cosigned_size(witness.checkpoint(origin_id(SIGNER.name))) == cosigned[-1]


def test_after_a_power_cut_at_any_step_it_stands_by_all_that_it_answered(tmp_path: Path, log: Log) -> None:
    def run(directory: Path, disk: Disk, answered: list[int]) -> None:
        with book(directory, disk) as witness:
            kept = witness.checkpoint(origin_id(SIGNER.name))
            before = cosigned_size(kept) if kept else 0
            for at, size in enumerate(log.sizes):
                if size >= before:
                    witness.add_checkpoint(log.request(before, at))
                    before = size
                    answered.append(size)

    whole = FailingDisk(1_000_000, random.Random(0), tmp_path)
    run(tmp_path / "whole", whole, [])
    steps = 1_000_000 - whole.left
    assert steps > 4 * len(SIZES)
    for step in range(steps):
        answered: list[int] = []
        disk = FailingDisk(step, random.Random(step), tmp_path / f"removed {step}")
        directory = tmp_path / f"cut at {step}"
        with pytest.raises(PowerCutError):
            run(directory, disk, answered)
        disk.lose()
        with book(directory) as witness:
            kept = witness.checkpoint(origin_id(SIGNER.name))
            assert (cosigned_size(kept) if kept else 0) >= max(answered, default=0)
        run(directory, QuickDisk(), answered)
        assert answered[-1] == log.sizes[-1]


def test_what_it_can_t_read_it_takes_for_no_beginning(tmp_path: Path, log: Log) -> None:
    with book(tmp_path) as witness:
        witness.add_checkpoint(log.request(0, 1))
    path = tmp_path / origin_id(SIGNER.name) / "checkpoint"
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole.replace(b"\n100\n", b"\n101\n"), log.notes[1]):
        path.write_bytes(damaged)
        with pytest.raises(StateError, match=r"isn't what the witness .* cosigned"):
            book(tmp_path)
    path.write_bytes(whole)
    with book(tmp_path), pytest.raises(LockedError, match="is this witness"):
        book(tmp_path)


@in_a_loop
async def test_over_http_it_answers_as_the_specification_says(tmp_path: Path, log: Log) -> None:
    with book(tmp_path) as witness:
        async with on_a_port(application(witness)) as url, httpx.AsyncClient(trust_env=False) as client:

            async def post(body: bytes) -> httpx.Response:
                return await client.post(f"{url}/add-checkpoint", content=body)

            monitored = f"{url}/{origin_id(SIGNER.name)}/checkpoint"
            assert (await client.get(monitored)).status_code == 404
            answer = await post(log.request(0, 1))
            assert (answer.status_code, answer.text[:2]) == (200, "— ")
            assert cosigned_size((await client.get(monitored)).content) == 100
            conflict = await post(log.request(0, 2))
            assert (conflict.status_code, conflict.text) == (409, "100\n")
            assert conflict.headers["Content-Type"] == "text/x.tlog.size"
            for body, status in ((b"x", 400), (b"x" * (MAX_REQUEST + 1), 413)):
                wrong = await post(body)
                assert wrong.status_code == status
                assert wrong.headers["Content-Type"] == "application/problem+json"
            assert (await client.get(f"{url}/vkey")).text.strip() == KEY.verifier.vkey
            assert (await client.get(f"{url}/../checkpoint")).status_code == 404


def test_the_command_makes_its_key_once_and_says_where_it_is(tmp_path: Path, log: Log) -> None:
    said: list[tuple[str, int]] = []
    for _ in range(2):
        words = ["trail", "witness", "--data", str(tmp_path / "w"), "--name", "witness.example/own"]
        words += ["--log", SIGNER.verifier.vkey, "--port", "0"]
        with subprocess.Popen(
            [sys.executable, "-c", "from services.cli import main; main()", *words],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            url, _, vkey = process.stdout.readline().strip().partition(" ")
            assert process.stdout.readline().endswith(f"/{origin_id(SIGNER.name)}/checkpoint\n")
            old = 100 if said else 0
            answer = httpx.post(f"{url}/add-checkpoint", content=log.request(old, 1), trust_env=False)
            said.append((vkey, answer.status_code))
            process.kill()  # as a power cut: what it answered stands
    assert said[0] == said[1]
    assert said[0][1] == 200
    assert vkey.startswith("witness.example/own+")
