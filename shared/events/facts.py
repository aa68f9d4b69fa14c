"""Topic `findings`, owned by the audit: what derives from content, computed once, versioned, and an entry from then on.

So checks are pure functions over entries (DESIGN.md section 7). A fact's aggregate has its id from the event that it is
about; it says nothing that lets anybody guess the words.
"""

from __future__ import annotations

from typing import Literal

from shared.events.envelope import Event

LengthClass = Literal["none", "phrase", "short", "usual", "long"]
"""Of the words themselves, without greeting, quotation and signature: none, to 20 signs, 80, 400, more. A Chinese
character is one sign, a word or number of another script two."""


class FactEvent(Event):
    """What all facts say."""

    about: str
    """The event whose content was read, by its id."""
    case: str
    version: int
    """Of the rules that computed it."""
    gone: bool = False
    """The content was erased before it was read: nothing else is known."""


class MessageRead(FactEvent, type="fact.message_read", topic="findings"):
    """What a sender's words are like: a message that opened a case or joined it, what was said of an answer, a dispute.

    It is about the case's event that has the words; a part that was split off has none of its own.
    """

    length: LengthClass = "none"
    sender: str | None = None
    """A keyed pseudonym of who sent it, by mail address or else telephone; nobody's where it came without either."""
    like: str | None = None
    """The event of the earlier message, of another case, whose matter is most alike."""
    likeness: int = 0
    """How alike, in basis points: of the terms that either has, how many both have. Messages of fewer than twelve terms
    are like none."""
    manners: int = 0
    """How clearly the sender complains of how they were treated, in basis points: from 3,000 on it is hinted at, from
    5,000 said outright, from 8,500 of somebody on duty."""
    persons: tuple[str, ...] = ()
    """Officers whom the sender names, by their ids in the organisation file."""


class AnswerRead(FactEvent, type="fact.answer_read", topic="findings"):
    """What an answer to a sender is like, final or not. It is about `case.answered`."""

    length: LengthClass = "none"
    copy_of: str | None = None
    """The event of the earlier answer, to another matter, that it repeats most."""
    copy_share: int = 0
    """How much of it is repeated, in basis points: of its stretches of four Chinese characters, or three words. Answers
    of one house share some by custom; from about 6,000 on it is a template, from 9,000 on a copy."""
    mentions: int = 0
    """How much of what the sender asked for it speaks of, in basis points: of the terms that tell the matter from
    others. Answers to the matter have 2,000 and more as a rule, answers to another matter almost none."""
    asked: int = 0
    """How many such terms the sender's words have, 24 at most for each message: of few, `mentions` says little."""
    forwards: bool = False
    """It says that the matter was passed on, or the sender should ask elsewhere, and nothing of what became of it."""
    promises: bool = False
    """It says what will be done, and nothing that was done."""
    concrete: int = 0
    """How many different particulars it has: dates, amounts, places, rules, telephones, names of offices."""
