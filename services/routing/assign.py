"""Who is responsible by the words of a message, and why (mechanism M08). Pure.

Each duty's keywords are looked for in one pass: Chinese ones anywhere, in either script, others as whole words.
Where several fit at one place, the longest stands. A department is chosen only where it is clearly ahead;
otherwise the coordinator decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from shared.folding import fold
from shared.organisation import Duty, Organisation

Reason = Literal["named", "words", "no_words", "weak", "close"]

REPEATS = 3
"""A word counts at most so often; who complains at length repeats himself."""

ENOUGH = 2
"""Below this score a single passing word would decide."""

AHEAD = (4, 3)
"""The first must have at least so many parts for so many of the second."""

_CHINESE = re.compile(r"[㐀-鿿]")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Assignment:
    """The department, the duty that decided (`rule`, with the article that lays it down) and the words found for it.

    Without a department, `reason` says why: no words, too weak, or two departments too close; `words` and `score` are
    then those of the department that came first. `alternatives` are other duties and their scores, best first.
    """

    department: str | None
    reason: Reason
    rule: str | None = None
    article: str | None = None
    words: tuple[str, ...] = ()
    score: int = 0
    alternatives: dict[str, int] = field(default_factory=dict)


class _Keyword(NamedTuple):
    folded: str
    written: str
    duty: int

    @property
    def weight(self) -> int:
        """Two characters or a single word are common; what is longer says more."""
        return 1 if len(self.folded) == 2 else 2


class Matcher:
    """The duties of one version of the organisation, made ready once; then a call costs tens of microseconds."""

    def __init__(self, organisation: Organisation) -> None:
        self._known = frozenset(organisation.department)
        self._duties: list[tuple[str, Duty]] = [(d.id, duty) for d, duty in organisation.duty.values()]
        self._chinese: dict[str, list[_Keyword]] = defaultdict(list)
        self._latin: dict[str, list[tuple[tuple[str, ...], _Keyword]]] = defaultdict(list)
        for number, (_, duty) in enumerate(self._duties):
            for written in duty.words():
                self._add(_Keyword(fold(written).strip(), written, number))
        for words in self._chinese.values():
            words.sort(key=lambda word: -len(word.folded))
        for phrases in self._latin.values():
            phrases.sort(key=lambda phrase: -len(phrase[0]))
        self._may_begin = _pairs(self._chinese)

    def _add(self, word: _Keyword) -> None:
        if _CHINESE.search(word.folded):
            self._chinese[word.folded[:2]].append(word)
        elif tokens := tuple(_stem(token) for token in _WORD.findall(word.folded)):
            self._latin[tokens[0]].append((tokens, word))

    def __call__(self, text: str, named: str | None = None) -> Assignment:
        """Find the department; one that the sender `named` is taken where it exists."""
        if named in self._known:
            return Assignment(named, "named")
        found: dict[_Keyword, int] = defaultdict(int)
        for word in self._found(fold(text)):
            found[word] += 1
        return self._decide(found) if found else Assignment(None, "no_words")

    def _found(self, text: str) -> Iterator[_Keyword]:
        free = 0  # where the last word found ends
        for place in [candidate.start() for candidate in self._may_begin.finditer(text)]:
            if place < free:
                continue
            for word in self._chinese.get(text[place : place + 2], ()):
                if text.startswith(word.folded, place):
                    yield word
                    free = place + len(word.folded)
                    break
        yield from self._found_latin([_stem(token) for token in _WORD.findall(text)])

    def _found_latin(self, stems: list[str]) -> Iterator[_Keyword]:
        index = 0
        while index < len(stems):
            for phrase, word in self._latin.get(stems[index], ()):
                if tuple(stems[index : index + len(phrase)]) == phrase:
                    yield word
                    index += len(phrase)
                    break
            else:
                index += 1

    def _decide(self, found: dict[_Keyword, int]) -> Assignment:
        by_duty: dict[int, int] = defaultdict(int)
        by_department: dict[str, int] = defaultdict(int)
        for word, times in found.items():
            score = min(times, REPEATS) * word.weight
            by_duty[word.duty] += score
            by_department[self._duties[word.duty][0]] += score
        # Ties go by the file's order, so that the same words always end in the same place.
        (department, score), *others = sorted(by_department.items(), key=lambda item: -item[1])
        ranked = {
            self._duties[n][1].id: points for n, points in sorted(by_duty.items(), key=lambda item: -item[1])
        }
        words = tuple(word.written for word in found if self._duties[word.duty][0] == department)
        if score < ENOUGH:
            return Assignment(None, "weak", words=words, score=score, alternatives=ranked)
        if others and score * AHEAD[1] < others[0][1] * AHEAD[0]:
            return Assignment(None, "close", words=words, score=score, alternatives=ranked)
        number = max((n for n in by_duty if self._duties[n][0] == department), key=lambda n: by_duty[n])
        duty = self._duties[number][1]
        rest = {id_: points for id_, points in ranked.items() if id_ != duty.id}
        return Assignment(department, "words", duty.id, duty.article, words, score, rest)


def _pairs(words: Collection[str]) -> re.Pattern[str]:
    """Finds where one of these pairs of characters may stand: a first of one before a second of any."""
    if not words:
        return re.compile("(?!)")
    firsts, seconds = ("".join(map(re.escape, sorted(set(some)))) for some in zip(*words, strict=True))
    return re.compile(f"[{firsts}](?=[{seconds}])")


def _stem(word: str) -> str:
    """English plurals find their singular; both sides are cut alike."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def matcher(organisation: Organisation) -> Matcher:
    """Assignment by the duties of that organisation."""
    return Matcher(organisation)


def assign(text: str, organisation: Organisation, named: str | None = None) -> Assignment:
    """One message by itself; who has many keeps a `Matcher`."""
    return Matcher(organisation)(text, named)
