"""The models are what they say: the ports' contract suites ask them what they ask the adapters."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from tests.contract import (
    test_bus,
    test_content,
    test_held_back,
    test_registers,
    test_store,
    test_store_unpublished,
)
from tests.simulation.contract import LEFT_OUT

SUITES = (test_bus, test_content, test_held_back, test_registers, test_store, test_store_unpublished)
OF_EACH_ADAPTER = {"bus", "opened", "place", "stores", "url"}
"""The suites' fixtures that have models among their parameters."""


def test_what_no_model_is_asked_is_listed_with_its_reason() -> None:
    tests = {
        name: inspect.signature(inspect.unwrap(test)).parameters
        for suite in SUITES
        for name, test in vars(suite).items()
        if name.startswith("test_")
    }
    assert {name for name, asks in tests.items() if not OF_EACH_ADAPTER & asks.keys()} == LEFT_OUT.keys()


@pytest.mark.parametrize(
    ("suite", "fixture"),
    [(suite, name) for suite in SUITES for name in sorted(OF_EACH_ADAPTER) if hasattr(suite, name)],
)
def test_every_fixture_of_each_adapter_opens_a_model(suite: ModuleType, fixture: str) -> None:
    assert "model of " in inspect.getsource(inspect.unwrap(getattr(suite, fixture)))
