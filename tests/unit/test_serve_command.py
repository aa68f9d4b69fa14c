"""`throughline serve` says what it was not told before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app

TOLD = {
    "THROUGHLINE_KAFKA_SERVERS": "127.0.0.1:1",
    "THROUGHLINE_MONGO_URL": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200",
    "THROUGHLINE_PUBLIC_URL": "https://messages.county.example",
    "THROUGHLINE_KEYS": "keys",
}


@pytest.mark.parametrize("name", ["intake", "routing", "notify", "audit"])
@pytest.mark.parametrize("left_out", TOLD)
def test_what_all_services_must_be_told_alike_is_named_where_it_is_missing(
    tmp_path: Path, name: str, left_out: str
) -> None:
    told = {key: "" if key == left_out else value for key, value in TOLD.items()}
    if left_out == "THROUGHLINE_KEYS":
        del told[left_out]
    result = CliRunner().invoke(app, ["serve", name, "--data", str(tmp_path)], env=told)
    assert result.exit_code == 2
    assert f"set {left_out}." in result.output


def test_only_the_four_services_can_be_served() -> None:
    result = CliRunner().invoke(app, ["serve", "reception"])
    assert result.exit_code == 2
    assert "reception" in result.output
