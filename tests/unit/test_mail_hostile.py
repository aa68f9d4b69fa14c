"""No bytes make reading raise, and none make it take more than its share of time or memory.

A quadratic step would make the large inputs here run for minutes; the suite's patience is the measure.
"""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.mail import DEFECTS, acknowledgeable, automatic, read, read_mail, visible_reply
from services.intake.mail.message import Mail

SIZE = 400_000
HTML = b"Content-Type: text/html\n\n"
PLAIN = b"Content-Type: text/plain\n\n"


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
    return [text for one in value for text in texts(one)] if isinstance(value, tuple) else []


def check(data: bytes) -> Mail:
    """Reads and judges the mail; what comes out is valid UTF-8 without control characters."""
    mail = read_mail(data)
    reply = visible_reply(mail.text, mail.subject)
    judged = automatic(mail)
    acknowledgeable(mail)
    for text in (*texts(mail), *texts(reply), *texts(judged)):
        text.encode("utf-8")
        assert not any(c < " " and c not in "\n\t" for c in text), repr(text[:100])
    assert "\n" not in mail.subject + mail.sender.name + mail.sender.address
    assert mail.date is None or mail.date.astimezone().utcoffset() is not None
    assert set(mail.defects) <= set(DEFECTS)
    return mail


@given(st.binary(max_size=2000))
def test_random_bytes_are_read(data: bytes) -> None:
    check(data)


_PIECES = st.sampled_from([
    b"From: ", b"Subject: ", b"To: ", b"Date: ", b"Message-ID: <", b"References: ", b"Content-Type: ",
    b"text/html", b"text/plain", b"multipart/mixed; boundary=", b"multipart/alternative; boundary=b",
    b"multipart/report; report-type=delivery-status; boundary=b", b"message/rfc822", b"; charset=",
    b"gb2312", b"utf-7", b"big5", b"utf-16", b"iso-2022-jp", b"; name*0*=utf-8''%e8", b"; filename=\"",
    b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode", b"=?utf-8?b?",
    b"=?gb2312?q?", b"?=", b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"--b\n", b"--b--\n", b"<", b">", b"@",
    b",", b'"', b"\\", b"(", b":", b";", b"=", b"begin 644 a\n", b"end\n", b"<a href='", b"<blockquote>",
    b"<!--", b"&#55296;", b"&#99999999999;", b"\xff\xfe", b"\xb0\xa1", b"\x1b$B", b"\x00", b"+2AA-", b"> ",
    b"On 1 May, a <a@example.org> wrote:\n", b"Auto-Submitted: auto-replied\n", b"Status: 5.1.1\n", b"-- \n",
    b"Return-Path: <>\n",
])  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(_PIECES | st.binary(max_size=8), max_size=60).map(b"".join))
def test_anything_made_of_the_pieces_mails_are_made_of_is_read(data: bytes) -> None:
    check(data)


LARGE = {
    "tags that open": HTML + b"<div>" * (SIZE // 5),
    "less-than signs": HTML + b"<" * SIZE,
    "tags that never close": HTML + b"<a \"'" * (SIZE // 5),
    "comments that never close": HTML + b"<!--" * (SIZE // 4),
    "styles that never close": HTML + b"<style>" * (SIZE // 7),
    "quotations in quotations": HTML + b"<blockquote>x" * (SIZE // 13),
    "references to huge characters": HTML + b"&#" + b"9" * SIZE,
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * (SIZE // 5),
    "header fields": b"X: y\n" * (SIZE // 5),
    "encoded words that never close": b"Subject: " + b"=?utf-8?q?" * (SIZE // 10),
    "quotes in an address field": b"To: " + b'"\\' * (SIZE // 2),
    "commas in an address field": b"To: " + b"a," * (SIZE // 2),
    "brackets in an address field": b"To: " + b"(<" * (SIZE // 2),
    "references": b"References: " + b"".join(b"<%d@b.example>" % i for i in range(SIZE // 20)),
    "semicolons in a quote": b'Content-Type: text/plain; x="' + b";" * SIZE + b"\n\nx",
    "uuencoded files that never end": PLAIN + b"begin 644 x\n" * (SIZE // 12) + b"\nend",
    "quoted lines": PLAIN + b"> a\nb\n" * (SIZE // 6),
    "attributions": PLAIN + b"On 1 wrote:\n" * (SIZE // 12),
    "headers in the text": PLAIN + b"From: x\n" * (SIZE // 8),
    "blanks": PLAIN + b" " * SIZE + b"x",
    "base64 paddings": b"Content-Transfer-Encoding: base64\n\n" + b"AA=" * (SIZE // 3),
    "bad header lines": b"From: a@b.example\n" + b"bad\n" * (SIZE // 4) + b"Subject: x\n\nx",
    "one header line": b"Subject: " + b"x" * (2 * SIZE) + b"\n\nbody",
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE.keys())
def test_a_large_hostile_mail_is_read_in_its_stride(data: bytes) -> None:
    check(data)


def nested(depth: int) -> bytes:
    levels = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(depth))
    return b"From: lin@example.org\n" + b"".join(levels) + b"Content-Type: text/plain\n\ninnermost\n"


def test_parts_nested_too_deep_are_kept_undivided() -> None:
    assert check(nested(10)).text == "innermost"
    mail = check(nested(5000))
    assert "too-deep" in mail.defects
    assert b"innermost" in mail.attachments[0].content


def test_a_mail_that_cannot_be_taken_apart_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(read, "parse", fail)
    mail = check("Subject: 路燈\n\n不亮".encode())
    assert (mail.text, mail.defects) == ("Subject: 路燈\n\n不亮", ("unreadable",))


def test_parts_beyond_the_limit_are_noted_and_those_before_are_read() -> None:
    part = b"--b\nContent-Type: image/png; name=a.png\n\nx\n"
    mail = check(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n" + part * 2000)
    assert mail.text == "hello"
    assert len(mail.attachments) > 400
    assert "too-many-parts" in mail.defects


def test_a_header_beyond_the_limit_is_cut_and_the_body_is_read() -> None:
    mail = check(b"From: lin@example.org\n" + b"X: " + b"y" * 1_000_000 + b"\nSubject: x\n\nbody")
    assert (mail.sender.address, mail.text) == ("lin@example.org", "body")
    assert "header-truncated" in mail.defects


def test_a_text_beyond_the_limit_is_cut_and_noted() -> None:
    mail = check(PLAIN + b"x" * 2_000_000)
    assert len(mail.text) < 2_000_000
    assert "text-truncated" in mail.defects
