"""The models in the place of MongoDB and Kafka, beneath the real store and the real bus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from shared.bus.kafka import bus, group, sender, tap
from shared.store.mongo import store
from tests.simulation.kafka import BROKER, Broker
from tests.simulation.kafka_clients import ModelConsumer, ModelFastStream, ModelProducer, NoInlet, ensured
from tests.simulation.mongo import SERVER, Server
from tests.simulation.mongo_client import ModelConnection


@contextmanager
def beneath(mongo: Server, kafka: Broker) -> Iterator[None]:
    """While this lasts, whoever connects comes to these."""
    server, broker = SERVER.set(mongo), BROKER.set(kafka)
    with ExitStack() as stack:
        for where, name, what in (
            (store, "connect", ModelConnection),
            (bus, "KafkaBroker", ModelFastStream),
            (bus, "KafkaInlet", NoInlet),
            (bus, "ensure", ensured),
            (group, "AIOKafkaConsumer", ModelConsumer),
            (tap, "AIOKafkaConsumer", ModelConsumer),
            (sender, "AIOKafkaProducer", ModelProducer),
        ):
            stack.enter_context(patch.object(where, name, what))
        try:
            yield
        finally:
            SERVER.reset(server)
            BROKER.reset(broker)
