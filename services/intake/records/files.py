"""A file of any kind `throughline send` takes → what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from services.intake.transcripts import shape_of

from .columns import ColumnMap
from .dates import read_date
from .draft import Draft, FileUnreadable, Refused, Sender
from .rows import (
    SURPLUS,
    Row,
    csv_headings,
    csv_rows,
    json_rows,
    jsonl_rows,
    load_json,
    whole_text,
)

FileKind = Literal["mail", "transcript", "records"]

_SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".eml", ".mbox"), "mail"),
    **dict.fromkeys((".vtt", ".srt", ".sbv"), "transcript"),
    **dict.fromkeys((".csv", ".jsonl", ".ndjson", ".txt"), "records"),
}
_SHAPE_BYTES = 32 * 1024 * 1024
_TRUE = {"true", "yes", "y", "1", "是", "匿名"}


def kind_of(path: Path) -> FileKind:
    """What the file holds, by its name; for .json and .tsv by what is in it.

    Raises `FileUnreadable` (`kind_unknown`, `json_broken`), saying which kinds there are.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _json_kind(path)
    if suffix == ".tsv":
        return "transcript" if csv_headings(path)[:3] == ["start", "end", "text"] else "records"
    if suffix not in _SUFFIXES:
        raise FileUnreadable(
            "kind_unknown",
            f"{path.name}: only {' '.join(sorted(_SUFFIXES))} .json and .tsv can be sent.",
        )
    return _SUFFIXES[suffix]


def read_mails(path: Path) -> Iterator[bytes]:
    """The raw mails of an .eml (one) or an .mbox (RFC 4155; `>From ` unquoted as in mboxrd), one by one."""
    if path.suffix.lower() == ".eml":
        yield path.read_bytes()
        return
    with path.open("rb") as file:
        mail: list[bytes] = []
        after_blank, inside = True, False
        for line in file:
            if after_blank and line.startswith(b"From "):
                if inside:
                    yield _mail(mail)
                mail, inside = [], True
            elif inside or line.strip():
                inside = True
                mail.append(line[1:] if line.lstrip(b">").startswith(b"From ") and line[:1] == b">" else line)
            after_blank = not line.strip()
        if inside:
            yield _mail(mail)


def read_records(
    path: Path, mapping: ColumnMap | None = None, channel: str | None = None, zone: tzinfo = UTC
) -> Iterator[Draft | Refused]:
    """Each record of a table, JSON or text file as a draft or refused with its reason.

    `channel` stands for records that name none, `zone` for dates that name none. A record without an id of
    its own gets one from file name, place and words, so that sending the same file again adds nothing.
    Raises `FileUnreadable` when the file as a whole or `mapping` can't be used, before the first record.
    """
    mapping = mapping or ColumnMap()
    if path.suffix.lower() == ".txt":
        rows: Iterator[Row | Refused] = iter([(1, {"text": whole_text(path)})])
        columns = ColumnMap().resolve(["text"])
        return _drafts(rows, lambda _: columns, path.name, channel, zone)
    if path.suffix.lower() in (".csv", ".tsv"):
        columns = mapping.resolve(csv_headings(path))
        return _drafts(csv_rows(path), lambda _: columns, path.name, channel, zone)
    rows = json_rows(path) if path.suffix.lower() == ".json" else jsonl_rows(path)
    return _drafts(_known_by_sample(rows, mapping), mapping.resolve_loosely, path.name, channel, zone)


def _json_kind(path: Path) -> FileKind:
    if path.stat().st_size > _SHAPE_BYTES:
        return "records"
    try:
        shape = shape_of(load_json(path))
    except FileUnreadable:
        # Whoever reads it as a transcript will say what is broken; there are no records to be had from it.
        return "transcript"
    return "transcript" if shape not in (None, "text") else "records"


def _mail(lines: list[bytes]) -> bytes:
    if lines and not lines[-1].strip():
        lines = lines[:-1]  # the blank line belongs to the mailbox
    return b"".join(lines)


def _known_by_sample(rows: Iterator[Row | Refused], mapping: ColumnMap) -> Iterator[Row | Refused]:
    """The same rows, once `mapping` is checked against the first hundred: one object may lack some."""
    sample = list(islice(rows, 100))
    headings = {heading: None for row in sample if isinstance(row, tuple) for heading in row[1]}
    if headings:
        mapping.resolve(headings)
    return chain(sample, rows)


def _drafts(
    rows: Iterator[Row | Refused],
    columns_of: Callable[[Mapping[str, str]], Mapping[str, list[str]]],
    file_name: str,
    channel: str | None,
    zone: tzinfo,
) -> Iterator[Draft | Refused]:
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        line, cells = row
        draft = _draft(line, cells, columns_of(cells), zone)
        if draft is None:
            yield Refused(line, "no_text", f"The record at {line} has no text and no subject.")
            continue
        draft = replace(draft, channel=draft.channel or channel)
        yield draft if draft.external_id else replace(draft, external_id=_derived_id(file_name, line, cells))


def _draft(
    line: int, cells: Mapping[str, str], columns: Mapping[str, list[str]], zone: tzinfo
) -> Draft | None:
    def of(name: str) -> str | None:
        joined = "\n".join(value for column in columns.get(name, ()) if (value := _clean(cells.get(column))))
        return joined or None

    text, subject, surplus = of("text"), of("subject"), _clean(cells.get(SURPLUS))
    if not (text or subject):
        return None
    written = of("occurred_at")
    occurred_at = read_date(written, zone) if written else None
    sender = Sender(*(of(f"sender.{part}") for part in Sender.__dataclass_fields__))
    return Draft(
        line=line,
        text="\n".join(filter(None, (text or subject, surplus))),
        subject=subject,
        channel=of("channel"),
        kind=of("kind"),
        sender=sender if sender != Sender() else None,
        external_id=of("external_id"),
        occurred_at=occurred_at,
        anonymous=(of("anonymous") or "").lower() in _TRUE,
        in_reply_to=of("in_reply_to"),
        defects=(("ragged",) if surplus else ())
        + (("date_unreadable",) if written and not occurred_at else ()),
    )


def _clean(value: str | None) -> str:
    """Without NULs, lone surrogates and blanks at the ends."""
    return (value or "").replace("\0", "").encode("utf-8", "replace").decode().strip()


def _derived_id(file_name: str, line: int, cells: Mapping[str, str]) -> str:
    """From the record as it stands, so that another map, channel or zone doesn't make another message of it."""
    record = json.dumps([file_name, line, cells], sort_keys=True)
    return "file-" + hashlib.sha256(record.encode()).hexdigest()[:32]
