"""WebVTT, SRT, SBV and Whisper's TSV → turns.

The libraries read what is well formed. They skip what isn't (a cue with a broken time, a block without one),
and a skipped cue is something a caller said; so they are believed only when they account for every line there
is, and otherwise our own reader takes every word and notes the defect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import srt
from webvtt import WebVTT

from .markup import plain, voices
from .model import MAX_TURNS, Heard, TranscriptRefused, Turn

Block = list[str]
"""Lines that stand together, none of them blank."""

ARROW = "-->"
_CLOCK = r"(?:(\d{1,4})[:.])?(\d{1,2})[:：](\d{1,2})[.,:](\d{1,3})"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?![\d])")
SBV_TIMES = re.compile(rf"\s*{_CLOCK}\s*,\s*{_CLOCK}\s*\Z")
_NOT_SPEECH = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|\Z)")
_LANGUAGE = re.compile(r"Language:\s*([A-Za-z0-9-]{2,35})\s*\Z", re.IGNORECASE)
# The libraries' patterns need time with the square of a run of digits; no time has so many.
_LONG_NUMBER = re.compile(r"\d{12}")


def read_webvtt(text: str) -> Heard:
    """WebVTT (W3C), header optional; `<v Name>` gives the speaker, the header's `Language:` the language."""
    header, blocks = _without_header(list(_blocks(text)))
    language = next((found[1] for line in header if (found := _LANGUAGE.match(line))), None)
    defects = frozenset() if header else frozenset({"header_missing"})
    turns = _by_webvtt_py(blocks)
    if turns is None:
        turns, found_defects = _every_word(blocks, stray_is_identifier=True)
        defects |= found_defects
    return Heard("webvtt", turns, language, None, defects)


def read_srt(text: str) -> Heard:
    """SubRip: number, times, text, blank line."""
    blocks = list(_blocks(text))
    turns, defects = _by_srt(blocks), frozenset[str]()
    if turns is None:
        turns, defects = _every_word(blocks, stray_is_identifier=False)
    return Heard("srt", turns, None, None, defects)


def read_sbv(text: str) -> Heard:
    """YouTube's SBV: `0:00:01.000,0:00:02.000`, text, blank line."""
    lines = (SBV_TIMES.sub(_as_arrow, line) for line in text.split("\n"))
    turns, defects = _every_word(list(_blocks("\n".join(lines))), stray_is_identifier=False)
    return Heard("sbv", turns, None, None, defects)


def read_tsv(text: str) -> Heard:
    """Whisper's TSV: start and end in milliseconds, text."""
    turns, defects = [], set[str]()
    for line in text.split("\n")[1:]:
        if not line.strip():
            continue
        start, end, said = [*line.split("\t", 2), "", ""][:3]
        if not (_is_ms(start) and _is_ms(end)):
            defects.add("time_unreadable")
            turns.append(Turn(None, None, None, plain(line.replace("\t", " "))))
        else:
            turns.append(Turn(None, int(start), int(end), plain(said)))
        _bounded(len(turns))
    return Heard("tsv", turns, None, None, frozenset(defects))


def looks_like_cues(text: str) -> str | None:
    """`webvtt`, `srt`, `sbv` or `tsv` by what stands in the text itself, or None."""
    if text.lstrip().startswith("WEBVTT"):
        return "webvtt"
    if text.startswith("start\tend\ttext"):
        return "tsv"
    if (arrow := text.find(ARROW)) >= 0:
        near = text[max(0, arrow - 40) : arrow + 40]
        return "srt" if re.search(r"\d,\d", near) else "webvtt"
    head = text.lstrip()[:200].split("\n", 1)[0]
    return "sbv" if SBV_TIMES.match(head) else None


def _is_ms(digits: str) -> bool:
    return digits.strip().isascii() and digits.strip().isdigit() and len(digits.strip()) < 12


def _as_arrow(times: re.Match[str]) -> str:
    start, end = times[0].split(",")
    return f"{start} {ARROW} {end}"


def _blocks(text: str) -> Iterator[Block]:
    block: Block = []
    count = 0
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block, count = [], count + 1
            _bounded(count // 2)  # a cue may have a comment beside it
    if block:
        yield block


def _without_header(blocks: list[Block]) -> tuple[Block, list[Block]]:
    """The header's lines, and the blocks that may hold speech: no NOTE, STYLE, REGION or repeated header."""
    header: Block = []
    spoken = []
    for block in blocks:
        if block[0].lstrip("\ufeff").startswith("WEBVTT"):
            cue = next((at for at, line in enumerate(block) if ARROW in line), len(block))
            header += block[:cue]
            rest = block[cue:]
        else:
            rest = [] if _NOT_SPEECH.match(block[0]) else block
        if rest:
            spoken.append(rest)
    return header, spoken


def _by_webvtt_py(blocks: list[Block]) -> list[Turn] | None:
    """webvtt-py's cues if every line of `blocks` is in one of them, else None."""
    text = "WEBVTT\n\n" + "\n\n".join("\n".join(block) for block in blocks)
    cues = _unless_it_fails(lambda: WebVTT.from_string(text).captions, text)
    if cues is None or sum(1 + len(cue.lines) + bool(cue.identifier) for cue in cues) != sum(
        map(len, blocks)
    ):
        return None
    turns: list[Turn] = []
    for cue in cues:
        _add(turns, _ms(cue.start_time.to_tuple()), _ms(cue.end_time.to_tuple()), "\n".join(cue.lines))
    return turns


def _by_srt(blocks: list[Block]) -> list[Turn] | None:
    """srt's subtitles if every line of `blocks` is in one of them, else None."""
    if any(sum(ARROW in line for line in block) != 1 for block in blocks):
        return None  # srt would take a number without times for speech
    text = "\n\n".join("\n".join(block) for block in blocks) + "\n"
    subtitles = _unless_it_fails(lambda: list(srt.parse(text)), text)
    if subtitles is None:
        return None
    lines = sum(2 + len(list(filter(None, subtitle.content.split("\n")))) for subtitle in subtitles)
    if lines != sum(map(len, blocks)) or any(
        subtitle.index is None or subtitle.proprietary for subtitle in subtitles
    ):
        return None
    turns: list[Turn] = []
    for subtitle in subtitles:
        start, end = (int(time.total_seconds() * 1000 + 0.5) for time in (subtitle.start, subtitle.end))
        _add(turns, start, end, subtitle.content)
    return turns


def _unless_it_fails(parse: Callable[[], list[Any]], text: str) -> list[Any] | None:
    if _LONG_NUMBER.search(text):
        return None
    try:
        return parse()
    except Exception:  # whatever a library stumbles over, our own reader still takes the words
        return None


def _every_word(blocks: list[Block], *, stray_is_identifier: bool) -> tuple[list[Turn], frozenset[str]]:
    """Every word in `blocks` as a turn, with its times where they can be read, and the defects met."""
    turns: list[Turn] = []
    defects: set[str] = set()
    for block in blocks:
        arrows = [at for at, line in enumerate(block) if ARROW in line]
        before = block[: arrows[0]] if arrows else block
        if arrows and stray_is_identifier:
            before = before[:-1]
        if stray := "\n".join(line for line in before if not line.isdecimal()):
            defects.add("time_missing")
            _add(turns, None, None, stray)
        for at, until in pairwise([*arrows, len(block)]):
            said = block[at + 1 : until]
            if said and until < len(block) and said[-1].isdecimal():
                said = said[:-1]  # the next cue's number: a blank line is missing
            times = _TIMES.match(block[at])
            if times is None and said:
                defects.add("time_unreadable")
            start, end = (_ms(times.groups()[:4]), _ms(times.groups()[4:])) if times else (None, None)
            _add(turns, start, end, "\n".join(said))
    return turns, frozenset(defects)


def _ms(clock: tuple[str | int | None, ...]) -> int:
    hours, minutes, seconds, fraction = clock
    thousandths = int(str(fraction).ljust(3, "0")) if isinstance(fraction, str) else int(fraction or 0)
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)) * 1000 + thousandths


def _add(turns: list[Turn], start: int | None, end: int | None, cue: str) -> None:
    turns += [Turn(speaker, start, end, text) for speaker, text in voices(cue)]
    _bounded(len(turns))


def _bounded(cues: int) -> None:
    if cues > MAX_TURNS:
        raise TranscriptRefused(
            "too_many_turns",
            f"The transcript has more than {MAX_TURNS:,} cues.",
            "Split it into one file a call and send each.",
        )
