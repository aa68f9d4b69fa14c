from __future__ import annotations

import base64

import pytest

from services.audit.log import (
    Checkpoint,
    NoteError,
    SignatureError,
    Signer,
    TreeState,
    Verifier,
    leaf_hash,
    open_any_checkpoint,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    sign_checkpoint,
    sign_note,
)
from services.audit.log.merkle import EMPTY_TREE
from tests.unit.log_samples import SIGNER, VKEY

FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
OTHER = Signer("example.net/witness", bytes(32))
TEXT = "one line\n\nafter an empty one\n"


@pytest.mark.parametrize("vkey", [FOO, NEUMANN, VKEY])
def test_published_keys_are_read_and_written_as_they_are(vkey: str) -> None:
    assert Verifier.parse(vkey).vkey == vkey


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        (FOO.replace("530d903a", "530d903b"), "key ID: expected 530d903a, got 530d903b"),
        (FOO.replace("530d903a", "530D903A"), "key ID"),
        (FOO.replace("example.com/foo", "example.com/bar"), "key ID"),
        (FOO.replace("example.com/foo", ""), "key name"),
        (FOO.replace("example.com/foo", "two words"), "key name"),
        (FOO.rpartition("+")[0], "expected name"),
        (FOO + "=", "base64"),
        (FOO[:-2], "base64"),
        ("example.com/foo+00000000+" + base64.b64encode(b"\x04" + bytes(32)).decode(), "only Ed25519"),
        ("example.com/foo+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(), "expected 32 bytes"),
    ],
)
def test_a_key_that_is_not_one_is_refused_saying_why(vkey: str, reason: str) -> None:
    with pytest.raises(NoteError, match=reason):
        Verifier.parse(vkey)


def test_a_signing_key_survives_its_text_and_never_shows_in_messages() -> None:
    assert Signer.parse(SIGNER.skey) == SIGNER
    assert SIGNER.seed.hex() not in repr(SIGNER)
    assert str(SIGNER.seed) not in repr(SIGNER)
    broken = SIGNER.skey.replace("trail", "trial")
    with pytest.raises(NoteError) as failure:
        Signer.parse(broken)
    assert broken.rpartition("+")[2] not in str(failure.value)
    with pytest.raises(NoteError, match="PRIVATE"):
        Signer.parse(VKEY)


def test_a_note_is_split_at_its_last_blank_line_and_names_who_signed() -> None:
    note = open_note(sign_note(TEXT, [SIGNER, OTHER]), [SIGNER.verifier, OTHER.verifier])
    assert note.text == TEXT
    assert note.signers == (SIGNER.verifier, OTHER.verifier)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = open_note(sign_note(TEXT, [OTHER, SIGNER]), [SIGNER.verifier])
    assert note.signers == (SIGNER.verifier,)
    assert [signature.name for signature in note.signatures] == [OTHER.name, SIGNER.name]


def test_a_key_of_the_same_name_but_another_id_is_unknown() -> None:
    successor = Signer(SIGNER.name, bytes(32))
    assert open_note(sign_note(TEXT, [successor, SIGNER]), [SIGNER.verifier]).signers == (SIGNER.verifier,)


def test_a_note_without_a_known_signature_is_refused() -> None:
    with pytest.raises(SignatureError, match="no known key"):
        open_note(sign_note(TEXT, [OTHER]), [SIGNER.verifier])


def test_one_false_signature_of_a_known_key_refuses_the_note() -> None:
    good = sign_note(TEXT, [SIGNER, OTHER])
    false = sign_note("another text\n", [OTHER]).splitlines(keepends=True)[-1]
    forged = b"".join([*good.splitlines(keepends=True)[:-1], false])
    assert open_note(forged, [SIGNER.verifier]).signers == (SIGNER.verifier,)
    with pytest.raises(SignatureError, match="is false"):
        open_note(forged, [SIGNER.verifier, OTHER.verifier])


def respell(encoded: bytes) -> bytes:
    """The same bytes in base64 whose spare bits aren't zero, which many decoders accept."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = encoded.rstrip(b"=")
    assert len(body) < len(encoded)
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1 :][:1] + encoded[len(body) :]


def test_a_signature_that_two_decoders_could_read_differently_is_refused() -> None:
    note = sign_note(TEXT, [SIGNER])
    head, _, encoded = note.rstrip(b"\n").rpartition(b" ")
    other = respell(encoded)
    assert base64.b64decode(other) == base64.b64decode(encoded)
    with pytest.raises(NoteError, match="canonical"):
        open_note(head + b" " + other + b"\n", [SIGNER.verifier])


NOTE = sign_note(TEXT, [SIGNER])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"not a signature\n",
        NOTE.replace("— ".encode(), b"- "),
        NOTE.replace(b"one line", b"one\tline"),
        NOTE.replace(b"one line", b"one\r\nline"),
        NOTE.replace(b"one line", b"one \xff line"),
        NOTE + "— name AAAA\n".encode(),
        NOTE + "— na+me AAAAAAA=\n".encode(),
        NOTE + "— name  AAAAAAA=\n".encode(),
        NOTE + "— name AAAAAAA=\n".encode() * 100,
        b"x" * 1_000_001,
    ],
)
def test_what_is_not_a_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(note, [SIGNER.verifier])


def test_sixteen_signatures_are_read() -> None:
    signers = [Signer(f"example.net/{number}", bytes([number] * 32)) for number in range(15)]
    assert len(open_note(sign_note(TEXT, [*signers, SIGNER]), [SIGNER.verifier]).signatures) == 16


@pytest.mark.parametrize("text", ["no end", "a\ttab\n"])
def test_a_text_that_is_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, [SIGNER])


ROOT = leaf_hash(b"one")


def test_a_checkpoint_says_origin_size_and_root() -> None:
    note = sign_checkpoint("example.org/trail", TreeState(1, ROOT), SIGNER)
    expected = f"example.org/trail\n1\n{base64.b64encode(ROOT).decode()}\n\n— example.org/trail ".encode()
    assert note.startswith(expected)
    assert open_checkpoint(note, SIGNER.verifier) == Checkpoint("example.org/trail", TreeState(1, ROOT))


def test_an_empty_log_has_a_checkpoint_of_size_0() -> None:
    assert Checkpoint("a", EMPTY_TREE).text == "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def test_extension_lines_are_kept() -> None:
    text = Checkpoint("a", EMPTY_TREE, ("one", "two")).text
    assert parse_checkpoint(text).extensions == ("one", "two")
    assert parse_checkpoint(text).text == text


HASH = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"a\n1\n{HASH}",
        f"\n1\n{HASH}\n",
        f"a\n01\n{HASH}\n",
        f"a\n-1\n{HASH}\n",
        f"a\n+1\n{HASH}\n",
        f"a\n１\n{HASH}\n",
        f"a\n9223372036854775808\n{HASH}\n",
        f"a\n\n{HASH}\n",
        f"a\n1\n{HASH}\n\nextension\n",
        f"a\n1\n{HASH[:-1]}\n",
        "a\n1\nAAAA\n",
        f"a\n1\n{respell(HASH.encode()).decode()}\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_a_checkpoint_of_another_log_is_refused_even_when_the_key_signed_it() -> None:
    note = sign_checkpoint("example.org/other", TreeState(1, ROOT), SIGNER)
    with pytest.raises(SignatureError, match=r"another log: expected 'example\.org/trail'"):
        open_checkpoint(note, SIGNER.verifier)
    assert open_checkpoint(note, SIGNER.verifier, origin="example.org/other").state.size == 1


def test_after_a_change_of_keys_either_may_have_signed() -> None:
    successor = Signer(SIGNER.name, bytes(32))
    for signer in (SIGNER, successor):
        note = sign_checkpoint(SIGNER.name, TreeState(1, ROOT), signer)
        keys = [SIGNER.verifier, successor.verifier]
        assert open_any_checkpoint(note, keys, origin=SIGNER.name).state.root == ROOT


@pytest.mark.parametrize("origin", ["", "two\nlines"])
def test_an_origin_that_is_no_line_is_not_signed(origin: str) -> None:
    with pytest.raises(NoteError, match="origin"):
        sign_checkpoint(origin, EMPTY_TREE, SIGNER)
