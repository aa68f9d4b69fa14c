"""Words as facts look at them: folded, without greeting and signature, as terms and as shingles. Pure.

Chinese has no spaces, so its terms are pairs of neighbouring characters; of other scripts, words.
"""

from __future__ import annotations

import re
from functools import cache

from services.audit.facts.lexicon import lexicon
from shared.events.facts import LengthClass
from shared.folding import fold

MOST_READ = 8_000
"""Characters of a text that are looked at: what follows is counted as long, and not read."""
_EDGE = 240
"""Characters at either end in which a greeting or a signature is looked for."""
_FORMULAS = 4
"""So many of them may follow one another."""
SHINGLE_SIGNS, SHINGLE_WORDS = 4, 3

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,:/-]\d+)*", re.UNICODE)
_HAN_RUN = re.compile(rf"[{_HAN}]+")
_STOP_SIGNS = frozenset(
    "的了是在我你您他她它们这那就都也和与及或而但不没有为被把对从到于以之其所个们请吗呢吧啊呀很"
)
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is"
        " it its me my no not of on or our out please she so some than that the their them there they this to up us"
        " very was we were what when where which who will with would you your am about after all any because before",
    )
)


def folded(text: str) -> str:
    """The form in which words are compared."""
    return fold(text[:MOST_READ])


def said(text: str) -> str:
    """The folded words themselves, without greeting at their beginning and thanks or signature at their end."""
    edges = lexicon("edges")
    text = folded(text).strip()
    for _ in range(_FORMULAS):
        if found := edges["greeting"].match(text, 0, _EDGE):
            text = text[found.end() :].lstrip()
        if found := _closing().search(text, max(0, len(text) - _EDGE)):
            text = text[: found.start()].rstrip()
    return text


@cache
def _closing() -> re.Pattern[str]:
    return re.compile(rf"(?:{lexicon('edges')['closing'].pattern})$", re.DOTALL)


def signs(text: str) -> int:
    """How long a text is to read: a Chinese character is one sign, a word or number of other scripts two."""
    return sum(len(run) if _HAN_RUN.match(run) else 2 for run in _RUN.findall(text))


def length(text: str) -> LengthClass:
    """The length class of what is said."""
    count = signs(text)
    for most, name in _CLASSES:
        if count <= most:
            return name
    return "long"


_CLASSES: tuple[tuple[int, LengthClass], ...] = ((0, "none"), (20, "phrase"), (80, "short"), (400, "usual"))


def terms(text: str) -> dict[str, int]:
    """What a folded text speaks of, with how often: pairs of Chinese characters, words of other scripts."""
    found: dict[str, int] = {}
    for run in _RUN.findall(text):
        if _HAN_RUN.match(run):
            parts = [run[at : at + 2] for at in range(len(run) - 1)]
            parts = [one for one in parts if not _STOP_SIGNS.intersection(one)]
        else:
            parts = [] if run in _STOP_WORDS or len(run) < 2 or run.isdigit() else [run]
        for one in parts:
            found[one] = found.get(one, 0) + 1
    return found


def shingles(text: str) -> set[str]:
    """The stretches by which a copy is known: of four Chinese characters, of three words of other scripts."""
    found: set[str] = set()
    words: list[str] = []
    for run in [*_RUN.findall(text), "一"]:
        if not _HAN_RUN.match(run):
            words.append(run)
            continue
        if len(words) >= SHINGLE_WORDS:
            found.update(
                " ".join(words[at : at + SHINGLE_WORDS]) for at in range(len(words) - SHINGLE_WORDS + 1)
            )
        words = []
        found.update(run[at : at + SHINGLE_SIGNS] for at in range(len(run) - SHINGLE_SIGNS + 1))
    return found
