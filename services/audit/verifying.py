"""Verifying a trail: its log, and which key's word that is where one took over from another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.audit.log import (
    NO_WITNESSES,
    Fetch,
    LogReader,
    Policy,
    Problem,
    Report,
    Verifier,
    from_directory,
    open_any_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    verify_log,
)
from services.audit.log.merkle import root_at
from services.audit.log.verify import Progress
from services.audit.log_keys import Handover, handovers
from shared.note import SignatureError, split_note


def verify_trail(
    source: Path | Fetch,
    key: Verifier,
    *,
    since: bytes | None = None,
    policy: Policy = NO_WITNESSES,
    progress: Progress | None = None,
) -> Report:
    """What `verify_log` finds, with the key that `key` has led to since; the report's notes say which."""
    fetch = from_directory(source) if isinstance(source, Path) else source
    problems: list[Problem] = []
    try:
        changes = handovers(fetch, key)
    except (ValueError, OSError) as error:
        changes = []
        problems.append(Problem("handover", str(error)))
    signing, passed = _signing(fetch, key, changes)
    report = verify_log(
        source, signing, since=since, earlier=[one.old for one in passed], policy=policy, progress=progress
    )
    for problem in problems:
        report.add(problem)
    for change in changes:
        _tell(change, fetch, report)
    return report


def _signing(fetch: Fetch, key: Verifier, changes: Sequence[Handover]) -> tuple[Verifier, Sequence[Handover]]:
    """The earliest of the keys that signed the checkpoint, and the changes up to it."""
    for passed, candidate in enumerate([key, *(change.new for change in changes)]):
        try:
            open_checkpoint(fetch("checkpoint"), candidate)
        except SignatureError:
            continue
        except (ValueError, OSError):
            break  # said by the verification
        return candidate, changes[:passed]
    return key, ()


def _tell(change: Handover, fetch: Fetch, report: Report) -> None:
    """Say that a key took over, once the tree that its predecessor signed is found in this log."""
    size, root = parse_checkpoint(split_note(change.checkpoint)[0]).state
    now = report.checkpoint.state.size if report.checkpoint else 0
    try:
        open_any_checkpoint(change.checkpoint, [change.old], origin=change.old.name)
        stands = size <= now and root_at(size, LogReader(fetch).hash_reader(now)) == root
    except (ValueError, OSError):
        stands = False
    if not stands:
        what = f"the tree under which {change.old.vkey} was succeeded isn't in this log"
        report.add(Problem("handover", what, f"{size} entries with root {root.hex()}", f"{now} entries"))
        return
    report.note(
        f"the log's key changed: entry {change.index}, signed by {change.old.vkey}, introduces {change.new.vkey}:"
        " keep that one from now on"
    )
