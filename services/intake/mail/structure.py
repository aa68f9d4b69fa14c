"""Bytes → parts: the standard library's parser (compat32) within bounds.

The parser recurses, re-examines every line once a level, and builds an object a part, so depth, parts and
header size are bounded here. A message inside the mail (`message/*`) is never entered: it stays the bytes
it was.
"""

from __future__ import annotations

import quopri
import re
from email._policybase import Compat32
from email.errors import MissingHeaderBodySeparatorDefect
from email.feedparser import FeedParser
from email.message import Message
from typing import Any, cast

from services.intake.mail.uuencode import uudecoded
from services.intake.mail.words import Field, base64, raw, structured

HEADER_LIMIT = 512 * 1024
FIELD_LIMIT = 256 * 1024
DEPTH_LIMIT = 20
WORK_LIMIT = 10_000_000  # lines times depth: a second or two
PART_LIMIT = 500
_STRUCTURED_LIMIT = 8 * 1024

_NO_FIELD = Field("", {})
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_FIELD_LINE = re.compile(rb"[!-9;-~]+[ \t]*:")
_KNOWN_FIELD = re.compile(
    rb"^(from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|in-reply-to|references"
    rb"|received|reply-to)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_LIKELY_BOUNDARY = re.compile(r"^--([^\r\n]{1,200})\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)


class TooManyParts(Exception):
    """The mail has more parts than we take apart; the tree read so far stands."""


class Part(Message):
    """One part. To the parser everything is a leaf but a multipart within bounds."""

    depth = 0

    def __init__(self, policy: Any, counter: list[Part], depth_limit: int) -> None:
        super().__init__(policy=policy)
        self.counter = counter
        self.depth_limit = depth_limit
        counter.append(self)
        self._fields: dict[str, str] | None = None
        self._type: Field | None = None

    def attach(self, part: Any) -> None:
        if len(self.counter) > PART_LIMIT:
            raise TooManyParts
        part.depth = self.depth + 1
        super().attach(part)

    @property
    def fields(self) -> dict[str, str]:
        """The first value of each header field, by lower-case name, bytes beyond ASCII as surrogates."""
        if self._fields is None:
            self._fields = {}
            for name, value in self.raw_items():
                self._fields.setdefault(name.lower(), value)
        return self._fields

    @property
    def declared(self) -> Field:
        """The Content-Type; `text/plain` (in a digest `message/rfc822`) where none can be read (RFC 2045,
        5.2)."""
        if self._type is None:
            self._type = structured(self.fields.get("content-type", "")[:_STRUCTURED_LIMIT])
            if not re.fullmatch(r"[^\s/]+/[^\s/]+", self._type.value):
                self._type = Field(self.get_default_type(), self._type.parameters)
        return self._type

    def get_content_type(self) -> str:
        kind = self.declared.value
        return (
            kind
            if kind.startswith("multipart/") and self.depth < self.depth_limit
            else "application/octet-stream"
        )

    def get_boundary(self, failobj: Any = None) -> Any:
        boundary = self.declared.parameters.get("boundary", "").rstrip()
        return boundary[:1000] or failobj

    @property
    def disposition(self) -> Field:
        value = self.fields.get("content-disposition")
        return structured(value[:_STRUCTURED_LIMIT]) if value else _NO_FIELD

    @property
    def children(self) -> list[Part]:
        # A leaf is not asked for its payload: the parser's own way would decode it, under a label taken on trust.
        return cast("list[Part]", self.get_payload()) if self.is_multipart() else []

    @property
    def body(self) -> str:
        return cast("str", vars(self)["_payload"] or "") if not self.is_multipart() else ""

    def filename(self) -> str:
        """The name it was given, without path; empty where none."""
        charset = self.declared.parameters.get("charset")
        name = self.disposition.get("filename", charset) or self.declared.get("name", charset) or ""
        return name.replace("\\", "/").rpartition("/")[2].strip(" .")[:255]

    def content(self) -> tuple[bytes, bool]:
        """The decoded bytes, and whether the transfer encoding was sound. An unknown encoding is none."""
        data = raw(self.body)
        encoding = self.fields.get("content-transfer-encoding", "")[:200].partition(";")[0].strip().lower()
        if encoding == "base64":
            return base64(data)
        if encoding == "quoted-printable":
            return quopri.decodestring(data), True
        if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
            files, rest = uudecoded(data)
            return (files[0][1], True) if files else (rest, False)
        return data, True


class _Bounded(Compat32):
    """compat32, except that one header field is at most 256 KiB."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = sourcelines[0].split(":", 1)
        if len(sourcelines) > 1:
            value += "".join(sourcelines[1:])
        return name, value[:FIELD_LIMIT].strip(" \t\r\n")


_POLICY = _Bounded()


def parse(data: bytes) -> tuple[Part, list[str]]:
    """The mail's parts and what had to be repaired."""
    defects: list[str] = []
    data = _within_header_limit(data, defects)
    root = _parse(data, defects)
    if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in root.defects):
        mended = _mended(data)
        if mended is not None:
            root = _parse(mended, defects)
            defects.append("header-damaged")
    if root.defects and root.get_content_maintype() == "multipart" and not root.children:
        _guess_boundary(root, defects)
    if any(
        part.depth >= part.depth_limit and part.declared.value.startswith("multipart/")
        for part in root.counter
    ):
        defects.append("too-deep")
    return root, defects


def _parse(data: bytes, defects: list[str]) -> Part:
    counter: list[Part] = []
    depth_limit = max(3, min(DEPTH_LIMIT, WORK_LIMIT // (data.count(b"\n") + 1)))

    def part(policy: Any = None) -> Part:
        return Part(policy, counter, depth_limit)

    parser: FeedParser[Part] = FeedParser(part, policy=_POLICY)  # type: ignore[arg-type]
    counter.clear()  # the parser tries its factory once
    try:
        parser.feed(data.decode("ascii", "surrogateescape"))
        return parser.close()
    except TooManyParts:
        defects.append("too-many-parts")
        return counter[0]


def _within_header_limit(data: bytes, defects: list[str]) -> bytes:
    if len(data) <= HEADER_LIMIT:
        return data
    blank = _BLANK_LINE.search(data)
    end = blank.start() if blank else len(data)
    if end <= HEADER_LIMIT:
        return data
    defects.append("header-truncated")
    return data[:HEADER_LIMIT] + b"\r\n\r\n" + data[end:].lstrip(b"\r\n")


def _mended(data: bytes) -> bytes | None:
    """The mail with each line of its header that is no field made a continuation; None where the header
    just ended without a blank line, that is, where no known field follows the bad line."""
    blank = _BLANK_LINE.search(data)
    end = blank.start() if blank else len(data)
    lines = data[:end].splitlines(keepends=True)
    bad = [i for i, line in enumerate(lines) if not (_FIELD_LINE.match(line) or line[:1] in (b" ", b"\t"))]
    if lines[0].startswith(b"From ") and bad[:1] == [0]:
        del bad[0]
    if not bad or not _KNOWN_FIELD.search(b"".join(lines[bad[0] :])):
        return None
    for i in bad:
        lines[i] = b" " + lines[i]
    if bad[0] == 0:
        lines[0] = b"X-Damaged:" + lines[0]
    return b"".join(lines) + data[end:]


def _guess_boundary(root: Part, defects: list[str]) -> None:
    """Takes a multipart apart by the first line that looks like a boundary with a part's header below it."""
    if not root.body.strip():
        return
    defects.append("boundary-missing")
    found = _LIKELY_BOUNDARY.search(root.body)
    if found is None:
        return
    subtype = root.declared.value
    head = f'Content-Type: {subtype}; boundary="{found[1].rstrip()}"\n\n'.encode("ascii", "surrogateescape")
    again = _parse(head + raw(root.body), defects)
    if again.children:
        root.set_payload(list(again.children))
        root.preamble = again.preamble
