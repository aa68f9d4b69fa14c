"""`throughline org` says what is wrong with a file, and when and why a limit ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli_org import app
from shared.settings import SAMPLE_ORGANISATION

COUNTY = str(SAMPLE_ORGANISATION)


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize(
    ("limit", "ends", "rungs"),
    [
        (
            "4wh",
            "2026-10-08T11:30:00+08:00",
            {"+1wd": "2026-10-09T17:30:00+08:00", "+3wd": "2026-10-12T17:30:00+08:00"},
        ),
        (
            "1wd",
            "2026-10-08T17:30:00+08:00",
            {"+1wd": "2026-10-09T17:30:00+08:00", "+3wd": "2026-10-12T17:30:00+08:00"},
        ),
        (
            "5wd",
            "2026-10-13T17:30:00+08:00",
            {
                "75%": "2026-10-12T15:22:30+08:00",
                "100%": "2026-10-13T17:30:00+08:00",
                "+1wd": "2026-10-14T17:30:00+08:00",
                "+3wd": "2026-10-16T17:30:00+08:00",
            },
        ),
    ],
)
def test_the_sample_county_gives_the_instants_of_the_national_holiday(
    limit: str, ends: str, rungs: dict[str, str]
) -> None:
    for since in ("2026-09-30T16:00", "2026-09-30T08:00:00Z"):
        said = json.loads(run("due", COUNTY, "--from", since, "--limit", limit, "--json"))
        assert said["from"] == "2026-09-30T16:00:00+08:00"
        assert said["due"] == ends
        fallen = {rung["at"]: rung["instant"] for rung in said["ladder"]}
        assert rungs.items() <= fallen.items()
        assert said["intervals"][0]["begin"] == said["from"]
        assert said["intervals"][-1]["end"] == ends


def test_a_person_reads_why_each_interval_counts_or_does_not() -> None:
    said = run("due", COUNTY, "--from", "2026-09-30T16:00", "--limit", "5wd")
    assert "is due Tue 2026-10-13T17:30:00+08:00" in said
    assert "National Day" in said
    assert "make up day" in said
    assert "arrival day" in said


def test_a_deadline_in_a_year_not_yet_announced_says_so() -> None:
    assert "Provisional" in run("due", COUNTY, "--from", "2026-12-31T16:00", "--limit", "3wd")


@pytest.mark.parametrize(
    ("since", "limit"),
    [("yesterday", "5wd"), ("2026-09-30T16:00", "5 days"), ("2199-01-01", "1wd"), ("0001-01-01", "1wd")],
)
def test_a_time_or_limit_that_is_none_is_a_wrong_command(since: str, limit: str) -> None:
    run("due", COUNTY, "--from", since, "--limit", limit, code=2)


def test_a_file_in_order_passes_and_one_that_is_not_fails_with_line_and_remedy(tmp_path: Path) -> None:
    assert "in order" in run("check", COUNTY)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        SAMPLE_ORGANISATION.read_text("utf-8").replace("to: principal", "to: principle"), "utf-8"
    )
    said = run("check", str(wrong), code=1)
    assert "'principle' is no post. Did you mean `principal`?" in said
    (fault,) = json.loads(run("check", str(wrong), "--json", code=1))["faults"]
    assert "to: principle" in wrong.read_text("utf-8").splitlines()[fault["line"] - 1]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "can't be read" in run("check", str(tmp_path / "none.yaml"), code=1)
