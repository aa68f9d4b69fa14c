"""What travels between services, as AsyncAPI 3.0: made from the event types and from what each front door states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.events import REGISTRY, TOPICS, Event
from shared.service import Service

Json = dict[str, Any]
INBOUND = "inbound"
POSTED = "inbound.posted"
_REF = "#/components/schemas/{model}"
_MEDIA = "application/cloudevents+json"
_ATTRIBUTES: Json = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "description": "`<aggregate id>/<sequence>`"},
    "source": {"type": "string", "description": "The service that emits it, `/intake`"},
    "subject": {"type": "string", "description": "The aggregate's id"},
    "sequence": {"type": "string", "pattern": "^[0-9]{10}$", "description": "Counts the aggregate's events"},
    "time": {"type": "string", "format": "date-time"},
    "causationid": {"type": "string", "description": "The input that it answers"},
    "partitionkey": {"type": "string", "description": "The record's key"},
    "nonce": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "datacontenttype": {"const": "application/json"},
}
"""DESIGN.md section 4. An event's bytes are its CloudEvent in structured mode, in canonical JSON."""


def document(services: Sequence[Service], prefix: str = "") -> Json:
    """What these services send and receive; `prefix` begins the topics' names."""
    flows = [flow for service in services for flow in _flows(service)]
    events = {kind: REGISTRY[kind] for _, _, kinds in flows for kind in kinds if kind in REGISTRY}
    posted = [service.inlet.says for service in services if service.inlet is not None]
    schemas, messages = _components(events, posted)
    topics = sorted({topic for _, topic, _ in flows})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Throughline: " + ", ".join(service.name for service in services),
            "version": "0.1.0",
            "description": "Content never travels here but on `inbound`: events hold references and commitments.",
        },
        "defaultContentType": _MEDIA,
        "channels": {topic: _channel(topic, prefix, flows) for topic in topics},
        "operations": {
            f"{name}.{topic}": _operation(name, topic, kinds) for name, topic, kinds in flows if kinds
        },
        "components": {"messages": messages, "schemas": schemas},
    }


Flow = tuple[str, str, tuple[str, ...]]
"""`<service>.<send or receive>`, topic, types."""


def _flows(service: Service) -> Iterable[Flow]:
    for topic in service.publishes:
        yield f"{service.name}.send", topic, _of(topic)
    heard: dict[str, set[str]] = {}
    for subscription in service.subscriptions:
        for topic in subscription.topics:
            heard.setdefault(topic, set()).update(subscription.types & set(_of(topic)))
    if service.tap is not None:
        heard = {topic: set(_of(topic)) for topic in TOPICS}
    for topic, kinds in heard.items():
        yield f"{service.name}.receive", topic, tuple(sorted(kinds))
    if service.inlet is not None:
        yield f"{service.name}.receive", INBOUND, (POSTED,)


def _of(topic: str) -> tuple[str, ...]:
    return tuple(sorted(kind for kind, model in REGISTRY.items() if topic == model.TOPIC))


def _channel(topic: str, prefix: str, flows: Iterable[Flow]) -> Json:
    kinds = sorted({kind for _, at, kinds in flows if at == topic for kind in kinds})
    return {
        "address": prefix + topic,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
    }


def _operation(name: str, topic: str, kinds: Iterable[str]) -> Json:
    return {
        "action": name.rpartition(".")[2],
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{kind}"} for kind in kinds],
    }


def _components(events: Mapping[str, type[Event]], posted: Sequence[type[BaseModel]]) -> tuple[Json, Json]:
    models = [(model, "serialization") for model in events.values()] + [(one, "validation") for one in posted]
    places, whole = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    messages = {
        kind: _message(
            kind, model.__doc__, {**_ATTRIBUTES, "type": {"const": kind}}, places[model, "serialization"]
        )
        for kind, model in sorted(events.items())
    }
    for one in posted:
        attributes = {name: {"type": "string"} for name in ("specversion", "id", "source", "type")}
        messages[POSTED] = _message(POSTED, one.__doc__, attributes, places[one, "validation"])
    return whole.get("$defs", {}), messages


def _message(kind: str, summary: str | None, attributes: Json, data: Json) -> Json:
    return {
        "name": kind,
        "summary": (summary or kind).strip().partition("\n")[0],
        "contentType": _MEDIA,
        "payload": {
            "type": "object",
            "required": sorted([*attributes, "data"]),
            "properties": {**attributes, "data": data},
        },
        "bindings": {"kafka": {"key": {"type": "string"}}},
    }
