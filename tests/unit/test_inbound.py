"""What is posted to Kafka is read as CloudEvents, both ways; whatever else stands there is kept for a person."""

from __future__ import annotations

import orjson
import pytest

from services.intake.channels.cloudevents import read
from shared.bus import Posted

LAMP = {"text": "路燈不亮", "sender": {"email": "wang@citizen.example"}}
EVENT = {"specversion": "1.0", "id": "7", "source": "/kiosk", "type": "kiosk.written", "data": LAMP}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}
BINARY = {"ce_specversion": "1.0", "ce_id": "7", "ce_source": "/kiosk", "ce_type": "kiosk.written"}


def posted(value: object, headers: dict[str, str], where: str = "inbound/0/0") -> Posted:
    return Posted(value if isinstance(value, bytes) else orjson.dumps(value), headers, where)


def test_structured_and_binary_are_one_message_by_source_and_id() -> None:
    (one, _), (other, _) = read(posted(EVENT, STRUCTURED)), read(posted(LAMP, BINARY, "inbound/1/5"))
    assert one == other
    assert (one.words.text, one.quarantine, one.endpoint) == ("路燈不亮", None, "inbound")
    assert one.raw is None


def test_another_source_is_another_message() -> None:
    one, _ = read(posted(EVENT, STRUCTURED))
    other, _ = read(posted({**EVENT, "source": "/other"}, STRUCTURED))
    assert one.own_key != other.own_key


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\xff no event", {}),
        (b"", STRUCTURED),
        (LAMP, {"content-type": "application/json"}),
        (LAMP, {"ce_id": "7"}),
        ([EVENT], {"content-type": "application/cloudevents-batch+json"}),
        ({**EVENT, "data": {"text": "  "}}, STRUCTURED),
        ({**EVENT, "data": {**LAMP, "unknown": 1}}, STRUCTURED),
    ],
)
def test_what_is_no_message_is_kept_as_it_came(value: object, headers: dict[str, str]) -> None:
    came = posted(value, headers)
    found, _ = read(came)
    assert (found.quarantine, found.raw) == ("unreadable", came.value)
    assert found.own_key == "inbound\x1finbound/0/0"
