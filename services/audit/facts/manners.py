"""How clearly a sender complains of the manners they were met with (mechanism M15): sentence by sentence. Pure.

A judgement: what is said outright weighs more, and most where the same sentence speaks of somebody on duty; what is
denied ("not rude", 「態度不差」) does not count.
"""

from __future__ import annotations

import re

from services.audit.facts.lexicon import lexicon

OUTRIGHT, ON_DUTY, HINT = 5_000, 8_500, 3_000
"""What one sentence adds, in basis points: said outright, of somebody on duty; hinted at, of somebody on duty."""

_BEFORE = 40
"""Signs before a phrase in which it may be denied."""
_SENTENCE = re.compile(r"[。!?;\n]+|(?<=[a-z])[.](?=\s)")


def manners(text: str) -> int:
    """How clearly a folded text complains of manners, in basis points; 0 where it does not."""
    left = 10_000
    for sentence in _SENTENCE.split(text):
        left = left * (10_000 - _weight(sentence)) // 10_000
    return 10_000 - left


def _weight(sentence: str) -> int:
    words = lexicon("manners")
    on_duty = words["on_duty"].search(sentence) is not None
    if _says(sentence, words["outright"]):
        return ON_DUTY if on_duty else OUTRIGHT
    if on_duty and words["praised"].search(sentence) is None and _says(sentence, words["hint"]):
        return HINT
    return 0


def _says(sentence: str, what: re.Pattern[str]) -> bool:
    """Whether a sentence says something of the kind, and does not deny it."""
    denied = lexicon("manners")["denied"]
    return any(
        denied.search(sentence[max(0, found.start() - _BEFORE) : found.start()]) is None
        for found in what.finditer(sentence)
    )
