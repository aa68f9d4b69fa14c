"""`visible_reply`: what somebody wrote themselves, apart from what they quote and sign with.

Only for reading: nothing is thrown away. Every line that is not blank is in exactly one of text, quoted and
signature.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

# How attributions end, in the languages mail programs were seen to write them in.
_WROTE = re.compile(
    r"(?:wrote|writes|写道|寫道|schrieb|a écrit|ha scritto|escribió|escreveu|schreef|napsal(?:\(a\))?"
    r"|napisał\(?a?\)?"
    r"|skrev|kirjoitti|yazdı|пишет|писал|написала?|написал\(а\)|のメール|wrote the following)\s*[:：]?\s*$",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:On|At|Le|Am|El|Il|Op|Em|Den|Dne|Dnia|W dniu|Pe|Il giorno)\b.{0,60}\d|(?:在|於|于)\s*.{0,60}\d",
    re.IGNORECASE,
)
_NAMES_SOMEBODY = re.compile(
    r"2\d{3}|\d{1,2}[./-]\d|.{0,120}(?:於|于)\s*\d|.{0,120}<[^<>]*@|On\b", re.IGNORECASE
)
# Quotations without a verb count only where `>` lines follow ("2012/4/2 Megan <m@example.org>").
_BARE_ATTRIBUTION = re.compile(
    r"^(?:On\b.{6,200}|.{0,100}\b\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}.{0,120}@.{0,100})[:：]$"
    r"|^\d{4}[-/]\d.*<[^>]*@[^>]*>:?$"
)
_SEPARATOR = re.compile(
    r"^[>\s*]*[-_—=]{2,}\s*(?:original message|original appointment|ursprüngliche nachricht"
    r"|message d'origine|mensaje original"
    r"|messaggio originale|mensagem original|oorspronkelijk bericht|oprindelig meddelelse"
    r"|ursprungligt meddelande"
    r"|原始邮件|原始郵件|原邮件|原郵件|原始信件|原始訊息|原始讯息|邮件原件|回复的邮件|回复的原邮件"
    r"|元のメッセージ|원본 메시지|исходное сообщение"
    r"|reply message|reply above this line.*)\s*[-_—=]*\s*$|^-{2,}\s*在.{4,120}(?:写道|寫道)[:：]?\s*-*$",
    re.IGNORECASE,
)
_HEADER_FROM = re.compile(
    r"^\s*[*_]*(?:from|von|de|da|van|发件人|寄件者|寄件人|發件人|发信人|差出人|от|från|fra)[*_]*\s*[:：]",
    re.IGNORECASE,
)
_HEADER_OTHER = re.compile(
    r"^\s*[*_]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado(?: el)?"
    r"|para|asunto|assunto"
    r"|inviato|a|oggetto|verzonden|aan|onderwerp|发送时间|发送日期|日期|时间|收件人|抄送|主题|傳送時間"
    r"|寄件日期|傳送日期|日期|收件者"
    r"|副本|主旨|標題|主題|发送|送信日時|宛先|件名|отправлено|кому|тема|skickat|till|ämne|sendt|til"
    r"|emne)[*_]*\s*[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[_\-—=]{8,}\s*$")
_DELIMITER = re.compile(r"^--\s?$|^[-_—]{8,}$")
_MOBILE = re.compile(
    r"^\s*(?:sent (?:from|via|with|using) (?:my |the )?[\w .'’+-]{2,60}(?:\(https?://\S+\))?"
    r"|get outlook for (?:ios|android).*"
    r"|sent with .{2,80}|von meinem .{2,40} gesendet|envoyé de mon .{2,40}|enviado desde mi .{2,40}"
    r"|(?:发自|發自|來自|来自)\s*(?:我的\s*)?.{1,30}|(?:從|从)\s*我的\s*.{1,30}(?:傳送|发送|發送|寄出)"
    r"|从\s*(?:windows|outlook|mac|ipad).{0,30}发送|(?:从|發送自|发送自)\s*(?:windows|outlook|网易"
    r"|yahoo).{0,40}|iphoneから送信|отправлено с .{2,40})\s*$",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"^\s*(?:fwd?|wg|tr|rv|doorst|转发|轉發|轉寄|转寄)\s*[:：]", re.IGNORECASE)
_FORWARD_MARK = re.compile(
    r"forwarded message|begin forwarded|weitergeleitete|转发的?邮件|轉寄的?郵件|轉寄信件|已转发邮件|已轉寄",
    re.IGNORECASE,
)
_FORWARD_STARTS = ("-", "—", "=", "B", "转", "轉", "已")
_SIGNATURE_LINES = 20


@dataclass(frozen=True, slots=True)
class Reply:
    """The words of this mail, what it quotes, and how it is signed."""

    text: str
    quoted: str = ""
    signature: str | None = None


def visible_reply(text: str, subject: str = "") -> Reply:
    """Sets aside the quotation and the signature of a plain text (as `Mail.text` is).

    Answers written between quoted lines keep the lines they answer. What is forwarded is what the sender
    wants read, so a forward (by its subject, or a mark in the text) keeps it. Where nothing would remain,
    the text stays whole.
    """
    lines = text.split("\n")
    end = len(lines) if _FORWARD.match(subject) else _quotation_start(lines)
    own, quoted = lines[:end], lines[end:]
    own, marked = _without_marked(own)
    own, signature = _without_signature(own)
    if not "".join(own).strip():
        return Reply(text.strip("\n"))
    parts = [part for part in ("\n".join(marked).strip("\n"), "\n".join(quoted).strip("\n")) if part.strip()]
    signed = "\n".join(signature).strip("\n")
    return Reply("\n".join(own).strip("\n"), "\n\n".join(parts), signed or None)


def _quotation_start(lines: list[str]) -> int:
    """The line from which everything is quotation: below a separator, mail headers, or an attribution
    without `>`."""
    for index, line in enumerate(lines):
        if len(line) > 400:
            continue
        if line.lstrip(" >")[:1] in _FORWARD_STARTS and _FORWARD_MARK.search(line):
            return len(lines)
        if _SEPARATOR.match(line):
            return index
        if _mail_headers(lines, index):
            above = index - 1
            while above >= 0 and not lines[above].strip():
                above -= 1
            return above if above >= 0 and _RULE.match(lines[above]) else index
        if _wrote(line) and (start := _attribution(lines, index)) is not None:
            following = next((lines[i] for i in range(index + 1, len(lines)) if lines[i].strip()), "")
            if following and not following.lstrip().startswith(">"):
                return start
    return len(lines)


def _mail_headers(lines: list[str], index: int) -> bool:
    """Whether the header of a quoted mail starts here: From with two other fields soon after, or three
    fields running with From among them."""
    if ":" not in lines[index] and "：" not in lines[index]:
        return False
    if _HEADER_FROM.match(lines[index]):
        following = [line for line in lines[index + 1 : index + 8] if line.strip()][:5]
        return sum(bool(_HEADER_OTHER.match(line)) for line in following) >= 2
    if not _HEADER_OTHER.match(lines[index]):
        return False
    block = lines[index : index + 4]
    froms = [bool(_HEADER_FROM.match(line)) for line in block]
    return any(froms) and sum(bool(_HEADER_OTHER.match(line)) for line in block) + sum(froms) >= 3


def _wrote(line: str) -> bool:
    return bool(_WROTE.search(line.rstrip()[-30:]))


def _attribution(lines: list[str], last: int) -> int | None:
    """Where the attribution that ends on this line starts: here, or up to three lines above where it was
    wrapped."""
    found = None
    for start in range(last, max(-1, last - 4), -1):
        if not lines[start].strip():
            break
        joined = " ".join(lines[start : last + 1]).lstrip("> -*")
        if len(joined) > 400 or not any(c.isdigit() or c == "@" for c in joined):
            continue
        if _OPENING.match(joined):
            return start
        if found is None and _NAMES_SOMEBODY.match(joined):
            found = start
    return found


def _without_marked(lines: list[str]) -> tuple[list[str], list[str]]:
    """Takes out lines marked `>` and their attributions; where somebody answers between them, only those at
    the end."""
    blocks = _marked_blocks(lines)
    if not blocks:
        return lines, []
    if any("".join(lines[first[1] : second[0]]).strip() for first, second in pairwise(blocks)):
        blocks = [block for block in blocks[-1:] if not "".join(lines[block[1] :]).strip()]
    own: list[str] = []
    marked: list[str] = []
    position = 0
    for start, end in blocks:
        own += lines[position:start]
        marked += lines[start:end]
        position = end
    return own + lines[position:], marked


def _marked_blocks(lines: list[str]) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    index = 0
    while index < len(lines):
        if not lines[index].startswith(">"):
            index += 1
            continue
        start = _attributed(lines, index, blocks[-1][1] if blocks else 0)
        while index < len(lines) and (lines[index].startswith(">") or not lines[index].strip()):
            index += 1
        while not lines[index - 1].strip():
            index -= 1
        blocks.append((start, index))
    return blocks


def _attributed(lines: list[str], index: int, floor: int) -> int:
    """The start of the quotation at `index` with its attribution, if there is one above."""
    above = index - 1
    while above >= floor and not lines[above].strip():
        above -= 1
    if above < floor:
        return index
    line = lines[above]
    start = _attribution(lines, above) if line.rstrip().endswith((":", "：")) or _wrote(line) else None
    if start is None and _BARE_ATTRIBUTION.match(line.strip()[:400]):
        start = above
    return max(start, floor) if start is not None else index


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    for index in range(max(0, last - _SIGNATURE_LINES), last):
        if (
            _DELIMITER.match(lines[index].rstrip())
            and index
            and (index + 1 < last or lines[index].startswith("-- "))
        ):
            return lines[:index], lines[index:]
    if last and _MOBILE.match(lines[last - 1]):
        return lines[: last - 1], lines[last - 1 :]
    return lines, []
