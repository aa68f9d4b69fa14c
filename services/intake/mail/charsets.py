"""Bytes and the label they came with → text.

The label is tried first, strictly, under the superset mail programs mean by it (a mail that says GB2312 is
written in GBK or GB18030, one that says Big5 in CP950: WHATWG Encoding, section 4.2). If it doesn't fit,
the bytes decide. No function raises; no text holds a surrogate.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

# What a label means in practice, in the order to try.
_MEANT = {
    "ascii": ("ascii",),
    "iso8859-1": ("cp1252", "iso8859-1"),
    "gb2312": ("gb18030",),
    "gbk": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "cp950": ("cp950", "big5hkscs"),
    "big5hkscs": ("big5hkscs", "cp950"),
    "shift_jis": ("cp932", "shift_jis_2004"),
    "euc_jp": ("euc_jp", "euc_jis_2004"),
    "iso2022_jp": ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext"),
    "euc_kr": ("cp949",),
}
# Names seen in real mail that Python doesn't know. None: says nothing.
_ALIASES = {
    "gb-2312": "gb2312", "gb_2312-80": "gb2312", "x-gbk": "gbk", "chinese": "gbk", "gb18030-2000": "gb18030",
    "x-x-big5": "big5", "x-big5": "big5", "cn-big5": "big5", "cn-gb": "gb2312",
    "unicode-1-1-utf-7": "utf-7", "x-utf-7": "utf-7", "utf8mb4": "utf-8", "utf-8-bom": "utf-8",
    "x-sjis": "shift_jis", "x-euc-jp": "euc_jp", "ks_c_5601-1987": "euc_kr", "windows-949": "euc_kr",
    "ansi_x3.110-1983": "iso8859-1", "iso-8859-8-i": "iso8859-8", "windows-874": "cp874", "unicode": "utf-16",
}  # fmt: skip
# Python's codecs also hold escapes, compressors and quadratic ones (punycode, idna): mail gets character
# sets only.
_CHARACTER_SETS = re.compile(
    r"utf-(7|8|16|32)(-[lb]e|-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|gb\w+|big5\w*|hz|euc_\w+|shift_\w+"
    r"|iso2022_\w+|johab|mac-\w+|tis-620|kz1048|ptcp154|hp-roman8"
)
_LATIN = {"ascii", "iso8859-1", "cp1252", "iso8859-15"}
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
# The most frequent characters of running text in both scripts: bytes read under the wrong Chinese set
# hardly hit them.
_FREQUENT = frozenset(
    "的一是不了在有人我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過发發"
    "后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但"
    "因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重並物"
    "手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表化老给給世位次度门門任常先海通教儿兒"
    "原东東声聲提立及比员員解水名真论論处處走义義各入几幾口认認条條平系气氣题題活尔爾更别別打女变變四神总總何电電数數安少报報"
    "请請您们贵貴单單区區路局市谢謝反映投诉訴小区住"
)
_SAMPLE = 2048  # bytes the statistical guess looks at; more costs time and changes little
_STATISTICAL = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp932", "euc_jp", "cp949", "cp1253",
    "cp1254", "cp1255", "cp1256", "cp874",
]  # fmt: skip


@lru_cache(maxsize=512)
def codec(label: str) -> str | None:
    """The name of the codec a charset label stands for, or None where it names no character set."""
    label = label.strip().strip("\"'").lower()
    if not re.fullmatch(r"[a-z0-9_.:+-]{1,40}", label):
        return None
    try:
        name = codecs.lookup(_ALIASES.get(label, label)).name
    except (LookupError, ValueError, UnicodeError):
        return None
    return name if _CHARACTER_SETS.fullmatch(name) else None


def decode(data: bytes, label: str | None = None, *, statistical: bool = False) -> tuple[str, bool]:
    """The text, and whether its character set had to be guessed because the label was missing or did not fit.

    statistical: where nothing else fits, ask charset_normalizer (tens of milliseconds; for bodies, not for
    headers).
    """
    if data.isascii() and b"\x1b" not in data and not label:
        return data.decode("ascii"), False
    name = codec(label) if label else None
    if name is not None and not (name in _LATIN and _is_something_else(data)):
        for candidate in _MEANT.get(name, (name,)):
            text = _strictly(data, candidate)
            if text is not None:
                return text, False
    if data.isascii():
        return _guess(data, statistical=False, label=name), False
    return _guess(data, statistical=statistical, label=name), True


def clean(text: str) -> str:
    """Without surrogates, NULs and control characters (tabs and line ends stay, as `\\n`); encodable as
    UTF-8."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    if "\x0c" in text:
        text = text.replace("\x0c", "\n")
    return _SURROGATE.sub("\ufffd", _UNWANTED.sub("", text))


def _strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _is_something_else(data: bytes) -> bool:
    """Bytes that a Latin label can't mean: valid UTF-8 beyond ASCII, or running Chinese."""
    if data.isascii():
        return b"\x1b$" in data or b"\x1b(" in data
    return _strictly(data, "utf-8") is not None or _east_asian(data, sure=True) is not None


def _guess(data: bytes, *, statistical: bool, label: str | None = None) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\x1b$" in data:
        for name in ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr"):
            text = _strictly(data, name)
            if text is not None:
                return text
    utf8 = data.decode("utf-8", "replace")
    broken = utf8.count("\ufffd")
    if broken * 5 <= len(data) - len(
        utf8
    ):  # each sound multi-byte character makes the text shorter than the bytes
        return utf8
    east_asian = _east_asian(data)
    if east_asian is not None:
        return data.decode(east_asian, "replace")
    if statistical:
        match = from_bytes(data[:_SAMPLE], cp_isolation=_STATISTICAL, threshold=0.4).best()
        if match is not None:
            return data.decode(match.encoding, "replace")
    return data.decode(label if label and label not in _LATIN else "cp1252", "replace")


def _east_asian(data: bytes, *, sure: bool = False) -> str | None:
    """`gb18030` or `cp950` where the bytes look like Chinese, `cp932` or `euc_jp` where like Japanese.

    Both sets put their everyday characters at the front (GB 2312 level 1: lead B0–D7, trail A1–FE; Big5
    level 1: lead A4–C6), so the share of pairs there tells them apart; frequent characters tell Chinese
    from Korean or Russian. sure: only where there is enough of it to contradict a label.
    """
    pairs = re.findall(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]", data[:_SAMPLE])
    if len(pairs) < (4 if sure else 2):
        return None
    if (japanese := _japanese(data, pairs)) is not None:
        return japanese
    high = sum(byte > 0x7F for byte in data[:_SAMPLE])
    level1 = sum(0xB0 <= pair[0] <= 0xD7 and pair[1] >= 0xA1 for pair in pairs)
    marks = sum(0xA1 <= pair[0] <= 0xA3 for pair in pairs)
    big5 = sum(0xA4 <= pair[0] <= 0xC6 for pair in pairs)
    name = "gb18030" if level1 >= big5 else "cp950"
    if max(level1, big5) + marks < 0.7 * len(pairs) or high < 1.2 * len(pairs):
        return None
    text = data[:_SAMPLE].decode(name, "replace")
    han = _HAN.findall(text)
    if text[:-2].count("\ufffd") * 20 > len(han):
        return None
    frequent = sum(character in _FREQUENT for character in han)
    enough = 0.12 * len(han) if len(han) >= 8 else int(sure)
    return name if han and frequent >= enough else None


def _japanese(data: bytes, pairs: list[bytes]) -> str | None:
    """By the kana, a third and more of running Japanese, where Chinese sets have next to nothing."""
    shifted = sum(pair[0] in (0x82, 0x83) for pair in pairs)
    extended = sum(pair[0] in (0xA4, 0xA5) and 0xA1 <= pair[1] <= 0xF6 for pair in pairs)
    if shifted > 0.2 * len(pairs) and _strictly(data, "cp932") is not None:
        return "cp932"
    return "euc_jp" if extended > 0.35 * len(pairs) and _strictly(data, "euc_jp") is not None else None
