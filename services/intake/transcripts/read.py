"""Any bytes → a transcript, or a refusal that says why and what to do."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from services.intake.text_encoding import decode

from .cues import looks_like_cues, read_sbv, read_srt, read_tsv, read_webvtt
from .json_shapes import read_json
from .model import MAX_BYTES, MAX_TURNS, Heard, Transcript, TranscriptRefused, Turn
from .running_text import running_text, unrolled

_CUES = {"webvtt": read_webvtt, "srt": read_srt, "sbv": read_sbv, "tsv": read_tsv}
_BY_TYPE = {"text/vtt": "webvtt", "application/x-subrip": "srt", "text/srt": "srt"}
_BY_SUFFIX = {"vtt": "webvtt", "srt": "srt"}
_FORMATS = (
    "WebVTT, SRT, SBV, TSV or the JSON of Whisper, Amazon Transcribe, Deepgram, AssemblyAI, Google STT, "
    "Speechmatics or Kaldi"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}\Z")
# OpenAI's API names the language in English where everybody else gives its code.
_LANGUAGE_NAMES = {"english": "en", "chinese": "zh", "cantonese": "yue", "japanese": "ja", "korean": "ko"}
_LANGUAGE_NAMES |= {"french": "fr", "german": "de", "spanish": "es", "russian": "ru", "portuguese": "pt"}


def read_transcript(raw: bytes, content_type: str | None = None, filename: str | None = None) -> Transcript:
    """What was said in a call.

    The bytes themselves decide what they are; `content_type` and `filename` only settle what they leave open.
    Raises `TranscriptRefused`, and nothing else, when there is no word to take: `empty`, `no_words`,
    `not_a_transcript`, `json_broken`, `too_large`, `too_many_turns`, `too_many_words`.
    """
    if len(raw) > MAX_BYTES:
        raise TranscriptRefused(
            "too_large",
            f"The transcript has {len(raw):,} bytes, more than {MAX_BYTES:,}.",
            "Split it into one file a call and send each.",
        )
    decoded = decode(raw)
    text = decoded.text.removeprefix("\ufeff")
    if not text.strip("\x00 \t\r\n\v\f"):
        raise TranscriptRefused(
            "empty", "The transcript is empty.", "Check the export and send the file again."
        )
    heard = _heard(text, content_type, filename)
    damage = {"bytes_unreadable"} if decoded.damaged else set()
    return _transcript(heard, damage)


def _heard(text: str, content_type: str | None, filename: str | None) -> Heard:
    broken = None
    if text.lstrip()[:1] in ("{", "["):
        try:
            heard = read_json(_json(text))
        except TranscriptRefused as refusal:
            broken, heard = refusal, None
        if heard:
            return heard
    cues = looks_like_cues(text)
    if cues == "webvtt" and not text.lstrip().startswith("WEBVTT"):
        cues = _stated(content_type, filename) or cues
    if cues:
        return _CUES[cues](text)
    raise broken or TranscriptRefused(
        "not_a_transcript",
        "This is not a transcript: it has neither cue times nor the shape of a known service's JSON.",
        f"Send {_FORMATS}; plain text belongs to POST /v1/messages.",
    )


def _stated(content_type: str | None, filename: str | None) -> str | None:
    by_type = _BY_TYPE.get((content_type or "").split(";", 1)[0].strip().lower())
    return by_type or _BY_SUFFIX.get((filename or "").rpartition(".")[2].lower())


def _json(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        where = "by a number or a nesting beyond any transcript's"
    raise TranscriptRefused(
        "json_broken",
        f"The JSON is broken {where}.",
        "The export was probably cut off: fetch it from the speech service again.",
    )


def _transcript(heard: Heard, damage: set[str]) -> Transcript:
    if len(heard.turns) > MAX_TURNS:
        raise TranscriptRefused(
            "too_many_turns",
            f"The transcript has {len(heard.turns):,} turns, more than {MAX_TURNS:,}.",
            "Split it into one file a call and send each.",
        )
    turns = [turn for turn in heard.turns if turn.text]
    rolled = False
    if heard.format in _CUES:
        turns, rolled = unrolled(turns)
    if not any(character.isalnum() for turn in turns for character in turn.text):
        raise _no_words(heard)
    defects = heard.defects | damage | ({"rolled_up"} if rolled else set()) | _time_defects(turns)
    ends = [turn.end_ms for turn in turns if turn.end_ms is not None]
    return Transcript(
        format=heard.format,
        turns=tuple(turns),
        text=running_text(turns),
        language=_language(heard.language),
        duration_ms=heard.duration_ms if heard.duration_ms is not None else max(ends, default=None),
        defects=tuple(sorted(defects)),
    )


def _no_words(heard: Heard) -> TranscriptRefused:
    if heard.format == "kaldi-segmentation":
        message = "This file says who spoke when, but not what was said."
        return TranscriptRefused("no_words", message, "Send the transcript that holds the words.")
    return TranscriptRefused(
        "no_words",
        f"There is no word in this {heard.format} transcript, only silence, punctuation or a header.",
        "If something was said in the call, transcribe the recording again and send the result.",
    )


def _time_defects(turns: list[Turn]) -> set[str]:
    starts = [turn.start_ms for turn in turns if turn.start_ms is not None]
    backwards = any(earlier > later for earlier, later in pairwise(starts))
    negative = any(
        turn.start_ms is not None and turn.end_ms is not None and turn.end_ms < turn.start_ms
        for turn in turns
    )
    return ({"times_out_of_order"} if backwards else set()) | ({"end_before_start"} if negative else set())


def _language(stated: str | None) -> str | None:
    code = _LANGUAGE_NAMES.get((stated or "").strip().lower(), (stated or "").strip())
    return code.replace("_", "-") if _LANGUAGE.match(code) else None
