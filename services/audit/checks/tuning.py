"""Telling checks otherwise than their defaults: by the organisation file, or for one run. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from services.audit.checks.check import Check
from services.audit.checks.running import Tuned

OFF = "off"
"""Said of a check beside its parameters: it is not asked."""

Said = Mapping[str, Mapping[str, Any]]
"""By check, what is said of it: its parameters by name, `off`."""


class Misfit(NamedTuple):
    """What does not fit of what was said."""

    path: tuple[str, ...]
    """The check, and its parameter where it is about one."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.what}. {self.remedy}"


class TuningWrong(ValueError):
    """Checks were told something that they don't know, or can't be; `misfits` says what."""

    def __init__(self, misfits: list[Misfit]) -> None:
        self.misfits = misfits
        super().__init__("\n".join(map(str, misfits)))


def tuned(checks: Iterable[Check[Any]], said: Said) -> list[Tuned]:
    """The checks that are not off, each with its parameters. Raises TuningWrong, which says all that is wrong."""
    known = {check.name: check for check in checks}
    misfits = [_unknown((name,), "no check", list(known)) for name in said if name not in known]
    found: list[Tuned] = []
    for name, check in known.items():
        values = dict(said.get(name, {}))
        off = values.pop(OFF, False)
        if not isinstance(off, bool):
            misfits.append(Misfit((name, OFF), f"{off!r} is neither yes nor no", "Write true or false."))
        try:
            parameters = check.parameters.model_validate(values)
        except ValidationError as error:
            misfits += _misfits(check, error)
        else:
            if off is not True:
                found.append(Tuned(check, parameters))
    if misfits:
        raise TuningWrong(misfits)
    return found


def _misfits(check: Check[Any], error: ValidationError) -> Iterable[Misfit]:
    for detail in error.errors(include_url=False):
        path = (check.name, *(str(step) for step in detail["loc"][:1]))
        if detail["type"] == "extra_forbidden":
            yield _unknown(path, f"no parameter of {check.name}", [*check.parameters.model_fields, OFF])
        else:
            yield Misfit(path, f"{detail['input']!r} does not fit: {detail['msg']}", _remedy(check, path[-1]))


def _remedy(check: Check[Any], parameter: str) -> str:
    field = check.parameters.model_fields.get(parameter)
    return f"Write it as its default is: {field.default}." if field is not None else "Correct it."


def _unknown(path: tuple[str, ...], what: str, known: list[str]) -> Misfit:
    close = difflib.get_close_matches(path[-1], known, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else f"Known are: {', '.join(known)}."
    return Misfit(path, f"{path[-1]!r} is {what}", remedy)
