"""docker-compose.yml holds together, and keeps what a cluster on one machine must keep."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services import http
from shared.bus.kafka import Cluster
from shared.settings import Settings
from tests.composed import HOME, OURS, compose

FILE = compose()
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ONE_SHOT = {"topics", "acls"}
every_service = pytest.mark.parametrize("name", SERVICES)
ours = pytest.mark.parametrize("name", OURS)


def mounts(name: str) -> list[list[str]]:
    """What it mounts, each as source, target and how."""
    return [one.split(":") for one in SERVICES[name].get("volumes", [])]


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text[:-1])


@every_service
def test_what_it_refers_to_is_there(name: str) -> None:
    one = SERVICES[name]
    for source, *_ in mounts(name):
        assert (HOME / source).exists() if source.startswith(".") else source in FILE["volumes"], source
    for each in one.get("secrets", []):
        assert (each if isinstance(each, str) else each["source"]) in FILE["secrets"]
    assert set(one.get("networks", [])) <= set(FILE["networks"])
    waits = one.get("depends_on", {})
    for other, how in waits.items() if isinstance(waits, dict) else ((each, {}) for each in waits):
        if how.get("condition") == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        if how.get("condition") == "service_completed_successfully":
            assert other in ONE_SHOT


@every_service
def test_its_image_is_of_one_version_and_named_without_a_host(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)
    assert "." not in image.split("/")[0]


@every_service
def test_it_is_reached_from_this_machine_alone_and_comes_up_again(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert SERVICES[name]["restart"] == ("on-failure" if name in ONE_SHOT else "unless-stopped")


def test_servers_are_reached_by_their_services_alone() -> None:
    assert FILE["networks"]["stores"] == {"internal": True}
    assert all(SERVICES[name]["networks"] == ["stores"] for name in ("kafka", "mongo"))
    beside = {name for name, one in SERVICES.items() if "stores" in one.get("networks", [])}
    assert beside == {"kafka", "mongo", "acls", "topics", *OURS}


@ours
def test_a_service_is_nobody_special_and_writes_only_what_is_its_own(name: str) -> None:
    one = SERVICES[name]
    assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
    assert one["security_opt"] == ["no-new-privileges:true"]
    written = {source for source, _, *how in mounts(name) if how != ["ro"]}
    assert written == ({"audit", "keys"} if name == "audit" else {"keys"})


@ours
def test_it_has_time_to_finish_what_is_under_way(name: str) -> None:
    assert seconds(SERVICES[name]["stop_grace_period"]) > http.DRAIN_SECONDS + http._REQUESTS_SECONDS


@ours
def test_every_setting_is_one_and_no_password_stands_in_the_file(name: str) -> None:
    told = SERVICES[name]["environment"]
    known = {f"THROUGHLINE_{field.upper()}" for field in Settings.model_fields}
    assert {key for key in told if key.startswith("THROUGHLINE_")} <= known
    assert all(isinstance(value, str) for value in told.values())  # YAML's own ideas of numbers and truth
    files = {one["target"]: one["source"] for one in SERVICES[name]["secrets"]}
    assert files == {"throughline_kafka_password": f"kafka_{name}", "throughline_mongo_url": "mongo_url"}
    assert told["THROUGHLINE_KAFKA_USER"] == name
    assert not [key for key in told if "PASSWORD" in key or "MONGO_URL" in key]


def test_every_secret_is_drawn_once_and_stays(tmp_path: Path) -> None:
    draw = ["sh", str(HOME / "deploy" / "secrets.sh"), str(tmp_path / "secrets")]
    seen = []
    for _ in range(2):
        subprocess.run(draw, check=True)
        seen.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert seen[0] == seen[1]
    assert set(seen[0]) == {Path(one["file"]).name for one in FILE["secrets"].values()}
    drawn = {name: value for name, value in seen[0].items() if name != "mongo_url"}
    assert len(set(drawn.values())) == len(drawn)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in drawn.values())
    user = SERVICES["mongo"]["environment"]["MONGO_INITDB_ROOT_USERNAME"]
    assert seen[0]["mongo_url"].startswith(
        f"mongodb://{user}:{drawn['mongo_password']}@mongo:27017/?replicaSet=rs0"
    )
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_kafka_says_of_itself_where_it_is_found() -> None:
    lines = (HOME / "deploy" / "kafka" / "server.properties").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    servers = SERVICES["intake"]["environment"]["THROUGHLINE_KAFKA_SERVERS"]
    assert told["advertised.listeners"] == f"CLIENTS://{servers}"
    assert any(target == told["log.dirs"] for _, target, *_ in mounts("kafka"))
    assert told["sasl.enabled.mechanisms"] == Settings.model_fields["kafka_mechanism"].default
    assert SERVICES["acls"]["environment"]["KAFKA"] == servers
    assert Cluster(servers).servers == servers


def test_prometheus_asks_each_instance_and_grafana_shows_what_it_says() -> None:
    scraped = yaml.safe_load((HOME / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = scraped["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert (job["job_name"], tuple(found["names"])) == ("throughline", OURS)
    ports = {one["command"][one["command"].index("--port") + 1] for one in (SERVICES[name] for name in OURS)}
    assert ports == {str(found["port"])}
    assert (HOME / "deploy/prometheus" / scraped["rule_files"][0]).exists()

    grafana = HOME / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((grafana / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert "9090" in SERVICES["prometheus"]["ports"][0]
    (shown,) = yaml.safe_load((grafana / "dashboards/throughline.yml").read_text())["providers"]
    assert [f"{shown['options']['path']}/throughline.json"] == [
        target for source, target, *_ in mounts("grafana") if source.endswith(".json")
    ]
