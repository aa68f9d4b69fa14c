"""A file is known for what it holds, and a mailbox gives back every mail unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.records import FileUnreadable, kind_of, read_mails


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.eml", "", "mail"),
        ("a.MBOX", "", "mail"),
        ("a.vtt", "", "transcript"),
        ("a.csv", "", "records"),
        ("a.json", '{"text": "", "segments": []}', "transcript"),
        ("a.json", '{"results": {"channels": []}}', "transcript"),
        ("a.json", '{"results": [{"text": "a record"}]}', "records"),
        ("a.json", '[{"text": "a record"}]', "records"),
        ("a.json", '{"text": "a record"}', "records"),
        ("a.tsv", "start\tend\ttext\n0\t1\ta\n", "transcript"),
        ("a.tsv", "id\ttext\n1\ta\n", "records"),
    ],
)
def test_a_file_is_known_by_its_name_or_its_shape(tmp_path: Path, name: str, content: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert kind_of(path) == kind


def test_an_unknown_kind_is_refused_naming_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"\.csv .*\.eml .*\.json"):
        kind_of(tmp_path / "a.docx")


def test_a_mailbox_gives_each_mail_once_and_unquotes_its_from_lines(tmp_path: Path) -> None:
    first = b"Subject: one\n\n>From here\nnot a start:\nFrom there\n"
    path = tmp_path / "a.mbox"
    path.write_bytes(b"From a@b Mon\n" + first + b"\nFrom c@d Tue\nSubject: two\n\n>>From x\n\n")
    assert list(read_mails(path)) == [
        b"Subject: one\n\nFrom here\nnot a start:\nFrom there\n",
        b"Subject: two\n\n>From x\n",
    ]


def test_a_mail_file_is_one_mail_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(b"From x\r\nSubject: \xb9\r\n\r\n\0")
    assert list(read_mails(path)) == [b"From x\r\nSubject: \xb9\r\n\r\n\0"]
