"""One form for the same word: traditional and simplified Chinese, full and half width, capitals and small
letters.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def fold(text: str) -> str:
    """The form in which words are compared; for matching only, never for showing.

    Character by character (OpenCC's traditional-to-simplified table), so that it costs microseconds a message
    and keeps the length of Chinese text.
    """
    return text.translate(_table()).lower()


@cache
def _table() -> dict[int, str]:
    lines = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line)
    table = {ord(traditional): simplified.split(" ")[0] for traditional, simplified in pairs}
    full_width = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    return table | full_width | {0x3000: " "}
