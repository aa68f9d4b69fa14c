"""`throughline trail consistency`: the proof between any two checkpoints, written, and checked again offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import cli_trail
from services.audit.log import EMPTY_TREE, LogWriter, WitnessSigner
from tests.unit.log_samples import SIGNER, VKEY, QuickDisk, grow, sample_entries

WITNESS = WitnessSigner("witness.example/w1", bytes(range(1, 33)))


def consistency(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli_trail.app, ["consistency", *map(str, words), "--vkey", VKEY])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Path]:
    _, notes = grow(tmp_path / "log", [1, 255, 44, 0, 70_000])
    files = []
    for number, note in enumerate(notes):
        files.append(tmp_path / f"{number}.checkpoint")
        files[-1].write_bytes(note)
    return files


def test_between_any_two_checkpoints_a_proof_is_written_and_holds_offline(
    tmp_path: Path, checkpoints: list[Path]
) -> None:
    for old in range(len(checkpoints)):
        for new in range(old, len(checkpoints)):
            proof = tmp_path / f"{old}-{new}"
            code, said = consistency(
                checkpoints[old], checkpoints[new], "--to", tmp_path / "log", "--out", proof
            )
            assert code == 0, said
            (tmp_path / "log").rename(tmp_path / "away")
            assert consistency(checkpoints[old], proof) == (0, said)
            (tmp_path / "away").rename(tmp_path / "log")


def test_what_does_not_continue_is_said(tmp_path: Path, checkpoints: list[Path]) -> None:
    log, proof = tmp_path / "log", tmp_path / "proof"
    assert consistency(checkpoints[2], checkpoints[1], "--to", log)[0] == 1
    with LogWriter(tmp_path / "fork", EMPTY_TREE, disk=QuickDisk()) as writer:
        fork = tmp_path / "fork.checkpoint"
        fork.write_bytes(writer.publish(writer.integrate([b"x", *sample_entries(500)]), SIGNER))
    code, said = consistency(checkpoints[1], fork, "--to", tmp_path / "fork", "--out", proof)
    assert (code, "it does not hold: consistency proof" in said, proof.exists()) == (1, True, False)
    consistency(checkpoints[1], checkpoints[2], "--to", log, "--out", proof)
    code, said = consistency(checkpoints[0], proof)
    assert (code, "begins at 256 entries" in said) == (1, True)
    whole = proof.read_bytes()
    for at in range(0, len(whole), 7):
        proof.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert consistency(checkpoints[1], proof)[0] == 1, at
    proof.write_bytes(whole)
    code, said = consistency(checkpoints[1], proof, "--witness", WITNESS.verifier.vkey)
    assert (code, "too few witnesses" in said) == (1, True)
    assert consistency(checkpoints[1], tmp_path / "nothing")[0] == 2
