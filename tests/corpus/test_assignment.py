"""The sample county's rules on real messages; floors are somewhat below what was measured, figures only."""

from __future__ import annotations

import csv
import json
from functools import cache

import opencc

from services.routing.assign import Matcher
from shared.organisation import load
from shared.settings import SAMPLE_ORGANISATION
from tests.corpus_data import corpus

# Which departments a county gives the matters of a label to.
LABELS = {
    "城乡建设": {"housing", "natural-resources", "city-management"},
    "劳动和社会保障": {"labour"},
    "教育文体": {"education"},
    "商贸旅游": {"market", "commerce-tourism"},
    "卫生计生": {"health"},
    "环境保护": {"environment"},
    "交通运输": {"transport"},
}
AGENCIES = {
    "HPD": {"housing"},
    "DOB": {"housing"},
    "DEP": {"environment", "housing"},
    "DOT": {"housing", "transport"},
    "DPR": {"city-management"},
    "DSNY": {"city-management"},
    "NYPD": {"security", "environment", "transport", "city-management"},
    "DOHMH": {"health", "market", "city-management", "environment"},
    "TLC": {"transport"},
    "DCA": {"market"},
}


@cache
def matcher() -> Matcher:
    return Matcher(load(SAMPLE_ORGANISATION))


def shares(rows: list[tuple[str, set[str]]]) -> tuple[float, float]:
    """The share that is assigned, and the share of these that a fitting department gets."""
    found = [(matcher()(text).department, fitting) for text, fitting in rows]
    assigned = [department in fitting for department, fitting in found if department]
    return len(assigned) / len(rows), sum(assigned) / len(assigned)


def messages() -> list[tuple[str, set[str]]]:
    with corpus("zh_messages", "labelled_train.csv").open(encoding="utf-8") as file:
        return [
            (f"{row['留言主题']}\n{row['留言详情']}", LABELS[row["一级标签"]]) for row in csv.DictReader(file)
        ]


def test_most_citizens_messages_reach_a_fitting_department() -> None:
    assigned, fitting = shares(messages())
    assert assigned > 0.85
    assert fitting > 0.83


def test_the_same_messages_in_traditional_characters_reach_the_same_departments() -> None:
    to_traditional = opencc.OpenCC("s2t")
    rows = [text[:200] for text, _ in messages()[::10]]
    same = sum(matcher()(row).department == matcher()(to_traditional.convert(row)).department for row in rows)
    assert same / len(rows) > 0.98


def test_most_english_requests_reach_a_fitting_department() -> None:
    records = json.loads(corpus("en_311", "nyc311_2012_socrata.json").read_text("utf-8"))
    rows = [
        (f"{r['complaint_type']}\n{r.get('descriptor', '')}", AGENCIES[r["agency"]])
        for r in records
        if r["agency"] in AGENCIES
    ]
    assert len(rows) > 900
    assigned, fitting = shares(rows)
    assert assigned > 0.85
    assert fitting > 0.95
