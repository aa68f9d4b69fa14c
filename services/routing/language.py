"""In which language somebody writes, where they don't say."""

from __future__ import annotations

from functools import cache
from typing import Literal

from shared.folding import fold

Language = Literal["zh-Hant", "zh-Hans", "en"]

_READ = 2000
"""Characters looked at: enough to tell."""
_CJK = ("\u4e00", "\u9fff")
_SEVERAL_LATIN_WORDS = 8
"""Latin letters that weigh as much as one Chinese character, so that a name or a link does not decide."""
_SIMPLIFIED_ONLY = frozenset(
    "个们这来时说国过对发会学电话请问应该无为么样让还没动种业东车门马鸟见长间问题关开给经济现实办处单议证费区"
    "厂价买卖难设备热气层楼户农民权务员组织构认识读书写讲课闻听声医药场坏块压岁币带师帮干归当录忆态总恶惊战报护"
)


@cache
def _traditional_only(character: str) -> bool:
    return fold(character) != character


def detect(text: str) -> Language:
    """zh-Hant, zh-Hans or en, by the characters used. Chinese without a telling character is zh-Hans."""
    chinese = latin = traditional = simplified = 0
    for character in text[:_READ]:
        if _CJK[0] <= character <= _CJK[1]:
            chinese += 1
            if character in _SIMPLIFIED_ONLY:
                simplified += 1
            elif _traditional_only(character):
                traditional += 1
        elif character.isascii() and character.isalpha():
            latin += 1
    if chinese * _SEVERAL_LATIN_WORDS < latin or not chinese:
        return "en"
    return "zh-Hant" if traditional > simplified else "zh-Hans"
