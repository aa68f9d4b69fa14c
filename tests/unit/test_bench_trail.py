"""What the bench of the trail asks is what an installation would have."""

from __future__ import annotations

from pathlib import Path

from bench.entries import Block
from bench.multiplied import multiply
from bench.trail import filter_sets
from services.audit.log import leaf_hash
from services.audit.lookup import Lookup
from services.audit.projected import Projection
from shared.events import Record
from tests.projections import Rows, rows
from tests.unit.trail_samples import SHANGHAI

COPIES = 4


def projected(path: Path, records: list[Record]) -> None:
    projection = Projection(path, SHANGHAI)
    projection.commit(records, leaf_hash(records[-1].value))
    projection.close()


def without_the_doors(found: Rows) -> Rows:
    """Queries have nothing to do with the balance of what came in, which is not multiplied."""
    return {name: table for name, table in found.items() if name not in ("balance", "unsettled")}


def test_the_copies_of_a_block_are_events_like_any_other_and_all_distinct() -> None:
    block = Block(20)
    records = [one for number in range(COPIES) for one in block.copy(number)]
    assert [Record.read(one.topic, one.value) for one in records] == records
    assert len({one.value for one in records}) == len({one.id for one in records}) == len(records)
    assert [one.time for one in records] == sorted(one.time for one in records)
    assert all(record.data is not None for record in records)


def test_a_projection_that_was_multiplied_is_that_of_the_copies(tmp_path: Path) -> None:
    block = Block(60)
    copies = [list(block.copy(number)) for number in range(COPIES)]
    projected(tmp_path / "all.db", [one for some in copies for one in some])
    projected(tmp_path / "first.db", copies[0])
    multiply(tmp_path / "first.db", COPIES, block.span, leaf_hash(copies[-1][-1].value))
    assert without_the_doors(rows(tmp_path / "first.db")) == without_the_doors(rows(tmp_path / "all.db"))


def test_every_filter_set_finds_something(tmp_path: Path) -> None:
    block = Block(200)
    projected(tmp_path / "all.db", [one for number in range(COPIES) for one in block.copy(number)])
    lookup = Lookup.open(tmp_path / "all.db")
    for name, variants in filter_sets(block, COPIES).items():
        found = [lookup.find(wanted.asked(lookup), 0, lookup.size, 10).places for wanted in variants]
        assert any(found), name
    lookup.close()
