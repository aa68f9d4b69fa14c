"""What somebody wrote is set apart from what they quote, and nothing they wrote is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.mail import visible_reply

OWN = "還是不亮，請再派人來。"
HEADERS_HANT = (
    "寄件者: 服務專線 <line@example.net>\n"
    "寄件日期: 2026年11月24日 上午 09:00\n收件者: 林小姐\n主旨: 回覆: 路燈\n\n已派工"
)
HEADERS_HANS = (
    "发件人: 热线 <line@example.net>\n"
    "发送时间: 2026年11月24日 9:00\n收件人: 林女士\n主题: 回复: 路灯\n\n已派单"
)


@pytest.mark.parametrize(
    "quotation",
    [
        "On Tue, Nov 24, 2026 at 9:00 AM Line <line@example.net> wrote:\n\n> We sent somebody.",
        "On Tue, Nov 24, 2026 at 9:00 AM Service Line of the County\n<line@example.net> wrote:\n\n> We sent somebody.",
        "On 24 Nov 2026, at 09:00, Line <line@example.net> wrote:\n\nWe sent somebody.",
        "服務專線 <line@example.net> 於 2026年11月24日 週二 上午9:00寫道：\n\n> 已派工",
        "热线 <line@example.net> 于2026年11月24日周二 09:00写道：\n> 已派单",
        "在 2026年11月24日，上午9:00，热线 <line@example.net> 写道：\n\n已派单",
        '在 2026-11-24 09:00:00，"热线" <line@example.net> 写道：\n>已派单',
        '------------------ 原始邮件 ------------------\n发件人: "热线" <line@example.net>;\n\n已派单',
        "-----原始郵件-----\n寄件者: 服務專線\n\n已派工",
        "-----Original Message-----\nFrom: Line\nSent: Tuesday\n\nWe sent somebody.",
        HEADERS_HANT,
        "_" * 30 + "\n" + HEADERS_HANS,
        "*From:* Line <line@example.net>\n*Sent:* Tuesday\n*To:* Lin\n*Subject:* RE: lamp\n\nWe sent somebody.",
    ],
)
def test_a_quotation_is_set_aside_and_kept(quotation: str) -> None:
    reply = visible_reply(f"{OWN}\n\n{quotation}")
    assert reply.text == OWN
    assert reply.quoted == quotation


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nLin\n02-1234",
        "Sent from my iPhone",
        "發自我的 iPhone",
        "发自我的iPhone",
        "從我的 iPhone 傳送",
        "Get Outlook for iOS",
    ],
)
def test_a_signature_is_set_aside_with_or_without_quotation(signature: str) -> None:
    for quotation in ("", "\n\n> before"):
        reply = visible_reply(f"{OWN}\n\n{signature}{quotation}")
        assert (reply.text, reply.signature) == (OWN, signature)


def test_answers_below_the_quotation_are_the_reply() -> None:
    assert (
        visible_reply("On 11/24/2026 09:00, Line wrote:\n> We sent somebody.\nNobody came.").text
        == "Nobody came."
    )


def test_answers_between_quoted_lines_keep_the_lines_they_answer() -> None:
    text = "On 11/24/2026 09:00, Line wrote:\n> Which lamp?\nThe third.\n> Since when?\nMonday."
    assert visible_reply(text).text == text


def test_what_is_forwarded_stays() -> None:
    text = f"請看這封\n\n{HEADERS_HANT}"
    assert visible_reply(text, "轉寄: 路燈").text == text
    marked = (
        "Please see\n\n---------- Forwarded message ---------\n"
        "From: A <a@example.org>\nDate: Mon\nSubject: x\nTo: B\n\nThe matter"
    )
    assert visible_reply(marked).text == marked


@pytest.mark.parametrize(
    "text",
    [
        HEADERS_HANT,
        "> only a quotation",
        "-- \nLin",
        "On Tuesday I wrote: please come. Nobody came.",
        "He wrote:\nyou will pay, and more like this",
        "Date: Monday\nPlace: third lamp\nIt is dark",
        "发自内心的感谢，路灯修好了，谢谢各位师傅辛苦了一个晚上一直到半夜",
    ],
)
def test_text_without_anything_before_a_quotation_stays_whole(text: str) -> None:
    assert visible_reply(text).text == text


_LINE = st.sampled_from(
    ["", "> quoted", ">> twice", "words", "路燈不亮", "-- ", "On 1 May 2026, A <a@example.org> wrote:", "写道：",
     "From: A",
     "Sent: Monday", "Subject: x", "To: b", "-----Original Message-----", "__________", "Sent from my iPhone",
     "發自我的 iPhone"]
)  # fmt: skip


@given(st.lists(_LINE, max_size=25).map("\n".join))
def test_no_line_is_lost_and_something_always_remains(text: str) -> None:
    reply = visible_reply(text)
    kept = "\n".join((reply.text, reply.quoted, reply.signature or ""))
    assert Counter(filter(str.strip, kept.split("\n"))) == Counter(filter(str.strip, text.split("\n")))
    assert reply.text.strip() or not text.strip()
