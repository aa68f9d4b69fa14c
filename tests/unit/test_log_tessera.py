"""A log that another implementation wrote, as it published it at each of its sizes."""

from __future__ import annotations

import pytest

from services.audit.log import (
    LogReader,
    TlogProof,
    Verifier,
    from_directory,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
    verify_log,
)
from tests.corpus_data import corpus

# The public half of the test key that the log's authors publish with it.
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
LAST = 15


@pytest.mark.parametrize("size", range(LAST + 1))
def test_the_log_verifies_at_each_size_it_had(size: int) -> None:
    directory = corpus("vectors", "tlog_tiles_tessera")
    on_disk = from_directory(directory)
    report = verify_log(lambda path: on_disk(f"checkpoint.{size}" if path == "checkpoint" else path), VKEY)
    assert (report.ok, report.entries) == (True, size)


def test_every_partial_tile_it_ever_served_verifies_and_no_size_contradicts_another() -> None:
    directory = corpus("vectors", "tlog_tiles_tessera")
    for size in range(LAST + 1):
        report = verify_log(directory, VKEY, since=(directory / f"checkpoint.{size}").read_bytes())
        assert (report.ok, report.problems, report.notes) == (True, [], [])


def test_our_proofs_lead_to_the_roots_it_signed() -> None:
    directory = corpus("vectors", "tlog_tiles_tessera")
    reader = LogReader(from_directory(directory))
    log = Verifier.parse(VKEY)
    notes = [(directory / f"checkpoint.{size}").read_bytes() for size in range(LAST + 1)]
    roots = [open_checkpoint(note, log).state.root for note in notes]
    for new in range(LAST + 1):
        assert reader.root(new) == roots[new]
        for old in range(new + 1):
            verify_consistency(old, new, roots[old], roots[new], reader.consistency_proof(old, new))
        for index, entry in enumerate(reader.entries(0, new, new)):
            path = reader.inclusion_proof(index, new)
            verify_inclusion(index, new, leaf_hash(entry), path, roots[new])
            proof = TlogProof.parse(TlogProof(index, tuple(path), notes[new]).format())
            assert proof.verify(leaf_hash(entry), log).state.size == new
    assert list(reader.entries(0, 3, LAST)) == [b"one", b"two", b"three"]
