"""The manifests for Kubernetes start what compose starts, select what there is, and ask what is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import ways
from services import http
from shared.rights import rights_of_routes
from shared.settings import Settings
from tests.composed import OURS, compose, composed, environment_of_image, manifests, secrets_template
from tests.installations import in_a_loop
from tests.unit.test_ways import four

ALL = manifests()
OF_A_SITE = {
    "THROUGHLINE_PUBLIC_URL",
    "THROUGHLINE_RELAY",
    "THROUGHLINE_KAFKA_SECURITY",
    "THROUGHLINE_TOPIC_REPLICATION",
}
"""What compose, on one machine, says otherwise."""
WORKLOADS = {
    one["metadata"]["name"]: one for one in ALL if one["kind"] in {"Deployment", "StatefulSet", "Job"}
}
ours = pytest.mark.parametrize("name", OURS)
every_workload = pytest.mark.parametrize("name", WORKLOADS)


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in ALL if one["kind"] == kind}


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKLOADS[name]["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = pod(name)["containers"]
    assert isinstance(found, dict)
    return found


def environment(name: str) -> dict[str, str]:
    """What the process is told."""
    one = container(name)
    told = dict(environment_of_image())
    for source in one["envFrom"]:
        told |= of("ConfigMap")[source["configMapRef"]["name"]]["data"]
    return told | {each["name"]: each["value"] for each in one["env"]}


@every_workload
def test_it_runs_what_compose_runs_in_the_same_environment(name: str) -> None:
    there, one = composed(name), container(name)
    assert one["args"] == list(there.command[1:])  # the image's entrypoint stays
    assert "command" not in one
    assert one["image"] == compose()["services"][name]["image"]
    told = environment(name)
    for key, value in there.environment.items():
        assert told[key] == value or key in OF_A_SITE, key
    known = {f"THROUGHLINE_{field.upper()}" for field in Settings.model_fields}
    assert {key for key in told if key.startswith("THROUGHLINE_")} <= known


@every_workload
def test_what_it_mounts_is_there_and_its_secrets_are_called_as_composes(name: str) -> None:
    volumes = {one["name"]: one for one in pod(name)["volumes"]}
    claimed = {one["metadata"]["name"] for one in WORKLOADS[name]["spec"].get("volumeClaimTemplates", [])}
    assert {one["name"] for one in container(name)["volumeMounts"]} == set(volumes) | claimed
    needed = {one["metadata"]["name"]: set(one["stringData"]) for one in secrets_template()}
    used = {one["secret"]["secretName"] for one in volumes.values() if "secret" in one}
    assert used <= set(needed)
    assert needed[f"throughline-{name}"] == set(composed(name).secrets)


def test_no_secret_has_a_value_and_none_is_applied_by_accident() -> None:
    assert of("Secret") == {}  # of a folder kubectl takes what ends in yaml, and the form does not
    assert {value for one in secrets_template() for value in one["stringData"].values()} == {""}


@ours
def test_every_selector_selects_its_own_pods(name: str) -> None:
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    mine = {"app.kubernetes.io/name": name}
    assert mine.items() <= labels.items()
    assert WORKLOADS[name]["spec"]["selector"]["matchLabels"] == mine
    assert of("Service")[name]["spec"]["selector"] == mine
    assert of("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == mine
    ports = {one["name"] for one in container(name)["ports"]}
    for service in of("Service").values():
        if service["spec"]["selector"] == mine:
            assert {one["targetPort"] for one in service["spec"]["ports"]} <= ports


@ours
def test_a_pod_may_go_without_the_last_of_its_service_going(name: str) -> None:
    spec, budget = WORKLOADS[name]["spec"], of("PodDisruptionBudget")[name]["spec"]
    if name == "audit":  # one writer; a machine can be emptied all the same
        assert (WORKLOADS[name]["kind"], spec["replicas"], budget["maxUnavailable"]) == ("StatefulSet", 1, 1)
        assert spec["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"]
    else:
        assert spec["replicas"] > budget["minAvailable"] == 1
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod(name)["terminationGracePeriodSeconds"] > http.DRAIN_SECONDS + http._REQUESTS_SECONDS


@every_workload
def test_it_is_nobody_special(name: str) -> None:
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["securityContext"].items() >= {"runAsNonRoot": True, "runAsUser": 10001}.items()
    held = container(name)["securityContext"]
    assert held == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = container(name)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@in_a_loop
async def test_what_is_asked_of_a_pod_is_served(tmp_path: Path) -> None:
    async with four(tmp_path) as apps:
        for name in OURS:
            served = {route.partition(" ")[2] for route in rights_of_routes(apps[name])}
            one = container(name)
            ports = {each["name"]: each["containerPort"] for each in one["ports"]}
            asked = {probe: one[probe]["httpGet"] for probe in one if probe.endswith("Probe")}
            assert {probe: get["path"] for probe, get in asked.items()} == {
                "startupProbe": "/healthz",
                "livenessProbe": "/healthz",
                "readinessProbe": "/readyz",
            }
            assert {get["path"] for get in asked.values()} <= served
            assert {ports[get["port"]] for get in asked.values()} == {
                int(one["args"][one["args"].index("--port") + 1])
            }


def test_what_stands_before_the_services_splits_as_they_do() -> None:
    anew = "write it anew: python -m deploy.ways"
    assert ways.MAP.read_text() == ways.nginx(), anew
    assert ways.INGRESS.read_text() == ways.ingress(), anew
    (rule,) = yaml.safe_load(ways.INGRESS.read_text())["spec"]["rules"]
    backends = {one["backend"]["service"]["name"] for one in rule["http"]["paths"]}
    assert backends <= set(of("Service"))
