"""`throughline trail export`: entries by the million into a file, from a running installation or from its directory.

What has come stands in `FILE.part`; cut off, the same command goes on behind its last whole line.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, NamedTuple, get_args

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from services.asking import asking, wrong
from services.audit.export import Format, Order, export
from services.audit.listing import CHECKPOINT_HEADER, SIZE_HEADER
from services.audit.log import parse_checkpoint
from services.audit.lookup import Lookup
from services.audit.projected import FILE
from services.audit.querying import NoSuchCase, Wanted
from shared.note import decode_base64, split_note

console = Console(stderr=True)
_AT_ONCE = 1000
_WHY = (
    "or export from its directory with --data",
    "the same command goes on where this one was cut off",
)


_NEEDED = (
    "an API key with the right `trail.read` is needed, as --key or THROUGHLINE_API_KEY."
    " `throughline key create export --rights trail.read` makes one, while the installation is stopped"
)


class Begun(NamedTuple):
    """An export that has begun: lines, the head first, of a listing under a checkpoint."""

    size: int
    checkpoint: bytes
    lines: Iterator[bytes]


Source = Callable[[Wanted, Format, int, int | None], Any]
"""Begins at an entry, of a listing of so many or of all; a context manager of `Begun`."""


def run(
    *,
    out: Annotated[
        Path, typer.Option(help="File to write; ends in .csv or .jsonl where no --format is given")
    ],
    to: Annotated[str | None, typer.Option(help="Address of a running installation")] = None,
    data: Annotated[Path | None, typer.Option(help="Directory of an installation, running or not")] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", envvar="THROUGHLINE_API_KEY", help="An API key with the right `trail.read`"),
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help="jsonl or csv")] = None,
    case: Annotated[str | None, typer.Option(help="Only of the case with this ref")] = None,
    department: Annotated[
        str | None, typer.Option(help="Only of cases while this department led them")
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only events of this type")] = None,
    since: Annotated[str | None, typer.Option(help="Only events of this time or later (RFC 3339)")] = None,
    until: Annotated[str | None, typer.Option(help="Only events before this time")] = None,
) -> None:
    """Export the trail's entries, as many as there are. Cut off, the same command goes on where it was."""
    if (to is None) == (data is None):
        raise wrong("name a running installation with --to, or a directory with --data")
    kind = _format(format_, out)
    wanted = Wanted(case, type_, department, _instant("since", since), _instant("until", until))
    source = _over_http(to, key) if to is not None else _from_files(data or Path())
    count = _Target(out, kind, wanted).take(source)
    typer.echo(f"{out}: {count} entries. The checkpoint that they are under: {out}.checkpoint")


def _format(said: str | None, out: Path) -> Format:
    for one in get_args(Format):
        if one == (said or out.suffix.removeprefix(".")):
            found: Format = one
            return found
    raise wrong(f"{said or out.name}: say with --format whether it is to be jsonl or csv")


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError
    except ValueError:
        raise wrong(
            f"--{name} {text}: a time with its zone is needed, as 2026-09-30T16:00:00+08:00"
        ) from None
    return instant.astimezone(UTC)


def _over_http(to: str, key: str | None) -> Source:
    @contextmanager
    def begin(wanted: Wanted, kind: Format, start: int, size: int | None) -> Iterator[Begun]:
        asked: dict[str, Any] = {
            "format": kind,
            "cursor": f"{start}-{'' if size is None else size}",
            "case": wanted.case,
            "department": wanted.department,
            "type": wanted.type,
            "since": wanted.since and wanted.since.isoformat(),
            "until": wanted.until and wanted.until.isoformat(),
        }
        if key is None:
            raise wrong(_NEEDED)
        params = {name: value for name, value in asked.items() if value is not None}
        with (
            asking(to, key, _WHY) as client,
            client.stream("GET", "/v1/trail/export", params=params) as answer,
        ):
            if answer.is_error:
                answer.read()
                raise wrong(_refused(answer))
            checkpoint = decode_base64(answer.headers[CHECKPOINT_HEADER], "the checkpoint")
            yield Begun(int(answer.headers[SIZE_HEADER]), checkpoint, answer.iter_bytes())

    return begin


def _refused(answer: httpx.Response) -> str:
    if answer.status_code in {401, 403}:
        return _NEEDED
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.url} is no Throughline: it answered {answer.status_code}"
    return f"{body.get('title', answer.status_code)}: {body.get('detail', '')}".rstrip(". ")


def _from_files(data: Path) -> Source:
    audit = next((one for one in (data / "audit", data) if (one / FILE).is_file()), None)
    if audit is None:
        raise wrong(
            f"{data}: there is no {FILE} here or in audit below, which `throughline run` makes. Name the data directory"
            " of an installation that has run"
        )

    @contextmanager
    def begin(wanted: Wanted, kind: Format, start: int, size: int | None) -> Iterator[Begun]:
        checkpoint = (audit / "log" / "checkpoint").read_bytes()
        tree = parse_checkpoint(split_note(checkpoint)[0]).state.size
        known = _projected(audit / FILE)
        if known < tree:
            console.print(
                f"{tree - known} newer entries are not there to be asked for yet; they come once it runs."
            )
        order = Order(
            audit=audit,
            wanted=wanted,
            start=start,
            size=min(tree, known) if size is None else size,
            tree=tree,
            checkpoint=checkpoint.decode(),
            format=kind,
        )
        lines = export(order)
        yield Begun(order.size, checkpoint, iter(lambda: b"".join(islice(lines, _AT_ONCE)), b""))

    return begin


def _projected(path: Path) -> int:
    lookup = Lookup.open(path)
    try:
        return lookup.size
    finally:
        lookup.close()


@dataclass
class _Target:
    """The file that is written, and beside it what is known of how far it has come."""

    out: Path
    format: Format
    wanted: Wanted

    def __post_init__(self) -> None:
        self.part = self.out.with_name(f"{self.out.name}.part")
        self.about = self.out.with_name(f"{self.out.name}.part.about")

    def take(self, source: Source) -> int:
        """Write all of it; answers how many entries there are. Raises typer.Exit."""
        try:
            return self._take(source)
        except NoSuchCase as error:
            raise wrong(str(error).rstrip(".")) from error
        except (OSError, ValueError, sqlite3.Error) as error:
            raise wrong(f"{error}. What came is kept in {self.part}: {_WHY[1]}") from error

    def _take(self, source: Source) -> int:
        size, start = self._left()
        with source(self.wanted, self.format, start, size) as begun:
            self.about.write_text(self._said(begun.size))
            with self.part.open("ab" if start else "wb") as file, _bar() as tell:
                lines = _behind_the_first(begun.lines) if start else begun.lines
                for some in lines:
                    file.write(some)
                    tell(_last_index(some), begun.size)
        whole = self._count()
        self.out.with_name(f"{self.out.name}.checkpoint").write_bytes(begun.checkpoint)
        self.part.replace(self.out)
        self.about.unlink()
        return whole

    def _left(self) -> tuple[int | None, int]:
        """The listing of an earlier run and where it goes on, where it was one of the same."""
        try:
            size = json.loads(self.about.read_text())["size"]
            if self.about.read_text() != self._said(size):
                return None, 0
            with self.part.open("r+b") as file:
                last = _cut(file)
        except (FileNotFoundError, KeyError, ValueError):
            return None, 0
        return (size, last + 1) if last is not None else (None, 0)

    def _said(self, size: int) -> str:
        return orjson.dumps(
            {"size": size, "format": self.format} | asdict(self.wanted), option=orjson.OPT_SORT_KEYS
        ).decode()

    def _count(self) -> int:
        """How many entries the file has. Raises ValueError where its end is missing."""
        with self.part.open("rb") as file:
            lines, last = 0, b""
            for line in file:
                lines, last = lines + 1, line
        if self.format == "csv":
            return lines - 1
        if not last.startswith(b'{"end":'):
            raise ValueError("the answer was cut off")
        return lines - 2


def _cut(file: IO[bytes]) -> int | None:
    """Cut off what is behind the last whole line of an entry; answers that entry's index."""
    end, last = 0, None
    for line in file:
        if not line.endswith(b"\n") or line.startswith(b'{"end":'):
            break
        end += len(line)
        last = _index(line)
    file.truncate(end)
    return last


def _index(line: bytes) -> int | None:
    """The entry of a line; None of another line."""
    text = line.removeprefix(b'{"index":').partition(b",")[0]
    return int(text) if text.isdigit() else None


def _last_index(some: bytes) -> int | None:
    return next((at for line in reversed(some.split(b"\n")) if (at := _index(line)) is not None), None)


def _behind_the_first(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """All but the first line, which stands in the file already."""
    head = b""
    for some in chunks:
        head += some
        if b"\n" in head:
            yield head.partition(b"\n")[2]
            break
    yield from chunks


@contextmanager
def _bar() -> Iterator[Callable[[int | None, int], None]]:
    columns = (TextColumn("entries"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("entries", total=None)

        def tell(index: int | None, size: int) -> None:
            if index is not None:
                progress.update(task, completed=index + 1, total=size)

        yield tell
