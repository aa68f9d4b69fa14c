"""434 real mails and 70 real replies: all are read, and judged as their sources judge them."""

from __future__ import annotations

import csv
import random
import warnings
from collections import Counter
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from services.intake.mail import Address, Automatic, Mail, automatic, read_mail, visible_reply
from services.intake.mail.charsets import decode
from services.intake.mail.html_text import html_to_text
from tests.corpus_data import corpus
from tests.unit.test_mail_hostile import check

MUTATIONS = 3


@cache
def mails() -> dict[str, bytes]:
    root = corpus("mail")
    return {
        str(path.relative_to(root).with_suffix("")): path.read_bytes()
        for path in sorted(root.glob("*/*.eml"))
    }


def test_every_mail_is_read_without_giving_up() -> None:
    for name, data in mails().items():
        assert "unreadable" not in check(data).defects, name


def test_mutated_mails_are_read() -> None:
    chance = random.Random(37)
    for data in mails().values():
        for _ in range(MUTATIONS):
            check(mutated(data[:30_000], chance))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The mail with some bytes changed, a stretch cut out, one doubled, or its end missing."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 20)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        end = min(len(changed), at + chance.randint(1, 200))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end]
            case 3:
                changed[at:at] = chance.choice(
                    [b"\n", b"\n\n", b"--", b"=?", b"\x00", b'"', b"<", b"\xb0\xa1", b";"]
                )
    return bytes(changed)


# Where the standard library's default policy reads otherwise, and why ours stands.
NO_ADDRESS = "From holds no address, or none that can be mailed; default returns its words"
BETTER_CHARSET = "bytes without or against their label; default gives replacement characters or wrong ones"
MENDED_HEADER = "a broken line in the header; default takes the rest of the header for the body"
UNKNOWN_CHARSET = "default raises LookupError"
EXCEPTIONS = {
    ("sender", NO_ADDRESS): """
        alaveteli/bcc-contact-reply alaveteli/empty-8bit alaveteli/incoming-request-bad-uuencoding
        alaveteli/incoming-request-empty alaveteli/incoming-request-two-same-name alaveteli/iso8859_2_raw_email
        alaveteli/simple-uuencoded-attachment alaveteli/track-response-webshield-bounce cpython/msg_05 cpython/msg_43
        php-imap/email_address sisimai/lhost-barracuda-01 sisimai/lhost-dragonfly-10 sisimai/lhost-dragonfly-30
        sisimai/lhost-surfcontrol-03 sisimai/lhost-x3-05 sisimai/lhost-x6-01 spamassassin/nice-unicode2""",
    ("sender", "words before the address inside < >; default makes them part of a quoted local part"): """
        alaveteli/dos-linebreaks mikel-mail/plain_emails-mix_caps_content_type php-imap/issue-462""",
    ("sender", "a UTF-8 address (RFC 6532); default returns surrogates"): "mikel-mail/rfc6532-utf8_headers",
    (
        "sender",
        MENDED_HEADER,
    ): "mikel-mail/plain_emails-raw_email_incorrect_header php-mime-mail-parser/issue84",
    (
        "subject",
        MENDED_HEADER,
    ): "mikel-mail/plain_emails-raw_email_incorrect_header php-mime-mail-parser/issue84",
    (
        "text",
        MENDED_HEADER,
    ): "mikel-mail/plain_emails-raw_email_incorrect_header php-mime-mail-parser/issue84",
    ("subject", BETTER_CHARSET): """
        flanker/mailformed-headers flanker/spam-broken-headers mail-mime-parser/github-102-01
        mail-mime-parser/github-102-02 mail-mime-parser/m4001 mikel-mail/error_emails-invalid_subject_characters
        mikel-mail/error_emails-must_supply_encoding spamassassin/cjk-big5-base64.1 spamassassin/cjk-gb2312.1""",
    ("subject", "an encoded word that does not decode or is cut off; default leaves part of it encoded"): """
        alaveteli/subject-bad-utf-8-trailing-quoted-printable php-imap/imap_mime_header_decode_returns_false
        php-mime-mail-parser/issue116""",
    ("subject", "longer than we show"): "flanker/long-header",
    ("text", BETTER_CHARSET): """
        alaveteli/mislabelled-as-iso-8859-1 alaveteli/multipart-unicode-unix-endings
        alaveteli/multiple-unquoted-display-names alaveteli/no-part-charset-bad-utf8
        alaveteli/no-part-charset-random-data alaveteli/part-without-charset-in-content-type
        mail-mime-parser/github-102-02 mikel-mail/attachment_emails-attachment_pdf_non_ascii
        mikel-mail/attachment_emails-attachment_pdf_non_ascii_lf
        mikel-mail/error_emails-content_transfer_encoding_7-bit
        mikel-mail/error_emails-content_transfer_encoding_plain mikel-mail/plain_emails-raw_email5
        mikel-mail/plain_emails-raw_email6 php-mime-mail-parser/m0009 php-mime-mail-parser/m0019
        php-mime-mail-parser/m0023 sisimai/lhost-ezweb-02 spamassassin/spam-008""",
    ("text", "uuencoded files are taken out of the text"): """
        alaveteli/incoming-request-bad-uuencoding alaveteli/simple-uuencoded-attachment""",
    ("text", "a Latin label whose control bytes are no text"): "alaveteli/track-response-webshield-bounce",
    ("raises", UNKNOWN_CHARSET): """
        alaveteli/track-response-messageclass-oof mail-mime-parser/invalid-charset
        mikel-mail/plain_emails-raw_email10""",
}


def test_reading_agrees_with_the_default_policy_but_for_the_listed_mails() -> None:
    listed = {(what, name) for (what, _), names in EXCEPTIONS.items() for name in names.split()}
    found = {(what, name) for name, data in mails().items() for what in differences(data)}
    assert sorted(found - listed) == []
    assert sorted(listed - found) == [], "listed, yet read alike: take them off the list"


def differences(data: bytes) -> list[str]:
    """What the default policy reads otherwise, blanks apart; its first plain body must be within our text."""
    mail = read_mail(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = message_from_bytes(data, policy=policy.default)
        subject = str(parsed["subject"] or "")
        addresses = parsed["from"].addresses if parsed["from"] else ()
        body = parsed.get_body(("plain",))
        try:
            text = cast("str", body.get_content()) if body is not None else ""
        except LookupError:
            return ["raises"]
    sender = addresses[0].addr_spec if addresses else ""
    alike = {
        "subject": squeezed(subject) == squeezed(mail.subject),
        "sender": sender.lower() == mail.sender.address.lower(),
        "text": squeezed(text) in squeezed(mail.text),
    }
    return [what for what, same in alike.items() if not same]


def squeezed(text: str) -> str:
    return "".join(text.split())


# Reports the corpus holds outside sisimai and the tracked responses; each was looked at.
OTHER_AUTOMATIC = """
    alaveteli/humberside-police-odd-mime-type cpython/msg_05 cpython/msg_16 cpython/msg_25 cpython/msg_42 cpython/msg_43
    flanker/bounce-broken-mime flanker/bounce-delayed flanker/bounce-delayed-broken flanker/bounce-gmail-invalid-address
    flanker/bounce-gmail-no-dns flanker/bounce-mailbox-full flanker/bounce-no-mx flanker/bounce-office365
    flanker/bounce-zed flanker/complaints-aol flanker/complaints-yahoo flanker/disposition-notification
    mikel-mail/mime_emails-raw_email_with_mimepart_without_content_type php-imap/issue-462
    mikel-mail/multipart_report_emails-multi_address_bounce1 mikel-mail/multipart_report_emails-report_422
    mikel-mail/multipart_report_emails-multipart_report_multiple_status mikel-mail/multipart_report_emails-report_530
"""


@cache
def judged() -> dict[str, Automatic | None]:
    return {name: automatic(read_mail(data)) for name, data in mails().items()}


def test_no_mail_of_a_person_is_taken_for_a_machines() -> None:
    taken = {
        name
        for name, found in judged().items()
        if found and not name.startswith(("sisimai/", "alaveteli/track-response"))
    }
    assert taken == set(OTHER_AUTOMATIC.split())
    assert judged()["sisimai/is-not-bounce-01"] is None


def test_out_of_office_replies_and_bounces_to_a_public_body_are_all_known() -> None:
    kinds = {name: found and found.kind for name, found in judged().items() if "track-response" in name}
    bounces = {"alaveteli/track-response-multipart-report", "alaveteli/track-response-webshield-bounce"}
    assert kinds == {name: "bounce" if name in bounces else "auto-reply" for name in kinds}
    assert len(kinds) == 8


def test_bounces_of_seventy_mail_systems_are_known_but_for_four(capsys: pytest.CaptureFixture[str]) -> None:
    """The four missed come from a person's or a service's address with a person's subject ("Re:Test message"):
    words alone must not decide."""
    bounces = {
        n: f
        for n, f in judged().items()
        if n.startswith(("sisimai/lhost", "sisimai/rhost", "sisimai/rfc3464"))
    }
    missed = {name.removeprefix("sisimai/lhost-") for name, found in bounces.items() if not found}
    assert missed == {"amazonses-10", "apachejames-01", "fml-02", "verizon-02"}
    assert {found.kind for found in bounces.values() if found} == {"bounce"}
    facts = Counter[str]()
    for found in filter(None, bounces.values()):
        facts["about"] += bool(found.bounce.about)
        facts["permanent"] += found.bounce.permanent is not None
    with capsys.disabled():
        print(
            f"\n{len(bounces) - len(missed)} of {len(bounces)} bounces known; of these {dict(facts)} say what and how"
        )
    assert facts["about"] >= 58
    assert facts["permanent"] >= 64


def test_vacation_replies_and_abuse_reports_have_their_kind() -> None:
    kinds = {
        name.partition("/")[2]: found.kind for name, found in judged().items() if found and "sisimai" in name
    }
    assert kinds["arf-18"] == "report"
    assert {kinds[name] for name in ("rfc3834-01", "rfc3834-02", "rfc3834-04")} == {"auto-reply"}


def test_the_replies_of_twelve_mail_programs_are_set_apart() -> None:
    for path in sorted(corpus("mail_replies", "talon", "standard_replies").glob("*.eml")):
        reply = visible_reply(read_mail(path.read_bytes()).text)
        expected = path.with_name(f"{path.stem}_reply_text")
        wanted = expected.read_text("utf-8") if expected.exists() else "Hello"
        # The source keeps signatures in the reply.
        assert f"{reply.text} {reply.signature or ''}".split() == wanted.split(), path.name


def test_html_replies_of_nine_mail_programs_are_set_apart() -> None:
    for path in sorted(corpus("mail_replies", "talon", "html_replies").glob("*.html")):
        reply = visible_reply(html_to_text(decode(path.read_bytes())[0]))
        assert reply.text.split() == ["Hi.", "I", "am", "fine.", "Thanks,", "Alex"], path.name


def test_no_line_of_a_real_reply_is_lost() -> None:
    for path in texts():
        text = decode(path.read_bytes())[0].replace("\r\n", "\n")
        reply = visible_reply(text)
        kept = "\n".join((reply.text, reply.quoted, reply.signature or ""))
        assert Counter(kept.split()) == Counter(text.split()), path.name


def texts() -> list[Path]:
    return sorted(corpus("mail_replies").glob("*/*/*.txt"))


def citizens() -> list[tuple[str, str]]:
    """(subject, text) of real messages; assertions on them give counts only, for the rows are not ours to print."""
    rows: list[tuple[str, str]] = []
    for path in sorted(corpus("zh_messages").glob("*_train.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(row.get("留言主题") or "", row["留言详情"]) for row in csv.DictReader(file)]
    return rows


def test_no_citizens_message_is_taken_for_a_machines_or_shortened() -> None:
    mails = [Mail(sender=Address("", "a@example.org"), subject=s or t[:20], text=t) for s, t in citizens()]
    taken = sum(automatic(mail) is not None for mail in mails)
    shortened = sum(visible_reply(mail.text).text.strip() != mail.text.strip() for mail in mails)
    assert (taken, shortened) == (0, 0)


def test_citizens_messages_in_gbk_without_a_label_are_read() -> None:
    wrong_texts = sum(decode(text.encode("gb18030"))[0] != text for _, text in citizens())
    subjects = [subject for subject, _ in citizens() if subject]
    wrong_subjects = sum(decode(subject.encode("gb18030"))[0] != subject for subject in subjects)
    assert wrong_texts == 0
    assert wrong_subjects < 0.01 * len(subjects)
