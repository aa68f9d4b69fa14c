"""Text in header fields: encoded words (RFC 2047), parameters (RFC 2045, RFC 2231) and raw bytes.

A header value comes as the standard library's parser leaves it: ASCII with every other byte as a surrogate.
Each function is linear in its input: the standard library's own decoders are not, and mail comes from
strangers.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from services.intake.mail.charsets import clean, codec, decode

_CHARSET = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]*)?\?([bBqQ])\?")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*(?:"|\Z)|[^;]*)', re.DOTALL)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_SPACE = re.compile(r"\s+")


def raw(value: str) -> bytes:
    """The bytes of a header value or payload as they were in the mail."""
    return value.encode("ascii", "surrogateescape") if not value.isascii() else value.encode("ascii")


def unstructured(value: str, charset: str | None = None) -> str:
    """The text of a header field on one line, its encoded words decoded. charset: for bytes that say none."""
    if value.isascii() and "=?" not in value and "\x1b" not in value:
        text = " ".join(value.split())
        return text if text.isprintable() else clean(text)
    runs: list[tuple[str | None, bytes]] = []
    for label, data in _pieces(value):
        # A character may be split between two words of the same set: their bytes are decoded together.
        if runs and runs[-1][0] == label and label is not None:
            runs[-1] = (label, runs[-1][1] + data)
        else:
            runs.append((label, data))
    text = "".join(decode(data, label or charset)[0] for label, data in runs)
    return _SPACE.sub(" ", clean(text)).strip()


def unfolded(value: str) -> str:
    """A header field on one line, its encoded words left as they are."""
    text = value if value.isascii() else decode(raw(value))[0]
    return text if text.isprintable() else " ".join(clean(text).split())


def _pieces(value: str) -> list[tuple[str | None, bytes]]:
    """Runs of (charset, bytes): encoded words with theirs, what stands between with None."""
    pieces: list[tuple[str | None, bytes]] = []
    position = 0
    after_word = False
    while True:
        word = _CHARSET.search(value, position)
        end = value.find("?=", word.end()) if word else -1
        if word is None or end < 0:
            break
        between = value[position : word.start()]
        if between and not (after_word and between.isspace()):
            pieces.append((None, raw(between)))
        pieces.append((word[1].lower(), _encoded(value[word.end() : end], word[2])))
        position, after_word = end + 2, True
    if position < len(value):
        pieces.append((None, raw(value[position:])))
    return pieces


def _encoded(text: str, encoding: str) -> bytes:
    if encoding in "bB":
        return base64(raw(text))[0]
    return binascii.a2b_qp(raw(text), header=True)


def base64(data: bytes) -> tuple[bytes, bool]:
    """What base64 says, and whether it was sound. Strays are passed over and an incomplete end is dropped;
    what follows the padding counts if it is base64 too (encoders that pad each line), not if it is
    something else (a list's footer)."""
    data = data.translate(None, b" \t\r\n")
    try:
        return binascii.a2b_base64(data, strict_mode=True), True
    except binascii.Error:
        pass
    first, _, rest = data.partition(b"=")
    pieces = [first, *rest.split(b"=")] if not _NOT_BASE64.search(rest.replace(b"=", b"")) else [first]
    return b"".join(_letters(_NOT_BASE64.sub(b"", piece)) for piece in pieces if piece), False


def _letters(letters: bytes) -> bytes:
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


@dataclass(frozen=True, slots=True)
class Field:
    """A structured field: its value in lower case (`text/plain`, `attachment`) and its parameters,
    undecoded."""

    value: str
    parameters: dict[str, str]

    def get(self, name: str, charset: str | None = None) -> str | None:
        """A parameter as text: plain, RFC 2231 (whole or in pieces), or encoded words where none belong."""
        if name in self.parameters:
            return unstructured(self.parameters[name], charset)
        if f"{name}*" in self.parameters:
            return _extended([(self.parameters[f"{name}*"], True)])
        pieces: list[tuple[str, bool]] = []
        while len(pieces) < 100:
            key = f"{name}*{len(pieces)}"
            if key in self.parameters:
                pieces.append((self.parameters[key], False))
            elif f"{key}*" in self.parameters:
                pieces.append((self.parameters[f"{key}*"], True))
            else:
                break
        if not pieces:
            return None
        if not any(encoded for _, encoded in pieces):
            return unstructured("".join(piece for piece, _ in pieces), charset)
        return _extended(pieces)


def _extended(pieces: list[tuple[str, bool]]) -> str:
    charset = None
    first, encoded = pieces[0]
    if encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
        pieces = [(first, True), *pieces[1:]]
    data = b"".join(unquote_to_bytes(raw(piece)) if encoded else raw(piece) for piece, encoded in pieces)
    return _SPACE.sub(" ", clean(decode(data, charset if charset and codec(charset) else None)[0])).strip()


def structured(value: str) -> Field:
    """A Content-Type or Content-Disposition field taken apart. An unclosed quote runs to the end."""
    head, _, rest = value.partition(";")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(";" + rest):
        name, given = match[1].lower(), match[2]
        if given.startswith('"'):
            # A backslash escapes quotes and itself; before anything else it is a path some mail program
            # left in.
            given = re.sub(r'\\(["\\])', r"\1", given[1:].removesuffix('"'))
        parameters.setdefault(name, given.strip() if not match[2].startswith('"') else given)
    return Field("".join(clean(head.encode("ascii", "replace").decode("ascii")).split()).lower(), parameters)
