"""`throughline trail prove CASE`: a case's entries in one folder, each with its proof; and their check offline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer

from services.audit.log import Checkpoint, LogError, TlogProof, Verifier, leaf_hash
from shared.events import Record
from shared.note import NoteError

SUFFIX = ".tlog-proof"
_AT_ONCE = 1000


def fail(text: str, code: int = 2) -> typer.Exit:
    """Say what is wrong; for `raise`."""
    typer.echo(f"throughline: {text}", err=True)
    return typer.Exit(code)


def prove(case: str, to: str, key: str | None, out: Path | None) -> None:
    """Fetch all entries that the trail has of a case, each with its proof, into a folder."""
    folder = out or Path(case)
    if folder.is_dir() and any(folder.glob(f"*{SUFFIX}")):
        raise fail(f"{folder}: there are proofs in it already: name another folder with --out")
    shown = list(_entries(to, case, key))
    if not shown:
        raise fail(f"no checkpoint covers an entry of case {case} yet: ask again in a second", 1)
    folder.mkdir(parents=True, exist_ok=True)
    for one in shown:
        (folder / f"{one['index']}{SUFFIX}").write_text(one["proof"])
    typer.echo(
        f"{folder}: {len(shown)} entries with their proofs. Check them: throughline trail check {folder}"
    )


def _entries(to: str, case: str, key: str | None) -> Iterator[Mapping[str, Any]]:
    asked: dict[str, str | int] = {"case": case, "limit": _AT_ONCE}
    with httpx.Client(base_url=to, timeout=60, headers=_key(key)) as client:
        while True:
            page = _page(client, asked)
            yield from page["entries"]
            if not page.get("next"):
                return
            asked["cursor"] = page["next"]


def _page(client: httpx.Client, asked: Mapping[str, str | int]) -> Mapping[str, Any]:
    try:
        answer = client.get("/v1/trail", params=asked)
    except httpx.HTTPError as error:
        raise fail(f"{client.base_url} does not answer: {error}", 1) from None
    if answer.status_code in (401, 403):
        raise fail(
            "entries of a case are not public: an API key with the right `trail.read` is needed, as --key or"
            " THROUGHLINE_API_KEY",
            1,
        )
    if answer.status_code != 200:
        raise fail(f"{answer.url} answered {answer.status_code}: {answer.text[:500]}", 1)
    page: Mapping[str, Any] = answer.json()
    return page


def _key(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@dataclass
class Checked:
    """What a folder of proofs shows: whose events are in the trail, and which of them are missing."""

    entries: int = 0
    largest: Checkpoint | None = None
    sequences: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)

    def add(self, path: Path, log: Verifier) -> None:
        """Check one proof."""
        try:
            proof = TlogProof.parse(path.read_bytes())
            if proof.extra is None:
                raise NoteError("the proof has no entry in it")
            checkpoint = proof.verify(leaf_hash(proof.extra), log)
        except (NoteError, LogError, OSError) as error:
            self.wrong.append(f"{path.name}: {error}")
            return
        self.entries += 1
        if self.largest is None or checkpoint.state.size > self.largest.state.size:
            self.largest = checkpoint
        try:
            event = Record.read("", proof.extra)
        except ValueError:
            return  # in the trail as it is, but no event of anything
        self.sequences[event.subject].add(event.sequence)

    def holes(self) -> Iterator[str]:
        """The events that must have been before the last one proved, and are not here."""
        for subject, have in self.sequences.items():
            if missing := sorted(set(range(1, max(have) + 1)) - have):
                yield f"{subject}: {', '.join(map(str, missing))} of {max(have)}"


def check(folder: Path, log: Verifier) -> None:
    """Check offline every proof in a folder, and that no event of an aggregate is missing before its last."""
    found = Checked()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found.add(path, log)
    for wrong in found.wrong:
        typer.echo(f"WRONG    {wrong}")
    for hole in found.holes():
        typer.echo(f"MISSING  {hole}")
    for subject, have in sorted(found.sequences.items()):
        typer.echo(f"proved   {subject}: {len(have)} events, the last is number {max(have)}")
    if found.wrong or any(found.holes()):
        raise fail(f"{folder}: it does not hold", 1)
    if found.largest is None:
        raise fail(f"{folder}: there are no proofs (*{SUFFIX}) in it")
    typer.echo(
        f"All {found.entries} entries are in {found.largest.origin}, under a checkpoint of"
        f" {found.largest.state.size} entries. That nothing came after the last ones, only the whole trail shows:"
        " throughline trail verify"
    )
