"""What is read of an embedded store that is moved."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from shared.store import Step
from shared.store.sqlite_moving import Leaving
from tests.installations import THINGS, in_a_loop, sqlite_store


@in_a_loop
async def test_fields_of_several_values_leave_as_they_were_given(tmp_path: Path) -> None:
    given = {"t_1": ("old", "loud"), "t_2": ()}
    async with sqlite_store(tmp_path) as store:
        for id, marks in given.items():
            await store.commit(Step(THINGS, id, 0, b"{}", (), {"colour": "red", "size": 1, "marks": marks}))
    with closing(Leaving(tmp_path)) as leaving:
        ((first, second),) = leaving.documents(THINGS)
    assert first[4:] == ("red", 1, ("old", "loud"))
    assert second[4:] == ("red", 1, None)
