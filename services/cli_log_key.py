"""`throughline key backup|restore|rotate-log`: the key that signs the trail, on its own machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from services.audit import log_keys
from services.audit.log import LogError, NoteError, Verifier, open_any_checkpoint
from shared.generation import trail_origin
from shared.keys import Keys
from shared.lock import Lock, Locked
from shared.organisation import OrganisationWrong, load
from shared.settings import Settings

T = TypeVar("T")

_SHORTEST = 12

Data = Annotated[
    Path | None, typer.Option(help="Directory of the installation, or of the audit in a cluster")
]
Org = Annotated[Path | None, typer.Option(help="The organisation file")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file whose first line is the passphrase; else you are asked")
]


def _installation(data: Path | None, org: Path | None) -> tuple[str, Keys, Path]:
    """The trail's name, the keys beside its log, and the log."""
    given = {name: value for name, value in (("data", data), ("org", org)) if value is not None}
    settings = Settings().model_copy(update=given)
    origin = trail_origin(settings, load(settings.org).id, settings.data)
    return origin, Keys(settings.data / "keys"), settings.data / "audit" / "log"


def _or_say(act: Callable[[], T]) -> T:
    try:
        return act()
    except (Locked, OrganisationWrong, LogError, NoteError, OSError) as error:
        typer.echo(f"throughline: {error}", err=True)
        raise typer.Exit(1) from error


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file is not None:
        word = file.read_text().partition("\n")[0]
    else:
        word = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice)
    if twice and len(word) < _SHORTEST:
        raise NoteError(f"the passphrase has {len(word)} characters: take {_SHORTEST} or more")
    return word


def backup(
    to: Annotated[Path, typer.Option(help="File to write; it must not be there yet")],
    data: Data = None,
    org: Org = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write the log key to a file, encrypted with a passphrase (PKCS#8 PEM). Keep it away from the installation.

    Without the log key nobody can go on with the trail; with it anybody can sign in its name.
    """

    def write() -> list[str]:
        origin, keys, log = _installation(data, org)
        if not keys.has(log_keys.CURRENT):
            raise NoteError(
                f"{keys.directory} has no log key: name the directory of the installation with --data"
            )
        sealed = log_keys.seal(origin, keys, _passphrase(passphrase_file, twice=True))
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        return [one.verifier.vkey for one in log_keys.signers(origin, keys, log) if one is not None]

    for vkey in _or_say(write):
        typer.echo(f"{to} has the key {vkey}")


def restore(
    source: Annotated[Path, typer.Option("--from", help="What `key backup` wrote")],
    data: Data = None,
    org: Org = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Put the log key back where it is missing. A key that did not sign the trail there is refused."""

    def put() -> list[str]:
        origin, keys, log = _installation(data, org)
        found = log_keys.unseal(source.read_bytes(), _passphrase(passphrase_file, twice=False))
        with Lock(_made(keys.directory.parent) / "lock"):
            _signed_here(log, origin, [Verifier(origin, one.verifier.public_key) for one in found.values()])
            for name, signer in found.items():
                keys.put(name, signer.seed)
        return [one.verifier.vkey for one in found.values()]

    for vkey in _or_say(put):
        typer.echo(f"The key is back: {vkey}")


def rotate(
    data: Data = None,
    org: Org = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="The new key signs alone from here on; the old one is destroyed")
    ] = False,
) -> None:
    """Let another key take over the signing of the trail, in two steps, each while the installation is stopped.

    After the first both keys sign, and the trail introduces the new one. Tell all who verify, your witnesses and
    monitors. After `--finish` the new one signs alone; who knows the old key alone is led to the new one by a proof.
    """

    def change() -> tuple[Verifier, Verifier]:
        origin, keys, log = _installation(data, org)
        with Lock(_made(keys.directory.parent) / "lock"):
            step = log_keys.finish_change if finish else log_keys.begin_change
            return step(origin, keys, log)

    old, new = _or_say(change)
    if finish:
        typer.echo(f"The trail is signed by {new.vkey}\nand from the next start on no more by {old.vkey}")
        return
    typer.echo(
        f"From the next start on two keys sign the trail:\nold  {old.vkey}\nnew  {new.vkey}\n"
        "Back the keys up (`throughline key backup`), start the installation, tell who verifies the new key, and end"
        " the change with `throughline key rotate-log --finish`."
    )


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _signed_here(log: Path, origin: str, keys: list[Verifier]) -> None:
    try:
        note = (log / "checkpoint").read_bytes()
    except FileNotFoundError:
        return
    open_any_checkpoint(note, keys, origin=origin)
