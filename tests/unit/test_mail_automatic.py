"""Machines' mail is known as such; what a person may have written is never taken for it."""

from __future__ import annotations

import pytest

from services.intake.mail import acknowledgeable, automatic, read_mail, via_list
from services.intake.mail.message import Mail


def mail(subject: str, text: str = "路燈不亮", *fields: str, sender: str = "lin@example.org") -> Mail:
    head = [
        f"From: {sender}",
        f"Subject: {subject}",
        "Message-ID: <1@example.org>",
        "Content-Type: text/plain; charset=utf-8",
    ]
    return read_mail("\r\n".join([*head, *fields, "", text]).encode())


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("自动回复没有用", "我每次投诉都收到自动回复，没有人处理。"),
        ("自動回覆太慢", "請不要再寄自動回覆給我"),
        ("Auto: noise at night", "Cars race at night."),
        ("Out of office hours noise", "The factory works out of office hours."),
        ("Undelivered letters", "Letters did not reach me. The mailbox is full and could not be opened."),
        ("退信问题", "我寄的挂号信被退信，收件人不存在，邮局不管。"),
        ("Re: Automatic reply: your case", "This is an automated response? I want a person."),
        ("Fwd: Undelivered Mail Returned to Sender", "My mail to you came back:\n550 5.1.1 user unknown"),
        ("休假", "请问国庆休假怎么安排？"),
        ("外出務工證明", "我要外出務工，請問怎麼辦證明？"),
        ("Delivery failed", "The parcel delivery failed three times at no. 550 Main Street."),
        ("mailbox broken", "The postmaster does not answer."),
    ],
)
def test_a_person_writing_about_such_things_is_a_person(subject: str, text: str) -> None:
    assert automatic(mail(subject, text)) is None


@pytest.mark.parametrize(
    "fields",
    [
        ("Precedence: bulk",),
        ("Precedence: list", "List-Id: <residents.example.org>"),
        ("X-Auto-Response-Suppress: OOF, AutoReply",),
        ("X-Loop: residents@example.org",),
        ("Auto-Submitted: no",),
        ("Return-Path: <lin@example.org>",),
    ],
)
def test_lists_and_bulk_mail_may_be_written_by_people(fields: tuple[str, ...]) -> None:
    assert automatic(mail("路燈", "路燈不亮", *fields)) is None


@pytest.mark.parametrize(
    ("subject", "text", "fields"),
    [
        ("whatever", "x", ("Auto-Submitted: auto-replied",)),
        ("whatever", "x", ("Auto-Submitted: AUTO-REPLIED; owner-email=a@example.org",)),
        ("whatever", "x", ("X-Autoreply: yes",)),
        ("whatever", "x", ("Precedence: auto_reply",)),
        ("自动回复: 您的来件已受理", "您好，邮件已收到。", ("In-Reply-To: <2@example.net>",)),
        ("自動回覆：您的來件", "本人目前休假，無法即時回覆。", ()),
        ("[自动回复] 受理通知", "这是系统自动发送的邮件，请勿直接回复。", ()),
        ("不在辦公室", "我這週出差，不在辦公室。", ()),
        ("外出", "我目前外出，下週一回來。", ()),
        ("Out of Office", "I will be out of the office until Monday.", ()),
        ("Automatic reply: your case", "I'm on leave until Monday. I am on annual leave.", ()),
        ("Abwesenheitsnotiz: Ihr Anliegen", "x", ("References: <2@example.net>",)),
        ("Lin is out of the office", "I am out of the office until Monday.", ()),
    ],
)
def test_automatic_replies_are_known(subject: str, text: str, fields: tuple[str, ...]) -> None:
    found = automatic(mail(subject, text, *fields))
    assert found is not None
    assert found.kind == "auto-reply"


def test_an_automatic_reply_says_what_it_answers() -> None:
    found = automatic(mail("x", "x", "Auto-Submitted: auto-replied", "In-Reply-To: <ours@example.net>"))
    assert found is not None
    assert found.bounce.about == ("ours@example.net",)


def test_a_program_that_answers_nothing_is_told_apart() -> None:
    found = automatic(mail("Alarm", "pump 3 stopped", "Auto-Submitted: auto-generated"))
    assert found is not None
    assert found.kind == "generated"


def test_the_null_sender_is_a_machine_and_the_envelope_counts_more_than_the_field() -> None:
    said = mail("Undelivered Mail Returned to Sender", "550 5.1.1 unknown", "Return-Path: <>")
    assert (found := automatic(said)) is not None
    assert found.kind == "bounce"
    plain = mail("路燈", "不亮", "Return-Path: <>")
    assert automatic(plain) is not None
    assert automatic(plain, envelope_from="lin@example.org") is None
    assert automatic(mail("路燈"), envelope_from="<>") is not None


DSN = """From: MAILER-DAEMON@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type={report}; boundary=b

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/{report}

Reporting-MTA: dns; mx.example.org
Original-Message-ID: <ours@example.net>

Final-Recipient: rfc822; lin@example.org
Action: {action}
Status: {status}
--b
Content-Type: text/rfc822-headers

From: line@example.net
Message-ID: <ours@example.net>

Message-ID: <in-the-body@example.net>
--b--
"""


@pytest.mark.parametrize(
    ("action", "status", "kind", "permanent"),
    [
        ("failed", "5.1.1", "bounce", True),
        ("delayed", "4.4.1", "bounce", False),
        ("failed", "4.4.7", "bounce", True),
        ("delivered", "2.0.0", "report", None),
    ],
)
def test_a_delivery_report_says_which_mail_whom_and_whether_for_good(
    action: str, status: str, kind: str, permanent: bool | None
) -> None:
    found = automatic(read_mail(DSN.format(report="delivery-status", action=action, status=status).encode()))
    assert found is not None
    assert (found.kind, found.bounce.permanent, found.bounce.status) == (kind, permanent, status)
    assert found.bounce.about == ("ours@example.net",)
    assert found.bounce.recipients == ("lin@example.org",)


def test_a_receipt_and_an_abuse_report_are_no_bounces() -> None:
    for report, kind in (("disposition-notification", "receipt"), ("feedback-report", "report")):
        found = automatic(read_mail(DSN.format(report=report, action="", status="").encode()))
        assert found is not None
        assert (found.kind, found.bounce.about) == (kind, ("ours@example.net",))


def test_a_report_somebody_forwards_is_theirs() -> None:
    forwarded = DSN.format(report="delivery-status", action="failed", status="5.1.1")
    forwarded = forwarded.replace("MAILER-DAEMON@", "lin@").replace("Subject: ", "Subject: Fwd: ")
    forwarded = forwarded.replace("multipart/report; report-type=delivery-status", "multipart/mixed")
    assert automatic(read_mail(forwarded.encode())) is None


def test_our_own_mail_coming_back_is_a_loop() -> None:
    ours = mail("路燈", "不亮", "X-Loop: line@example.net")
    assert automatic(ours) is None
    assert (found := automatic(ours, own={"Line@example.net"})) is not None
    assert found.kind == "loop"
    assert (found := automatic(mail("路燈", "不亮", *["Received: from a by b; x"] * 101))) is not None
    assert found.kind == "loop"


def test_an_acknowledgement_goes_to_people_only() -> None:
    assert acknowledgeable(mail("路燈"))
    for field in (
        "Precedence: bulk", "List-Id: <x.example.org>", "Auto-Submitted: auto-generated", "Return-Path: <>",
        "X-Auto-Response-Suppress: All",
    ):  # fmt: skip
        assert not acknowledgeable(mail("路燈", "不亮", field)), field
    assert not acknowledgeable(mail("路燈"), envelope_from="")
    assert not acknowledgeable(mail("自动回复: 路灯", "已收到"))
    assert not acknowledgeable(read_mail(b"Subject: lamp\r\n\r\ndark"))


def test_mail_through_a_list_is_marked() -> None:
    assert via_list(mail("路燈", "不亮", "List-Id: Residents <residents.example.org>"))
    assert not via_list(mail("路燈"))
