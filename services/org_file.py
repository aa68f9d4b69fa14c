"""An organisation file on the command line: read, or refused with everything that is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from services.audit.told import checks_of
from shared.organisation import Organisation, OrganisationWrong, load

WRONG = 1

File = Annotated[Path, typer.Argument(metavar="FILE", help="The organisation file, YAML.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def load_or_exit(file: Path, *, as_json: bool) -> Organisation:
    """The organisation of the file; ends the command with exit code 1 where it is wrong."""
    try:
        organisation = load(file)
        checks_of(organisation, file)
        return organisation
    except OrganisationWrong as wrong:
        if as_json:
            print_json({"ok": False, "faults": [asdict(fault) for fault in wrong.faults]})
        for fault in [] if as_json else wrong.faults:
            typer.echo(f"{file}, {fault}", err=True)
        raise typer.Exit(WRONG) from wrong


def print_json(value: dict[str, Any]) -> None:
    """One JSON object, for people's eyes too."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
