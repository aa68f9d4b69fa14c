"""Nothing more was recorded of a message: who holds its receipt can have it signed, and convict the log that lied."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from services.audit.log import (
    EMPTY_TREE,
    LogReader,
    LogWriter,
    NoteError,
    TlogProof,
    Verifier,
    from_directory,
    open_checkpoint,
)
from services.audit.log.verify import verify_log
from services.audit.silence import LastWord, Statement, last_word, open_statement
from services.embedded import embedded
from shared.events.cases import CaseAccepted
from shared.settings import Settings
from tests.commands import throughline
from tests.installations import WEDNESDAY, in_a_loop
from tests.serving import on_a_port
from tests.unit.log_samples import QuickDisk
from tests.unit.trail_samples import SIGNER, Life, received

VKEY = SIGNER.verifier.vkey


def life() -> Life:
    """Two cases and a message without one."""
    lived = Life().case(1).case(2).emit("msg_3", received())
    return lived.emit("case_1", CaseAccepted(actor="officer"))


def a_log(directory: Path, entries: list[bytes]) -> None:
    with LogWriter(directory, EMPTY_TREE, disk=QuickDisk()) as writer:
        writer.publish(writer.integrate(entries), SIGNER)


def proof_of(directory: Path, index: int) -> bytes:
    checkpoint = (directory / "checkpoint").read_bytes()
    size = open_checkpoint(checkpoint, SIGNER.verifier).state.size
    reader = LogReader(from_directory(directory))
    path = tuple(reader.inclusion_proof(index, size))
    return TlogProof(index, path, checkpoint, extra=reader.entry(index, size)).format()


def test_a_scan_over_entries_finds_the_last_word_on_a_message_and_its_case() -> None:
    entries = list(enumerate(record.value for record in life().records))
    assert last_word("msg_1", entries) == LastWord("msg_1", 2, "case_1", 3, 9)
    assert last_word("msg_2", entries) == LastWord("msg_2", 2, "case_2", 2, 7)
    assert last_word("msg_3", entries) == LastWord("msg_3", 1, None, 0, 8)
    assert last_word("msg_4", entries).said == 0
    assert last_word("msg_1", entries[:2]) == LastWord("msg_1", 1, "case_1", 1, 1)


def test_a_statement_survives_its_text_and_no_other_is_read() -> None:
    for word in (LastWord("msg_1", 2, "case_1", 3, 9), LastWord("msg_3", 1, None, 0, 8)):
        said = Statement(SIGNER.name, word, EMPTY_TREE._replace(size=10), WEDNESDAY)
        note = said.sign(SIGNER)
        assert open_statement(note, [SIGNER.verifier]) == said
        for old, new in (
            (b"v1", b"v2"),
            (b" 2\n", b" 02\n"),
            (b"size 10", b"size ten"),
            (b"operator", b"witness"),
        ):
            if old in note:
                with pytest.raises(NoteError):
                    Statement.parse(note.partition(b"\n\n")[0].replace(old, new).decode() + "\n")
                with pytest.raises(NoteError, match="is false"):
                    open_statement(note.replace(old, new), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("message", "hidden", "convicts"),
    [
        ("msg_1", 9, True),  # its case was accepted
        ("msg_1", 3, True),  # it was settled
        ("msg_3", 8, False),  # the statement has it
        ("msg_2", 9, False),  # of another case
        ("msg_1", 2, True),  # its case was assigned
    ],
)
def test_an_entry_that_the_log_kept_silent_about_convicts_it(
    tmp_path: Path, message: str, hidden: int, convicts: bool
) -> None:
    """The operator says what it would say without one entry; the proof of that entry is what somebody found."""
    entries = [record.value for record in life().records]
    a_log(tmp_path / "log", entries)
    state = open_checkpoint((tmp_path / "log/checkpoint").read_bytes(), SIGNER.verifier).state
    shown = list(enumerate(entries))[:hidden]
    lie = last_word(message, shown if convicts else list(enumerate(entries)))
    (tmp_path / "said").write_bytes(Statement(SIGNER.name, lie, state, WEDNESDAY).sign(SIGNER))
    (tmp_path / "found").write_bytes(proof_of(tmp_path / "log", hidden))
    code, said = throughline("trail", "convict", tmp_path / "said", tmp_path / "found", "--vkey", VKEY)
    assert (code, said.startswith("Convicted:")) == ((0, True) if convicts else (1, False)), said


def test_a_case_that_a_message_became_convicts_who_said_that_it_has_none(tmp_path: Path) -> None:
    entries = [record.value for record in life().records]
    a_log(tmp_path / "log", entries)
    state = open_checkpoint((tmp_path / "log/checkpoint").read_bytes(), SIGNER.verifier).state
    said = Statement(SIGNER.name, LastWord("msg_1", 2, None, 0, 3), state, WEDNESDAY)
    assert said.contradicted_by(1, entries[1])
    before = Statement(SIGNER.name, LastWord("msg_1", 1, None, 0, 0), state._replace(size=1), WEDNESDAY)
    assert not any(before.contradicted_by(index, entry) for index, entry in enumerate(entries))


@in_a_loop
async def test_who_holds_a_receipt_has_the_silence_signed_and_the_signed_tree_bears_it_out(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path / "data", smtp_port=0)
    async with (
        embedded(settings) as one,
        on_a_port(one.app()) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        sent = await client.post("/v1/messages", json={"subject": "Lamp", "text": "It is dark."})
        message = sent.json()["message_id"]
        await one.idle()
        vkey = (await client.get("/trail/vkey")).text.strip()
        answer = await client.get(f"/v1/silence/{message}")
        assert (answer.status_code, len(answer.json()["proofs"])) == (200, 2)
        assert answer.headers["Cache-Control"] == "no-store"
        out = tmp_path / "silence"
        command = ("trail", "silence", message, "--to", url, "--vkey", vkey, "--out", out)
        code, said = await asyncio.to_thread(throughline, *command)
        assert (code, "by the operator's clock: no witness says when" in said) == (0, True), said
        assert (await client.get("/v1/silence/msg_unknown")).status_code == 404
        assert (await client.get("/v1/silence/case_x")).status_code == 404
    log = settings.data / "audit" / "log"
    verifier = Verifier.parse(vkey)
    stated = open_statement(out.read_bytes(), [verifier])
    size = stated.state.size
    entries = list(enumerate(LogReader(from_directory(log)).entries(0, size, size)))
    assert stated.word == last_word(message, entries)
    assert not any(stated.contradicted_by(index, entry) for index, entry in entries)
    assert verify_log(log, verifier, since=(tmp_path / "silence.checkpoint").read_bytes()).ok
    # Where the entries can be read nobody need be asked.
    code, said = throughline("trail", "silence", message, "--to", settings.data, "--vkey", vkey)
    assert (code, f"after entry {stated.word.entry}" in said) == (0, True), said
    bundle = next((log / "tile" / "entries").rglob("[0-9]*"))
    bundle = bundle if bundle.is_file() else max(bundle.iterdir(), key=lambda path: int(path.name))
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(data)
    code, said = throughline("trail", "silence", message, "--to", settings.data, "--vkey", vkey)
    assert (code, "lead to another root" in said) == (1, True), said
