"""Names and words in the reader's language, for what may be one of many things."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from shared.organisation import Organisation
from shared.web.pages import Pages


def names_of_owners(pages: Pages, organisation: Organisation, request: Request) -> Callable[[str], str]:
    """Says who owes something: a department, a post, a post of a department, or the sender."""
    language = pages.language(request)

    def name(owner: str) -> str:
        place, _, post = owner.partition("/")
        if place in organisation.department:
            named = organisation.department[place].names.get(language)
        else:
            named = pages.word(language, f"post.{place}")
        return f"{named} · {pages.word(language, f'post.{post}')}" if post else named

    return name


def known_words(pages: Pages, request: Request) -> Callable[[str, str], str]:
    """Says the words of a key, or what stands for them where it has none: a rule's English, a later event's type."""
    language = pages.language(request)

    def told(key: str, otherwise: str) -> str:
        try:
            return pages.word(language, key)
        except KeyError:
            return otherwise

    return told
