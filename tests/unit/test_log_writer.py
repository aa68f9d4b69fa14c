from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import (
    EMPTY_TREE,
    EntryError,
    LockedError,
    LogReader,
    LogWriter,
    ProofError,
    StateError,
    TreeState,
    from_directory,
    leaf_hash,
    leaf_hashes,
    open_checkpoint,
    tree_root,
    verify_consistency,
    verify_inclusion,
    verify_log,
)
from services.audit.log.disk import Disk
from tests.unit.log_samples import SIGNER, VKEY, files_of, grow, sample_entries


def state_of(count: int) -> TreeState:
    return TreeState(count, tree_root(leaf_hashes(sample_entries(count))))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 600), min_size=1, max_size=6), st.integers(1, 3), st.data())
def test_any_batches_make_the_tree_of_all_entries_and_every_proof_of_it_verifies(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], publish_every: int, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("log")
    state, notes = grow(directory, batches, publish_every=publish_every)
    assert state == state_of(sum(batches))
    published = [open_checkpoint(note, SIGNER.verifier).state for note in notes]
    reader = LogReader(from_directory(directory))
    entries = sample_entries(state.size)
    for number, new in enumerate(published):
        assert reader.root(new.size) == new.root
        assert list(reader.entries(0, new.size, new.size)) == entries[: new.size]
        for old in published[: number + 1]:
            proof = reader.consistency_proof(old.size, new.size)
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        if new.size:
            index = data.draw(st.integers(0, new.size - 1))
            path = reader.inclusion_proof(index, new.size)
            verify_inclusion(index, new.size, leaf_hash(entries[index]), path, new.root)
            assert reader.leaf_hash(index, new.size) == leaf_hash(reader.entry(index, new.size))


def test_what_is_served_is_the_published_tree_and_nothing_else(tmp_path: Path) -> None:
    grow(tmp_path, [100, 50, 200, 300], publish_every=4)
    assert files_of(tmp_path) == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/138",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/138",
    ]


def test_partial_tiles_of_published_sizes_stay_until_the_full_tile_is_published(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        for count, publish in ((100, True), (50, False), (20, True), (30, False), (100, False)):
            state = writer.integrate(sample_entries(count, writer.state.size))
            if publish:
                writer.publish(state, SIGNER)
        partial = [path for path in files_of(tmp_path) if path.startswith("tile/0/000.p/")]
        assert partial == ["tile/0/000.p/100", "tile/0/000.p/170"]
        writer.publish(writer.state, SIGNER)
    assert not (tmp_path / "tile/0/000.p").exists()
    assert not (tmp_path / "tile/entries/000.p").exists()
    assert LogReader(from_directory(tmp_path)).root(100) == state_of(100).root


def test_an_upper_tile_that_a_checkpoint_shares_with_a_later_tree_stays(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        writer.publish(writer.integrate(sample_entries(300)), SIGNER)
        writer.integrate(sample_entries(100, 300))
        writer.integrate(sample_entries(200, 400))
    assert (tmp_path / "tile/1/000.p/1").exists()
    assert verify_log(tmp_path, VKEY).ok


def test_an_empty_log_can_be_published_and_published_again(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        assert writer.integrate([]) == EMPTY_TREE
        note = writer.publish(EMPTY_TREE, SIGNER)
        assert writer.publish(EMPTY_TREE, SIGNER) == note
    assert verify_log(tmp_path, VKEY).ok


def test_empty_and_longest_entries_are_kept_as_they_are(tmp_path: Path) -> None:
    entries = [b"", b"x" * 65_535, b"\x00\x01"]
    with LogWriter(tmp_path) as writer:
        state = writer.integrate(entries)
    assert list(LogReader(from_directory(tmp_path)).entries(0, 3, 3)) == entries
    assert state.root == tree_root(leaf_hashes(entries))


def test_a_batch_with_an_entry_that_is_too_long_is_refused_whole(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        with pytest.raises(EntryError):
            writer.integrate([b"short", b"x" * 65_536])
        assert writer.state == EMPTY_TREE
        assert writer.integrate([b"short"]).size == 1


def test_a_second_writer_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    with LogWriter(tmp_path), pytest.raises(LockedError, match="another process"):
        LogWriter(tmp_path)
    LogWriter(tmp_path).close()


def test_a_refused_opening_leaves_the_directory_unlocked(tmp_path: Path) -> None:
    state, _ = grow(tmp_path, [10])
    with pytest.raises(StateError):
        LogWriter(tmp_path, state_of(9))
    LogWriter(tmp_path, state).close()


def test_only_the_current_tree_is_published(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        earlier = writer.integrate(sample_entries(5))
        writer.integrate(sample_entries(5, 5))
        with pytest.raises(StateError, match="only the current tree"):
            writer.publish(earlier, SIGNER)
    assert not (tmp_path / "checkpoint").exists()


def test_a_closed_writer_writes_no_more(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(StateError, match="closed"):
        writer.integrate([b"late"])


class FullDisk(Disk):
    full = False

    def write(self, path: Path, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device", str(path))
        super().write(path, data)


def test_after_a_full_disk_the_writer_must_be_opened_again_and_the_log_goes_on(tmp_path: Path) -> None:
    disk = FullDisk()
    writer = LogWriter(tmp_path, disk=disk)
    committed = writer.integrate(sample_entries(10))
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        writer.integrate(sample_entries(10, 10))
    disk.full = False
    for step in (lambda: writer.integrate([b"x"]), lambda: writer.publish(committed, SIGNER)):
        with pytest.raises(StateError, match="half-way"):
            step()
    assert writer.published == EMPTY_TREE
    writer.close()
    state, _ = grow(tmp_path, [10], committed)
    assert state == state_of(20)
    assert verify_log(tmp_path, VKEY).ok


def test_opening_refuses_a_checkpoint_ahead_of_the_index(tmp_path: Path) -> None:
    grow(tmp_path, [300])
    before = files_of(tmp_path)
    with pytest.raises(StateError, match="ahead of the index: expected at most 200 entries, got 300"):
        LogWriter(tmp_path, state_of(200))
    assert files_of(tmp_path) == before


def test_opening_refuses_a_checkpoint_of_another_tree(tmp_path: Path) -> None:
    grow(tmp_path / "other", [100, 1])
    with LogWriter(tmp_path / "log") as writer:
        writer.publish(writer.integrate([b"another entry"] * 100), SIGNER)
        state = writer.integrate(sample_entries(200))
    (tmp_path / "log/checkpoint").write_bytes((tmp_path / "other/checkpoint").read_bytes())
    with pytest.raises(StateError, match="the checkpoint at 101 entries isn't of this tree"):
        LogWriter(tmp_path / "log", state)


def test_opening_refuses_a_checkpoint_that_cannot_be_read(tmp_path: Path) -> None:
    state, _ = grow(tmp_path, [3])
    (tmp_path / "checkpoint").write_bytes(b"")
    with pytest.raises(StateError, match="checkpoint: note"):
        LogWriter(tmp_path, state)


@pytest.mark.parametrize("sizes", [(3, 200), (200, 300), (256, 512), (300, 1000)])
def test_opening_refuses_a_directory_behind_the_index(tmp_path: Path, sizes: tuple[int, int]) -> None:
    grow(tmp_path, [sizes[0]])
    before = files_of(tmp_path)
    with pytest.raises(StateError, match="behind the index"):
        LogWriter(tmp_path, state_of(sizes[1]))
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    "lost", ["tile/0/000", "tile/entries/001", "tile/1/000.p/2", "tile/entries/002.p/88"]
)
def test_opening_refuses_a_directory_that_lost_a_tile(tmp_path: Path, lost: str) -> None:
    state, _ = grow(tmp_path, [600])
    (tmp_path / lost).unlink()
    with pytest.raises(StateError, match="behind the index"):
        LogWriter(tmp_path, state)


def test_opening_refuses_other_tiles_than_the_index_committed(tmp_path: Path) -> None:
    state, _ = grow(tmp_path, [300])
    with pytest.raises(StateError, match="differ from the index at 300 entries: expected root"):
        LogWriter(tmp_path, TreeState(300, leaf_hash(b"other")))
    tail = tmp_path / "tile/entries/001.p/44"
    tail.write_bytes(tail.read_bytes().replace(b"entry 260", b"entry 26x"))
    with pytest.raises(StateError, match=r"tile/entries/001\.p/44"):
        LogWriter(tmp_path, state)


@pytest.mark.parametrize("beyond", [1, 56, 157, 1000])
def test_what_was_never_committed_is_removed_and_other_entries_take_its_place(
    tmp_path: Path, beyond: int
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.publish(writer.integrate(sample_entries(100)), SIGNER)
        committed = writer.integrate(sample_entries(100, 100))
        writer.integrate([b"never committed %d" % number for number in range(beyond)])
    with LogWriter(tmp_path, committed) as writer:
        assert (tmp_path / "tile/0/000.p/100").exists()
        assert (tmp_path / "tile/0/000.p/200").exists()
        writer.publish(writer.integrate(sample_entries(700, 200)), SIGNER)
        assert writer.state == state_of(900)
    report = verify_log(tmp_path, VKEY)
    assert (report.problems, report.notes) == ([], [])


def test_several_uncommitted_batches_are_removed_too(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as writer:
        committed = writer.integrate(sample_entries(100))
        for count in (20, 30, 300, 5):
            writer.integrate([b"never committed"] * count)
    state, _ = grow(tmp_path, [60, 300], committed)
    assert state == state_of(460)
    assert verify_log(tmp_path, VKEY).ok


def test_a_reader_takes_the_full_tile_where_the_partial_one_is_gone(tmp_path: Path) -> None:
    grow(tmp_path, [100, 300])
    assert not (tmp_path / "tile/0/000.p").exists()
    reader = LogReader(from_directory(tmp_path))
    assert list(reader.entries(90, 100, 100)) == sample_entries(10, 90)
    assert reader.root(100) == state_of(100).root


def test_a_reader_refuses_entries_past_the_tree(tmp_path: Path) -> None:
    grow(tmp_path, [10])
    reader = LogReader(from_directory(tmp_path))
    with pytest.raises(ProofError, match="aren't in the tree"):
        reader.entry(10, 10)
    with pytest.raises(ProofError, match="isn't in the tree"):
        reader.leaf_hash(10, 10)


def test_a_reader_with_a_small_cache_reads_the_same(tmp_path: Path) -> None:
    state, _ = grow(tmp_path, [2000])
    small = LogReader(from_directory(tmp_path), cached_tiles=1)
    for index in (0, 255, 256, 1999):
        path = small.inclusion_proof(index, state.size)
        verify_inclusion(index, state.size, leaf_hash(sample_entries(1, index)[0]), path, state.root)
