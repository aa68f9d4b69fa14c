"""From an organisation file to an organisation, or to everything that is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.organisation.check import faults_of
from shared.organisation.model import Organisation
from shared.organisation.source import Fault, Path, Source, read_source

_REPLACED = {
    "kinds": "Write a set under `special_limits:` for each: `{ kinds: [enquiry], limits: { resolve: 3wd } }`",
    "classes": "Write a set under `special_limits:` for each: `{ classes: [major], limits: { resolve: 15wd } }`",
}
"""Keys of former versions, and what is written in their place."""

_PLAIN = {
    "tuple_type": ("{!r} is no list", "Write it as [one, two]"),
    "model_type": ("{!r} has no fields", "Write `name: value` pairs here"),
    "dict_type": ("{!r} has no fields", "Write `name: value` pairs here"),
    "string_type": ("{!r} is no text", "Put it in quotes"),
    "too_short": ("there is none", "Name at least one"),
    "greater_than_equal": ("{!r} is too little", "Write {ge} or more"),
    "less_than_equal": ("{!r} is too much", "Write {le} or less"),
    "int_type": ("{!r} is no whole number", "Write one such as 2"),
    "int_parsing": ("{!r} is no whole number", "Write one such as 2"),
    "bool_type": ("{!r} is neither yes nor no", "Write true or false"),
    "bool_parsing": ("{!r} is neither yes nor no", "Write true or false"),
}
"""What is wrong and the remedy, by Pydantic's name for the error."""


class OrganisationWrong(ValueError):
    """The organisation file can't be used as it is; `faults` says everything that is wrong with it."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self.file, self.faults = file, faults
        super().__init__("\n".join(f"{file}, {fault}" for fault in faults))


def load(path: FilePath) -> Organisation:
    """The organisation that a file describes; raises `OrganisationWrong`."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"it can't be read: {error.strerror}", "Name a file that is there") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not UTF-8: {error.reason}", "Save it as UTF-8") from error
    return parse(text, str(path))


def parse(text: str, file: str = "organisation file") -> Organisation:
    """The organisation that a YAML text describes; raises `OrganisationWrong` with every fault, by line."""
    source = read_source(text)
    faults = list(source.faults)
    organisation: Organisation | None = None
    if source.values is not None or not faults:
        try:
            organisation = Organisation.model_validate(source.values or {})
            faults += faults_of(organisation, source)
        except ValidationError as error:
            faults += _of_shape(error, source)
    if faults or organisation is None:
        raise OrganisationWrong(file, sorted(faults, key=lambda fault: fault.line))
    return organisation


def _unreadable(path: FilePath, what: str, remedy: str) -> OrganisationWrong:
    return OrganisationWrong(str(path), [Fault(1, "", what, remedy)])


def _of_shape(error: ValidationError, source: Source) -> Iterator[Fault]:
    """Faults of single values, as Pydantic finds them, in words."""
    seen: set[tuple[Path, str]] = set()
    for detail in error.errors(include_url=False):
        path = _within(detail["loc"], source)
        what, remedy = _words(detail, path)
        if (path, what) not in seen:
            seen.add((path, what))
            yield source.fault(path, what, remedy)


def _within(loc: Path, source: Source) -> Path:
    """The part of Pydantic's location that stands in the file: it also names union members and keys."""
    end = 0
    while end < len(loc) and loc[: end + 1] in source.lines:
        end += 1
    return loc[:end]


def _words(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    last = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden" if len(path) == 1 and last in _REPLACED:
            return f"{last!r} is no longer a field", _REPLACED[last]
        case "extra_forbidden":
            return f"{last!r} is no field here", _did_you_mean(last, _fields_at(path[:-1]))
        case "missing":
            return f"{last!r} is missing", f"Add `{last}:`"
        case "value_error":
            what, _, remedy = str(detail["ctx"]["error"]).partition(": ")
            return what, _sentence(remedy or "Correct it")
        case "literal_error":
            expected = detail["ctx"]["expected"].replace("'", "")
            return f"{detail['input']!r} is not known here", f"Write one of {expected}"
        case "string_pattern_mismatch" if "@" in detail["ctx"]["pattern"]:
            return f"{detail['input']!r} is no mail address", "Write it as name@example.org"
        case "string_pattern_mismatch":
            return f"{detail['input']!r} is no id", "Use small letters, digits and hyphens, a letter first"
        case sort if sort in _PLAIN:
            what, remedy = _PLAIN[sort]
            return what.format(detail["input"]), remedy.format_map(detail.get("ctx", {}))
        case _:
            return f"{detail['input']!r} does not fit: {detail['msg']}", "Correct it"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known) or 'nothing'}"


def _fields_at(path: Path) -> list[str]:
    """The fields that a part of the file may have."""
    part: type[BaseModel] | None = Organisation
    is_table = False
    for step in path:
        if isinstance(step, int):
            continue
        if is_table:
            is_table = False
            continue
        by_name = {info.alias or name: info for name, info in part.model_fields.items()} if part else {}
        annotation = by_name[step].annotation if step in by_name else None
        part, is_table = _part_in(annotation), get_origin(annotation) is dict
    return [info.alias or name for name, info in part.model_fields.items()] if part else []


def _part_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_part_in(inner) for inner in get_args(annotation))
    return next((part for part in found if part), None)
