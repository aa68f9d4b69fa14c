from __future__ import annotations

from pathlib import Path

import pytest

from services.audit.log import (
    LogReader,
    NoteError,
    ProofError,
    SignatureError,
    Signer,
    TlogProof,
    from_directory,
    leaf_hash,
)
from tests.unit.log_samples import SIGNER, grow, sample_entries


@pytest.fixture
def proof(tmp_path: Path) -> TlogProof:
    state, (checkpoint,) = grow(tmp_path, [300])
    path = LogReader(from_directory(tmp_path)).inclusion_proof(257, state.size)
    return TlogProof(257, tuple(path), checkpoint)


LEAF = leaf_hash(sample_entries(1, 257)[0])


def test_a_proof_file_is_the_lines_of_the_specification(proof: TlogProof) -> None:
    lines = proof.format().decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 257"]
    assert lines[2 + len(proof.path)] == ""
    assert lines[3 + len(proof.path)] == "example.org/trail"
    assert proof.format().endswith(proof.checkpoint)


def test_a_proof_file_alone_proves_its_entry(proof: TlogProof) -> None:
    checkpoint = TlogProof.parse(proof.format()).verify(LEAF, SIGNER.verifier)
    assert checkpoint.state.size == 300


def test_extra_data_is_carried(proof: TlogProof) -> None:
    for extra in (b"", b"\x00\xff"):
        carrying = TlogProof(proof.index, proof.path, proof.checkpoint, extra)
        assert TlogProof.parse(carrying.format()) == carrying


def test_the_only_entry_of_a_log_has_an_empty_path(tmp_path: Path) -> None:
    _, (checkpoint,) = grow(tmp_path, [1])
    proof = TlogProof.parse(TlogProof(0, (), checkpoint).format())
    assert proof.path == ()
    assert proof.verify(leaf_hash(sample_entries(1)[0]), SIGNER.verifier).state.size == 1


def test_a_proof_proves_no_other_entry_index_or_log(proof: TlogProof) -> None:
    with pytest.raises(ProofError):
        proof.verify(leaf_hash(b"another"), SIGNER.verifier)
    with pytest.raises(ProofError):
        TlogProof(256, proof.path, proof.checkpoint).verify(LEAF, SIGNER.verifier)
    with pytest.raises(SignatureError):
        proof.verify(LEAF, Signer(SIGNER.name, bytes(32)).verifier)
    with pytest.raises(SignatureError):
        proof.verify(LEAF, SIGNER.verifier, origin="example.org/other")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"proof@v1", b"proof@v2"),
        (b"index 257", b"index 0257"),
        (b"index 257", b"index"),
        (b"index 257", b"index 257\nextra AAAA"),
        (b"index 257", b"index 257\nAAAA"),
        (b"index 257", b"index 257\n" + b"\n".join([b"A" * 43 + b"="] * 64)),
        (b"index 257", "index ２57".encode()),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_not_a_proof_file_is_refused(proof: TlogProof, old: bytes, new: bytes) -> None:
    data = proof.format().replace(old, new)
    assert data != proof.format()
    with pytest.raises(NoteError):
        TlogProof.parse(data).verify(LEAF, SIGNER.verifier)
