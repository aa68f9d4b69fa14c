"""Who may do what with which topic follows from what the services say, and is what operators are handed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.access import front_doors, grants
from services.cli import app
from shared.bus.kafka import DEAD, INBOUND, Cluster
from shared.events import TOPICS

SCRIPT = Path(__file__).parent.parent.parent / "deploy" / "kafka" / "acls.sh"


def names(operation: str, *, prefix: str = "", kind: str = "topic") -> dict[str, set[str]]:
    """Who may do it, by user."""
    services = asyncio.run(front_doors())
    found: dict[str, set[str]] = {}
    for one in grants(services, Cluster("", prefix=prefix)):
        if operation in one.operations and one.kind == kind:
            for user in one.users:
                found.setdefault(user, set()).update(one.names)
    return found


def test_a_topic_is_written_by_its_owner_alone() -> None:
    written = names("Write")
    owners = Counter(topic for topics in written.values() for topic in topics if not topic.endswith(DEAD))
    assert set(owners.values()) == {1}
    assert written["intake"] == {"messages", "cases.dead"}
    assert written["audit"] == {"findings", "cases.dead"}


def test_who_answers_a_topics_events_reads_it_and_may_say_what_it_could_not_answer() -> None:
    written, read = names("Write"), names("Read")
    assert read["audit"] == set(TOPICS)  # the trail takes everything, and holds nothing back
    assert INBOUND in read["intake"]
    read["intake"].remove(INBOUND)
    assert names("Delete") == {"intake": {INBOUND}}  # what was let in is gone from Kafka
    read["audit"] = {"cases"}
    for user, topics in read.items():
        assert {topic + DEAD for topic in topics} == {
            topic for topic in written[user] if topic.endswith(DEAD)
        }
    assert names("Read", kind="group") == {user: {user} for user in read} | {
        "intake": {"intake", "intake.inbound"}
    }


def test_all_look_whether_the_topics_are_as_they_must_be_and_nobody_changes_them() -> None:
    every = {INBOUND} | {topic + end for topic in TOPICS for end in ("", DEAD)}
    users = {"intake", "routing", "notify", "audit"}
    assert names("DescribeConfigs") == names("Describe") == dict.fromkeys(users, every)
    for operation in ("Create", "Alter", "AlterConfigs", "All"):
        assert names(operation) == {}


def test_topics_and_groups_are_named_with_the_installations_prefix() -> None:
    assert names("Write", prefix="county.")["audit"] == {"county.findings", "county.cases.dead"}
    assert names("Read", prefix="county.", kind="group")["notify"] == {"county.notify"}


def test_the_script_for_operators_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THROUGHLINE_TOPIC_PREFIX", raising=False)
    said = CliRunner().invoke(app, ["topics", "acl"])
    assert said.output == SCRIPT.read_text(), "write it anew: throughline topics acl > deploy/kafka/acls.sh"


def test_to_create_topics_it_must_be_told_where_kafka_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THROUGHLINE_KAFKA_SERVERS", raising=False)
    said = CliRunner().invoke(app, ["topics", "create"])
    assert (said.exit_code, "THROUGHLINE_KAFKA_SERVERS" in said.output) == (2, True)
