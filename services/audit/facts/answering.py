"""What an answer says of what was done: passed on, promised, done; and how many particulars it has. Pure.

By the words that officials use for it, of a folded text; a judgement.
"""

from __future__ import annotations

from services.audit.facts.lexicon import lexicon

PARTICULARS = ("dates", "amounts", "rules", "telephones", "offices", "places")


def _says(what: str, text: str) -> bool:
    return lexicon("answers")[what].search(text) is not None


def done(text: str) -> bool:
    """Whether a folded answer says that anything was found out, decided or done."""
    return _says("done", text)


def forwards(text: str) -> bool:
    """Whether it says that the matter was passed on, and nothing of what became of it."""
    return _says("forwarded", text) and not done(text)


def promises(text: str) -> bool:
    """Whether it says what will be done, and nothing that was done."""
    return _says("promised", text) and not done(text)


def concrete(text: str) -> int:
    """How many different particulars it has: dates, amounts, rules, telephones, offices, places."""
    words = lexicon("answers")
    return sum(len({found.group() for found in words[sort].finditer(text)}) for sort in PARTICULARS)
