"""Cue text → plain text and who says it (W3C WebVTT, section 6.4; SRT and SBV use parts of it)."""

from __future__ import annotations

import html
import re

# A tag runs to the next ">" or to the end, so each character is looked at once, whatever the input.
_TAG = re.compile(r"<(?=[A-Za-z0-9/.!?|<])[^>]*(?:>|\Z)")
_VOICE = re.compile(r"v(?:\.[^\s]*)?[\s]+(.*)", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_SRT_STYLE = re.compile(r"\{\\[^{}\n]{0,80}\}")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BLANKS = re.compile(r"[^\S\n]+")
_ROLE = re.compile(
    r"\s*[\[(【]?(speaker[ _]?\w{1,4}|spk_\d+|agent|caller|customer|operator|citizen|"
    r"坐席|座席|客服|话务员|話務員|接线员|接線員|来电人|來電人|市民|用户|客户|客戶)[\])】]?\s*[:：]\s*(?=\S)",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Text without tags, controls, direction marks and lone surrogates; blanks folded, line ends kept."""
    folded = _BLANKS.sub(" ", _CONTROL.sub("", _TAG.sub(_untagged, text)))
    return "\n".join(stripped for line in folded.split("\n") if (stripped := line.strip()))


def voices(cue: str) -> list[tuple[str | None, str]]:
    """A cue's (speaker, plain text) in order: `<v Name>` speaks until `</v>` or the next voice.

    Without voices a leading role as call centres write it (`SPEAKER_00:`, `坐席:`) is the speaker.
    """
    cue = _SRT_STYLE.sub("", cue)
    spoken: list[tuple[str | None, list[str]]] = [(None, [])]
    at = 0
    for tag in _TAG.finditer(cue):
        spoken[-1][1].append(cue[at : tag.start()])
        at = tag.end()
        inside = tag[0][1:].removesuffix(">")
        if voice := _VOICE.fullmatch(inside):
            spoken.append((name(_entities(voice[1])), []))
        elif inside.strip() == "/v":
            spoken.append((None, []))
        else:
            spoken[-1][1].append(_untagged(tag))
    spoken[-1][1].append(cue[at:])
    said = [(speaker, _decoded("".join(parts))) for speaker, parts in spoken]
    return [_role(text) if speaker is None else (speaker, text) for speaker, text in said if text]


def name(label: object) -> str | None:
    """A speaker's label as one short plain line, or None; a bare number becomes `Speaker 0`."""
    if isinstance(label, bool) or not isinstance(label, str | int):
        return None
    text = " ".join(plain(str(label)[:400]).split())[:120]
    return f"Speaker {text}" if text.isdecimal() else text or None


def _untagged(tag: re.Match[str]) -> str:
    """Nothing for a tag; the words of one that is never closed, without what would make them one."""
    return "" if tag[0].endswith(">") else tag[0].replace("<", "")


def _entities(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _decoded(text: str) -> str:
    # Tags are already out: what an entity spells ("&lt;b&gt;") was meant to be read, so it stays as words.
    folded = _BLANKS.sub(" ", _CONTROL.sub("", _entities(text)))
    return "\n".join(stripped for line in folded.split("\n") if (stripped := line.strip()))


def _role(text: str) -> tuple[str | None, str]:
    role = _ROLE.match(text)
    return (role[1], text[role.end() :]) if role else (None, text)
