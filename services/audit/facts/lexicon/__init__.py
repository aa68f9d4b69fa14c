"""The words by which facts are known, a file each: lists of regular expressions, of folded text, by language.

Chinese ones may stand anywhere, those of other scripts begin and end at a word's border.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def lexicon(name: str) -> dict[str, re.Pattern[str]]:
    """The patterns of one file, by their names."""
    tables = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    return {one: _pattern(table["zh"], table["en"]) for one, table in tables.items()}


def _pattern(zh: list[str], en: list[str]) -> re.Pattern[str]:
    return re.compile("|".join([*zh, rf"\b(?:{'|'.join(en)})\b"] if en else zh))
