"""The envelope: CloudEvents 1.0 in canonical JSON (DESIGN.md section 4).

A record's value is fixed at emission: it is what travels, what is stored and what the trail hashes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, get_args, get_origin

import orjson
from pydantic import BaseModel, ConfigDict

MAX_EVENT_BYTES = 32 * 1024
TYPE_PREFIX = "throughline."


class EventRefused(ValueError):
    """An event that may not be emitted: too large, or not canonical JSON. Says which and why."""


class Part(BaseModel):
    """Part of an event. Unknown fields are carried, so that a newer writer's words are not lost."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        for one in cls.model_fields.values():
            _refuse_unfit(cls, one.annotation)


class Event(Part):
    """What an event says (its `data`). A subclass names itself: `class X(Event, type="case.opened", topic="cases")`."""

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[str] = ""

    def __init_subclass__(cls, *, type: str = "", topic: str = "", **kwargs: Any) -> None:  # noqa: A002
        super().__init_subclass__(**kwargs)
        if type:
            cls.TYPE = TYPE_PREFIX + type
            cls.TOPIC = topic
            if cls.TYPE in REGISTRY:
                raise TypeError(f"two event types are named {cls.TYPE}")
            REGISTRY[cls.TYPE] = cls


REGISTRY: dict[str, type[Event]] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it travels: its bytes, and the few attributes that routing needs."""

    topic: str
    type: str
    subject: str
    sequence: int
    time: datetime
    causation: str
    key: str
    value: bytes
    _data: list[Event] = field(default_factory=list, compare=False, repr=False)

    @property
    def id(self) -> str:
        """`<aggregate id>/<sequence>`, unique in the installation."""
        return f"{self.subject}/{self.sequence}"

    @property
    def data(self) -> Event:
        """What the event says, as its type's model; an unknown type's as a bare `Event` with extra fields."""
        if not self._data:
            model = REGISTRY.get(self.type, Event)
            self._data.append(model.model_validate(orjson.loads(self.value)["data"]))
        return self._data[0]

    @classmethod
    def read(cls, topic: str, value: bytes) -> Self:
        """Read a record back from its bytes. Raises ValueError where they are no event of ours."""
        try:
            envelope = orjson.loads(value)
            return cls(
                topic=topic,
                type=envelope["type"],
                subject=envelope["subject"],
                sequence=int(envelope["sequence"]),
                time=datetime.fromisoformat(envelope["time"]),
                causation=envelope["causationid"],
                key=envelope["partitionkey"],
                value=value,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an event on topic {topic}: {error!r}") from error

    @classmethod
    def of(cls, entry: bytes) -> Self | None:
        """The event that an entry of the trail is; None where it is none of ours."""
        try:
            return cls.read("", entry)
        except ValueError:
            return None


def timestamp(instant: datetime) -> str:
    """RFC 3339, UTC, milliseconds: the one form of time in an entry."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def canonical(content: object) -> bytes:
    """RFC 8785 bytes of JSON whose keys are ASCII and whose numbers are integers (LIMITS.md)."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def _refuse_unfit(model: type[BaseModel], annotation: object) -> None:
    """Floats and free-keyed objects have no one canonical form here: refused when the type is written."""
    if annotation is float or get_origin(annotation) is dict:
        raise TypeError(
            f"{model.__name__}: an event has no {annotation}: integers (ratios in basis points), and fields with names"
        )
    for part in get_args(annotation):
        _refuse_unfit(model, part)


def emit(
    event: Event,
    *,
    source: str,
    subject: str,
    sequence: int,
    time: datetime,
    causation: str,
    key: str,
    nonce: bytes,
) -> Record:
    """Fix an event's bytes. Raises EventRefused for what DESIGN.md section 4 does not allow."""
    envelope = {
        "causationid": causation,
        "data": event.__pydantic_serializer__.to_python(event, mode="json", exclude_none=True),
        "datacontenttype": "application/json",
        "id": f"{subject}/{sequence}",
        "nonce": nonce.hex(),
        "partitionkey": key,
        "sequence": f"{sequence:010d}",
        "source": source,
        "specversion": "1.0",
        "subject": subject,
        "time": timestamp(time),
        "type": event.TYPE,
    }
    try:
        value = canonical(envelope)
    except TypeError as error:
        raise EventRefused(f"{event.TYPE} of {subject} has no canonical form: {error}") from error
    if len(value) > MAX_EVENT_BYTES:
        raise EventRefused(
            f"{event.TYPE} of {subject} has {len(value)} bytes; an event has at most {MAX_EVENT_BYTES}"
        )
    return Record(event.TOPIC, event.TYPE, subject, sequence, time, causation, key, value, [event])
