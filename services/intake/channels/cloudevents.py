"""What front-ends post straight to Kafka: CloudEvents 1.0, structured or binary (the Kafka protocol binding).

Nobody is there to be told that something can't be read: it is kept as it came, and a person looks.
"""

from __future__ import annotations

import structlog
from pydantic import ValidationError

from services.intake.channels.web import BODY, NotReadable, incoming, split
from services.intake.receiving import Incoming
from shared.bus import Posted
from shared.content.words import MessageWords

log = structlog.get_logger()

ENDPOINT = "inbound"
_STRUCTURED = "application/cloudevents+json"


def read(posted: Posted) -> tuple[Incoming, str | None]:
    """What came, and to what it is a reply; in quarantine where it is no message."""
    try:
        raw, own_key = _event(posted)
        body = BODY.validate_json(raw)
    except (NotReadable, ValidationError) as error:
        log.warning("intake.inbound_not_read", where=posted.where, error=type(error).__name__)
        return unreadable(posted), None
    return incoming(body, own_key=own_key, endpoint=ENDPOINT), body.in_reply_to


def unreadable(posted: Posted) -> Incoming:
    """As it came, for a person. Its place is its key: taken twice, it is one."""
    return Incoming(
        channel="web",
        endpoint=ENDPOINT,
        words=MessageWords(),
        own_key=f"{ENDPOINT}\x1f{posted.where}",
        raw=posted.value,
        acknowledge=False,
        quarantine="unreadable",
    )


def _event(posted: Posted) -> tuple[bytes, str | None]:
    """The data, and source and id, which together are unique. Raises NotReadable."""
    headers = {name.replace("ce_", "ce-", 1): value for name, value in posted.headers.items()}
    media = headers.get("content-type", "")
    structured = media.partition(";")[0].strip().lower() == _STRUCTURED
    if not structured and not {"ce-id", "ce-source"} <= headers.keys():
        raise NotReadable("cloudevent", "it is no CloudEvent, neither structured nor binary")
    ((one, own_key),), _ = split(posted.value, media if structured else "application/json", headers)
    return one, own_key
