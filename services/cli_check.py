"""`throughline check …`: what the supervision checks are, and what they find in a log, with other parameters too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from services.audit.checking import Asked, Outcome, run_over
from services.audit.checks import CHECKS
from services.audit.checks.check import Check
from services.audit.checks.running import Tuned
from services.audit.checks.tuning import TuningWrong, tuned
from services.audit.log import LogError
from services.org_file import load_or_exit, print_json

app = typer.Typer(help="The supervision checks: what they are, what they find.", no_args_is_help=True)
console = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _fail(text: str, code: int = 2) -> typer.Exit:
    typer.echo(f"throughline: {text}", err=True)
    return typer.Exit(code)


@app.command("list", epilog="Example: throughline check list")
def list_(*, as_json: Json = False) -> None:
    """Say what each check looks for, whether its rule is exact, and what it can be told."""
    if as_json:
        print_json({"checks": [_described(check) for check in CHECKS]})
        return
    for number, check in enumerate(CHECKS):
        if number:
            typer.echo()
        kind = "exact" if check.exact else "a judgement"
        typer.echo(f"{check.name} (version {check.version}, {kind})")
        typer.echo("\n".join(f"  {line}".rstrip() for line in _doc(check)))
        for name, field in check.parameters.model_fields.items():
            typer.echo(
                f"    {name} = {field.default}" + (f"   {field.description}" if field.description else "")
            )


def _doc(check: Check[Any]) -> list[str]:
    lines = (type(check).__doc__ or "").strip().splitlines()
    return [line.strip() for line in lines]


def _described(check: Check[Any]) -> dict[str, Any]:
    usual = check.parameters()
    return {
        "name": check.name,
        "version": check.version,
        "exact": check.exact,
        "doc": "\n".join(_doc(check)),
        "parameters": usual.model_dump(mode="json"),
        "digest": usual.digest(),
    }


@app.command(
    epilog="Example: throughline check run late --data data --since 2026-09-01 --set late.grace=0 --csv --out late.csv"
)
def run(
    checks: Annotated[list[str] | None, typer.Argument(metavar="[CHECK]…", help="Which; all without")] = None,
    *,
    data: Annotated[Path, typer.Option(help="Directory of the installation")] = Path("data"),
    log: Annotated[Path | None, typer.Option(help="A log's directory instead, such as a copy of one")] = None,
    org: Annotated[
        Path | None, typer.Option(help="The organisation file whose `checks:` hold; else the defaults do")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="What could be seen from then on: 2026-09-01, or 2026-09-01T00:00+08:00"),
    ] = None,
    until: Annotated[str | None, typer.Option(help="What could be seen before then")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="CHECK.PARAMETER=VALUE", help="Another parameter")
    ] = None,
    size: Annotated[int | None, typer.Option(help="The log as it was at so many entries")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor without")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Canonical JSON: the same bytes on every machine")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A line a finding")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output")] = None,
) -> None:
    """Ask checks about a whole log, from its entries alone. Nothing is raised. Exit 1 where a check failed.

    A day is one of UTC where its time says nothing else.
    """
    if as_json and as_csv:
        raise _fail("--json or --csv, not both")
    asked = Asked(_tuned(checks or [], org, setting or []), _instant(since), _instant(until))
    with _progress() as told:
        try:
            outcome = run_over(_log_of(log or data), asked, size=size, jobs=jobs, progress=told)
        except (LogError, OSError, ValueError) as error:
            raise _fail(f"the log can't be read: {error}", 1) from None
    _write(_said(outcome, as_json=as_json, as_csv=as_csv), out)
    for failure in outcome.failures:
        where = f"case {failure.case}" if failure.case else f"entry {failure.place}"
        typer.echo(f"throughline: {failure.check} failed at {where}: {failure.why}", err=True)
    raise typer.Exit(1 if outcome.failures else 0)


def _tuned(names: list[str], org: Path | None, settings: list[str]) -> list[Tuned]:
    said: dict[str, dict[str, Any]] = {}
    if org is not None:
        said = {name: dict(values) for name, values in load_or_exit(org, as_json=False).checks.items()}
    for setting in settings:
        where, equals, value = setting.partition("=")
        check, dot, parameter = where.partition(".")
        if not equals or not dot:
            raise _fail(f"--set {setting}: write it as CHECK.PARAMETER=VALUE")
        said.setdefault(check, {})[parameter] = _value(value)
    known = {check.name for check in CHECKS}
    if unknown := [name for name in names if name not in known]:
        raise _fail(f"no check is called {', '.join(unknown)}: `throughline check list` says which there are")
    try:
        found = tuned(CHECKS, said)
    except TuningWrong as wrong:
        raise _fail("\n".join(map(str, wrong.misfits))) from None
    return [one for one in found if not names or one.check.name in names]


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _fail(f"{text} is no date: write it as 2026-09-01, or 2026-09-01T00:00+08:00") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def _log_of(path: Path) -> Path:
    for candidate in (path / "audit" / "log", path / "log", path):
        if (candidate / "checkpoint").is_file():
            return candidate
    raise _fail(
        f"{path}: there is no checkpoint here or in audit/log below: name a data directory with --data"
    )


@contextmanager
def _progress() -> Iterator[Any]:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        yield told


def _said(outcome: Outcome, *, as_json: bool, as_csv: bool) -> bytes:
    if as_json:
        return outcome.canonical()
    if as_csv:
        return outcome.table().encode()
    lines = [
        f"{one.since}  {one.check}  {one.case or one.department or '-'}  {one.key}" for one in outcome.found
    ]
    tree = f"{outcome.tree.size} entries, root {outcome.tree.root.hex()}"
    lines.append(f"{len(outcome.found)} findings in {len(outcome.cases)} cases of {outcome.origin}: {tree}")
    return ("\n".join(lines) + "\n").encode()


def _write(said: bytes, out: Path | None) -> None:
    if out is not None:
        out.write_bytes(said)
    else:
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()
