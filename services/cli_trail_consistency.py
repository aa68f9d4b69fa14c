"""`throughline trail consistency`: that one checkpoint continues another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.audit.log import (
    ConsistencyProof,
    Fetch,
    LogReader,
    Verifier,
    from_directory,
    from_url,
    open_any_checkpoint,
)
from services.cli_trail_witness import Needed, WitnessKeys, policy_of


def consistency(
    *,
    old: Annotated[Path, typer.Argument(help="The older checkpoint, as you kept it")],
    new: Annotated[
        Path, typer.Argument(help="The newer one; without --to a proof that was written before, which has it")
    ],
    vkey: Annotated[
        list[str], typer.Option(help="The log's verifier key; may be given again where it was changed")
    ],
    to: Annotated[str | None, typer.Option("--to", help="The log: its http address or directory")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the proof: with OLD it is checked offline")] = None,
    witness: WitnessKeys = None,
    needed: Needed = None,
) -> None:
    """Prove that the log of the newer checkpoint begins with all of the older one's entries. Exit 1 where it doesn't.

    The proof is what a witness is sent (C2SP tlog-witness): the older size, hashes, the newer checkpoint.
    """
    try:
        keys, policy = [Verifier.parse(one.strip()) for one in vkey], policy_of(witness, needed)
        before, after = old.read_bytes(), new.read_bytes()
    except (ValueError, OSError) as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(2) from error
    try:
        origin = keys[0].name
        first = open_any_checkpoint(before, keys, origin=origin).state
        if to is None:
            proof = ConsistencyProof.parse(after)
        else:
            size = open_any_checkpoint(after, keys, origin=origin).state.size
            path = LogReader(log_at(to)).consistency_proof(first.size, size)
            proof = ConsistencyProof(first.size, tuple(path), after)
        last = open_any_checkpoint(proof.checkpoint, keys, origin=origin, policy=policy)
        if proof.old != first.size:
            raise ValueError(
                f"the proof begins at {proof.old} entries, and the older checkpoint has {first.size}"
            )
        proof.verify(first, last)
    except (ValueError, OSError) as error:
        typer.echo(f"throughline: it does not hold: {error}", err=True)
        raise typer.Exit(1) from error
    if out is not None:
        out.write_bytes(proof.format())
    typer.echo(f"Consistent: the {last.state.size} entries begin with the {first.size} of before.")


def log_at(to: str) -> Fetch:
    """A log by its http address, its directory, or that of its installation."""
    if to.startswith(("http://", "https://")):
        return from_url(to.rstrip("/"))
    directory = Path(to)
    nested = directory / "audit" / "log"
    return from_directory(nested if nested.is_dir() else directory)
