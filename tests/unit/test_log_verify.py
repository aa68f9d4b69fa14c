from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.log import (
    LogReader,
    LogWriter,
    NoteError,
    Report,
    Signer,
    from_directory,
    open_checkpoint,
    verify_log,
)
from services.audit.log.errors import TileError
from services.audit.log.tiles import ENTRIES, frame_entries, parse_path, split_bundle
from tests.unit.log_samples import SIGNER, VKEY, QuickDisk, files_of, grow, sample_entries

SIZE = 900


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 900 entries: three full bundles, an edge, and old partial tiles that checkpoints needed."""
    directory = tmp_path / "log"
    grow(directory, [100, 500, 190, 20, 90])
    assert {"tile/0/003.p/22", "tile/0/003.p/42", "tile/0/003.p/132"} <= set(files_of(directory))
    return directory


def named(report: Report) -> set[str]:
    return {problem.path for problem in report.problems}


def entries_named(report: Report) -> set[int]:
    return {problem.entry for problem in report.problems if problem.entry is not None}


def test_a_whole_log_is_found_whole_and_progress_is_told(log: Path) -> None:
    told: list[tuple[int, int]] = []
    report = verify_log(log, VKEY, progress=lambda done, size: told.append((done, size)))
    assert (report.ok, report.problems, report.notes, report.entries) == (True, [], [], SIZE)
    assert told == [(256, SIZE), (512, SIZE), (768, SIZE), (SIZE, SIZE)]
    assert report.checkpoint is not None
    assert report.checkpoint.state.size == SIZE


def test_a_log_is_verified_through_any_fetch(log: Path) -> None:
    assert verify_log(from_directory(log), SIGNER.verifier).ok
    (log / "tile/0/001").unlink()
    assert named(verify_log(from_directory(log), VKEY)) == {"tile/0/001"}


def change_byte(log: Path, chance: random.Random) -> set[str]:
    path = chance.choice(files_of(log))
    data = bytearray((log / path).read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    (log / path).write_bytes(data)
    return {path}


def cut_file(log: Path, chance: random.Random) -> set[str]:
    path = chance.choice(files_of(log))
    data = (log / path).read_bytes()
    (log / path).write_bytes(data[: chance.randrange(len(data))])
    return {path}


def insert_bytes(log: Path, chance: random.Random) -> set[str]:
    path = chance.choice(files_of(log))
    data = (log / path).read_bytes()
    at = chance.randrange(len(data) + 1)
    (log / path).write_bytes(data[:at] + chance.randbytes(chance.randint(1, 40)) + data[at:])
    return {path}


def remove_file(log: Path, chance: random.Random) -> set[str]:
    path = chance.choice([path for path in files_of(log) if ".p/22" not in path and ".p/42" not in path])
    (log / path).unlink()
    return {path}


def swap_files(log: Path, chance: random.Random) -> set[str]:
    one, other = chance.sample([path for path in files_of(log) if path.startswith("tile/")], 2)
    data = (log / one).read_bytes()
    (log / one).write_bytes((log / other).read_bytes())
    (log / other).write_bytes(data)
    return {one, other}


def swap_entries(log: Path, chance: random.Random) -> set[str]:
    """Two entries of the signed bundles change places, within one bundle or between two."""
    paths = {n: f"tile/entries/{n:03d}" if n < 3 else "tile/entries/003.p/132" for n in range(4)}
    bundles = {n: split_bundle((log / path).read_bytes(), 256)[0] for n, path in paths.items()}
    one, other = chance.sample(range(SIZE), 2)
    left, right = bundles[one // 256], bundles[other // 256]
    left[one % 256], right[other % 256] = right[other % 256], left[one % 256]
    for number, entries in bundles.items():
        (log / paths[number]).write_bytes(b"".join(frame_entries(entries)))
    return {paths[one // 256], paths[other // 256]}


TAMPERINGS = (change_byte, cut_file, insert_bytes, remove_file, swap_files, swap_entries)


def test_two_hundred_random_tamperings_are_each_found_and_named(log: Path, tmp_path: Path) -> None:
    for number in range(240):
        chance = random.Random(number)
        tamper: Callable[[Path, random.Random], set[str]] = TAMPERINGS[number % len(TAMPERINGS)]
        copy = tmp_path / f"copy {number}"
        shutil.copytree(log, copy)
        tampered = tamper(copy, chance)
        report = verify_log(copy, VKEY)
        assert not report.ok, (number, tamper.__name__, tampered)
        # Nothing but what was touched is accused, and all of that is.
        assert named(report) == tampered, (number, tamper.__name__, list(map(str, report.problems)))
        shutil.rmtree(copy)


def test_each_changed_entry_is_named_with_what_was_expected_and_what_came(log: Path) -> None:
    path = log / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"entry 300 ", b"entry 3O0 "))
    (problem,) = verify_log(log, VKEY).problems
    assert (problem.path, problem.entry) == ("tile/entries/001", 300)
    assert problem.expected == LogReader(from_directory(log)).leaf_hash(300, SIZE).hex()
    assert problem.got != problem.expected
    assert "tile/entries/001: entry 300: isn't the entry that was signed" in str(problem)


def test_swapped_entries_are_both_named(log: Path) -> None:
    path = log / "tile/entries/000"
    entries, _ = split_bundle(path.read_bytes(), 256)
    entries[7], entries[200] = entries[200], entries[7]
    path.write_bytes(b"".join(frame_entries(entries)))
    assert entries_named(verify_log(log, VKEY)) == {7, 200}


def test_a_false_length_is_named_by_its_entry(log: Path) -> None:
    path = log / "tile/entries/000"
    entries, _ = split_bundle(path.read_bytes(), 256)
    data = bytearray(path.read_bytes())
    data[sum(len(entry) + 2 for entry in entries[:99])] = 0xFF
    path.write_bytes(data)
    (problem,) = verify_log(log, VKEY).problems
    assert (problem.path, problem.entry) == ("tile/entries/000", 99)


def test_an_entry_changed_together_with_its_tile_is_still_found(log: Path) -> None:
    rewritten = log.with_name("rewritten")
    with LogWriter(rewritten, disk=QuickDisk()) as writer:
        writer.integrate(
            [b"not what was said" if n == 300 else e for n, e in enumerate(sample_entries(SIZE))]
        )
    for path in ("tile/entries/001", "tile/0/001"):
        shutil.copy(rewritten / path, log / path)
    report = verify_log(log, VKEY)
    assert named(report) == {"tile/0/001"}
    assert "entries 256–511" in str(report.problems[0])

    # With all tiles rewritten only the signed root is left to contradict.
    shutil.copytree(rewritten, log, dirs_exist_ok=True)
    assert "checkpoint" in named(verify_log(log, VKEY))


def test_damage_to_a_bundle_and_its_tile_together_is_found(log: Path) -> None:
    for path in ("tile/entries/001", "tile/0/001"):
        (log / path).unlink()
    assert {"tile/entries/001", "tile/0/001"} <= named(verify_log(log, VKEY))
    (log / "tile/0/001").write_bytes(bytes(8192))
    assert {"tile/entries/001", "tile/0/001"} <= named(verify_log(log, VKEY))


def test_a_large_log_names_damage_at_every_level(tmp_path: Path) -> None:
    grow(tmp_path, [65_536, 2_000])
    assert verify_log(tmp_path, VKEY).ok
    for path in ("tile/1/000", "tile/1/001.p/7", "tile/2/000.p/1", "tile/0/200", "tile/entries/200"):
        data = (tmp_path / path).read_bytes()
        (tmp_path / path).write_bytes(data[:5] + bytes([data[5] ^ 1]) + data[6:])
        assert named(verify_log(tmp_path, VKEY)) == {path}
        (tmp_path / path).write_bytes(data)


def test_an_old_partial_tile_that_contradicts_what_was_signed_is_named(log: Path) -> None:
    path = log / "tile/0/003.p/22"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (problem,) = verify_log(log, VKEY).problems
    assert (problem.path, problem.entry) == ("tile/0/003.p/22", 789)


def test_tiles_past_the_signed_tree_and_strange_names_are_notes_not_faults(log: Path) -> None:
    state = open_checkpoint((log / "checkpoint").read_bytes(), SIGNER.verifier).state
    with LogWriter(log, state, disk=QuickDisk()) as writer:
        writer.integrate(sample_entries(300, SIZE))
    (log / "tile/0/README").write_text("not a tile")
    (log / "tile/0/003.p/256").write_text("not a tile")
    report = verify_log(log, VKEY)
    assert report.ok
    assert {note.partition(":")[0] for note in report.notes if "past the signed" in note} == {
        "tile/0/003",
        "tile/0/004.p/176",
        "tile/1/000.p/4",
        "tile/entries/003",
        "tile/entries/004.p/176",
    }
    strange = {note.partition(":")[0] for note in report.notes if "not a tile's name" in note}
    assert strange == {"tile/0/003.p/256", "tile/0/README"}


def test_a_tile_past_the_signed_tree_must_not_contradict_it(log: Path) -> None:
    tile = (log / "tile/0/003.p/132").read_bytes()
    (log / "tile/0/003").write_bytes(tile + bytes(8192 - len(tile)))
    assert verify_log(log, VKEY).ok
    (log / "tile/0/003").write_bytes(bytes(32) + tile[32:] + bytes(8192 - len(tile)))
    (problem,) = verify_log(log, VKEY).problems
    assert (problem.path, problem.entry) == ("tile/0/003", 768)


@pytest.mark.parametrize("size", [0, 1, 100, 256, 512, 513, SIZE])
def test_a_log_that_only_grew_stands_by_every_old_checkpoint(tmp_path: Path, size: int) -> None:
    _, (old, new) = grow(tmp_path, [size, SIZE - size])
    for since in (old, new):
        report = verify_log(tmp_path, VKEY, since=since)
        assert (report.ok, report.problems) == (True, [])


def test_a_log_that_was_set_back_is_found_by_an_old_checkpoint_only(log: Path, tmp_path: Path) -> None:
    state = open_checkpoint((log / "checkpoint").read_bytes(), SIGNER.verifier).state
    backup = tmp_path / "backup"
    shutil.copytree(log, backup)
    _, (seen,) = grow(log, [50], state)
    shutil.rmtree(log)
    shutil.copytree(backup, log)
    assert verify_log(log, VKEY).ok
    (problem,) = verify_log(log, VKEY, since=seen).problems
    assert (problem.path, problem.expected, problem.got) == ("checkpoint", "at least 950 entries", "900")
    assert "set back" in problem.what


@pytest.mark.parametrize("size", [SIZE, SIZE + 1, 3 * SIZE])
def test_a_log_with_another_past_is_found_by_an_old_checkpoint_only(
    log: Path, tmp_path: Path, size: int
) -> None:
    seen = (log / "checkpoint").read_bytes()
    entries = sample_entries(size)
    entries[5] = b"never said"
    with LogWriter(tmp_path / "fork", disk=QuickDisk()) as writer:
        writer.publish(writer.integrate(entries), SIGNER)
    assert verify_log(tmp_path / "fork", VKEY).ok
    (problem,) = verify_log(tmp_path / "fork", VKEY, since=seen).problems
    assert problem.what == "the log's first 900 entries aren't those of the old checkpoint"


def test_an_old_checkpoint_that_the_key_did_not_sign_proves_nothing_and_is_named(log: Path) -> None:
    stranger = Signer(SIGNER.name, bytes(32))
    with LogWriter(log.with_name("strange")) as writer:
        seen = writer.publish(writer.integrate([b"x"]), stranger)
    assert named(verify_log(log, VKEY, since=seen)) == {"old checkpoint"}


def test_a_log_without_a_checkpoint_or_under_another_key_is_not_whole(log: Path) -> None:
    assert named(verify_log(log, Signer(SIGNER.name, bytes(32)).verifier)) == {"checkpoint"}
    assert named(verify_log(log, VKEY, origin="example.org/other")) == {"checkpoint"}
    (log / "checkpoint").unlink()
    report = verify_log(log, VKEY)
    assert (report.ok, named(report), report.checkpoint) == (False, {"checkpoint"}, None)


def test_a_key_that_is_none_is_the_callers_mistake(log: Path) -> None:
    with pytest.raises(NoteError):
        verify_log(log, "not a key")


def test_many_problems_are_all_counted_and_the_first_thousand_listed(tmp_path: Path) -> None:
    grow(tmp_path, [1200])
    for path in files_of(tmp_path):
        try:
            tile = parse_path(path)
        except TileError:
            continue
        if tile.level == ENTRIES:
            (tmp_path / path).write_bytes(b"\x00\x01x" * tile.width)
    report = verify_log(tmp_path, VKEY)
    assert (report.problem_count, len(report.problems)) == (1200, 1000)
