"""Table files and JSON → their rows, one at a time: streamed, in any encoding, whatever the quoting."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from services.intake.text_encoding import SAMPLE_BYTES, decode, guess_encoding

from .draft import FileUnreadable, Refused

MAX_FIELD = 8 * 1024 * 1024
"""Characters in one field or line; beyond it a quote was never closed, or it is no record."""

MAX_JSON_BYTES = 256 * 1024 * 1024
"""A JSON document has to be held whole; JSON lines (.jsonl) have no such limit."""

SURPLUS = ""
"""The key under which a row's cells beyond the last heading are kept."""

Row = tuple[int, Mapping[str, str]]
"""Where it stands (line, or element from 1) and its cells by heading."""

_WRAPPERS = ("records", "messages", "data", "items", "results", "requests", "value")


def csv_headings(path: Path) -> list[str]:
    """The first row of a table."""
    with _opened(path) as file:
        return next(_reader(file, path), [])


def csv_rows(path: Path) -> Iterator[Row | Refused]:
    """A table's rows; a short row has no cells for the rest, surplus cells are kept under `SURPLUS`."""
    with _opened(path) as file:
        rows = _reader(file, path)
        headings: list[str] = next(rows, [])
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                message = f"The row starting at line {line} can't be read ({error}): is a quote never closed?"
                yield Refused(line, "row_unreadable", message)
                continue
            if cells:
                row = dict(zip(headings, cells, strict=False))
                if surplus := [cell for cell in cells[len(headings) :] if cell.strip()]:
                    row[SURPLUS] = ",".join(surplus)
                yield line, row


def jsonl_rows(path: Path) -> Iterator[Row | Refused]:
    """One JSON object a line; blank lines don't count."""
    with _opened(path) as file:
        line = 0
        while written := file.readline(MAX_FIELD):
            line += 1
            if len(written) == MAX_FIELD and not written.endswith("\n"):
                while (rest := file.readline(MAX_FIELD)) and not rest.endswith("\n"):
                    pass
                yield Refused(line, "row_unreadable", f"Line {line} has more than {MAX_FIELD:,} characters.")
            elif written.strip():
                yield _json_line(line, written)


def json_rows(path: Path) -> Iterator[Row | Refused]:
    """The objects of an array, of an object that wraps one, of Socrata's rows, or the one object there is."""
    for at, element in enumerate(_elements(load_json(path)), 1):
        if isinstance(element, dict):
            yield at, flat(element)
        else:
            yield Refused(at, "not_a_record", f"Element {at} is not an object with named fields.")


def load_json(path: Path) -> Any:
    """The document. Raises `FileUnreadable` (`too_large`, `json_broken`), saying where it breaks."""
    if (size := path.stat().st_size) > MAX_JSON_BYTES:
        raise FileUnreadable("too_large", f"{path.name} has {size:,} bytes; send it as JSON lines (.jsonl).")
    try:
        return json.loads(decode(path.read_bytes()).text.removeprefix("\ufeff"), strict=False)
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        where = "by a number or a nesting beyond reason"
    raise FileUnreadable("json_broken", f"{path.name} is broken {where}.")


def flat(record: Mapping[str, Any]) -> dict[str, str]:
    """An object's fields as texts; those of an object in it as `outer.inner`."""
    cells: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            cells |= {f"{key}.{inner}": _cell(each) for inner, each in value.items()}
        else:
            cells[key] = _cell(value)
    return cells


def whole_text(path: Path) -> str:
    """A text file as one text. Raises `FileUnreadable` (`too_large`)."""
    if path.stat().st_size > MAX_FIELD:
        raise FileUnreadable(
            "too_large", f"{path.name} has more than {MAX_FIELD:,} bytes; a .txt is one message."
        )
    return decode(path.read_bytes()).text


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False)


def _json_line(line: int, written: str) -> Row | Refused:
    try:
        record = json.loads(written.removeprefix("\ufeff"), strict=False)
    except (ValueError, RecursionError):
        return Refused(line, "json_broken", f"Line {line} is not a whole JSON document.")
    if not isinstance(record, dict):
        return Refused(line, "not_a_record", f"Line {line} is not an object with named fields.")
    return line, flat(record)


def _elements(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise FileUnreadable("not_records", "The JSON is neither an array of records nor a record.")
    if columns := _socrata_columns(document):
        return [
            dict(zip(columns, row, strict=False)) if isinstance(row, list) else row
            for row in document["data"]
        ]
    wrapped = [document[key] for key in _WRAPPERS if isinstance(document.get(key), list)]
    return wrapped[0] if wrapped and not _has_words(document) else [document]


def _has_words(document: dict[str, Any]) -> bool:
    return any(isinstance(document.get(key), str) for key in ("text", "subject", "description"))


def _socrata_columns(document: dict[str, Any]) -> list[str]:
    """The names in a full Socrata export (`rows.json`), whose rows are bare arrays."""
    meta = document.get("meta")
    view = meta.get("view") if isinstance(meta, dict) else None
    columns = view.get("columns") if isinstance(view, dict) else None
    if not isinstance(columns, list) or not isinstance(document.get("data"), list):
        return []
    return [str(column.get("name")) if isinstance(column, dict) else "" for column in columns]


def _opened(path: Path) -> IO[str]:
    return path.open(encoding=_encoding(path), errors="replace", newline="")


def _encoding(path: Path) -> str:
    """Found without holding the file: UTF-8 if all of it is, else guessed around the first that isn't."""
    with path.open("rb") as file:
        tail = b""
        while chunk := file.read(SAMPLE_BYTES):
            window = tail + chunk
            cut = _whole(window)
            if (found := guess_encoding(window[:cut])) != "utf-8":
                return found
            tail = window[cut:]
    return "utf-8"


def _whole(window: bytes) -> int:
    """Where to cut so that no UTF-8 character is halved."""
    for back in range(1, min(4, len(window)) + 1):
        if window[-back] >= 0xC0:
            return len(window) - back
        if window[-back] < 0x80:
            break
    return len(window)


def _reader(file: IO[str], path: Path) -> Any:
    csv.field_size_limit(MAX_FIELD)
    first = file.readline(SAMPLE_BYTES)
    file.seek(0)
    marks = {mark: first.count(mark) for mark in (",", "\t", ";", "|")}
    best = max(marks, key=lambda mark: marks[mark])
    delimiter = "\t" if path.suffix.lower() == ".tsv" else best
    return csv.reader((line.replace("\0", "").lstrip("\ufeff") for line in file), delimiter=delimiter)
