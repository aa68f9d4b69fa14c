"""In which language somebody writes, where they don't say."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from shared.folding import fold

Language = Literal["zh-Hant", "zh-Hans", "en"]

_READ = 400
"""Characters looked at: enough to tell."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ASCII_AS_ONE_CHINESE = 8
"""So many weigh as much as one Chinese character, so that a name or a link does not decide."""


@cache
def _telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters of the traditional script alone, and of the simplified script alone.

    What both scripts write (里, 后, 台) tells nothing: the national character sets say which those are.
    """
    characters = "".join(map(chr, range(0x4E00, 0xA000)))
    pairs = [(one, other) for one, other in zip(characters, fold(characters), strict=True) if one != other]
    traditional = frozenset(one for one, _ in pairs if not one.encode("gb2312", "ignore"))
    simplified = frozenset(other for _, other in pairs if not other.encode("big5", "ignore"))
    return traditional, simplified


def detect(text: str) -> Language:
    """zh-Hant, zh-Hans or en, by the characters used. Chinese without a telling character is zh-Hans."""
    text = text[:_READ]
    ascii_characters = len(text.encode("ascii", "ignore"))
    others = len(text) - ascii_characters
    if others * _ASCII_AS_ONE_CHINESE < ascii_characters or not _CHINESE.search(text):
        return "en"
    traditional, simplified = _telling()
    telling = sum(map(traditional.__contains__, text)) - sum(map(simplified.__contains__, text))
    return "zh-Hant" if telling > 0 else "zh-Hans"
