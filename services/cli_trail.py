"""`throughline trail …`: check the trail, fetch proofs, and check them offline."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from services import (
    cli_trail_case,
    cli_trail_consistency,
    cli_trail_export,
    cli_trail_monitor,
    cli_trail_replay,
    cli_trail_sample,
    cli_trail_silence,
    cli_trail_witness,
)
from services.audit.log import (
    Report,
    TlogProof,
    Verifier,
    from_url,
    leaf_hash,
)
from services.audit.verifying import verify_trail
from services.cli_trail_witness import Needed, WitnessKeys, policy_of
from shared.note import NoteError, Signer
from shared.receipts import open_receipt
from shared.settings import Settings

app = typer.Typer(help="The trail: verify it, prove what is in it.", no_args_is_help=True)
app.command("replay", epilog="Example: throughline trail replay --data data")(cli_trail_replay.run)
app.command("export", epilog="Example: throughline trail export --data data --out trail.jsonl")(
    cli_trail_export.run
)
app.command(
    "witness",
    epilog='Example: throughline trail witness --data witness --log "$(throughline trail vkey --to URL --log)"',
)(cli_trail_witness.witness)
app.command(
    "consistency",
    epilog="Example: throughline trail consistency old.checkpoint new.checkpoint --to URL/trail --vkey … --out FILE",
)(cli_trail_consistency.consistency)
app.command("sample", epilog="Example: throughline trail sample data --vkey …")(cli_trail_sample.sample)
app.command(
    "monitor",
    epilog="Example: throughline trail monitor https://house.example/trail --vkey … --state ./watched",
)(cli_trail_monitor.monitor)
app.command(
    "silence",
    epilog="Example: throughline trail silence msg_… --to https://house.example --vkey … --out FILE",
)(cli_trail_silence.silence)
app.command("convict", epilog="Example: throughline trail convict silence.note later.tlog-proof --vkey …")(
    cli_trail_silence.convict
)
console = Console(stderr=True)

Data = Annotated[Path, typer.Option(help="Directory of the installation")]
To = Annotated[str | None, typer.Option("--to", help="Address of a running installation")]


def _fail(text: str, code: int = 2) -> typer.Exit:
    typer.echo(f"throughline: {text}", err=True)
    return typer.Exit(code)


def _log_directory(path: Path) -> Path:
    """The log below a data directory, an audit directory, or the log itself."""
    for candidate in (path / "audit" / "log", path / "log", path):
        if (candidate / "checkpoint").is_file():
            return candidate
    raise _fail(
        f"{path}: there is no checkpoint here or in audit/log below: name an installation's data directory"
    )


def _get(url: str) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise _fail(f"{url} is no http address")
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  the scheme is checked above
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise _fail(
                f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}", 1
            ) from None
    except OSError as error:
        raise _fail(f"{url} does not answer: {error}", 1) from None


def _verifier(vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey.strip())
    except NoteError as error:
        raise _fail(str(error)) from None


@app.command(
    epilog='Example: throughline trail verify data --vkey "$(throughline trail vkey --data data --log)"'
)
def verify(
    *,
    source: Annotated[str, typer.Argument(help="A data directory, a log's directory, or its http address")],
    vkey: Annotated[str, typer.Option(help="The log's verifier key; have it confirmed by another way")],
    since: Annotated[Path | None, typer.Option(help="A checkpoint kept earlier: a rewind is found")] = None,
    witness: WitnessKeys = None,
    needed: Needed = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check every entry, tile and hash up to the signed root. Exit 1 where something is wrong.

    Of a log whose key was changed since, the old key will do: the new one is named, and how it took over is verified.
    """
    try:
        key = Verifier.parse(vkey.strip())
        earlier = since.read_bytes() if since else None
        policy = policy_of(witness, needed)
    except (ValueError, OSError) as error:
        raise _fail(str(error)) from None
    place = from_url(source.rstrip("/")) if source.startswith("http") else _log_directory(Path(source))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("entries", total=None)
        report = verify_trail(
            place,
            key,
            since=earlier,
            policy=policy,
            progress=lambda done, size: progress.update(task, completed=done, total=size),
        )
    _tell(report, as_json)
    raise typer.Exit(0 if report.ok else 1)


def _tell(report: Report, as_json: bool) -> None:
    state = report.checkpoint.state if report.checkpoint else None
    if as_json:
        found = {
            "ok": report.ok,
            "entries": report.entries,
            "size": state.size if state else None,
            "root": state.root.hex() if state else None,
            "problems": [str(problem) for problem in report.problems],
            "notes": report.notes,
        }
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for problem in report.problems:
        typer.echo(f"WRONG  {problem}")
    for note in report.notes:
        typer.echo(f"note   {note}")
    if report.ok and state:
        typer.echo(f"The trail is whole: {state.size} entries, root {state.root.hex()}")
    else:
        typer.echo(f"The trail is NOT whole: {report.problem_count} problems")


@app.command(epilog="Example: throughline trail vkey --data data")
def vkey(
    data: Data = Path("data"),
    to: To = None,
    log: Annotated[bool, typer.Option("--log", help="Only the log's key")] = False,
) -> None:
    """Print the verifier keys: the log's, and the one receipts are signed with."""
    if to:
        for name in ("vkey",) if log else ("vkey", "receipt-vkey"):
            typer.echo(_get(f"{to.rstrip('/')}/trail/{name}").decode().strip())
        return
    origin = (_log_directory(data) / "checkpoint").read_text().partition("\n")[0]
    for name, file in ((origin, "log"), *(() if log else ((f"{origin}/receipt", "receipt"),))):
        path = (data / "keys" if file == "log" else Settings(data=data).keys_directory) / f"{file}.ed25519"
        if not path.is_file():
            raise _fail(
                f"{path} is not there: name the data directory that holds the log, and the directory of the shared"
                " keys with THROUGHLINE_KEYS, or print --log alone"
            )
        typer.echo(Signer(name, path.read_bytes()).verifier.vkey)


@app.command(
    epilog="Example: throughline trail prove msg_… --to http://127.0.0.1:8080 --out message.tlog-proof"
)
def prove(
    what: Annotated[str, typer.Argument(help="A message's id, or a case's ref")],
    to: Annotated[
        str, typer.Option("--to", help="Address of a running installation")
    ] = "http://127.0.0.1:8080",
    key: Annotated[
        str | None,
        typer.Option(envvar="THROUGHLINE_API_KEY", help="For a case: an API key with the right `trail.read`"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; else standard output. For a case: the folder")
    ] = None,
) -> None:
    """Fetch the proof that a message is in the trail; of a case all its entries, each with its proof."""
    if not what.startswith("msg_"):
        cli_trail_case.prove(what, to.rstrip("/"), key, out)
        return
    proof = _get(f"{to.rstrip('/')}/v1/proofs/{what}")
    if out:
        out.write_bytes(proof)
    else:
        typer.echo(proof.decode(), nl=False)


@app.command(
    epilog="Example: throughline trail check message.receipt message.tlog-proof --vkey … --receipt-vkey …"
)
def check(
    receipt: Annotated[Path, typer.Argument(help="The receipt you hold; or a case's folder of proofs")],
    proof: Annotated[Path | None, typer.Argument(help="The message's tlog-proof")] = None,
    *,
    vkey: Annotated[str, typer.Option(help="The log's verifier key")],
    receipt_vkey: Annotated[str, typer.Option(help="The key that signs receipts")] = "",
    witness: WitnessKeys = None,
    needed: Needed = None,
) -> None:
    """Check offline that the promise of a receipt was kept, or that a case's entries are in the trail.

    Exit 1 where it does not hold, saying why.
    """
    if receipt.is_dir():
        cli_trail_case.check(receipt, _verifier(vkey))
        return
    if proof is None or not receipt_vkey:
        raise _fail("a receipt is checked with its proof and --receipt-vkey")
    try:
        promised = open_receipt(receipt.read_bytes(), [Verifier.parse(receipt_vkey.strip())])
        shown = TlogProof.parse(proof.read_bytes())
        if shown.extra is not None and leaf_hash(shown.extra) != promised.leaf:
            raise _fail("the proof is for another entry than the receipt promises", 1)
        policy = policy_of(witness, needed)
        checkpoint = shown.verify(promised.leaf, Verifier.parse(vkey.strip()), policy=policy)
    except OSError as error:
        raise _fail(str(error)) from None
    except ValueError as error:
        raise _fail(f"it does not hold: {error}", 1) from None
    typer.echo(
        f"Kept: {promised.message} is entry {shown.index} of {checkpoint.origin},"
        f" under a checkpoint of {checkpoint.state.size} entries."
    )
    for cosigned in policy.cosigned(shown.checkpoint):
        typer.echo(f"Cosigned by {cosigned.witness.name} at {cosigned.at.isoformat()}.")
