"""`throughline check`: what the checks are, and what they find in a log; the same bytes on another machine."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785
from typer.testing import CliRunner

from services.audit.checking import Asked, run_over
from services.audit.checking.outcome import Outcome
from services.audit.checking.run import A_PART
from services.audit.checks import CHECKS
from services.audit.checks.running import Tuned, as_they_are
from services.audit.checks.tuning import TuningWrong, tuned
from services.audit.log import leaf_hash, tree_root
from services.cli import app
from shared.events.cases import CaseAccepted, CaseAssigned
from shared.events.trail import TrailTicked
from tests.unit.check_samples import SAMPLES, Assignments, Broken, Few, Late
from tests.unit.small_organisation import GOOD
from tests.unit.trail_samples import ARRIVAL, DAY, Life, a_trail, take

RUN = CliRunner()


def life() -> Life:
    """Forty cases; every fifth goes on to another department, two have a hole, time passes."""
    life = Life()
    for number in range(40):
        life.case(number, "roads" if number % 3 else "housing")
        if number % 5 == 0:
            life.later(DAY / 4).emit(f"case_{number}", CaseAssigned(department="water", by="transfer"))
        if number % 7 == 0:
            life.emit(f"case_{number}", CaseAccepted())
    life.records = [one for one in life.records if one.id not in {"case_5/2", "case_9/1"}]
    return life.later(9 * DAY).emit("tick_1", TrailTicked())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's directory, as far as checks read it."""
    directory = tmp_path_factory.mktemp("checked") / "data"

    async def make() -> None:
        async with a_trail(directory) as trail:
            await take(trail, life().records)

    asyncio.run(make())
    return directory


def over(
    data: Path, checks: list[Tuned] | None = None, *, size: int | None = None, part: int = A_PART
) -> Outcome:
    asked = Asked(checks or as_they_are(SAMPLES))
    return run_over(data / "audit" / "log", asked, jobs=1, size=size, part=part)


def test_it_lists_every_check_with_its_doc_and_parameters() -> None:
    said = RUN.invoke(app, ["check", "list"])
    assert said.exit_code == 0
    listed = json.loads(RUN.invoke(app, ["check", "list", "--json"]).stdout)["checks"]
    assert [one["name"] for one in listed] == [check.name for check in CHECKS]
    for check, one in zip(CHECKS, listed, strict=True):
        assert check.name in said.stdout
        assert one["doc"]
        assert one["parameters"] == check.parameters().model_dump(mode="json")


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_for() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert (type(check).__doc__ or "").strip(), check.name
        assert check.reads, check.name


def test_another_machine_computes_the_same_bytes(data: Path, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    shutil.copytree(data / "audit" / "log", there / "copy")
    here = RUN.invoke(app, ["check", "run", "--data", str(data), "--json", "--jobs", "1"])
    assert here.exit_code == 0
    for seed in ("1", "4711"):
        out = there / f"{seed}.json"
        command = ["check", "run", "--log", "copy", "--json", "--out", str(out)]
        subprocess.run(
            [sys.executable, "-c", "from services.cli import main; main()", *command],
            check=True,
            cwd=there,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]),
            },
        )
        assert out.read_bytes() == here.stdout_bytes
    found = json.loads(here.stdout)
    assert here.stdout_bytes == rfc8785.dumps(found) + b"\n"
    assert {one["check"] for one in found["findings"]} >= {"hole"}


@pytest.mark.parametrize("part", [1, 7, 40, 10_000])
def test_how_the_log_is_parted_changes_nothing(data: Path, part: int) -> None:
    whole = over(data)
    assert over(data, part=part).canonical() == whole.canonical()
    assert {one.check for one in whole.found} == {"assignments", "busy", "late"}


def test_several_processes_find_the_same(data: Path) -> None:
    asked = Asked(as_they_are(SAMPLES))
    found = run_over(data / "audit" / "log", asked, jobs=2, part=60)
    assert found.canonical() == over(data).canonical()


def test_it_names_the_cases_it_rests_on_the_checkpoint_and_how_each_check_was_told(data: Path) -> None:
    outcome = over(data, [Tuned(Late(), Late.parameters(seconds=60))])
    said = json.loads(outcome.canonical())
    cases = sorted(f"case_{number}" for number in range(40))
    root = tree_root(b"".join(leaf_hash(case.encode()) for case in cases)).hex()
    assert said["cases"] == {"count": 40, "root": root}
    assert said["checkpoint"]["size"] == len(life().records)
    (check,) = said["checks"]
    assert (check["name"], check["version"], check["parameters"]) == ("late", 1, {"seconds": 60})
    assert check["digest"] == Late.parameters(seconds=60).digest()
    assert check["found"] == len(said["findings"]) > 0


def test_a_period_has_what_could_be_seen_in_it(data: Path) -> None:
    whole = over(data).found
    middle = ARRIVAL + 2 * DAY
    log = data / "audit" / "log"
    before = run_over(log, Asked(as_they_are(SAMPLES), until=middle), jobs=1).found
    after = run_over(log, Asked(as_they_are(SAMPLES), since=middle), jobs=1).found
    assert [*before, *after] == list(whole)
    assert before
    assert after


def test_the_log_can_be_read_as_it_was(data: Path) -> None:
    half = over(data, size=60)
    assert half.tree.size == 60
    assert len(half.cases) < 40
    with pytest.raises(ValueError, match="not 9999"):
        over(data, size=9999)
    assert over(data, size=0).found == []


def test_a_check_that_fails_is_said_and_the_others_go_on(data: Path) -> None:
    outcome = over(data, as_they_are((Broken(), Assignments())))
    assert len(outcome.failures) == 40
    assert outcome.failures[0].check == "broken"
    assert {one.check for one in outcome.found} == {"assignments"}


def test_findings_can_be_had_as_a_table(data: Path) -> None:
    said = RUN.invoke(app, ["check", "run", "hole", "--data", str(data), "--csv", "--jobs", "1"])
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    assert [(row["check"], row["case"]) for row in rows] == [("hole", "case_5"), ("hole", "case_9")]
    plain = RUN.invoke(app, ["check", "run", "hole", "--data", str(data), "--jobs", "1"])
    assert "2 findings in 40 cases" in plain.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "no check is called nothing"),
        (["--set", "hole"], "CHECK.PARAMETER=VALUE"),
        (["--set", "hoel.most=1"], "Did you mean `hole`?"),
        (["--set", "hole.most=1"], "'most' is no parameter of hole"),
        (["--since", "yesterday"], "is no date"),
        (["--json", "--csv"], "not both"),
    ],
)
def test_what_does_not_fit_is_said_with_a_remedy(data: Path, arguments: list[str], says: str) -> None:
    said = RUN.invoke(app, ["check", "run", *arguments, "--data", str(data)])
    assert said.exit_code == 2
    assert says in said.stderr


def test_where_no_log_is_it_says_so(tmp_path: Path) -> None:
    said = RUN.invoke(app, ["check", "run", "--data", str(tmp_path)])
    assert (said.exit_code, "there is no checkpoint" in said.stderr) == (2, True)


def test_checks_are_told_otherwise_or_not_to_be_asked() -> None:
    told = tuned(SAMPLES, {"assignments": {"most": 3}, "busy": {"off": True}})
    assert [one.check.name for one in told] == ["assignments", "late", "read"]
    assert told[0].parameters == Few(most=3)
    with pytest.raises(TuningWrong) as wrong:
        tuned(SAMPLES, {"assignments": {"most": "many", "least": 1}, "laet": {}, "busy": {"off": "maybe"}})
    assert [one.path for one in wrong.value.misfits] == [
        ("laet",),
        ("assignments", "most"),
        ("assignments", "least"),
        ("busy", "off"),
    ]


def test_the_organisation_file_tells_checks_and_is_told_what_does_not_fit_by_line(tmp_path: Path) -> None:
    file = tmp_path / "org.yaml"
    file.write_text(GOOD + "checks:\n  hole: {off: true}\n")
    assert RUN.invoke(app, ["org", "check", str(file)]).exit_code == 0
    file.write_text(GOOD + "checks:\n  hole: {off: true}\n  lat: {grace: 1}\n")
    said = RUN.invoke(app, ["org", "check", str(file), "--json"])
    assert said.exit_code == 1
    (fault,) = json.loads(said.stdout)["faults"]
    assert (fault["line"], fault["where"]) == (GOOD.count("\n") + 3, "checks.lat")
    assert "no check" in fault["what"]
    assert fault["remedy"]


def test_a_run_with_the_organisations_own_parameters(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "org.yaml"
    file.write_text(GOOD + "checks:\n  hole: {off: true}\n")
    said = RUN.invoke(app, ["check", "run", "--data", str(data), "--org", str(file), "--json", "--jobs", "1"])
    assert "hole" not in {one["name"] for one in json.loads(said.stdout)["checks"]}
