"""The phone channel: a call's transcript, with what the telephone system knows of the call (M01)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.intake.receiving import Incoming
from services.intake.transcripts import Transcript, read_transcript
from shared.content.words import MessageWords, Sender
from shared.events.messages import Kind

_LANGUAGES = {
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-hans": "zh-Hans",
    "zh-cn": "zh-Hans",
}


@dataclass(frozen=True)
class Call:
    """What the telephone system knows of a call."""

    call_id: str | None = None
    caller: str | None = None
    """The number to call back."""
    name: str | None = None
    called_at: datetime | None = None
    language: Literal["zh-Hant", "zh-Hans", "en"] | None = None
    agent: str | None = None
    kind: Kind | None = None


def incoming(
    raw: bytes, content_type: str | None, call: Call, *, endpoint: str, own_key: str | None = None
) -> Incoming:
    """A transcript as what came in. Raises TranscriptRefused where there is no word in it.

    Its key is the call's id, or else what the telephone system gave besides (`own_key`).
    """
    transcript = read_transcript(raw, content_type, None)
    key = call.call_id or own_key
    return Incoming(
        channel="phone",
        endpoint=endpoint,
        words=MessageWords(
            text=transcript.text,
            sender=Sender(name=call.name, phone=call.caller, language=call.language or _language(transcript)),
            details=_details(transcript, call),
        ),
        own_key=f"{endpoint}\x1f{key}" if key else None,
        raw=raw,
        kind=call.kind,
        occurred_at=call.called_at,
        defects=transcript.defects,
    )


def _language(transcript: Transcript) -> str | None:
    """The language the file states, where it is one we answer in; which of two scripts, only where it says so."""
    stated = (transcript.language or "").lower()
    return _LANGUAGES.get(stated) or ("en" if stated.partition("-")[0] in {"en", "english"} else None)


def _details(transcript: Transcript, call: Call) -> dict[str, str]:
    found = {"format": transcript.format, "call_id": call.call_id, "agent": call.agent}
    if transcript.duration_ms is not None:
        found["seconds"] = str(round(transcript.duration_ms / 1000))
    return {name: value for name, value in found.items() if value}
