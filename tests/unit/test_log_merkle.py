from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import EMPTY_ROOT, ProofError, leaf_hash, leaf_hashes, tree_root
from services.audit.log.merkle import (
    HashReader,
    consistency_proof,
    inclusion_proof,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from tests.corpus_data import corpus

# The test data of Certificate Transparency's own reference implementation.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

PUBLISHED, HAPPY = 92, 6
"""The vectors there are, and those of them that hold."""


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH word for word as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined_root(leaves[:split]), defined_root(leaves[split:]))


def reader_of(leaves: list[bytes]) -> HashReader:
    return lambda height, index: defined_root(leaves[index << height : (index + 1) << height])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    root = bytes.fromhex(ROOTS[size])
    assert tree_root(leaf_hashes(LEAVES[:size])) == root
    assert root_at(size, reader_of(LEAVES)) == root


def vectors(kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(corpus("vectors", "merkle", kind).rglob("*.json")):
        vector = json.loads(path.read_bytes())
        yield {
            key: base64.b64decode(value) if key in ("root", "leafHash", "root1", "root2") else value
            for key, value in vector.items()
        } | {"proof": [base64.b64decode(hash_) for hash_ in vector["proof"] or []], "path": path}


def test_published_inclusion_proofs_are_accepted_or_refused_as_published() -> None:
    seen = {True: 0, False: 0}
    for vector in vectors("inclusion"):
        arguments = (
            vector["leafIdx"],
            vector["treeSize"],
            vector["leafHash"],
            vector["proof"],
            vector["root"],
        )
        seen[vector["wantErr"]] += 1
        if vector["wantErr"]:
            with pytest.raises(ProofError):
                verify_inclusion(*arguments)
        else:
            verify_inclusion(*arguments)
    assert min(seen.values()) > 2


def test_published_consistency_proofs_are_accepted_or_refused_as_published() -> None:
    seen = {True: 0, False: 0}
    for vector in vectors("consistency"):
        arguments = (vector["size1"], vector["size2"], vector["root1"], vector["root2"], vector["proof"])
        seen[vector["wantErr"]] += 1
        if vector["wantErr"]:
            with pytest.raises(ProofError):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)
    assert min(seen.values()) > 2


def test_every_published_vector_is_read() -> None:
    found = [vector["wantErr"] for kind in ("inclusion", "consistency") for vector in vectors(kind)]
    assert (len(found), found.count(False)) == (PUBLISHED, HAPPY)


def test_the_proofs_we_make_are_those_that_are_published() -> None:
    read, compared = reader_of(LEAVES), 0
    for vector in vectors("inclusion"):
        index, size = vector["leafIdx"], vector["treeSize"]
        if not vector["wantErr"] and vector["root"].hex() == ROOTS[size]:
            assert inclusion_proof(index, size, read) == vector["proof"]
            assert leaf_hash(LEAVES[index]) == vector["leafHash"]
            compared += 1
    for vector in vectors("consistency"):
        if not vector["wantErr"] and vector["root2"].hex() == ROOTS[vector["size2"]]:
            assert consistency_proof(vector["size1"], vector["size2"], read) == vector["proof"]
            compared += 1
    assert compared >= HAPPY - 2, "two are of another tree of one entry"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40), st.data())
def test_every_proof_made_verifies_and_no_other_does(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    root, read = defined_root(leaves), reader_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    inclusion = inclusion_proof(index, size, read)
    verify_inclusion(index, size, leaf_hash(leaves[index]), inclusion, root)
    consistency = consistency_proof(old, size, read)
    verify_consistency(old, size, defined_root(leaves[:old]), root, consistency)

    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaf_hash(b"another"), inclusion, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaf_hash(leaves[index]), [*inclusion, root], root)
    with pytest.raises(ProofError):
        verify_consistency(old, size, leaf_hash(b"another"), root, consistency)
    with pytest.raises(ProofError):
        verify_consistency(old, size, defined_root(leaves[:old]), root, [*consistency, root])
    if inclusion:
        with pytest.raises(ProofError):
            verify_inclusion(index, size, leaf_hash(leaves[index]), inclusion[:-1], root)
    if consistency:
        with pytest.raises(ProofError):
            verify_consistency(old, size, defined_root(leaves[:old]), root, consistency[:-1])


def test_a_failed_proof_says_what_was_expected_and_what_came() -> None:
    root = bytes.fromhex(ROOTS[2])
    with pytest.raises(ProofError) as failure:
        verify_inclusion(0, 2, leaf_hash(b"x"), [leaf_hash(LEAVES[1])], root)
    assert failure.value.expected == root.hex()
    assert failure.value.got == node_hash(leaf_hash(b"x"), leaf_hash(LEAVES[1])).hex()


@pytest.mark.parametrize(("old", "new"), [(-1, 2), (3, 2)])
def test_no_consistency_proof_is_made_to_a_smaller_tree(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(old, new, reader_of(LEAVES))
    with pytest.raises(ProofError):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


def test_no_inclusion_proof_is_made_for_an_entry_past_the_tree() -> None:
    with pytest.raises(ProofError, match="index below 8, got 8"):
        inclusion_proof(8, 8, reader_of(LEAVES))
