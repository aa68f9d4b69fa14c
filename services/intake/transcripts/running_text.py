"""Turns → what a person reads: captions that roll up said once, words joined as their script wants it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .model import Turn

PARAGRAPH = 400
"""Characters after which a long speech without named speakers gets a new line at the next sentence's end."""

_WIDE = re.compile(
    r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_NO_SPACE_BEFORE = frozenset(",.;:!?%)]}，。；：！？、）】」』…")
_SENTENCE_END = frozenset(".!?。！？…")


def glue(words: Iterable[str]) -> str:
    """Words as text: blanks between, but none before closing punctuation nor inside Chinese or Japanese."""
    parts: list[str] = []
    last = ""
    for word in words:
        if last and not (word[:1] in _NO_SPACE_BEFORE or (_WIDE.match(last) and _WIDE.match(word))):
            parts.append(" ")
        parts.append(word)
        last = word[-1:] or last
    return "".join(parts)


def unrolled(turns: list[Turn]) -> tuple[list[Turn], bool]:
    """Captions with what the one before already showed taken out, and whether there was any.

    Live and YouTube captions show a line again above the next one. A whole caption said twice is dropped only
    if it is shown at the same time or is long: people do say "no. no."
    """
    kept: list[Turn] = []
    rolled = False
    shown: list[str] = []
    for turn in turns:
        lines = turn.text.split("\n")
        before = kept[-1] if kept else None
        repeated = _repeated(shown, lines) if before and before.speaker == turn.speaker else 0
        if repeated == len(lines) and not (before and _sure_repeat(before, turn)):
            repeated = 0
        rolled = rolled or repeated > 0
        shown = lines
        if new := "\n".join(lines[repeated:]):
            kept.append(Turn(turn.speaker, turn.start_ms, turn.end_ms, new))
    return kept, rolled


def running_text(turns: Iterable[Turn]) -> str:
    """The whole as text: `Speaker: …` a line where speakers are known, otherwise flowing, in paragraphs."""
    lines: list[str] = []
    speaker: str | None = None
    said: list[str] = []
    length = 0
    for turn in turns:
        long_enough = length > PARAGRAPH and said[-1][-1:] in _SENTENCE_END
        if said and (turn.speaker != speaker or (long_enough and speaker is None)):
            lines.append(_line(speaker, said))
            said, length = [], 0
        speaker = turn.speaker
        said += turn.text.split("\n")
        length += len(turn.text)
    if said:
        lines.append(_line(speaker, said))
    return "\n".join(lines)


def _line(speaker: str | None, said: list[str]) -> str:
    # Captions, unlike words, keep a blank between them in every script: it is where the speaker paused.
    text = " ".join(said)
    return f"{speaker}: {text}" if speaker else text


def _repeated(shown: list[str], lines: list[str]) -> int:
    """How many of the first lines are the last of what was shown; a screen shows four at most."""
    for count in range(min(len(shown), len(lines), 4), 0, -1):
        if shown[-count:] == lines[:count]:
            return count
    return 0


def _sure_repeat(before: Turn, turn: Turn) -> bool:
    overlaps = before.end_ms is not None and turn.start_ms is not None and turn.start_ms < before.end_ms
    long = len(turn.text.split()) >= 3 or len(_WIDE.findall(turn.text)) >= 6
    adjoins = before.end_ms is not None and turn.start_ms is not None and turn.start_ms <= before.end_ms + 100
    return overlaps or (long and adjoins)
