"""Every list of cases is read from an index, in its order: by SQLite's own plan, and by MongoDB's rule for prefixes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.routing.case import CASES
from services.routing.office import MOST_COUNTED, Filter, conditions
from shared.rights import Right
from shared.rights.policy import Principal, machine
from shared.store import Where
from shared.store import sqlite_queries as queries
from shared.store.mongo.forms import indexes
from shared.store.sqlite_steps import Table

NOW = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
EVERYTHING = machine("key", [Right.CASES_READ])
TWO_DEPARTMENTS = Principal(
    "wang", "person", frozenset({Right.CASES_READ}), works_in=frozenset({"housing", "water"})
)
SETS = {
    "none": Filter(),
    "department": Filter(department="housing"),
    "department and state": Filter(department="housing", state="answered"),
    "department and closed": Filter(department="housing", state="closed"),
    "department and kind": Filter(department="housing", kind="praise"),
    "state": Filter(state="new"),
    "overdue": Filter(overdue=True),
    "not overdue": Filter(overdue=False),
    "due before": Filter(due_before=NOW + timedelta(days=1)),
    "department and overdue": Filter(department="housing", overdue=True),
    "channel": Filter(channel="open311"),
    "channel and kind": Filter(channel="open311", kind="report"),
}
HELPING = (Where("helping", "has", "housing"),)
ALSO = {
    "category": (Where("category", "=", "repairs"),),
    "class": (Where("case_class", "=", "major"),),
    "urgent": (Where("urgent", "=", 1),),
}


def asked() -> dict[str, Sequence[Where]]:
    """The conditions of every list, by what it is."""
    found: dict[str, Sequence[Where]] = {"helping": HELPING}
    for who, principal in (("everybody's", EVERYTHING), ("two departments'", TWO_DEPARTMENTS)):
        for name, wanted in SETS.items():
            found[f"{who} {name}"] = conditions(principal, wanted, NOW)
        for name, also in ALSO.items():
            found[f"{who} {name}"] = [*conditions(principal, Filter(), NOW), *also]
    return found


def test_sqlite_reads_every_list_in_order_from_an_index() -> None:
    main = sqlite3.connect(":memory:")
    Table(CASES).create(main)
    for name, where in asked().items():
        for after in (None, (5, "case_5")):
            page = queries.find(CASES, where, order="rank", descending=False, after=after, limit=51)
            plan = plan_of(main, page)
            assert read_by_index(plan), (name, plan)
        plan = plan_of(main, queries.count(CASES, where, order="rank", cap=MOST_COUNTED))
        assert read_by_index(plan), (name, plan)
        assert any("COVERING INDEX" in line for line in plan), (name, plan)


def plan_of(main: sqlite3.Connection, query: tuple[str, Sequence[Any]]) -> list[str]:
    """What SQLite says that it will do."""
    return [row[3] for row in main.execute(f"EXPLAIN QUERY PLAN {query[0]}", query[1])]


def read_by_index(plan: Sequence[str]) -> bool:
    """Whether nothing is sorted, and no table read from end to end."""
    reads = [line for line in plan if line.startswith(("SCAN ", "SEARCH ")) and "(subquery" not in line]
    return all("INDEX" in line for line in reads) and not any("TEMP B-TREE" in line for line in plan)


def test_a_plan_that_scans_or_sorts_is_told_from_one_that_does_not() -> None:
    main = sqlite3.connect(":memory:")
    Table(CASES).create(main)
    sql = "SELECT id FROM doc_cases WHERE f_department = 'housing' ORDER BY "
    assert read_by_index(plan_of(main, (f"{sql} f_rank, id", ())))
    assert not read_by_index(plan_of(main, (f"{sql} f_arrived", ())))
    assert not read_by_index(plan_of(main, ("SELECT id FROM doc_cases WHERE f_kind = 'praise'", ())))


def test_for_mongodb_every_list_is_a_prefix_of_an_index_and_the_rest_is_in_it_too() -> None:
    declared = [list(index.document["key"]) for index in indexes(CASES)]
    for name, where in asked().items():
        fits = [keys for keys in declared if serves(keys, where)]
        assert fits, f"{name}: no index of {declared} serves {where}"


def serves(keys: Sequence[str], where: Sequence[Where]) -> bool:
    """Whether an index begins with what is equal, then the order; and holds all else that is asked.

    Of an `in` MongoDB merges each value's part of such an index; a partial one is used, because what equals something
    exists. `rank` exists in every case.
    """
    equal = {f"f.{one.field}" for one in where if one.is_ in ("=", "in", "has")}
    prefix = keys[: keys.index("f.rank")] if "f.rank" in keys else keys
    if keys[len(prefix) : len(prefix) + 2] != ["f.rank", "_id"] or not equal.issuperset(prefix):
        return False
    return {f"f.{one.field}" for one in where}.issubset(keys)


@pytest.mark.parametrize(
    ("where", "served"),
    [
        ((Where("department", "=", "housing"),), True),
        ((Where("arrived", "<", 5),), False),
        ((Where("helping", "has", "housing"), Where("arrived", "<", 5)), False),
    ],
)
def test_a_query_that_no_index_serves_is_told_from_one_that_an_index_does(
    where: Sequence[Where], *, served: bool
) -> None:
    assert any(serves(list(index.document["key"]), where) for index in indexes(CASES)) == served
