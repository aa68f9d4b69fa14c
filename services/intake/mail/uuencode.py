"""uuencode: files written into a text, as mail programs did before MIME and some still do."""

from __future__ import annotations

import binascii
import re

from services.intake.mail.words import unstructured

_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} +(\S[^\r\n]{0,255}?)[ \t]*\r?\n", re.MULTILINE)


def uudecoded(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """The uuencoded files in a text, at most 100, and the text without them. One that doesn't decode stays
    in the text."""
    files: list[tuple[str, bytes]] = []
    rest: list[bytes] = []
    position = 0
    while len(files) < 100 and (begin := _UU_BEGIN.search(data, position)):
        content, end = _uu_body(data, begin.end())
        if end is None:
            rest.append(data[position : begin.end()])
            position = begin.end()
            continue
        rest.append(data[position : begin.start()])
        files.append((unstructured(begin[1].decode("ascii", "surrogateescape")), content))
        position = end
    rest.append(data[position:])
    return files, b"".join(rest)


def _uu_body(data: bytes, position: int) -> tuple[bytes, int | None]:
    content = bytearray()
    while position < len(data):
        end = data.find(b"\n", position)
        end = len(data) if end < 0 else end
        line = data[position:end].rstrip(b"\r\n")
        position = end + 1
        if line == b"end":
            return bytes(content), position
        try:
            content += binascii.a2b_uu(line[:200])
        except binascii.Error:
            # Some encoders write more than the length says (the standard library's own workaround).
            try:
                content += binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3 + 1])
            except (binascii.Error, IndexError):
                return b"", None
    return b"", None
