"""Which of the three languages a page is in: what was chosen, else who is signed in, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request

from shared.organisation.text import LANGUAGES, Language

COOKIE = "lang"
QUERY = "lang"
_HANT = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def language_named(tag: str) -> Language | None:
    """The language that a tag (BCP 47) asks for: `zh-TW` and `zh-HK` are written in traditional characters."""
    lower = tag.strip().lower()
    if lower.startswith(_HANT):
        return "zh-Hant"
    if lower.split("-")[0] == "zh":
        return "zh-Hans"
    return "en" if lower.split("-")[0] == "en" else None


def accepted(header: str, offered: Sequence[Language]) -> Language | None:
    """The best of what is offered for an Accept-Language header (RFC 9110, section 12.5.4)."""
    best: tuple[float, Language] | None = None
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        language = language_named(tag)
        try:
            quality = float(weight.partition("=")[2]) if weight else 1.0
        except ValueError:
            continue
        if language in offered and language is not None and quality > (best[0] if best else 0):
            best = (quality, language)
    return best[1] if best else None


def chosen(request: Request, offered: Sequence[Language]) -> Language | None:
    """The language that this very address asks for (`?lang=`)."""
    return _one_of(request.query_params.get(QUERY), offered)


def language_of(request: Request, offered: Sequence[Language] = LANGUAGES) -> Language:
    """The language to answer in."""
    principal = getattr(request.state, "principal", None)
    return (
        chosen(request, offered)
        or _one_of(request.cookies.get(COOKIE), offered)
        or _one_of(principal and principal.language, offered)
        or accepted(request.headers.get("Accept-Language", ""), offered)
        or offered[0]
    )


def _one_of(name: str | None, offered: Sequence[Language]) -> Language | None:
    return next((language for language in offered if language == name), None)
