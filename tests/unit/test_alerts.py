"""What the alerts and the dashboard ask for is there, what they say is explained, and each is shown to speak."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from shared import metrics

HOME = Path(__file__).parent.parent.parent
FOLDER = HOME / "deploy" / "prometheus"
OPERATIONS = (HOME / "docs" / "operations.md").read_text()


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def exported() -> set[str]:
    """The names under which values are exported."""
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", generate_latest(metrics.REGISTRY).decode(), re.MULTILINE)
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in kinds for part in parts.get(kind, ("",))}


def told() -> set[str]:
    """Of these, the ones that some part of the program gives a value."""
    parts = [path.read_text() for folder in ("services", "shared") for path in (HOME / folder).rglob("*.py")]
    used = {name for part in parts for name in re.findall(r"\bmetrics\.([A-Z_]+)\b", part)}
    families = {family.name for name in used for family in getattr(metrics, name).collect()}
    return {name for name in exported() if re.sub(r"_(total|bucket|sum|count)$", "", name) in families}


def dashboard() -> list[str]:
    read = json.loads((HOME / "deploy" / "grafana" / "throughline.json").read_text())
    return [target["expr"] for panel in read["panels"] for target in panel["targets"]]


@pytest.mark.parametrize(
    "asked", [[rule["expr"] for rule in rules()], dashboard()], ids=["alerts", "dashboard"]
)
def test_every_metric_that_is_asked_for_is_exported_and_told(asked: list[str]) -> None:
    named = {name for expression in asked for name in re.findall(r"\bthroughline_\w+", expression)}
    assert len(named) > 5
    assert named - told() == set()


def test_every_alert_is_shown_to_speak() -> None:
    shown = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    speak = {one["alertname"] for test in shown for one in test["alert_rule_test"] if one.get("exp_alerts")}
    assert speak == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("alert", [rule["alert"] for rule in rules()])
def test_an_alert_has_a_section_that_says_what_it_means_and_what_to_do(alert: str) -> None:
    section = re.search(rf"^### {alert}\n(.+?)(?=^#|\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert section, f"docs/operations.md has no section '### {alert}'"
    assert "**Do:**" in section[1]


def test_no_section_speaks_of_an_alert_that_there_is_not() -> None:
    written = re.findall(r"^### ([A-Z][a-z]+[A-Z]\w+)$", OPERATIONS, re.MULTILINE)
    assert sorted(written) == sorted(rule["alert"] for rule in rules())


def test_what_is_not_known_of_the_store_is_no_number() -> None:
    line = re.search(
        r"^throughline_store_free_bytes (\S+)$", generate_latest(metrics.REGISTRY).decode(), re.MULTILINE
    )
    assert line
    assert line[1] == "NaN" or float(line[1]) > 0  # another test of this process may have looked
