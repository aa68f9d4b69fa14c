"""Every documented operation, asked with what fits and with what does not, answers as it is documented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup

from services.routing.people import People
from shared.rights import GRANTABLE
from shared.rights.gate import CSRF_HEADER
from tests.living import Living

pytestmark = pytest.mark.long

EXAMPLES = 10
"""Requests of one kind for one operation by one asker."""
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MEANT = {
    "positive_data_acceptance": "whether a text is a transcript, or a login an account's, no schema says",
    "use_after_free": "a case that is closed is not gone",
    "ensure_resource_availability": "nothing that is made here has an address of its own",
}
"""Checks that would be wrong here, and why."""

load_all_checks()
CHECKS = [one for one in schemathesis.checks.CHECKS.get_all() if one.__name__ not in MEANT]


@contextmanager
def asking_as(house: Living, who: str) -> Iterator[requests.Session]:
    """A program that asks as nobody, by a session, or by a key that carries everything a key may."""
    with requests.Session() as session:
        session.trust_env = False
        if who == "machine":
            people = People(house.one.house)
            key = house.call(lambda: people.issue_key("fuzz", list(GRANTABLE), "test"))
            session.headers["Authorization"] = f"Bearer {key}"
        elif who != "nobody":
            gate = house.app.state.gate
            begun, token = gate.sessions.issue(house.of_role[who], 1)
            session.cookies.set(gate.cookie, token)
            session.headers[CSRF_HEADER] = gate.sessions.csrf(begun.id)
        yield session


def with_our_credentials(api: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI without its security: who asks is said here, and not made up."""
    api = deepcopy(api)
    for methods in api["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return api


def known(house: Living, path: str) -> dict[str, str]:
    """What really stands there for the gaps of a path."""
    ref = requests.get(f"{house.url}/v1/track/{house.tracking['late']}", timeout=30).json()["ref"]
    real = {"ref": ref, "code": house.tracking["late"], "path": "0/000"}
    return {name: value for name, value in real.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize("who", ["nobody", "officer", "machine"])
def test_every_operation_answers_as_documented(house: Living, who: str) -> None:
    schema = schemathesis.openapi.from_dict(with_our_credentials(house.app.openapi()))
    failures: list[str] = []
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an Err has none, and fails here
        for mode in GenerationMode:
            real = known(house, operation.path)
            for path_parameters in ({}, real) if real else ({},):
                told = ask(house, who, operation, mode, path_parameters)
                if told:
                    failures.append(f"{operation.label} ({mode.value}): {told}")
    assert not failures, "\n".join(failures)


def ask(
    house: Living, who: str, operation: Any, mode: GenerationMode, path_parameters: dict[str, str]
) -> str | None:
    """What the first wrong answer was."""

    with asking_as(house, who) as session:

        def once(case: Any) -> None:
            case.call_and_validate(base_url=house.url, session=session, checks=CHECKS)

        strategy = operation.as_strategy(mode, path_parameters=path_parameters or None)
        asked: Callable[[], None] = BOUNDED(given(case=strategy)(once))
        try:
            asked()
        except Unsatisfiable:  # nothing can be wrong with a request that has no parts
            return None
        except (Exception, FailureGroup) as error:
            return str(error)[:1500]
    return None
