"""An embedded store that an older version made is opened by a newer one that finds documents by more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shared.store import Collection, FieldValue, Step, Where
from shared.store.sqlite import SqliteStore
from tests.installations import in_a_loop

OLDER = Collection("things", fields={"name": str, "rank": int}, indexes=(("name", "rank"),))
NEWER = Collection(
    "things",
    fields={"name": str, "colour": str, "owners": tuple[str, ...], "rank": int},
    indexes=(("name", "rank"), ("owners", "rank")),
    covered=("name", "colour"),
)


@in_a_loop
async def test_what_was_saved_before_is_found_as_before_and_by_more_once_it_is_saved_again(
    tmp_path: Path,
) -> None:
    older = SqliteStore(tmp_path, [OLDER])
    await older.open()
    for number, id in enumerate(("a", "b")):
        await older.commit(Step(OLDER, id, 0, b"{}", (), fields={"name": "cup", "rank": number}))
    await older.close()

    for _ in range(2):  # opened once more, nothing is left to do
        newer = SqliteStore(tmp_path, [NEWER])
        await newer.open()
        found = await newer.find(NEWER, [Where("name", "=", "cup")], order="rank")
        assert [document.id for document, _ in found] == ["a", "b"]
        await newer.close()

    newer = SqliteStore(tmp_path, [NEWER])
    await newer.open()
    fields: dict[str, FieldValue] = {"name": "cup", "colour": "red", "owners": ("ann", "bo"), "rank": 7}
    await newer.commit(Step(NEWER, "c", 0, b"{}", (), fields=fields))
    for where in (Where("colour", "=", "red"), Where("owners", "has", "bo")):
        found = await newer.find(NEWER, [where], order="rank")
        assert [document.id for document, _ in found] == ["c"]
    await newer.close()
    with closing(sqlite3.connect(tmp_path / "throughline.db")) as main:
        ((sql,),) = main.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'doc_things_name_rank'"
        ).fetchall()
    assert "f_colour" in sql
