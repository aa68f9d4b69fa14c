"""`throughline org …`: check an organisation file, and see when and why its limits end."""

from __future__ import annotations

import typer

from services import cli_due
from services.org_file import File, Json, load_or_exit, print_json

app = typer.Typer(help="Check an organisation file; see and understand its deadlines.", no_args_is_help=True)
app.command(
    "due",
    epilog="Examples: throughline org due deploy/org/county.yaml --from 2026-09-30T16:00 --limit 5wd · "
    "throughline org due deploy/org/hospital.yaml --from 2026-09-30T16:00 --category infrastructure --urgent",
)(cli_due.due)


@app.command(epilog="Example: throughline org check deploy/org/county.yaml")
def check(file: File, *, as_json: Json = False) -> None:
    """Say everything that is wrong with the file: line, reason, remedy. Exit code 1 if anything is."""
    organisation = load_or_exit(file, as_json=as_json)
    if as_json:
        print_json({"ok": True, "version": organisation.version, "faults": []})
        return
    duties, people = len(organisation.duty), len(organisation.people)
    typer.echo(
        f"{file} is in order: {len(organisation.departments)} departments, {duties} duties, {people} people."
    )
