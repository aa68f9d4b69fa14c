"""The power goes at every single step of the writer's work on the disk."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.log import (
    EMPTY_TREE,
    LogReader,
    LogWriter,
    Policy,
    TreeState,
    WitnessSigner,
    from_directory,
    leaf_hashes,
    open_checkpoint,
    tree_root,
    verify_log,
    with_signatures,
)
from services.audit.log.disk import Disk
from shared.note import split_note
from tests.installations import WEDNESDAY
from tests.unit.log_samples import SIGNER, VKEY, sample_entries


class PowerCutError(Exception):
    pass


class FailingDisk(Disk):
    """Loses power at its nth step; `lose` then undoes some of what was never synced, as a real disk may."""

    def __init__(self, steps: int, chance: random.Random, backups: Path) -> None:
        self.left = steps
        self._chance = chance
        self._backups = backups
        # In order: the file or directory whose sync would make it durable, and how to undo it there.
        self._unsynced: list[tuple[Path, Callable[[Path], object]]] = []

    def _step(self) -> None:
        if self.left == 0:
            raise PowerCutError
        self.left -= 1

    def write(self, path: Path, data: bytes) -> None:
        self._step()
        existed = path.exists()
        super().write(path, data)
        cut = data[: self._chance.randrange(len(data) + 1)]
        self._unsynced.append((path, lambda now: now.write_bytes(cut) if now.exists() else None))
        if not existed:
            self._unsynced.append((path.parent, lambda _: path.unlink(missing_ok=True)))

    def make_directory(self, path: Path) -> None:
        self._step()
        super().make_directory(path)
        self._unsynced.append((path.parent, lambda _: shutil.rmtree(path, ignore_errors=True)))

    def sync(self, path: Path) -> None:
        self._step()
        self._unsynced = [(what, undo) for what, undo in self._unsynced if what != path]

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        before = target.read_bytes() if target.exists() else None
        super().replace(source, target)
        # Bytes that weren't synced can be lost under the new name as well.
        self._unsynced = [(target if what == source else what, undo) for what, undo in self._unsynced]

        def undo(_: Path) -> None:
            target.unlink() if before is None else target.write_bytes(before)

        self._unsynced.insert(0, (target.parent, undo))

    def remove(self, path: Path) -> None:
        self._step()
        if not path.exists():
            return
        backup = self._backups / str(self._chance.random())
        folder = path if path.is_dir() else path.parent
        shutil.copytree(folder, backup)
        super().remove(path)

        def undo(_: Path) -> None:
            if folder == path:
                shutil.copytree(backup, folder, dirs_exist_ok=True)
            elif folder.is_dir():
                shutil.copy(backup / path.name, path)

        self._unsynced.append((path.parent, undo))

    def lose(self) -> None:
        for what, undo in reversed(self._unsynced):
            if self._chance.random() < 0.5:
                undo(what)


# (entries, whether a checkpoint follows): unaligned and aligned batches, several tiles in one, shared upper tiles.
SCENARIO = [(3, True), (97, False), (60, True), (10, False), (90, True), (252, True), (300, False), (1, True)]


WITNESSES = [WitnessSigner(f"witness.example/w{number}", bytes([number]) * 32) for number in (1, 2)]


class Installation:
    """The log, and the index beside it, which commits atomically."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.committed: TreeState = EMPTY_TREE
        self.seen: list[bytes] = []

    def run(self, disk: Disk) -> None:
        """Go on from what is committed to the end of the scenario."""
        with LogWriter(self.directory, self.committed, disk=disk) as writer:
            end = 0
            for count, publish in SCENARIO:
                end += count
                if end > self.committed.size:
                    start = self.committed.size
                    self.committed = writer.integrate(sample_entries(end - start, start))
                if publish and end == self.committed.size:
                    self.seen.append(writer.publish(self.committed, SIGNER))

    def check(self) -> None:
        """Each checkpoint that anybody may have seen is supported by the tiles that are there."""
        path = self.directory / "checkpoint"
        if not path.exists():
            assert self.seen == []
            return
        current = path.read_bytes()
        report = verify_log(self.directory, VKEY, since=self.seen[-1] if self.seen else None)
        assert report.problems == []
        reader = LogReader(from_directory(self.directory))
        for note in {*self.seen, current}:
            size, root = open_checkpoint(note, SIGNER.verifier).state
            assert reader.root(size) == root
            assert list(reader.entries(0, size, size)) == sample_entries(size)


class Cosigned(Installation):
    """Its checkpoints are placed once witnesses have answered, when it has grown on; and again with one more."""

    def run(self, disk: Disk) -> None:
        with LogWriter(self.directory, self.committed, disk=disk) as writer:
            end = 0
            signed: bytes | None = None
            for count, publish in SCENARIO:
                end += count
                if end > self.committed.size:
                    start = self.committed.size
                    self.committed = writer.integrate(sample_entries(end - start, start))
                if signed is not None:
                    self._place(writer, signed)
                    signed = None
                if publish and end == self.committed.size:
                    signed = writer.sign(self.committed, SIGNER)
            assert signed is not None
            self._place(writer, signed)

    def _place(self, writer: LogWriter, signed: bytes) -> None:
        text = split_note(signed)[0]
        for witness in WITNESSES:
            signed = with_signatures(signed, [witness.cosign(text, WEDNESDAY)])
            writer.place(signed)
            self.seen.append(signed)

    def check(self) -> None:
        super().check()
        if self.seen:
            policy = Policy.of((witness.verifier for witness in WITNESSES), 1)
            assert policy.met((self.directory / "checkpoint").read_bytes())


def steps_of_the_scenario(kind: type[Installation], directory: Path) -> int:
    disk = FailingDisk(1_000_000, random.Random(0), directory)
    kind(directory / "log").run(disk)
    return 1_000_000 - disk.left


@pytest.mark.parametrize("kind", [Installation, Cosigned])
def test_after_a_power_cut_at_any_step_every_checkpoint_stands_and_the_log_goes_on(
    tmp_path: Path, kind: type[Installation]
) -> None:
    total = sum(count for count, _ in SCENARIO)
    final = TreeState(total, tree_root(leaf_hashes(sample_entries(total))))
    steps = steps_of_the_scenario(kind, tmp_path)
    assert steps > 100
    for step in range(steps):
        chance = random.Random(step)
        installation = kind(tmp_path / f"cut at {step}")
        backups = tmp_path / f"removed {step}"
        disk = FailingDisk(step, chance, backups)
        with pytest.raises(PowerCutError):
            installation.run(disk)
        disk.lose()
        installation.check()

        # It may go again while the log is being opened and soon after.
        disk = FailingDisk(chance.randrange(12), chance, backups)
        try:
            installation.run(disk)
        except PowerCutError:
            disk.lose()
            installation.check()

        installation.run(FailingDisk(1_000_000, chance, backups))
        installation.check()
        assert installation.committed == final
        report = verify_log(installation.directory, VKEY)
        assert report.entries == total
        assert report.notes == []
        shutil.rmtree(installation.directory)
