"""Bytes → text when nobody says, or nobody says truly, which encoding they are in.

UTF-8 is certain when it fits. After that the question is almost always GBK or Big5: both are pairs of bytes,
and in each the everyday characters stand in known rows (GB 2312 level 1: B0–D7; Big5 level 1: A4–C6), so the
rows a text uses tell them apart even when it is only a line long, where statistical guessers fail.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

SAMPLE_BYTES = 64 * 1024
"""So much of a text is looked at to guess its encoding."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_GB_EVERYDAY = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]")
_BIG5_EVERYDAY = re.compile(rb"[\xa1-\xc6][\x40-\x7e\xa1-\xfe]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read in, and whether some bytes had to be replaced by U+FFFD."""

    text: str
    encoding: str
    damaged: bool


def decode(raw: bytes) -> Decoded:
    """The text of any bytes. Never raises; `damaged` says when something could not be read."""
    encoding = guess_encoding(raw)
    try:
        return Decoded(raw.decode(encoding), encoding, damaged=False)
    except UnicodeDecodeError:
        return Decoded(raw.decode(encoding, "replace"), encoding, damaged=True)


def guess_encoding(raw: bytes) -> str:
    """A codec name: by byte-order mark, as UTF-8, by UTF-16's NULs, as GB18030 or Big5, by statistics."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        sample = raw[max(0, broken.start - SAMPLE_BYTES // 2) :][:SAMPLE_BYTES]
    else:
        return _utf16_by_nuls(raw[:SAMPLE_BYTES]) or "utf-8"
    return _utf16_by_nuls(sample) or _damaged_utf8(sample) or _chinese(sample) or _by_statistics(sample)


def _utf16_by_nuls(sample: bytes) -> str | None:
    """Latin letters and line ends in UTF-16 have a NUL at every second byte, always on the same side."""
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.2 and even < odd * 0.1:
        return "utf-16-le"
    if even > half * 0.2 and odd < even * 0.1:
        return "utf-16-be"
    return None


def _damaged_utf8(sample: bytes) -> str | None:
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - bad
    return "utf-8" if bad * 4 <= good else None


def _chinese(sample: bytes) -> str | None:
    """GB18030 or Big5 if at least seven of ten pairs are everyday characters of it, whichever has more."""
    pairs = _PAIR.findall(sample)
    if not pairs:
        return None
    gb = sum(_GB_EVERYDAY.match(pair) is not None for pair in pairs) / len(pairs)
    big5 = sum(_BIG5_EVERYDAY.match(pair) is not None for pair in pairs) / len(pairs)
    if max(gb, big5) < 0.7:
        return None
    return "gb18030" if gb >= big5 else "big5hkscs"


def _by_statistics(sample: bytes) -> str:
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
