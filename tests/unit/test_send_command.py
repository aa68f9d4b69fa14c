"""`throughline send` hands every thing in a file over once, and its account adds up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli_send import send
from tests.unit.send_doors import Answer, Request, api, mailbox

NOWHERE = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr("services.sending.patience.sleep", at_once)


def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """(exit code, the account, what was said to the person)."""
    app = typer.Typer()
    app.command()(send)
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout) if result.stdout else {}, result.stderr


def ends(account: dict[str, Any]) -> tuple[int, int, int, int, int]:
    whole = account["total"]
    assert whole["input"] == sum(whole[end] for end in ("accepted", "quarantined", "refused", "not_sent"))
    return whole["input"], whole["accepted"], whole["quarantined"], whole["refused"], whole["not_sent"]


def table(path: Path, rows: int) -> Path:
    path.write_text("text\n" + "".join(f"message {at}\n" for at in range(rows)), encoding="utf-8")
    return path


def test_a_table_goes_in_hundreds_and_the_same_table_again_has_the_same_ids(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 250)
    with api() as door:
        code, account, _ = run(path, "--to", door.url, "--channel", "web", "--key", "secret")
        first = {body["external_id"] for body in door.messages}
        run(path, "--to", door.url)
    assert (code, ends(account)) == (0, (250, 250, 0, 0, 0))
    assert sorted(len(json.loads(request.body)) for request in door.requests[:3]) == [50, 100, 100]
    assert door.requests[0].headers["Authorization"] == "Bearer secret"
    assert len(door.messages) == 500
    assert len(first) == 250
    assert {body["external_id"] for body in door.messages} == first
    assert {body.get("channel") for body in door.messages} == {"web", None}


def test_each_refusal_and_quarantine_is_counted_with_its_reason_and_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,fine\n2,\n3,bad\n4,odd\n", encoding="utf-8")
    answers = {
        "bad": {"outcome": "refused", "reason": "unwanted", "detail": "Not this."},
        "odd": {"outcome": "quarantined", "reason": "unreadable", "message_id": "m4"},
        "fine": {"outcome": "accepted", "message_id": "m1"},
    }
    with api() as door:
        door.answer = lambda request: (202, [answers[body["text"]] for body in json.loads(request.body)])
        code, account, _ = run(path, "--to", door.url)
    assert (code, ends(account)) == (1, (4, 1, 1, 2, 0))
    assert {(each["reason"], each["first"]) for each in account["files"][0]["reasons"]} == {
        ("no_text", "line 3"),
        ("unwanted", "line 4"),
        ("unreadable", "line 5"),
    }


def test_what_is_quarantined_was_taken(tmp_path: Path) -> None:
    with api() as door:
        door.answer = lambda _: (202, [{"outcome": "quarantined", "reason": "odd"}])
        code, account, _ = run(table(tmp_path / "a.csv", 1), "--to", door.url)
    assert (code, ends(account)) == (0, (1, 0, 1, 0, 0))


def test_one_message_that_spoils_a_batch_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer | None:
        if b"message 37" in request.body:
            return 422, {"type": "about:blank", "title": "No", "detail": "text: too odd", "reason": "invalid"}
        return None

    with api() as door:
        door.answer = answer
        code, account, _ = run(table(tmp_path / "a.csv", 100), "--to", door.url)
    assert (code, ends(account)) == (1, (100, 99, 0, 1, 0))
    assert account["files"][0]["reasons"] == [
        {"outcome": "refused", "reason": "invalid", "count": 1, "detail": "text: too odd", "first": "line 39"}
    ]
    assert len({body["external_id"] for body in door.messages}) == len(door.messages) == 99


def test_a_busy_door_is_tried_again_until_it_opens(tmp_path: Path) -> None:
    busy = iter([503, 503, 429])

    def answer(_: Request) -> Answer | None:
        status = next(busy, None)
        return (status, {"detail": "Nearly full"}, {"Retry-After": "1"}) if status else None

    with api() as door:
        door.answer = answer
        code, account, said = run(table(tmp_path / "a.csv", 3), "--to", door.url)
    assert (code, ends(account)) == (0, (3, 3, 0, 0, 0))
    assert len(door.requests) == 4
    assert "503: Nearly full" in said


def test_a_door_nobody_answers_at_leaves_everything_not_sent_and_says_where(tmp_path: Path) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes(b"Subject: x\n\nx\n")
    code, account, said = run(
        table(tmp_path / "a.csv", 250), mail, "--to", f"http://{NOWHERE}", "--smtp", NOWHERE
    )
    assert (code, ends(account)) == (1, (251, 0, 0, 0, 251))
    assert f"http://{NOWHERE}" in said
    assert f"mail door {NOWHERE}" in said


def test_a_wrong_key_stops_at_once_and_says_so(tmp_path: Path) -> None:
    with api() as door:
        door.answer = lambda _: (401, {"detail": "No such key"})
        code, account, said = run(table(tmp_path / "a.csv", 900), "--to", door.url)
    assert (code, ends(account)) == (1, (900, 0, 0, 0, 900))
    assert len(door.requests) <= 4
    assert "Not allowed (401): No such key" in said


@pytest.mark.parametrize(
    "content", [b"<html>", b'[{"outcome": "accepted"}]', b"[1, 2]", b'[{"outcome": "lost"}, {"outcome": 5}]']
)
def test_an_answer_that_is_not_throughlines_counts_as_not_sent(tmp_path: Path, content: bytes) -> None:
    with api() as door:
        door.answer = lambda _: (200, content)
        code, account, _ = run(table(tmp_path / "a.csv", 2), "--to", door.url)
    assert (code, ends(account)) == (1, (2, 0, 0, 0, 2))


def test_a_server_that_fails_on_one_message_still_gets_the_others(tmp_path: Path) -> None:
    with api() as door:
        door.answer = lambda request: (500, b"") if b"message 3" in request.body else None
        code, account, _ = run(table(tmp_path / "a.csv", 8), "--to", door.url)
    assert (code, ends(account)) == (1, (8, 7, 0, 0, 1))


def test_a_transcript_goes_as_it_is_with_its_type_and_call(tmp_path: Path) -> None:
    call = tmp_path / "call 7.srt"
    call.write_bytes("1\n00:00:00,000 --> 00:00:01,000\n路灯\n".encode("gb2312"))
    with api() as door:
        code, account, _ = run(call, "--to", door.url)
        run(call, "--to", door.url)
    first, again = door.requests
    assert (code, ends(account)) == (0, (1, 1, 0, 0, 0))
    assert (first.path, first.body) == ("/v1/transcripts", call.read_bytes())
    assert first.headers["Content-Type"] == "application/x-subrip"
    assert first.query == {"call_id": ["call 7.srt"]}
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]


def test_a_refused_transcript_says_why(tmp_path: Path) -> None:
    call = tmp_path / "a.vtt"
    call.write_bytes(b"WEBVTT")
    with api() as door:
        door.answer = lambda _: (
            422,
            {"type": "https://t.example/problems/no_words", "detail": "There is no word."},
        )
        code, account, _ = run(call, "--to", door.url)
    assert code == 1
    assert account["files"][0]["reasons"][0]["reason"] == "no_words"


def test_mails_go_byte_for_byte_with_their_own_sender(tmp_path: Path) -> None:
    plain = tmp_path / "a.eml"
    plain.write_bytes(b"From: =?utf-8?q?A?= <a@example.org>\r\nSubject: \xb9\xb9\r\n\r\n.dot\r\n")
    bounce = tmp_path / "b.eml"
    bounce.write_bytes(b"Return-Path: <>\r\nFrom: daemon@example.org\r\n\r\nx\r\n")
    mails = tmp_path / "c.mbox"
    mails.write_bytes(b"".join(b"From x y\nFrom:\n c%d@example.org\n\nbody\n\n" % at for at in range(20)))
    with mailbox() as box:
        code, account, _ = run(plain, bounce, mails, "--smtp", box.at, "--rcpt", "desk@example.org")
    assert (code, ends(account)) == (0, (22, 22, 0, 0, 0))
    assert {mail[0] for mail in box.mails} == {
        "a@example.org",
        "<>",
        *(f"c{at}@example.org" for at in range(20)),
    }
    assert {tuple(mail[1]) for mail in box.mails} == {("desk@example.org",)}
    assert plain.read_bytes() in {mail[2] for mail in box.mails}


def test_a_mail_refused_for_good_is_counted_and_one_refused_for_now_is_tried_again(tmp_path: Path) -> None:
    for name in ("good", "later", "never"):
        (tmp_path / f"{name}.eml").write_bytes(f"Subject: {name}\r\n\r\nx\r\n".encode())
    later = iter(["451 come again", "451 come again"])

    def reply(content: bytes) -> str | None:
        return "554 unwanted" if b"never" in content else next(later, None) if b"later" in content else None

    with mailbox() as box:
        box.reply = reply
        code, account, _ = run(*sorted(tmp_path.glob("*.eml")), "--smtp", box.at)
    assert (code, ends(account)) == (1, (3, 2, 0, 1, 0))
    assert account["total"]["reasons"][0]["reason"] == "smtp_554"
    assert "unwanted" in account["total"]["reasons"][0]["detail"]


def test_receipts_are_kept_and_cannot_be_written_elsewhere(tmp_path: Path) -> None:
    with api() as door:
        run(table(tmp_path / "a.csv", 3), "--to", door.url, "--receipts", tmp_path / "kept" / "here")
    kept = sorted((tmp_path / "kept" / "here").iterdir())
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.csv", tmp_path / "kept"]
    assert [path.suffix for path in kept] == [".receipt"] * 3
    assert all(path.read_text().startswith("signed file-") for path in kept)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--map", "text=Nothing"], "no column 'Nothing'; there are: text"),
        (["--map", "nonsense"], "FIELD=COLUMN"),
        (["--smtp", "mail"], "expected HOST:PORT"),
        (["--to", "nowhere"], "expected an address"),
        (["--rcpt", "a@example.org>\r\nRSET"], "expected an address such as line@localhost"),
        (["--rcpt", "局@例子.org"], "expected an address such as line@localhost"),
        (["--timezone", "Mars/Olympus"], "Asia/Taipei"),
    ],
)
def test_a_wrong_command_ends_with_2_and_sends_nothing(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    code, account, said = run(table(tmp_path / "a.csv", 3), *arguments)
    assert (code, account) == (2, {})
    assert says in re.sub(r"\s+", " ", said)


def test_nothing_is_sent_of_any_file_if_one_cannot_be_read(tmp_path: Path) -> None:
    odd = tmp_path / "a.docx"
    odd.write_bytes(b"")
    with api() as door:
        code, _, said = run(table(tmp_path / "a.csv", 3), odd, "--to", door.url)
    assert (code, door.requests) == (2, [])
    assert ".docx" in said


def test_a_person_reads_one_line_a_file_and_why_some_were_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,date\nfine,soon\n,\n", encoding="utf-8")
    app = typer.Typer()
    app.command()(send)
    with api() as door:
        shown = CliRunner().invoke(app, [str(path), "--to", door.url]).stdout
    assert f"{path}: 2 in = 1 accepted + 0 quarantined + 1 refused\n" in shown
    assert "  1 refused, no_text: The record at 3 has no text and no subject. (first: line 3)\n" in shown
    assert "  1 sent, but without their date, which could not be read\n" in shown
