"""`throughline trail witness`, and how witnesses are named on the command line."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from services.audit.log import LogError, NoteError, Policy, Verifier, Witness, WitnessBook, WitnessSigner
from services.audit.log.witness import origin_id
from services.audit.log.witness_http import application
from services.http import listening

WitnessKeys = Annotated[
    list[str] | None,
    typer.Option("--witness", help="A witness's verifier key, whose cosignature counts; may be given again"),
]
Needed = Annotated[
    int | None, typer.Option("--policy", help="How many of the witnesses must have cosigned; else most")
]

KEY = "witness.key"


def policy_of(witnesses: list[str] | None, needed: int | None) -> Policy:
    """The policy that options name. Raises ValueError."""
    return Policy.of((Witness.parse(one.strip()) for one in witnesses or ()), needed)


def witness(
    data: Annotated[Path, typer.Option(help="Directory of the witness: its key, and what it cosigned")],
    log: Annotated[
        list[str], typer.Option(help="A log's verifier key; may be given again, also for a log's next key")
    ],
    name: Annotated[
        str | None,
        typer.Option(
            help="The witness's name, like an address without its scheme; for ever. Default HOST/witness"
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="HTTP port; 0 takes a free one")] = 8090,
) -> None:
    """Witness a log: cosign its checkpoints, each only where it continues all that were cosigned before.

    Anybody can. It needs nothing of the log but its verifier key, and keeps one checkpoint a log.
    """
    try:
        logs = [Verifier.parse(one.strip()) for one in log]
        book = WitnessBook(data / "logs", _signer(data, name), logs)
        door = listening(host, port)
    except (LogError, NoteError, OSError) as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(1) from error
    with book:
        address = f"http://{host}:{door.getsockname()[1]}"
        typer.echo(f"{address} {book.signer.verifier.vkey}")
        for origin in book.origins:
            typer.echo(f"{origin}: {address}/{origin_id(origin)}/checkpoint")
        typer.echo("The first line is what THROUGHLINE_WITNESSES takes. End with Ctrl-C.")
        config = uvicorn.Config(application(book), log_config=None, access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[door])


def _signer(data: Path, name: str | None) -> WitnessSigner:
    """The witness's key, made at its first start. Raises NoteError where it is damaged or another name is wanted."""
    path = data / KEY
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        made = WitnessSigner(name or f"{socket.gethostname()}/witness", os.urandom(32))
        temporary = data / f".{KEY}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(made.skey + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        folder = os.open(data, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    signer = WitnessSigner.parse(path.read_text().strip())
    if name is not None and name != signer.name:
        raise NoteError(f"{path}: this witness is {signer.name}; another name needs another directory")
    return signer
