"""Topic `findings`, owned by the audit: what derives from content, computed once, versioned, and an entry from then on.

So checks are pure functions over entries (DESIGN.md section 7). A fact's aggregate has its id from the event that it is
about; it says nothing that lets anybody guess the words.
"""

from __future__ import annotations

from typing import Literal

from shared.events.envelope import Event

LengthClass = Literal["none", "phrase", "short", "usual", "long"]
"""Of the words themselves, without greeting, quotation and signature: none, to 20 signs, 80, 400, more."""


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
    """What a sender's words are like."""

    length: LengthClass = "none"
    sender: str | None = None
    """A keyed pseudonym of who sent it; nobody's where it came without a name."""
    like: str | None = None
    """The event of the earlier message, of another case, whose matter is most alike."""
    likeness: int = 0
    """How alike, in basis points."""
    manners: int = 0
    """How clearly the sender complains of how they were treated, in basis points."""
    persons: tuple[str, ...] = ()
    """Officers whom the sender names, by their ids in the organisation file."""


class AnswerRead(FactEvent, type="fact.answer_read", topic="findings"):
    """What an answer to a sender is like."""

    length: LengthClass = "none"
    copy_of: str | None = None
    """The event of the earlier answer, to another matter, that it repeats most."""
    copy_share: int = 0
    """How much of it is repeated, in basis points."""
    mentions: int = 0
    """How much of what the sender asked for it speaks of, in basis points."""
    forwards: bool = False
    """It says that the matter was passed on, and nothing of what became of it."""
    promises: bool = False
    """It says what will be done, and nothing that was done."""
    concrete: int = 0
    """How many particulars it has: dates, amounts, places, rules, names of offices."""
