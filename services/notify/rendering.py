"""What a delivery says: its subject, its text, and the same text as simple HTML, in the party's language."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.delivery import Delivery
from services.notify.digest import DigestList
from shared.content.words import Note, Options
from shared.events.deliveries import DigestItem
from shared.organisation import Organisation
from shared.tokens import Tokens

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGES = ("zh-Hant", "zh-Hans", "en")
MOST_SUBJECT = 120
"""Characters of the sender's own subject that an answer repeats."""

_WEIGHT = ("lapse", "remind", "warn", "breach", "escalate", "circulate")
_LATE = frozenset(("breach", "escalate", "circulate"))
_GAP = re.compile(r"\n{3,}")
_LINK = re.compile(r"https?://[!#-;=?-~]*[A-Za-z0-9/_=~-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said, before it becomes a mail."""

    subject: str
    text: str
    html: str


@lru_cache(64)
def known_language(tag: str) -> str:
    """The nearest language there are templates for: Chinese by script or region, English for all others."""
    lower = tag.lower().replace("_", "-")
    if not lower.startswith("zh"):
        return "en"
    hant = any(part in ("hant", "tw", "hk", "mo") for part in lower.split("-"))
    return "zh-Hant" if hant else "zh-Hans"


@cache
def labels(language: str) -> dict[str, Any]:
    """A language's words for obligations, actions and instants."""
    return tomllib.loads((TEMPLATES / language / "labels.toml").read_text("utf-8"))


def as_html(text: str, language: str) -> str:
    """Plain text as a page: its paragraphs, its line breaks, its links, nothing else."""
    paragraphs = "".join(
        f"<p>{_linked(paragraph).replace(chr(10), '<br>')}</p>\n" for paragraph in text.split("\n\n")
    )
    head = f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"></head>\n<body>\n'
    return f"{head}{paragraphs}</body></html>\n"


def _linked(text: str) -> str:
    pieces, at = [], 0
    for found in _LINK.finditer(text):
        address = escape(found[0])
        pieces += [escape(text[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.end()
    return "".join([*pieces, escape(text[at:])])


class Rendering:
    """Fills the templates with what the organisation is and what a delivery tells."""

    def __init__(self, organisation: Organisation, public_url: str, tokens: Tokens) -> None:
        self._organisation = organisation
        self.zone = ZoneInfo(organisation.hours.zone)
        self._url = public_url
        self.instant = lru_cache(1024)(self._instant)
        """An instant as people say it, in the organisation's zone: `(at, language)`. Many are promised the same one."""
        self._tokens = tokens
        # plain text: the HTML part is made of it, and escaped there
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701
            auto_reload=False,
        )

    def to_sender(self, delivery: Delivery, subject: str = "", note: Note | None = None) -> Letter:
        """What a sender is told. `subject` is what their message was called."""
        assert delivery.message is not None
        language = delivery.language
        return self._fill(
            delivery,
            link=f"{self._url}/track/{self._tokens.tracking_code(delivery.message)}",
            promise=delivery.promise and self.instant(delivery.promise, language),
            final=delivery.final,
            closes_at=delivery.closes_at and self.instant(delivery.closes_at, language),
            until=delivery.until and self.instant(delivery.until, language),
            declined=labels(language)["declined"].get(delivery.declined or ""),
            department=self._owner(delivery.department, language) if delivery.department else "",
            outcome=delivery.outcome,
            other=delivery.other,
            subject=_short(subject),
            **_said(note),
        )

    def alarm(self, delivery: Delivery, name: str) -> Letter:
        """A reminder to an officer or a notice to a leader."""
        words = labels(delivery.language)
        lines: list[dict[str, Any]] = [
            {
                "code": rung.action,
                "action": words["actions"].get(rung.action, rung.action),
                "step": rung.rung + 1,
                "owner": self._owner(rung.owner, delivery.language),
                "kind": words["obligations"].get(rung.kind, rung.kind),
                "late": rung.action in _LATE,
                "due": self.instant(rung.due, delivery.language),
                "since": self.instant(rung.since, delivery.language),
                "weight": _WEIGHT.index(rung.action) if rung.action in _WEIGHT else 0,
            }
            for rung in delivery.rungs
        ]
        heaviest = max(lines, key=lambda line: line["weight"])
        counted = heaviest | {"count": len(lines), "others": len(lines) - 1}
        return self._fill(
            delivery,
            link=f"{self._url}/cases/{delivery.ref}",
            name=name,
            lines=lines,
            heaviest=heaviest["code"],
            headline=words["headline_of_several" if len(lines) > 1 else "headline"].format_map(counted),
        )

    def told(
        self, delivery: Delivery, name: str, note: Options | None = None, asked: Options | None = None
    ) -> Letter:
        """What happened in a case, to somebody in the house: who wrote what with it, what is owed by when. `asked` is
        what an opinion chose from."""
        language = delivery.language
        words = labels(language)
        happened = words["happened"].get(delivery.happened) or words["happened"]["changed"]
        says = happened["says"].format(
            department=self._owner(delivery.department or "coordinator", language),
            until=delivery.until and self.instant(delivery.until, language),
        )
        return self._fill(
            delivery,
            link=f"{self._url}/cases/{delivery.ref}",
            name=name,
            headline=happened["headline"],
            says=says,
            author=self._author(delivery.actor, language),
            options=note.options if note else (),
            preferred=note.preferred if note else 0,
            choice=delivery.choice,
            chosen=_name(asked, delivery.choice),
            owed=[
                {
                    "owner": self._owner(one.owner, language),
                    "kind": words["obligations"].get(one.kind, one.kind),
                    "due": self.instant(one.due, language),
                }
                for one in delivery.owed
            ],
            **_said(note),
        )

    def digest(self, delivery: Delivery, name: str, listed: DigestList) -> Letter:
        """A day's reminders and news of all cases in one letter, what is overdue first."""
        lines = [self._item(item, listed.at, delivery.language) for item in listed.items]
        return self._fill(
            delivery,
            name=name,
            at=self.instant(listed.at, delivery.language),
            lines=lines,
            total=len(lines),
            overdue=sum(line["overdue"] for line in lines),
            may_be_more=listed.may_be_more,
            cases=f"{self._url}/cases",
        )

    def _item(self, item: DigestItem, at: datetime, language: str) -> dict[str, Any]:
        words = labels(language)
        overdue = item.due is not None and item.due < at
        happened = words["happened"].get(item.what)
        what = happened["headline"] if happened else words["actions"].get(item.what, item.what)
        return {
            "ref": item.ref,
            "what": what,
            "overdue": overdue,
            "kind": item.kind and words["obligations"].get(item.kind, item.kind),
            "owner": item.owner and self._owner(item.owner, language),
            "due": item.due and self.instant(item.due, language),
            "link": f"{self._url}/cases/{item.ref}",
        }

    def _instant(self, at: datetime, language: str) -> str:
        words = labels(language)
        local = at.astimezone(self.zone)
        months = words.get("months")
        instant: str = words["instant"]
        return instant.format(
            year=local.year,
            month=local.month,
            month_name=months[local.month - 1] if months else "",
            day=local.day,
            weekday=words["weekdays"][local.weekday()],
            time=f"{local:%H:%M}",
        )

    def _owner(self, owner: str, language: str) -> str:
        """A department's name, a post's, or that of a post in a department."""
        place, slash, post = owner.partition("/")
        words = labels(language)
        department = self._organisation.department.get(place)
        name = department.names.get(language) if department else str(words["posts"].get(place, place))
        return words["post_of"].format(place=name, post=words["posts"].get(post, post)) if slash else name

    def _author(self, actor: str | None, language: str) -> str:
        """Who did something: a colleague by name, or the sender; nothing of programs and of what time did."""
        if actor == "sender":
            return str(labels(language)["posts"]["sender"])
        found = self._organisation.person.get(actor or "")
        return found.names.get(language) if found else ""

    def _fill(self, delivery: Delivery, **facts: object) -> Letter:
        language = delivery.language
        template = self._templates.get_template(f"{language}/{delivery.template}.txt")
        name = self._organisation.names.get(language)
        phone = self._organisation.line.phone
        line = self._organisation.line.names.get(language)
        signature = f"{name}\n{line}" + (f" {phone}" if phone else "")
        whole = template.render(ref=delivery.ref, organisation=name, signature=signature, **facts)
        subject, _, text = whole.partition("\n")
        text = _GAP.sub("\n\n", text.replace("\r\n", "\n")).strip("\n") + "\n"
        return Letter(subject.strip(), text, as_html(text.rstrip("\n"), language))


def _said(note: Note | None) -> dict[str, Any]:
    return {"note": note.text.strip() if note else "", "attachments": len(note.attachments) if note else 0}


def _name(asked: Options | None, choice: int | None) -> str:
    """The name of the option that was chosen, counted from 1."""
    if asked is None or choice is None or not 0 < choice <= len(asked.options):
        return ""
    return asked.options[choice - 1].name


def _short(subject: str) -> str:
    """The sender's subject on one line, without the `Re:` that we put before it ourselves."""
    one_line = re.sub(
        r"^(?:(?:re|回复|回覆|答复|答覆)\s*[:：]\s*)+", "", " ".join(subject.split()), flags=re.IGNORECASE
    )
    return one_line if len(one_line) <= MOST_SUBJECT else one_line[:MOST_SUBJECT] + "…"
