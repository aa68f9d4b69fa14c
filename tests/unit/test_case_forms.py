"""What a form sends is read as it was meant, and each command stands where it is looked for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.routing.commands import Consult
from services.routing.pages.options import field_name, read_options

ASKED = {"to": "leader", "text": "Which way?"}


def rows(*written: int, preferred: str = "") -> dict[str, str]:
    """A form in which the rows of these numbers are written."""
    form = {field_name(row, "name"): f"Way {row}" for row in written}
    return ASKED | form | ({"preferred": preferred} if preferred else {})


def test_blank_rows_are_none_and_the_preferred_one_is_counted_without_them() -> None:
    command = Consult.model_validate(read_options(rows(2, 5, 6, preferred="5")))
    assert [one.name for one in command.options] == ["Way 2", "Way 5", "Way 6"]
    assert command.preferred == 2


@pytest.mark.parametrize("preferred", ["", "3", "7", "x", "٢"])
def test_who_prefers_no_row_that_is_written_is_told_so(preferred: str) -> None:
    with pytest.raises(ValidationError) as told:
        Consult.model_validate(read_options(rows(1, 2, preferred=preferred)))
    assert [one["loc"] for one in told.value.errors()] == [("preferred",)]


def test_a_row_with_anything_in_it_is_an_option_and_needs_its_name() -> None:
    form = rows(1, 2, preferred="1") | {field_name(3, "risks"): "It rains"}
    with pytest.raises(ValidationError) as told:
        Consult.model_validate(read_options(form))
    assert told.value.errors()[0]["loc"] == ("options", 2, "name")


def test_a_form_without_options_is_left_as_it_is() -> None:
    assert read_options({"text": "x", "final": "true"}) == {"text": "x", "final": "true"}
    assert "options" not in read_options(ASKED | {field_name(1, "name"): "  ", "preferred": "1"})
