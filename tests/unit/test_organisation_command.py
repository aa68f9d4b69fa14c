"""`throughline org` says what is wrong with a file, and when and why a limit ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli_org import app
from shared.settings import SAMPLE_ORGANISATION, SAMPLE_ORGANISATIONS

COUNTY, _, SITE, HOSPITAL = (str(path) for path in SAMPLE_ORGANISATIONS)


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


BEFORE_THE_HOLIDAY = "2026-09-30T16:00"
DESK = "information-duty"  # round the clock; the hospital works 08:00-12:00 and 14:00-17:30, and rests 1 to 7 October


@pytest.mark.parametrize(
    ("department", "ends"),
    [((), "2026-10-08T10:30:00+08:00"), (("--department", DESK), "2026-09-30T20:00:00+08:00")],
)
def test_a_limit_ends_by_the_calendar_of_the_department_that_is_named(
    department: tuple[str, ...], ends: str
) -> None:
    said = json.loads(
        run("due", HOSPITAL, "--from", BEFORE_THE_HOLIDAY, "--limit", "4wh", *department, "--json")
    )
    assert said["due"] == ends
    told = {rung["at"]: rung["people"] for rung in said["ladder"]}
    if department:
        assert told["100%"] == [f"{DESK}-head"]
        assert told["+1wd"] == ["vice-president-1"]
    else:
        assert set(map(str, told.values())) == {"None"}


def limits(file: str, *case: str) -> dict[str, dict[str, Any]]:
    said = json.loads(run("due", file, "--from", BEFORE_THE_HOLIDAY, *case, "--json"))
    return {one["owed"]: one for one in said["limits"]}


def test_all_limits_of_a_case_are_told_with_who_owes_and_when() -> None:
    held = limits(HOSPITAL, "--category", "infrastructure", "--urgent")
    ends = {name: (one["limit"], one["owner"], one["due"][5:16]) for name, one in held.items()}
    assert ends["dispatch"] == ("5min", "coordinator", "09-30T16:05")
    assert ends["accept"] == ("10min", DESK, "09-30T16:10")
    assert ends["contact"] == ("15min", DESK, "09-30T16:15")
    assert ends["resolve"] == ("2h", DESK, "09-30T18:00")
    assert ends["promise"] == ("2h", "coordinator", "09-30T18:00")
    assert ends["callback"] == ("1wd", DESK, "10-02T00:00")  # no holiday at the desk
    assert ends["silence"] == ("7d", "coordinator", "10-07T16:00")
    assert ends["review"] == ("2wd", "coordinator", "10-09T17:30")
    assert ends["signoff"][1] == f"{DESK}/head"
    assert ends["returns"] == ("4wh", DESK, "09-30T20:00")
    assert not {"extension", "decide", "inspect"} & set(ends), "the hospital gives no more time"


def test_an_extension_is_added_to_the_time_to_resolve_and_has_somebody_who_grants_it() -> None:
    held = limits(COUNTY, "--kind", "enquiry")
    assert held["resolve"]["due"] == "2026-10-10T17:30:00+08:00"
    assert held["extension"]["due"] == "2026-10-13T17:30:00+08:00"
    assert held["decide"]["owner"] == "department/leader"
    site = limits(SITE, "--category", "site-safety")
    assert site["decide"]["owner"] == site["inspect"]["owner"] == "supervisors"
    assert site["extension"]["due"] == "2026-10-02T16:00:00+08:00"


def test_what_binds_climbs_rung_by_rung_to_people_and_what_does_not_lapses() -> None:
    held = limits(HOSPITAL, "--category", "clinical-systems")
    resolve = {rung["at"]: (rung["action"], rung["people"]) for rung in held["resolve"]["ladder"]}
    assert resolve["50%"] == ("remind", ["information-officer-1", "information-officer-2"])
    assert resolve["100%"] == ("breach", ["information-head"])
    assert resolve["+3wd"] == ("escalate", ["president"])
    assert len(resolve["+5wd"][1]) == 5
    assert [rung["action"] for rung in held["silence"]["ladder"]] == ["lapse"]
    for one in held.values():
        assert one["intervals"][0]["begin"][:16] == BEFORE_THE_HOLIDAY
        assert one["intervals"][-1]["end"] == one["due"]


def test_praise_is_dispatched_and_owes_nothing_more() -> None:
    assert set(limits(COUNTY, "--kind", "praise")) == {"dispatch"}


def test_a_person_reads_all_limits_of_a_case_and_each_explained() -> None:
    said = run("due", COUNTY, "--from", BEFORE_THE_HOLIDAY, "--kind", "problem", "--class", "major")
    assert "A case (problem, major) from Wed 2026-09-30T16:00" in said
    assert "extensions: 1" in said
    assert "resolve: 15wd, due Tue 2026-10-27T17:30" in said
    assert said.count("National Day") > 5


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--limit", "5wd", "--kind", "problem"),
        ("--limit", "5wd", "--department", "nowhere"),
        ("--category", "nothing"),
        ("--kind", "wish"),
        ("--class", "small"),
    ],
)
def test_what_is_neither_one_limit_nor_a_sort_of_case_is_a_wrong_command(words: tuple[str, ...]) -> None:
    run("due", COUNTY, "--from", BEFORE_THE_HOLIDAY, *words, code=2)


def test_a_file_in_order_passes_and_one_that_is_not_fails_with_line_and_remedy(tmp_path: Path) -> None:
    assert "in order" in run("check", COUNTY)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        SAMPLE_ORGANISATION.read_text("utf-8").replace("to: principal", "to: principle", 1), "utf-8"
    )
    said = run("check", str(wrong), code=1)
    assert "'principle' is no post. Did you mean `principal`?" in said
    (fault,) = json.loads(run("check", str(wrong), "--json", code=1))["faults"]
    assert "to: principle" in wrong.read_text("utf-8").splitlines()[fault["line"] - 1]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "can't be read" in run("check", str(tmp_path / "none.yaml"), code=1)
