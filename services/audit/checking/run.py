"""Running checks over a log: its cases in parts, in as many processes as there are processors."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from services.audit.checking.outcome import Asked, Failure, Found, Outcome, Some
from services.audit.checking.parts import Parts, Whose, entries_in
from services.audit.checks.check import AsOf, CaseCheck, HouseCheck, Noted, noted_at
from services.audit.checks.running import Fold, Gathered
from services.audit.log import LogReader, TreeState, from_directory, parse_checkpoint
from services.audit.log.merkle import root_at

A_PART = 100_000
"""Entries of a part: some hundred megabytes while it is looked at."""
_LOOKED = 4096

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and of how much."""


def _nobody(what: str, done: int, of: int) -> None:
    """Nobody watches."""


def run_over(
    log: Path,
    asked: Asked,
    *,
    size: int | None = None,
    jobs: int | None = None,
    part: int = A_PART,
    progress: Progress = _nobody,
) -> Outcome:
    """Ask checks about a log directory, as it stands under its checkpoint or stood at an earlier `size`.

    Raises LogError, OSError where it can't be read, ValueError for a size that it does not have. Nothing is verified
    here: that is `trail verify`.
    """
    reader = LogReader(from_directory(log))
    signed = parse_checkpoint(reader.checkpoint().decode().partition("\n\n")[0] + "\n")
    size = signed.state.size if size is None else size
    if not 0 <= size <= signed.state.size:
        raise ValueError(f"the log has {signed.state.size} entries under its checkpoint, not {size}")
    stretch = _Stretch(log, size, signed.state.size)
    tree = TreeState(size, root_at(size, reader.hash_reader(signed.state.size)))
    parts = max(1, -(-size // part))
    jobs = jobs or os.cpu_count() or 1
    with (
        tempfile.TemporaryDirectory(prefix="throughline-checks-") as directory,
        _workers(jobs, parts) as workers,
    ):
        house = workers.submit(_fold, stretch, asked)
        whose = Whose(parts)
        latest: datetime | None = None
        for index, entry in _told(stretch, "whose entries are whose", progress):
            whose.learn(entry)
            if (noted := noted_at(index, entry)) is not None:
                latest = noted.at if latest is None else max(latest, noted.at)
        with Parts(Path(directory), parts) as files:
            for index, entry in _told(stretch, "cases in parts", progress):
                for one in whose.parts_of(entry):
                    files.add(one, index, entry)
        del whose
        some: list[Some] = []
        if latest is not None:
            as_of = AsOf(size, latest)
            asking = [workers.submit(_examine, path, asked, as_of) for path in files.paths]
            for done, asked_one in enumerate(as_completed([*asking, house]), 1):
                some.append(asked_one.result())
                progress("checks", done, parts + 1)
    return Outcome.gathered(asked, signed.origin, tree, some)


class _Here(Executor):
    """Does it at once, in this process: what takes no time needs no other."""

    def submit(self, fn, /, *args, **more):  # type: ignore[no-untyped-def]
        done: Future[Some] = Future()
        done.set_result(fn(*args, **more))
        return done


@contextmanager
def _workers(jobs: int, parts: int) -> Iterator[Executor]:
    if jobs == 1 or parts == 1:
        yield _Here()
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield pool


class _Stretch(NamedTuple):
    """The first `size` entries of a log."""

    directory: Path
    size: int
    whole: int
    """The log's own size: tiles of an earlier tree may be gone, those of this one hold what it had."""

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Them, with their places."""
        return enumerate(LogReader(from_directory(self.directory)).entries(0, self.size, self.whole))


def _told(stretch: _Stretch, what: str, progress: Progress) -> Iterator[tuple[int, bytes]]:
    for index, entry in stretch.entries():
        if index % _LOOKED == 0:
            progress(what, index, stretch.size)
        yield index, entry
    progress(what, stretch.size, stretch.size)


def _fold(stretch: _Stretch, asked: Asked) -> Some:
    """What house checks see, entry by entry."""
    some = Some()
    folds = [Fold(check, parameters) for check, parameters in asked.checks if isinstance(check, HouseCheck)]
    if not folds:
        return some
    for noted in _all(stretch.entries()):
        for fold in folds:
            with _guarded(some, fold.check.name, noted.index, ""):
                found = [
                    Found.of(fold.check.name, doubt) for doubt in fold.take(noted) if asked.wants(doubt.since)
                ]
                some.found += found
    return some


def _examine(part: Path, asked: Asked, as_of: AsOf) -> Some:
    """What case checks see in the cases of a part."""
    some, gathered = Some(), Gathered()
    checks = [(check, told) for check, told in asked.checks if isinstance(check, CaseCheck)]
    for noted in _all(entries_in(part)):
        gathered.add(noted)
    for history in gathered.histories(as_of):
        some.cases.append(history.case)
        for check, parameters in checks:
            with _guarded(some, check.name, history.entries[-1].index, history.case):
                doubts = list(check.examine(history, parameters))
                some.found += [Found.of(check.name, one) for one in doubts if asked.wants(one.since)]
    return some


def _all(entries: Iterable[tuple[int, bytes]]) -> Iterator[Noted]:
    return (noted for index, entry in entries if (noted := noted_at(index, entry)) is not None)


@contextmanager
def _guarded(some: Some, check: str, place: int, case: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        some.failures.append(Failure(check, place, case, f"{type(error).__name__}: {error}"[:500]))
