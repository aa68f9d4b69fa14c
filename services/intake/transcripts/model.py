"""What a transcript is once it has been read, and what it means that one is refused."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BYTES = 16 * 1024 * 1024
"""A day of talk in the wordiest JSON is about 10 MB."""

MAX_TURNS = 50_000
"""Cues, segments or turns in one transcript; ten hours of captions have about 20,000."""

MAX_WORDS = 500_000
"""Words with their own times in one transcript."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said in one go: plain text, who said it if known, from when to when in milliseconds."""

    speaker: str | None
    start_ms: int | None
    end_ms: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """One call as it was said.

    `format` names what was read (`webvtt`, `srt`, `whisper` …), `language` is a BCP 47 tag if the file states
    one, `defects` are codes of what was wrong with the file though its words could be read, `text` is the
    whole as running text for reading and search: plain, never HTML; whoever shows it escapes it.
    """

    format: str
    turns: tuple[Turn, ...]
    text: str
    language: str | None
    duration_ms: int | None
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one format's reader found, before anything common is done to it."""

    format: str
    turns: list[Turn]
    language: str | None = None
    duration_ms: int | None = None
    defects: frozenset[str] = frozenset()


class TranscriptRefused(ValueError):
    """There are no words to take from this file. Says why, by code and in words, and what to do about it."""

    def __init__(self, reason_code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.reason_code = reason_code
        self.message = message
        self.remedy = remedy
