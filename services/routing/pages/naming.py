"""Words in the reader's language, for what may be one of many things."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from shared.web.pages import Pages


def known_words(pages: Pages, request: Request) -> Callable[[str, str], str]:
    """Says the words of a key, or what stands for them where it has none: a rule's English, a later event's type."""
    language = pages.language(request)

    def told(key: str, otherwise: str) -> str:
        try:
            return pages.word(language, key)
        except KeyError:
            return otherwise

    return told
