"""From words and what is known of earlier ones to a fact. Pure but for the sketches it is given."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.audit.facts.answering import concrete, forwards, promises
from services.audit.facts.fact import VERSION
from services.audit.facts.manners import manners
from services.audit.facts.persons import Names
from services.audit.facts.sketch import Sketcher
from services.audit.facts.sketches import Alike, Row, Sketches
from services.audit.facts.wording import folded, length, said, shingles, terms
from shared import ids
from shared.content.words import Sender
from shared.events.facts import AnswerRead, MessageRead

LEAST_TERMS, LEAST_SHINGLES = 12, 8
"""Texts of fewer are like no other: a word of thanks is like any."""
MOST_SALIENT = 24
_MOST_PERSONS = 20
_OFTEN = 3
_CALLING_CODES = {"CN": "86", "HK": "852", "MO": "853", "TW": "886"}


@dataclass(frozen=True)
class Text:
    """Words of a case, and where they stand."""

    place: int
    """The entry's index in the log."""
    about: str
    """The event's id."""
    case: str
    ref: str
    """The content's reference."""
    text: str
    subject: str = ""
    sender: Sender | None = None
    """Who says it, where they may be known."""
    matter: bool = True
    """Whether it tells of a matter, and may be like another; not what is said of an answer."""


class Reading:
    """The rules at work. For one thread at a time."""

    def __init__(
        self, sketches: Sketches, names: Names, pseudonym: bytes, sketch: bytes, country: str = ""
    ) -> None:
        self._sketches = sketches
        self._names = names
        self._pseudonym = pseudonym
        self._sketcher = Sketcher(sketch)
        self._calling_code = _CALLING_CODES.get(country, "")

    def message(self, words: Text) -> MessageRead:
        """What a sender's words are like; within `Sketches.at_once`."""
        whole = said(f"{words.subject}\n{words.text}" if words.subject else words.text)
        alike = self._alike(words, whole) if words.matter else None
        return MessageRead(
            about=words.about,
            case=words.case,
            version=VERSION,
            length=length(said(words.text)),
            sender=self.pseudonym(words.sender),
            like=alike.event if alike else None,
            likeness=alike.degree if alike else 0,
            manners=manners(whole),
            persons=self._names.named(whole)[:_MOST_PERSONS],
        )

    def _alike(self, words: Text, whole: str) -> Alike | None:
        hashed = {self._sketcher.hash(term): often for term, often in terms(whole).items()}
        sketch = self._sketcher.sketch(hashed, least=LEAST_TERMS)
        named = {self._sketcher.hash(term) for term in terms(folded(words.subject))}
        texts, common = self._sketches.common(list(hashed))
        salient = most_salient(hashed, named, texts, common)
        alike = self._sketches.most_alike(sketch, "message", words.case, words.place)
        self._sketches.keep(Row(words.place, words.ref, words.about, words.case, "message", sketch, salient))
        return alike

    def answer(self, words: Text) -> AnswerRead:
        """What an answer is like; within `Sketches.at_once`."""
        whole = folded(words.text)
        itself = said(words.text)
        sketch = self._sketcher.sketch(map(self._sketcher.hash, shingles(itself)), least=LEAST_SHINGLES)
        copied = self._sketches.most_alike(sketch, "answer", words.case, words.place)
        asked = self._sketches.salient(words.case, words.place)
        speaks_of = {self._sketcher.hash(term) for term in terms(whole)}
        self._sketches.keep(Row(words.place, words.ref, words.about, words.case, "answer", sketch))
        return AnswerRead(
            about=words.about,
            case=words.case,
            version=VERSION,
            length=length(itself),
            copy_of=copied.event if copied else None,
            copy_share=copied.degree if copied else 0,
            mentions=len(asked & speaks_of) * 10_000 // len(asked) if asked else 0,
            asked=len(asked),
            forwards=forwards(whole),
            promises=promises(whole),
            concrete=concrete(itself),
        )

    def pseudonym(self, sender: Sender | None) -> str | None:
        """The same for the same sender: by mail address, else by telephone."""
        if sender is None:
            return None
        if sender.email and (mail := sender.email.strip().lower()):
            return ids.keyed(self._pseudonym, b"mail", mail.encode())
        if sender.phone and (phone := self._number(sender.phone)):
            return ids.keyed(self._pseudonym, b"phone", phone.encode())
        return None

    def _number(self, phone: str) -> str:
        """A telephone number as it is dialled within the country, without what it is written with."""
        written = folded(phone).strip()
        digits = re.sub(r"\D", "", written)
        abroad = written.startswith("+") or digits.startswith("00")
        digits = digits.lstrip("0")
        if abroad and self._calling_code:
            digits = digits.removeprefix(self._calling_code).lstrip("0")
        return digits


def most_salient(
    often: Mapping[int, int], named: set[int], texts: int, common: Mapping[int, int]
) -> tuple[int, ...]:
    """The terms that tell a matter from others: said often, named in its subject, rare in `texts` other messages."""

    def weight(term: int) -> float:
        rarity = math.log((texts + 1.5) / (common.get(term, 0) + 0.5))
        return (min(often[term], _OFTEN) + (term in named)) * rarity

    return tuple(sorted(often, key=lambda term: (-weight(term), term))[:MOST_SALIENT])
