"""Every row of the real tables ends as a message or as refused with a reason."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from services.intake.records import Draft, kind_of, parse_map, read_records
from tests.corpus_data import corpus

ZH = "text=留言详情,subject=留言主题,external_id=留言编号,occurred_at=留言时间"


@pytest.mark.parametrize(
    ("folder", "name", "spec"),
    [
        ("zh_messages", "labelled_train.csv", ZH),
        ("zh_messages", "replies_train.csv", ZH),
        ("zh_messages", "hot_topics_train.csv", ZH),
        ("en_311", "nyc311_2020.csv", "text=Descriptor+Resolution Description,subject=Complaint Type"),
        (
            "en_311",
            "nyc311_2012_socrata.json",
            "text=descriptor+resolution_description,subject=complaint_type",
        ),
        (
            "en_311",
            "baltimore311_2018_a.csv",
            "text=SRType+Outcome,external_id=SRRecordID,occurred_at=CreatedDate",
        ),
        (
            "en_311",
            "boston311-100.csv",
            "text=case_title+closure_reason,external_id=case_enquiry_id,occurred_at=open_dt",
        ),
    ],
)
def test_every_row_is_accounted_for_and_its_date_is_read(folder: str, name: str, spec: str) -> None:
    path = corpus(folder, name)
    assert kind_of(path) == "records"
    table = Counter(
        "draft" if isinstance(each, Draft) else each.reason_code
        for each in read_records(path, parse_map(spec))
    )
    defects = Counter(
        defect
        for each in read_records(path, parse_map(spec))
        if isinstance(each, Draft)
        for defect in each.defects
    )
    print(name, dict(table), dict(defects))
    assert table.total() == rows_in(path)
    assert table["draft"] == table.total()
    assert not defects


def rows_in(path: Path) -> int:
    if path.suffix == ".json":
        return len(json.loads(path.read_bytes()))
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for row in csv.reader(file) if row) - 1
