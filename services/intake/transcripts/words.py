"""Single words with times → turns as people took them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .markup import plain
from .model import MAX_WORDS, TranscriptRefused, Turn
from .running_text import glue

PAUSE_MS = 1500
"""A silence this long ends a turn even if the same person goes on."""

SENTENCES = 200
"""A turn longer than this, in characters, ends at its next sentence's end."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or, with `is_mark`, a punctuation mark of the word before; times in milliseconds."""

    text: str
    start_ms: int | None
    end_ms: int | None
    speaker: str | None
    is_mark: bool = False


def turns_of_words(words: Iterable[Word]) -> list[Turn]:
    """Turns, ended by another speaker, a pause, or a sentence's end once they are long."""
    turns: list[Turn] = []
    open_: list[Word] = []
    length = 0
    for count, word in enumerate(words):
        if count >= MAX_WORDS:
            raise TranscriptRefused(
                "too_many_words",
                f"The transcript has more than {MAX_WORDS:,} words.",
                "Split it into one file a call and send each.",
            )
        if open_ and not word.is_mark and _ends(open_[-1], word, length):
            turns.append(_turn(open_))
            open_, length = [], 0
        if word.text:
            open_.append(Word(word.text, *_times(word, open_), word.is_mark))
            length += len(word.text)
    return [*turns, _turn(open_)] if open_ else turns


def _times(word: Word, open_: list[Word]) -> tuple[int | None, int | None, str | None]:
    if word.is_mark and open_:
        before = open_[-1]
        return before.start_ms, before.end_ms, before.speaker
    return word.start_ms, word.end_ms, word.speaker


def _ends(before: Word, word: Word, length: int) -> bool:
    if word.speaker != before.speaker:
        return True
    if None not in (before.end_ms, word.start_ms) and word.start_ms - before.end_ms > PAUSE_MS:  # type: ignore[operator]
        return True
    return length > SENTENCES and before.text[-1] in ".!?。！？"


def _turn(words: list[Word]) -> Turn:
    ends = [word.end_ms for word in words if word.end_ms is not None]
    return Turn(
        words[0].speaker, words[0].start_ms, max(ends, default=None), plain(glue(word.text for word in words))
    )
