"""Pages: Jinja2 templates in three languages over one layout, readable without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from shared import rights
from shared.organisation.text import Language, Text
from shared.rights import Gate, Principal, Right
from shared.service import House
from shared.web import problems
from shared.web.assets import Assets
from shared.web.headers import SecurityHeaders
from shared.web.language import COOKIE, QUERY, chosen, language_of
from shared.web.limit import BodyLimit
from shared.web.nav import nav_for
from shared.web.problems import Problem
from shared.web.words import SHARED, read_words

TEMPLATES = Path(__file__).parent / "templates"
_A_YEAR = 365 * 24 * 3600
_LANGUAGE_NAMES: dict[Language, str] = {"zh-Hant": "繁體中文", "zh-Hans": "简体中文", "en": "English"}


class Pages:
    """The pages of one service: templates in `folder`, its words in `folder/words`, over the shared layout."""

    def __init__(self, house: House, folder: Path = TEMPLATES) -> None:
        self._organisation = house.organisation
        self._https = house.public_url.startswith("https:")
        self._zone = ZoneInfo(house.organisation.hours.zone)
        self._words = read_words(SHARED, folder / "words")
        self.environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), jinja2.FileSystemLoader(TEMPLATES)]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.do"],
        )

    @cached_property
    def assets(self) -> Assets:
        """The style and script."""
        return Assets()

    def language(self, request: Request) -> Language:
        """The language that a request is answered in."""
        return language_of(request, self._organisation.languages)

    def word(self, language: Language, key: str, **values: object) -> str:
        """The words of a key. Raises KeyError for one that is in no catalogue."""
        text = self._words[language][key]
        return text.format(**values) if values else text

    def words(self, language: Language) -> Mapping[str, str]:
        """All words of a language, by key."""
        return self._words[language]

    def owner(self, language: Language, owner: str) -> str:
        """Who owes something: a department, a post of one as `housing/head`, a post of the whole house, the sender.

        One that nobody knows any more is told as it stands.
        """
        place, _, post = owner.partition("/")
        words = self._words[language]
        if place in self._organisation.department:
            named = self._organisation.department[place].names.get(language)
        else:
            named = words.get("coordinator" if place == "coordinator" else f"post.{place}", place)
        if not post:
            return named
        of = words.get(f"post_of.{post}")
        return of.format(place=named) if of else f"{named} · {post}"

    def instant(self, language: Language, at: datetime) -> str:
        """An instant as people say it, in the organisation's zone."""
        local = at.astimezone(self._zone)
        month = self.word(language, f"month.{local.month}")
        return self.word(
            language, "instant", year=local.year, month=month, day=local.day, time=f"{local:%H:%M}"
        )

    def day(self, language: Language, at: datetime) -> str:
        """The day of an instant, in the organisation's zone."""
        local = at.astimezone(self._zone)
        month = self.word(language, f"month.{local.month}")
        return self.word(language, "day", year=local.year, month=month, day=local.day)

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A page. `context` stands beside what every page has (see `_context`)."""
        language = self.language(request)
        text = self.environment.get_template(template).render(self._context(request, language) | context)
        response = HTMLResponse(text, status, headers)
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language, Cookie"
        if chosen(request, self._organisation.languages):
            response.set_cookie(
                COOKIE, language, max_age=_A_YEAR, samesite="lax", secure=self._https, httponly=True
            )
        return response

    def problem(self, request: Request, problem: Problem) -> HTMLResponse:
        """A problem as a page: in the reader's words where there are some, else as the program says it."""
        language = self.language(request)
        words = self._words[language]
        known = [key for key in (problem.code, str(problem.status)) if f"problem.{key}.title" in words]
        title = words[f"problem.{known[0]}.title"] if known else problem.title
        told = words[f"problem.{known[0]}.detail"] if known else ""
        return self.render(
            request,
            "problem.html",
            status=problem.status,
            headers=problem.headers,
            problem=problem,
            title=title,
            told=told,
        )

    def _context(self, request: Request, language: Language) -> dict[str, Any]:
        gate: Gate = request.app.state.gate
        principal: Principal = getattr(request.state, "principal", gate.anybody)
        session = getattr(request.state, "session", None)
        return {
            "request": request,
            "path": request.url.path,
            "principal": principal,
            "organisation": self._organisation,
            "lang": language,
            "languages": [
                (one, _LANGUAGE_NAMES[one], _in_language(request, one))
                for one in self._organisation.languages
            ],
            "nav": nav_for(request.app, principal),
            "t": lambda key, **values: self.word(language, key, **values),
            "term": self._term(language),
            "names": lambda text: text.get(language),
            "person": self._name(self._organisation.person, language),
            "department": self._name(self._organisation.department, language),
            "owner": lambda id: self.owner(language, id),
            "instant": lambda at: self._time(at, self.instant(language, at)),
            "day": lambda at: self._time(at, self.day(language, at)),
            "may": lambda right: rights.may(principal, Right(right)),
            "static": self.assets.address,
            "csrf_field": lambda: _csrf_field(gate.sessions.csrf(session.id) if session else ""),
        }

    def _term(self, language: Language) -> Callable[[str], str]:
        def term(word: str) -> str:
            own = self._organisation.terms.get(word)
            return own.get(language) if own else self.word(language, f"term.{word}")

        return term

    def _name(self, found: Mapping[str, Any], language: Language) -> Callable[[str | None], str]:
        def name(id: str | None) -> str:
            if id in (None, "coordinator"):
                return self.word(language, "coordinator")
            names: Text | None = found[id].names if id in found else None
            return names.get(language) if names else str(id)

        return name

    def _time(self, at: datetime, text: str) -> Markup:
        return Markup('<time datetime="{}">{}</time>').format(at.astimezone(self._zone).isoformat(), text)


def _csrf_field(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def _in_language(request: Request, language: Language) -> str:
    query = request.url.include_query_params(**{QUERY: language}).query
    return f"{request.url.path}?{query}"


def install(app: FastAPI, house: House) -> None:
    """What every application has: the gate, problems, the style, headers. Before any router is included."""
    pages = Pages(house)
    gate = Gate(house.settings, house.keys, house.clock, house.organisation, house.public_url)
    rights.install(app, gate)
    problems.install(app, pages.problem)
    app.include_router(pages.assets.router())
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, https=house.public_url.startswith("https:"))
