"""What the content store promises: what was said is opened by who holds the key, and stands as the entry says."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from shared.content import ContentGone, ContentStore, commitment, seal
from shared.content.words import MessageWords
from shared.events.content import ContentRef
from shared.store import Step
from shared.store.sqlite import SqliteStore
from tests.installations import THINGS, WEDNESDAY, in_a_loop, sqlite_store


async def keep(store: SqliteStore, contents: ContentStore, *plain: bytes) -> list[ContentRef]:
    pairs = [seal(one, owner="msg_x", now=WEDNESDAY) for one in plain]
    staged = await contents.stage([sealed for sealed, _ in pairs], plain)
    await store.commit(Step(THINGS, f"t_{secrets.token_hex(4)}", 0, b"{}", (), {}, contents=staged))
    return [ref for _, ref in pairs]


@in_a_loop
async def test_small_and_large_content_is_read_back_after_the_store_was_opened_again(tmp_path: Path) -> None:
    words = MessageWords(subject="路燈", text="三天不亮了").model_dump_json().encode()
    large = secrets.token_bytes(600_000)
    async with sqlite_store(tmp_path) as store:
        refs = await keep(store, ContentStore(store, tmp_path / "content"), words, large)
    async with sqlite_store(tmp_path) as store:
        contents = ContentStore(store, tmp_path / "content")
        assert [await contents.open(ref.ref) for ref in refs] == [words, large]
        assert all([await contents.matches(ref) for ref in refs])


@in_a_loop
async def test_nothing_of_what_was_said_stands_readable_in_the_files(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        await keep(
            store,
            ContentStore(store, tmp_path / "content"),
            "路燈三天不亮了".encode() * 50_000,
            b"the street lamp is dark",
        )
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("路燈三天".encode() in content or b"street lamp" in content for content in files)


@in_a_loop
async def test_content_that_was_changed_or_is_of_another_entry_is_found_out(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        one, other = await keep(
            store, ContentStore(store, tmp_path / "content"), b"one thing", b"another thing"
        )
        contents = ContentStore(store, tmp_path / "content")
        assert not await contents.matches(one.model_copy(update={"commitment": other.commitment}))
        await store._submit("UPDATE contents SET box = ? WHERE ref = ?", bytes(25), one.ref)
        with pytest.raises(ContentGone, match="changed"):
            await ContentStore(store, tmp_path / "content").open(one.ref)


def test_the_same_words_have_another_commitment_each_time() -> None:
    sealed, ref = seal(b"the same", owner="msg_x", now=WEDNESDAY)
    _, again = seal(b"the same", owner="msg_x", now=WEDNESDAY)
    assert ref.commitment != again.commitment
    assert ref.commitment == commitment(sealed.key[32:], b"the same")
