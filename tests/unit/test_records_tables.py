"""Tables and JSON become drafts: every row is a message or refused with a reason, in any encoding."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.intake.records import Draft, FileUnreadable, Refused, Sender, parse_map, read_records


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def drafts(path: Path, spec: str = "") -> list[Draft]:
    found = list(read_records(path, parse_map(spec)))
    assert all(isinstance(each, Draft) for each in found), found
    return [each for each in found if isinstance(each, Draft)]


def test_a_mapped_chinese_table_becomes_messages(tmp_path: Path) -> None:
    table = '留言编号,留言用户,留言主题,留言时间,留言详情\n7,U1,路灯,2020/1/6 12:09:38,"不亮,\n三天了"\n'
    spec = "text=留言详情,subject=留言主题,external_id=留言编号,occurred_at=留言时间"
    path = written(tmp_path, "a.csv", table)
    [draft] = read_records(path, parse_map(spec), "web", ZoneInfo("Asia/Shanghai"))
    assert isinstance(draft, Draft)
    assert draft.body() == {
        "text": "不亮,\n三天了",
        "subject": "路灯",
        "channel": "web",
        "sender": {"name": "U1"},
        "external_id": "7",
        "occurred_at": "2020-01-06T12:09:38+08:00",
    }
    assert drafts(path)[0].text == draft.text, "the usual headings need no map"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_is_found_even_where_chinese_comes_late(tmp_path: Path, encoding: str) -> None:
    table = (
        "id,text\n" + "".join(f"{at},only ASCII here\n" for at in range(9000)) + "9999,路灯不亮了已经三天\n"
    )
    found = drafts(written(tmp_path, "a.csv", table.encode(encoding)))
    assert (len(found), found[-1].text) == (9001, "路灯不亮了已经三天")


def test_big5_is_not_taken_for_gbk(tmp_path: Path) -> None:
    table = "主旨,內容\n路燈,路燈壞了三天沒有人來修理請盡快處理\n"
    assert drafts(written(tmp_path, "a.csv", table.encode("big5")))[0].text.startswith("路燈壞了三天")


def test_columns_are_joined_and_empty_ones_leave_no_gap(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "A,B,C\none,,three\n")
    assert drafts(path, "text=A+B+C")[0].text == "one\nthree"


def test_a_column_whose_name_has_a_plus_is_taken_as_it_stands(tmp_path: Path) -> None:
    assert drafts(written(tmp_path, "a.csv", "A+B,A\nboth,one\n"), "text=A+B")[0].text == "both"


def test_a_row_without_words_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'id,text\n1,"two\nlines"\n2,  \n\n3,last\n')
    first, second, third = read_records(path)
    assert isinstance(first, Draft)
    assert isinstance(second, Refused)
    assert (second.line, second.reason_code) == (4, "no_text")
    assert isinstance(third, Draft)
    assert third.line == 6


def test_a_subject_alone_is_the_text(tmp_path: Path) -> None:
    assert drafts(written(tmp_path, "a.csv", "subject,text\nlamp,\n"))[0].text == "lamp"


def test_ragged_rows_lose_no_cell(tmp_path: Path) -> None:
    first, second = drafts(written(tmp_path, "a.csv", "id,text,name\n1,lamp,me, broken\n2,x\n"))
    assert (first.text, first.defects) == ("lamp\nbroken", ("ragged",))
    assert second.defects == ()


def test_nuls_and_never_closed_quotes_do_not_stop_the_file(tmp_path: Path) -> None:
    assert drafts(written(tmp_path, "a.csv", b"id,text\n1,a\0b\n2,c\n"))[0].text == "ab"
    huge = b'id,text\n1,fine\n2,"' + b"x" * 9_000_000
    fine, refused = read_records(written(tmp_path, "b.csv", huge))
    assert isinstance(fine, Draft)
    assert isinstance(refused, Refused)
    assert (refused.line, refused.reason_code) == (3, "row_unreadable")


def test_semicolons_and_tabs_separate_as_well(tmp_path: Path) -> None:
    assert drafts(written(tmp_path, "a.csv", "id;text\n1;lamp, broken\n"))[0].text == "lamp, broken"
    assert drafts(written(tmp_path, "a.tsv", "id\ttext\n1\tlamp\n"))[0].text == "lamp"


def test_an_unreadable_date_is_left_out_and_said(tmp_path: Path) -> None:
    [draft] = drafts(written(tmp_path, "a.csv", "text,date\nlamp,soon\n"))
    assert (draft.occurred_at, draft.defects) == (None, ("date_unreadable",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '[{"text": "lamp", "sender": {"email": "a@b"}}]'),
        ("a.json", '{"text": "lamp", "sender": {"email": "a@b"}}'),
        ("a.json", '{"records": [{"text": "lamp", "sender": {"email": "a@b"}}]}'),
        (
            "a.json",
            '{"meta":{"view":{"columns":[{"name":"text"},{"name": "email"}]}}, "data": [["lamp", "a@b"]]}',
        ),
        ("a.jsonl", '{"text": "lamp", "sender.email": "a@b"}\n\n'),
    ],
)
def test_json_of_the_usual_shapes_becomes_messages(tmp_path: Path, name: str, content: str) -> None:
    [draft] = drafts(written(tmp_path, name, content))
    assert (draft.text, draft.sender) == ("lamp", Sender(email="a@b"))


def test_every_element_of_a_long_json_array_is_read(tmp_path: Path) -> None:
    elements = ",".join(f'{{"text": "m{at}"}}' for at in range(250))
    assert [each.text for each in drafts(written(tmp_path, "a.json", f"[{elements}]"))] == [
        f"m{n}" for n in range(250)
    ]


def test_a_broken_json_line_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": \n[1]\n{"text": "b\\ud800"}\n')
    found = list(read_records(path))
    assert [each.reason_code if isinstance(each, Refused) else each.text for each in found] == [
        "a",
        "json_broken",
        "not_a_record",
        "b?",
    ]


def test_a_text_file_is_one_message(tmp_path: Path) -> None:
    [draft] = drafts(written(tmp_path, "a.txt", "路燈壞了\n三天\n".encode("utf-8-sig")))
    assert draft.text.removeprefix("\ufeff") == "路燈壞了\n三天"
    assert [type(each) for each in read_records(written(tmp_path, "b.txt", " \n"))] == [Refused]


def test_the_same_record_gets_the_same_id_and_a_repeated_row_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text\nlamp\nlamp\n")
    ids = [draft.external_id for draft in drafts(path)]
    assert ids == [draft.external_id for draft in drafts(path)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("text", "map_unreadable"),
        ("words=A", "map_unreadable"),
        ("text=Z", "column_unknown"),
        ("", "text_column_unknown"),
    ],
)
def test_a_map_that_cannot_be_followed_says_so_and_names_what_there_is(
    tmp_path: Path, spec: str, reason: str
) -> None:
    path = written(tmp_path, "a.csv", "A,B\n1,2\n")
    with pytest.raises(FileUnreadable) as refused:
        read_records(path, parse_map(spec))
    assert refused.value.reason_code == reason
    assert (
        "A, B" in refused.value.message
        or "sender.email" in refused.value.message
        or "FIELD" in refused.value.message
    )


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("2020/1/6 12:09:38", datetime(2020, 1, 6, 12, 9, 38, tzinfo=UTC)),
        ("2020-01-06T12:09:38.000", datetime(2020, 1, 6, 12, 9, 38, tzinfo=UTC)),
        ("2020-01-06T12:09:38+08:00", datetime(2020, 1, 6, 4, 9, 38, tzinfo=UTC)),
        ("2020年1月6日 12时09分", datetime(2020, 1, 6, 12, 9, tzinfo=UTC)),
        ("05/16/2017 08:00:00 PM", datetime(2017, 5, 16, 20, tzinfo=UTC)),
        ("05/16/2017 12:30 AM", datetime(2017, 5, 16, 0, 30, tzinfo=UTC)),
        ("16/05/2017", datetime(2017, 5, 16, tzinfo=UTC)),
        ("13:00 PM", None),
        ("2020-02-30", None),
        ("0000-01-01", None),
        ("05/16/2017 13:00 PM", None),
        ("0001-01-01T00:00:00+08:00", None),
    ],
)
def test_dates_are_read_as_exports_write_them(tmp_path: Path, date: str, instant: datetime | None) -> None:
    [draft] = drafts(written(tmp_path, "a.csv", f'text,date\nlamp,"{date}"\n'))
    assert draft.occurred_at == instant
