"""Cosignatures of c2sp.org/tlog-cosignature v1, and how many of them are enough."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.log import (
    NoteError,
    Policy,
    QuorumError,
    SignatureError,
    Verifier,
    Witness,
    WitnessSigner,
    open_checkpoint,
    sign_checkpoint,
    with_signatures,
)
from services.audit.log.merkle import TreeState
from shared.note import Signature, join_note, split_note
from tests.unit.log_samples import SIGNER

WITNESSES = [WitnessSigner(f"witness.example/w{number}", bytes([number]) * 32) for number in (1, 2, 3)]
AT = datetime(2026, 11, 27, 12, 0, 1, tzinfo=UTC)
NOTE = sign_checkpoint(SIGNER.name, TreeState(5, bytes(32)), SIGNER)
TEXT = split_note(NOTE)[0]


def cosigned(*by: WitnessSigner, at: datetime = AT) -> bytes:
    return with_signatures(NOTE, [one.cosign(TEXT, at) for one in by])


def policy(needed: int | None = None) -> Policy:
    return Policy.of((one.verifier for one in WITNESSES), needed)


def test_what_is_signed_are_the_two_lines_of_the_specification_and_the_checkpoint() -> None:
    signature = WITNESSES[0].cosign(TEXT, AT).signature
    assert len(signature) == 72
    assert int.from_bytes(signature[:8], "big") == 1795780801
    key = Ed25519PublicKey.from_public_bytes(WITNESSES[0].verifier.public_key)
    key.verify(signature[8:], b"cosignature/v1\ntime 1795780801\n" + TEXT.encode())


def test_a_witness_key_is_of_a_type_of_its_own_and_survives_its_text() -> None:
    witness = WITNESSES[0].verifier
    assert Witness.parse(witness.vkey) == witness
    assert witness.key_id != Verifier(witness.name, witness.public_key).key_id
    assert WitnessSigner.parse(WITNESSES[0].skey) == WITNESSES[0]
    with pytest.raises(NoteError, match=r"only Ed25519 \(type 01\)"):
        Verifier.parse(witness.vkey)
    with pytest.raises(NoteError, match="only cosignature/v1"):
        Witness.parse(SIGNER.verifier.vkey)
    assert WITNESSES[0].seed.hex() not in repr(WITNESSES[0])


@pytest.mark.parametrize("skey", ["", "PRIVATE+KEY+", SIGNER.skey, WITNESSES[0].skey.replace("w1", "w2")])
def test_what_is_no_witness_s_signing_key_is_refused_without_showing_it(skey: str) -> None:
    with pytest.raises(NoteError, match="not a signing key of cosignature/v1") as refused:
        WitnessSigner.parse(skey)
    assert len(skey) < 20 or skey[-20:] not in str(refused.value)


def test_a_log_s_signature_is_found_among_cosignatures_and_the_policy_counts_them() -> None:
    note = cosigned(*WITNESSES[:2])
    assert open_checkpoint(note, SIGNER.verifier, policy=policy(2)).state.size == 5
    assert [(one.witness.name, one.at) for one in policy(2).check(note)] == [
        ("witness.example/w1", AT),
        ("witness.example/w2", AT),
    ]
    with pytest.raises(QuorumError, match=r"expected 3 of 3, got 2; witness.example/w3 did not"):
        open_checkpoint(note, SIGNER.verifier, policy=policy(3))
    assert (policy(2).met(note), policy(3).met(note), Policy().met(NOTE)) == (True, False, True)


def test_more_than_half_is_enough_where_nothing_else_is_said() -> None:
    assert [Policy.of([one.verifier for one in WITNESSES[:n]]).needed for n in range(4)] == [0, 1, 2, 2]


def test_one_witness_counts_once_however_often_it_cosigned() -> None:
    twice = join_note(TEXT, [*split_note(NOTE)[1], *(WITNESSES[0].cosign(TEXT, AT) for _ in range(2))])
    with pytest.raises(QuorumError, match="got 1"):
        policy(2).check(twice)
    same_key = Witness("another.example/name", WITNESSES[0].verifier.public_key)
    with pytest.raises(ValueError, match="named twice"):
        Policy((WITNESSES[0].verifier, same_key), 1)
    with pytest.raises(ValueError, match="4 of 3"):
        policy(4)


def test_a_newer_cosignature_takes_the_place_of_an_older_one() -> None:
    later = datetime(2026, 11, 27, 13, 0, tzinfo=UTC)
    note = with_signatures(cosigned(WITNESSES[0]), [WITNESSES[0].cosign(TEXT, later)])
    assert len(split_note(note)[1]) == 2
    assert [one.at for one in policy(1).check(note)] == [later]


def test_a_false_cosignature_of_a_known_witness_is_never_overlooked() -> None:
    other = sign_checkpoint(SIGNER.name, TreeState(6, bytes(32)), SIGNER)
    moved = with_signatures(other, [one.cosign(TEXT, AT) for one in WITNESSES])
    with pytest.raises(SignatureError, match=r"cosignature of witness\.example/w1"):
        policy(1).check(moved)
    assert not policy(1).met(moved)


def test_no_time_and_times_that_no_clock_has_are_refused() -> None:
    key = WITNESSES[0]
    for seconds in (0, 1 << 40, (1 << 64) - 1):
        message = f"cosignature/v1\ntime {seconds}\n{TEXT}".encode()
        raw = seconds.to_bytes(8, "big") + key._private.sign(message)
        note = with_signatures(NOTE, [Signature(key.name, key.verifier.key_id, raw)])
        with pytest.raises(SignatureError, match="says no time"):
            policy(1).check(note)
    with pytest.raises(ValueError, match="no such time"):
        key.cosign(TEXT, datetime(1970, 1, 1, tzinfo=UTC))
