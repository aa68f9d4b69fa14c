"""Plain text: format=flowed (RFC 3676) and tidying."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*")
_BLANK_LINES = re.compile(r"\n{4,}")
_TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]+$", re.MULTILINE)


def unflowed(text: str, *, delsp: bool = False) -> str:
    """Lines that were only wrapped are joined again, quote depth kept as `> `. `-- ` always stands alone."""
    paragraphs: list[tuple[int, list[str]]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = _QUOTES.match(line).end()  # type: ignore[union-attr]  # the pattern matches anything
        content = line[depth:].removeprefix(" ")
        signature = content == "-- "
        flowed = content.endswith(" ") and not signature
        if flowed and delsp:
            content = content[:-1]
        if open_depth == depth and not signature:
            paragraphs[-1][1].append(content)
        else:
            paragraphs.append((depth, [content]))
        open_depth = depth if flowed else None
    return "\n".join(">" * depth + (" " if depth else "") + "".join(words) for depth, words in paragraphs)


def tidy(text: str) -> str:
    """Without blanks at line ends (but for the signature mark), runs of blank lines and blank edges."""
    if any(blank in text for blank in (" \n", "\t\n", "\u00a0\n")) or text[-1:].isspace():
        text = _TRAILING.sub("", text.replace("\n-- \n", "\n--\x00\n")).replace("--\x00\n", "-- \n")
    return _BLANK_LINES.sub("\n\n\n", text).strip("\n")
