"""HTML → the text a reader would see: blocks as lines, links with their targets, quotations marked with `> `.

A tokenizer of our own, because the output is text and needs no tree, and because it must be linear: an
HTML5 tree of a megabyte of `<div>` takes minutes, and the standard library's parser is quadratic on
unclosed tags and comments.
"""

from __future__ import annotations

import re
from html import unescape

LIMIT = 2 * 1024 * 1024
QUOTE_LIMIT = 20

_SKIPPED = frozenset(("script", "style", "title", "noscript", "template", "svg", "object", "select", "xml"))
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "html",
        "main",
        "nav",
        "ol",
        "section",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "ul",
        "caption",
    )
)
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "pre"))
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HUGE_REFERENCE = re.compile(r"&#(?:0*[0-9]{8,}|[xX]0*[0-9a-fA-F]{7,});?")
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_WIDE_BREAK = re.compile(rf"(?<=[{_WIDE}])[ \t]*\r?\n[ \t\r\n]*(?=[{_WIDE}])")


def html_to_text(html: str) -> str:
    """The visible text of at most the first 2 MiB of an HTML document, however damaged."""
    page = _Page()
    for text, name, tag in _tokens(html[:LIMIT]):
        if text:
            page.say(text)
        if name:
            page.tag(name, tag)
    return page.text()


def _tokens(html: str) -> list[tuple[str, str, str]]:
    """(text before, tag name in lower case with `/` where it closes, the tag's inside); elements never
    shown left out."""
    tokens: list[tuple[str, str, str]] = []
    lower = html.lower() if html.isascii() else "".join(c.lower() if c < "\x80" else c for c in html)
    gone: set[str] = set()  # closings that no longer occur: looking again would cost a scan each time
    start = position = 0
    while (position := html.find("<", position)) >= 0:
        if html.startswith("<!--", position) and "-->" not in gone:
            end = html.find("-->", position + 4)
            if end < 0:
                gone.add("-->")
                end = position + 1
            tokens.append((html[start:position], "", ""))
            start = position = end + 3
            continue
        name = _NAME.match(html, position + 1)
        if name is None and html[position + 1 : position + 2] not in ("!", "?"):
            position += 1
            continue
        end = _tag_end(html, position)
        if end < 0:
            break
        inside = html[position + 1 : end]
        tag = ("/" if inside.startswith("/") else "") + name[1].lower() if name else ""
        tokens.append((html[start:position], tag, inside))
        start = position = end + 1
        if tag in _SKIPPED and tag not in gone and not inside.endswith("/"):
            close = lower.find(f"</{tag}", position)
            if close < 0:
                gone.add(tag)
            else:
                start = position = close
    tokens.append((html[start:], "", ""))
    return tokens


def _tag_end(html: str, position: int) -> int:
    """Where the tag closes: at the first `>`, or the one after a quoted value that holds it."""
    end = html.find(">", position)
    if end < 0 or html.count('"', position, end) % 2 == 0:
        return end
    quote = html.find('"', end, end + 2000)
    further = html.find(">", quote, quote + 2000) if quote >= 0 else -1
    return further if further >= 0 else end


class _Page:
    """The lines so far, and the one being said. `wanted`: how many line ends the blocks since then ask
    for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.wanted = 0
        self.quoted = self.last_quoted = 0
        self.preformatted = 0
        self.link: tuple[str, int] | None = None

    def say(self, text: str) -> None:
        if "&" in text:
            text = unescape(_HUGE_REFERENCE.sub("\ufffd", text))
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").split("\n")
            self._add(first)
            for other in others:
                self._end_line()
                self._add(other)
            return
        text = _SPACE.sub(" ", _WIDE_BREAK.sub("", text))
        self._add(text if self.line else text.lstrip(" "))

    def tag(self, tag: str, inside: str) -> None:
        name = tag.lstrip("/")
        if name == "br":
            self._end_line()
        elif name in _BLOCKS:
            self._break(1)
        elif name in _PARAGRAPHS:
            self._break(2)
            self._nest(name, -1 if tag.startswith("/") else 1)
        elif tag == "li":
            self._break(1)
            self._add("- ")
        elif tag in ("/td", "/th"):
            self._add("\t" if self.line else "")
        elif name == "a":
            self._anchor(tag, inside)
        elif tag == "img" and (alternative := _value(_ALT, inside)):
            self.say(f"[{alternative}]")

    def text(self) -> str:
        self._break(0)
        return "\n".join(self.lines).replace("\u00a0", " ").strip("\n")

    def _nest(self, name: str, step: int) -> None:
        if name == "blockquote":
            self.quoted = min(max(0, self.quoted + step), QUOTE_LIMIT)
        elif name == "pre":
            self.preformatted = max(0, self.preformatted + step)

    def _anchor(self, tag: str, inside: str) -> None:
        if tag == "a":
            target = _value(_HREF, inside).strip()
            shown = target.lower().startswith(("http://", "https://", "ftp://", "tel:"))
            self.link = (target[:2000], len(self.line)) if shown else None
        elif self.link is not None:
            target, begin = self.link
            self.link = None
            label = "".join(self.line[begin:]).strip()
            if label and label.rstrip("/") not in (
                target.rstrip("/"),
                target.partition("://")[2].rstrip("/"),
            ):
                self._add(f" ({target})")

    def _break(self, wanted: int) -> None:
        if self.line:
            self._end_line()
        self.wanted = max(self.wanted, wanted)

    def _add(self, text: str) -> None:
        if not text:
            return
        if self.wanted > 1 and self.lines and self.lines[-1].strip("> "):
            self.lines.append(("> " * min(self.quoted, self.last_quoted)).rstrip())
        self.wanted = 0
        self.line.append(text)

    def _end_line(self) -> None:
        self.lines.append(("> " * self.quoted + "".join(self.line)).rstrip(" \t"))
        self.last_quoted = self.quoted
        self.line = []
        if self.link is not None:
            self.link = (self.link[0], 0)


def _value(pattern: re.Pattern[str], inside: str) -> str:
    match = pattern.search(inside)
    return unescape(_HUGE_REFERENCE.sub("", next((v for v in match.groups() if v), ""))) if match else ""
