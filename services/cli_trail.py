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

from services import cli_trail_export, cli_trail_replay
from services.audit.log import (
    LogError,
    Report,
    TlogProof,
    Verifier,
    from_url,
    leaf_hash,
    verify_log,
)
from shared.note import NoteError, Signer
from shared.receipts import open_receipt
from shared.settings import Settings

app = typer.Typer(help="The trail: verify it, prove what is in it.", no_args_is_help=True)
app.command("replay", epilog="Example: throughline trail replay --data data")(cli_trail_replay.run)
app.command("export", epilog="Example: throughline trail export --data data --out trail.jsonl")(
    cli_trail_export.run
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


@app.command(
    epilog='Example: throughline trail verify data --vkey "$(throughline trail vkey --data data --log)"'
)
def verify(
    source: Annotated[str, typer.Argument(help="A data directory, a log's directory, or its http address")],
    vkey: Annotated[str, typer.Option(help="The log's verifier key; have it confirmed by another way")],
    since: Annotated[Path | None, typer.Option(help="A checkpoint kept earlier: a rewind is found")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check every entry, tile and hash up to the signed root. Exit 1 where something is wrong."""
    try:
        key = Verifier.parse(vkey.strip())
        earlier = since.read_bytes() if since else None
    except (NoteError, OSError) as error:
        raise _fail(str(error)) from None
    place = from_url(source.rstrip("/")) if source.startswith("http") else _log_directory(Path(source))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("entries", total=None)
        report = verify_log(
            place,
            key,
            since=earlier,
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
    message: Annotated[str, typer.Argument(help="A message's id")],
    to: Annotated[
        str, typer.Option("--to", help="Address of a running installation")
    ] = "http://127.0.0.1:8080",
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output")] = None,
) -> None:
    """Fetch the proof that a message is in the trail."""
    proof = _get(f"{to.rstrip('/')}/v1/proofs/{message}")
    if out:
        out.write_bytes(proof)
    else:
        typer.echo(proof.decode(), nl=False)


@app.command(
    epilog="Example: throughline trail check message.receipt message.tlog-proof --vkey … --receipt-vkey …"
)
def check(
    receipt: Annotated[Path, typer.Argument(help="The receipt you hold")],
    proof: Annotated[Path, typer.Argument(help="The message's tlog-proof")],
    vkey: Annotated[str, typer.Option(help="The log's verifier key")],
    receipt_vkey: Annotated[str, typer.Option(help="The key that signs receipts")],
) -> None:
    """Check offline that the promise of a receipt was kept. Exit 1 where it was not, saying why."""
    try:
        promised = open_receipt(receipt.read_bytes(), [Verifier.parse(receipt_vkey.strip())])
        shown = TlogProof.parse(proof.read_bytes())
        if shown.extra is not None and leaf_hash(shown.extra) != promised.leaf:
            raise _fail("the proof is for another entry than the receipt promises", 1)
        checkpoint = shown.verify(promised.leaf, Verifier.parse(vkey.strip()))
    except OSError as error:
        raise _fail(str(error)) from None
    except (NoteError, LogError) as error:
        raise _fail(f"it does not hold: {error}", 1) from None
    typer.echo(
        f"Kept: {promised.message} is entry {shown.index} of {checkpoint.origin},"
        f" under a checkpoint of {checkpoint.state.size} entries."
    )
