"""Mails filled into a skeleton are what the standard library understands, and nobody can write headers into them."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.channels.addresses import BadAddress, read_address
from services.notify.channels.mime import clean, fill, mailbox, skeleton, thread, unstructured

FIXED = [
    "From",
    "MIME-Version",
    "Content-Language",
    "X-Auto-Response-Suppress",
    "Auto-Submitted",
    "Content-Type",
]
# lone surrogates are no text: they become question marks
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def mail(
    subject: str = "s", name: str = "", text: str = "t", html: str = "h", more: str = ""
) -> EmailMessage:
    fixed = skeleton(mailbox("line@sample.example", "樣例縣"), "zh-Hant", automatic=True)
    headers = f"To: {mailbox('a@b.example', name)}\r\nSubject: {unstructured(subject)}\r\n{more}"
    data = fill(fixed, headers, text, html)
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    read = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def bodies(read: EmailMessage) -> list[str]:
    return [str(part.get_content()) for part in read.iter_parts()]


@given(TEXT)
def test_any_subject_is_read_back_and_adds_no_header(subject: str) -> None:
    read = mail(subject=subject)
    assert read.keys() == ["To", "Subject", *FIXED]
    assert read["Subject"].split() == clean(subject).split()


@given(TEXT)
def test_any_name_is_read_back_and_adds_neither_header_nor_recipient(name: str) -> None:
    read = mail(name=name)
    assert read.keys() == ["To", "Subject", *FIXED]
    assert [to.addr_spec for to in read["To"].addresses] == ["a@b.example"]
    # of several encoded words in a name only compat32 makes one text again
    written, _ = parseaddr(email.message_from_string(f"To: {mailbox('a@b.example', name)}\r\n\r\n")["To"])
    assert str(make_header(decode_header(written))).split() == clean(name).split()


@given(TEXT, TEXT)
def test_any_text_is_read_back_in_both_parts(text: str, html: str) -> None:
    read = mail(text=text, html=html)
    assert read.defects == []
    assert [body.replace("\r\n", "\n") for body in bodies(read)] == [
        one.replace("\r\n", "\n") for one in (text, html)
    ]


def test_it_says_the_same_as_the_standard_librarys_own_mail() -> None:
    subject, text, html = "關於路燈的答覆" * 9, "您好：\r\n修好了。\r\n" * 40, "<p>修好了。</p>"
    oracle = MIMEMultipart("alternative")
    oracle["Subject"] = subject
    for kind, body in (("plain", text), ("html", html)):
        oracle.attach(MIMEText(body, kind, "utf-8"))
    expected = email.message_from_bytes(oracle.as_bytes(), policy=email.policy.default)
    read = mail(subject=subject, text=text, html=html)
    assert isinstance(expected, EmailMessage)
    assert read["Subject"] == expected["Subject"] == subject
    assert bodies(read) == bodies(expected) == [text, html]
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "broken", ["x\r\nBcc: all@b.example", "x\n\nbody", "x\rBcc: a", "x\u2028Bcc: a", "x\x00y"]
)
def test_line_breaks_in_a_name_or_subject_write_no_header(broken: str) -> None:
    read = mail(subject=broken, name=broken)
    assert read["Bcc"] is None
    assert bodies(read) == ["t", "h"]


def test_an_encoded_word_in_a_subject_is_shown_as_it_was_typed() -> None:
    assert mail(subject="=?utf-8?b?QmFk?=")["Subject"] == "=?utf-8?b?QmFk?="


def test_a_thread_is_answered_by_its_valid_ids_only() -> None:
    assert thread(None, ["<a@b>"]) == ""
    assert thread("<a@b>\r\nBcc: x@y", []) == ""
    assert thread("no-brackets@b", []) == ""
    more = thread("<b@c>", ["<a@b>", "<x>\r\nBcc: x@y", "<b@c>"])
    read = mail(more=more)
    assert read["In-Reply-To"] == "<b@c>"
    assert read["References"].split() == ["<a@b>", "<b@c>"]


def test_a_long_thread_keeps_its_first_and_its_latest_ids() -> None:
    ids = [f"<{number}@b>" for number in range(100)]
    kept = mail(more=thread("<last@b>", ids))["References"].split()
    assert (kept[0], kept[-2:], len(kept)) == ("<0@b>", ["<99@b>", "<last@b>"], 20)


@pytest.mark.parametrize(
    ("written", "address", "name"),
    [
        ("a@b.example", "a@b.example", ""),
        ("  A.b+c@B.Example. ", "A.b+c@b.example", ""),
        ("王 五 <w@b.example>", "w@b.example", "王 五"),
        ('"Wang, W." <w@b.example>', "w@b.example", "Wang, W."),
        ("w@例子.example", "w@xn--fsqu00a.example", ""),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, address: str, name: str) -> None:
    assert (read_address(written).address, read_address(written).name) == (address, name)


@pytest.mark.parametrize(
    "written",
    ["", "<>", "x", "@b.example", "a@", "a b@c", "a@b c", "a@b..c", "a@-b.c", "a@[127.0.0.1]", "a@b\r\nc", "a\n@b.c",
     "a@b.c, d@e.f", "<a@b.c> <d@e.f>", "名@b.example", "a" * 65 + "@b.c", "a@" + "b." * 126 + "c", "a..b@c.d"],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(BadAddress):
        read_address(written)


@given(st.text(max_size=80))
def test_whatever_is_taken_as_an_address_is_safe_in_a_command_and_a_header(text: str) -> None:
    try:
        taken = read_address(text).address
    except BadAddress:
        return
    assert taken.isascii()
    assert taken.isprintable()
    assert not set(taken) & set(' <>,;:"()[]\\')
