"""One whole installation for all tests that only look at it, or can share it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy import loopback
from tests import servers
from tests.living import Living, living
from tests.simulation.contract import Models, models


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """The installation, with something of everything in it."""
    with living(tmp_path_factory.mktemp("living")) as here:
        here.fill()
        yield here


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Mongo-wire server for all tests that take a database of it each."""
    with servers.shared(loopback.mongo, tmp_path_factory.mktemp("mongo")) as url:
        yield url


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Kafka for all tests that name their topics by a prefix of their own."""
    with servers.shared(loopback.kafka, tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def modelled() -> Iterator[Models]:
    """The test runs on the simulation's models, in the simulation's loop."""
    with models() as made:
        yield made
