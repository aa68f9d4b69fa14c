"""`throughline trail silence` and `convict`: that nothing more was recorded of a message, and that it was after all."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from services.audit.log import (
    Fetch,
    LogReader,
    Policy,
    ProofError,
    TlogProof,
    Verifier,
    from_directory,
    from_url,
    leaf_hash,
    leaf_hashes,
    open_any_checkpoint,
    parse_checkpoint,
)
from services.audit.log.tiles import TILE_WIDTH, RightEdge
from services.audit.silence import LastWord, Statement, last_word, open_statement
from services.cli_trail_witness import Needed, WitnessKeys, policy_of
from shared.note import split_note

Vkey = Annotated[
    list[str], typer.Option(help="The log's verifier key; may be given again where it was changed")
]


def silence(
    *,
    message: Annotated[str, typer.Argument(help="The message's id, as its receipt has it")],
    to: Annotated[str, typer.Option("--to", help="Address of an installation, or its data directory")],
    vkey: Vkey,
    out: Annotated[
        Path | None, typer.Option(help="Write the log's signed statement, and its checkpoint beside it")
    ] = None,
    witness: WitnessKeys = None,
    needed: Needed = None,
) -> None:
    """Prove that nothing was recorded of a message since its last entry.

    Where the entries can be read all of them are, up to a verified checkpoint. Where they are restricted the log signs
    a statement; keep it with --out: whoever finds a later entry below its size convicts the log with it.
    """
    try:
        keys, policy = [Verifier.parse(one.strip()) for one in vkey], policy_of(witness, needed)
    except ValueError as error:
        raise _fail(str(error), 2) from error
    remote = to.startswith(("http://", "https://"))
    try:
        fetch = from_url(f"{to.rstrip('/')}/trail") if remote else from_directory(_log(Path(to)))
        if not remote or _readable(fetch):
            word, note = _scan(fetch, message, keys, policy)
            _say(word, note, policy, datetime.now(UTC), "your")
            return
        statement, said, note = _ask(to.rstrip("/"), message, keys, policy)
    except (ValueError, OSError) as error:
        raise _fail(f"it does not hold: {error}", 1) from error
    if out is not None:
        out.write_bytes(statement)
        out.with_name(f"{out.name}.checkpoint").write_bytes(note)
    _say(said.word, note, policy, said.time, "the operator's")


def convict(
    *,
    statement: Annotated[Path, typer.Argument(help="What `trail silence --out` wrote")],
    proof: Annotated[Path, typer.Argument(help="The tlog-proof of a later entry, with the entry in it")],
    vkey: Vkey,
) -> None:
    """Check offline whether an entry contradicts the log's statement that there was none. Exit 1 where it doesn't."""
    try:
        keys = [Verifier.parse(one.strip()) for one in vkey]
        said = open_statement(statement.read_bytes(), keys)
        shown = TlogProof.parse(proof.read_bytes())
        if shown.extra is None:
            raise ValueError("the proof carries no entry")
        verified = open_any_checkpoint(shown.checkpoint, keys, origin=said.origin)
        shown.verify(leaf_hash(shown.extra), _signer(shown.checkpoint, keys))
    except OSError as error:
        raise _fail(str(error), 2) from error
    except ValueError as error:
        raise _fail(f"it convicts nobody: {error}", 1) from error
    if not said.contradicted_by(shown.index, shown.extra):
        raise _fail(
            f"it convicts nobody: entry {shown.index} is not later than what the statement has, or not below its"
            f" {said.state.size} entries, or of another matter",
            1,
        )
    typer.echo(
        f"Convicted: {said.origin} signed that nothing was recorded of {said.word.message} after entry"
        f" {said.word.entry} in {said.state.size} entries; entry {shown.index} was, and it signed that among"
        f" {verified.state.size} entries."
    )


def _fail(text: str, code: int) -> typer.Exit:
    typer.echo(f"throughline: {text}", err=True)
    return typer.Exit(code)


def _log(path: Path) -> Path:
    nested = path / "audit" / "log"
    return nested if nested.is_dir() else path


def _signer(checkpoint: bytes, keys: list[Verifier]) -> Verifier:
    """Which of the keys signed it; the last where none did, which is then said."""
    for key in keys[:-1]:
        try:
            open_any_checkpoint(checkpoint, [key], origin=key.name)
        except ValueError:
            continue
        return key
    return keys[-1]


def _readable(fetch: Fetch) -> bool:
    """Whether the entries are for everybody."""
    try:
        fetch("tile/entries/000")
    except FileNotFoundError:
        return True  # there is no full bundle yet; what it is then refused for is said
    except OSError:
        return False
    return True


def _scan(fetch: Fetch, message: str, keys: list[Verifier], policy: Policy) -> tuple[LastWord, bytes]:
    """Read all entries; they lead to the signed root, or it is said that they don't."""
    note = fetch("checkpoint")
    size, root = open_any_checkpoint(note, keys, origin=keys[0].name, policy=policy).state
    edge, run = RightEdge(), list[bytes]()

    def entries() -> Iterator[tuple[int, bytes]]:
        nonlocal edge
        for index, entry in enumerate(LogReader(fetch).entries(0, size, size)):
            run.append(entry)
            if len(run) == TILE_WIDTH:
                edge, _ = edge.grow(leaf_hashes(run))
                run.clear()
            yield index, entry

    word = last_word(message, entries())
    edge, _ = edge.grow(leaf_hashes(run))
    if edge.root != root:
        raise ProofError("the entries lead to another root than the signed one", root, edge.root)
    if not word.said:
        raise ValueError(f"the log has no entry of {message}")
    return word, note


def _ask(to: str, message: str, keys: list[Verifier], policy: Policy) -> tuple[bytes, Statement, bytes]:
    """The log's statement, verified with all that comes with it."""
    url = f"{to}/v1/silence/{message}"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  an http address, as the caller saw
            said = orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(
                f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}"
            ) from None
    statement, note = said["statement"].encode(), said["checkpoint"].encode()
    opened = open_statement(statement, keys)
    checkpoint = open_any_checkpoint(note, keys, origin=opened.origin, policy=policy)
    if opened.word.message != message or checkpoint.state != opened.state:
        raise ValueError("the statement is of another message or of another tree than its checkpoint")
    for one in said["proofs"]:
        proof = TlogProof.parse(one["proof"].encode())
        proof.verify(bytes.fromhex(one["leaf_hash"]), _signer(proof.checkpoint, keys))
    return statement, opened, note


def _say(word: LastWord, note: bytes, policy: Policy, at: datetime, whose: str) -> None:
    size = parse_checkpoint(split_note(note)[0]).state.size
    matter = f"{word.message}{f' and its case {word.case}' if word.case else ', which has no case,'}"
    typer.echo(f"Silence: of {matter} nothing is recorded after entry {word.entry} in {size} entries.")
    cosigned = policy.cosigned(note)
    for one in cosigned:
        typer.echo(f"As of {one.at.isoformat()}, by the clock of {one.witness.name}, which cosigned them.")
    if not cosigned:
        typer.echo(f"As of {at.isoformat(timespec='seconds')}, by {whose} clock: no witness says when.")
