"""Ways to go on, as a form sends them: `options-1-name`, `options-1-pros` …; a form has no lists (M03)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.content.words import Option

ROWS = 6
"""So many options a form has room for."""
SHOWN = 3
"""So many rows stand open from the start."""
PARTS = tuple(Option.model_fields)


def field_name(row: int, part: str) -> str:
    """How a field of a row is called."""
    return f"options-{row}-{part}"


def read_options(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form, its rows gathered into `options`; `preferred` counts those that are written, 0 for none.

    A blank row is none.
    """
    fields: dict[str, Any] = {
        name: value for name, value in form.items() if not name.startswith("options-") and name != "preferred"
    }
    rows = {row: _row(form, row) for row in range(1, ROWS + 1)}
    written = [str(row) for row, option in rows.items() if option]
    if written:
        fields["options"] = [{"name": ""} | rows[int(row)] for row in written]
        preferred = form.get("preferred", "")
        fields["preferred"] = written.index(preferred) + 1 if preferred in written else 0
    return fields


def _row(form: Mapping[str, str], row: int) -> dict[str, str]:
    written = {part: form.get(field_name(row, part), "").strip() for part in PARTS}
    return {part: text for part, text in written.items() if text}
