"""What a mail says is read whatever its character set, encoding and structure."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from services.intake.mail import Address, read_mail

ZH_HANT = "中山路三段的路燈已經三天不亮了，晚上走路很危險，請儘快派人來修理。"
ZH_HANS = "中山路三段的路灯已经三天不亮了，晚上走路很危险，请尽快派人来修理。"


def mail(
    body: bytes | str = b"Hello", content_type: str = "text/plain; charset=utf-8", **fields: str
) -> bytes:
    head = {"From": "Lin <lin@example.org>", "Message-ID": "<1@example.org>", "Content-Type": content_type}
    head |= {name.replace("_", "-"): value for name, value in fields.items()}
    data = body.encode() if isinstance(body, str) else body
    return "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + data


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("gb2312", "gbk", ZH_HANS + "镕"),  # a character GB 2312 lacks
        ("gbk", "gb18030", ZH_HANS + "㐂"),
        ("big5", "cp950", ZH_HANT),
        ("big5", "big5hkscs", ZH_HANT + "嘅"),
        ("hz-gb-2312", "hz", ZH_HANS),
        ("iso-2022-jp", "iso2022_jp", "街灯が消えています"),
        ("shift_jis", "cp932", "街灯が①つ消えています"),
        ("ks_c_5601-1987", "cp949", "가로등이 꺼졌습니다"),
        ("koi8-r", "koi8_r", "Фонарь не горит"),
        ("windows-1251", "cp1251", "Фонарь не горит"),
        ("iso-8859-1", "cp1252", "the “lamp” – it’s dark"),
        ("unicode-1-1-utf-7", "utf-7", ZH_HANT),
        ("utf-16", "utf-16", ZH_HANT),
    ],
)
def test_a_body_is_read_under_what_its_label_means(label: str, codec: str, text: str) -> None:
    body = b64encode(text.encode(codec)) + b"\r\n"
    read = read_mail(mail(body, f"text/plain; charset={label}", Content_Transfer_Encoding="base64"))
    assert read.text == text
    assert read.defects == ()


@pytest.mark.parametrize(
    "label", ["", "; charset=us-ascii", "; charset=x-nonsense", "; charset=utf-8", "; charset=iso-8859-1"]
)
@pytest.mark.parametrize(
    ("codec", "text"),
    [("gb18030", ZH_HANS), ("cp950", ZH_HANT), ("cp932", "街灯が消えています、直してください。")],
)
def test_a_wrong_or_missing_label_is_found_out_by_the_bytes(label: str, codec: str, text: str) -> None:
    read = read_mail(mail(text.encode(codec), f"text/plain{label}"))
    assert read.text == text
    assert "charset-guessed" in read.defects


def test_utf_8_labelled_as_latin_is_utf_8() -> None:
    assert read_mail(mail(ZH_HANT, "text/plain; charset=iso-8859-1")).text == ZH_HANT


@pytest.mark.parametrize("label", ["punycode", "idna", "unicode_escape", "zip", "rot13", "undefined"])
def test_a_codec_that_is_no_character_set_is_never_used(label: str) -> None:
    assert read_mail(mail("caf\\u0041 Uryyb", f"text/plain; charset={label}")).text == "caf\\u0041 Uryyb"


def test_no_text_holds_surrogates_or_control_characters() -> None:
    read = read_mail(mail(b"a+2AA-b\x00c\x07d\x0be", "text/plain; charset=utf-7"))
    assert read.text == "a\ufffdbcde"


def test_a_character_split_between_two_encoded_words_is_one_character() -> None:
    data = "路燈".encode()
    words = [b64encode(piece).decode() for piece in (data[:4], data[4:])]
    subject = "\r\n ".join(f"=?UTF-8?B?{word}?=" for word in words)
    assert read_mail(mail(Subject=subject)).subject == "路燈"


def test_a_raw_header_is_read_by_the_character_set_of_the_body() -> None:
    raw = mail(ZH_HANS.encode("gbk"), "text/plain; charset=gb2312", Subject="@").replace(
        b"@\r\n", "路灯".encode("gbk") + b"\r\n"
    )
    assert read_mail(raw).subject == "路灯"


def test_sender_recipients_ids_and_date_are_read() -> None:
    read = read_mail(
        mail(
            From='"=?utf-8?B?5p6X5bCP5aeQ?=" <lin@example.org>',
            To="Line <line@example.net>, Roe, Jane <jane@example.net>, (nobody) plain@example.net",
            Cc="Group: a@example.net, <LINE@example.net>;",
            X_Original_To="box@example.net",
            Reply_To="other@example.org",
            Date="Tue, 24 Nov 2026 09:00:00 +0800 (CST)",
            In_Reply_To="your message <b@example.net>",
            References="<a@example.net>\r\n <b@example.net> <a@example.net>",
            Content_Language="zh-Hant",
        )
    )
    assert read.sender == Address("林小姐", "lin@example.org")
    assert read.recipients == (
        "line@example.net", "jane@example.net", "plain@example.net", "a@example.net", "box@example.net",
    )  # fmt: skip
    assert read.reply_to == (Address("", "other@example.org"),)
    assert (read.message_id, read.in_reply_to) == ("1@example.org", "b@example.net")
    assert read.references == ("a@example.net", "b@example.net")
    assert read.date == datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert read.languages == ("zh-Hant",)


@pytest.mark.parametrize(
    "date", ["yesterday", "Tue, 99 Nov 2026 09:00:00", "Fri, 31 Dec 9999 23:59:59 -2359", ""]
)
def test_an_impossible_date_is_none_and_noted(date: str) -> None:
    read = read_mail(mail(Date=date))
    assert read.date is None
    assert "date-damaged" in read.defects


def test_a_mail_without_message_id_and_sender_is_read_and_says_so() -> None:
    read = read_mail(b"Subject: lamp\r\n\r\nIt is dark")
    assert (read.message_id, read.subject, read.text) == (None, "lamp", "It is dark")
    assert read.defects == ("no-message-id", "no-sender")


def test_plain_text_is_preferred_unless_it_is_empty() -> None:
    def both(plain: str) -> bytes:
        parts = f"--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n<p>from html</p>\n--b--\n"
        return mail(parts, "multipart/alternative; boundary=b")

    assert read_mail(both("from plain")).text == "from plain"
    assert read_mail(both("  ")).text == "from html"


def test_html_becomes_readable_text() -> None:
    html = (
        "<html><head><title>t</title><style>p{}</style></head><body><h1>Lamp</h1>"
        "<p>It is <b>dark</b>&nbsp;&amp; cold,<br>"
        "see <a href='https://example.org/a'>here</a> or <a href='https://example.org'>example.org</a>.</p>"
        "<script>x()</script>"
        "<ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr></table>1 < 2 and 4 > 3"
        "<blockquote>old<blockquote>older</blockquote></blockquote><img alt='map' src='cid:1'></body></html>"
    )
    assert read_mail(mail(html, "text/html; charset=utf-8")).text == (
        "Lamp\n\nIt is dark & cold,\nsee here (https://example.org/a) or example.org.\n\n- one\n- two\na\tb\n"
        "1 < 2 and 4 > 3\n\n> old\n>\n> > older\n\n[map]"
    )


def test_chinese_html_wrapped_in_the_source_has_no_gaps() -> None:
    assert read_mail(mail("<p>路燈\r\n  不亮</p>", "text/html; charset=utf-8")).text == "路燈不亮"


def test_flowed_text_is_joined_and_its_signature_kept() -> None:
    body = "The lamp has been \r\ndark for days.\r\n> You said \r\n> soon.\r\n\r\n-- \r\nLin\r\n"
    read = read_mail(mail(body, "text/plain; charset=utf-8; format=flowed"))
    assert read.text == "The lamp has been dark for days.\n> You said soon.\n\n-- \nLin"


def test_attachments_keep_name_type_and_bytes() -> None:
    body = (
        "--b\nContent-Type: text/plain\n\nSee the picture\n"
        "--b\nContent-Type: image/png\nContent-ID: <p1>\nContent-Disposition: inline;\n"
        " filename*0*=utf-8''%E8%B7%AF; filename*1*=%E7%87%88.png\nContent-Transfer-Encoding: base64\n\niVBORw==\n"
        '--b\nContent-Type: application/pdf; name="=?utf-8?B?6Lev54eI?=.pdf"\n\n%PDF\n'
        "--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n"
        "--b\nContent-Type: application/ms-tnef; name=winmail.dat\n\nx\n"
        "--b\nContent-Type: message/rfc822\n\nSubject: =?utf-8?B?6Lev54eI?=\nFrom: a@example.org\n\ninside\n--b--\n"
    )
    read = read_mail(mail(body, "multipart/mixed; boundary=b"))
    assert read.text == "See the picture"
    assert [(a.name, a.content_type, a.inline) for a in read.attachments] == [
        ("路燈.png", "image/png", True),
        ("路燈.pdf", "application/pdf", False),
        ("3.ics", "text/calendar", False),
        ("winmail.dat", "application/ms-tnef", False),
        ("路燈.eml", "message/rfc822", False),
    ]
    picture, *_, inner = read.attachments
    assert (picture.content, picture.content_id) == (b"\x89PNG", "p1")
    assert inner.subject == "路燈"
    assert read_mail(inner.content).text == "inside"


def test_a_file_name_never_holds_a_path() -> None:
    body = '--b\nContent-Type: image/png; name="..\\..\\etc/../lamp.png"\n\nx\n--b--\n'
    assert read_mail(mail(body, "multipart/mixed; boundary=b")).attachments[0].name == "lamp.png"


def test_uuencoded_files_in_the_text_become_attachments() -> None:
    read = read_mail(mail("See below\r\n\r\nbegin 644 note.txt\r\n%:&5L;&\\ \r\n`\r\nend\r\nBye\r\n"))
    assert [(a.name, a.content) for a in read.attachments] == [("note.txt", b"hello")]
    assert read.text == "See below\n\nBye"


def test_a_uuencoded_file_that_does_not_decode_stays_in_the_text() -> None:
    read = read_mail(mail("begin 644 note.txt\r\nM\x7f\x7f\r\nend"))
    assert read.attachments == ()
    assert "begin 644 note.txt" in read.text


def test_a_multipart_without_its_boundary_is_still_taken_apart() -> None:
    body = "--xyz\nContent-Type: text/plain\n\nIt is dark\n--xyz\nContent-Type: image/png; name=a.png\n\nx\n--xyz--\n"
    for content_type in ("multipart/mixed", "multipart/mixed; boundary=other"):
        read = read_mail(mail(body, content_type))
        assert (read.text, [a.name for a in read.attachments]) == ("It is dark", ["a.png"])
        assert "boundary-missing" in read.defects


def test_a_line_that_is_no_header_field_does_not_end_the_header() -> None:
    read = read_mail(
        b"From: lin@example.org\r\ngarbage here\r\nSubject: lamp\r\nMessage-ID: <1@x.example>\r\n\r\ndark"
    )
    assert (read.subject, read.text, read.defects) == ("lamp", "dark", ("header-damaged",))


def test_a_body_that_follows_without_blank_line_is_the_text() -> None:
    assert (
        read_mail(b"From: lin@example.org\r\nThe lamp is dark\r\nplease come").text
        == "The lamp is dark\nplease come"
    )


def test_damaged_base64_gives_what_can_be_read() -> None:
    read = read_mail(mail(b64encode(b"It is dark, come") + b"*=\n!", Content_Transfer_Encoding="base64"))
    assert read.text == "It is dark, come"
    assert "encoding-damaged" in read.defects
