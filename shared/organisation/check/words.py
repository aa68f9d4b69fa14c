"""What is written is there in every language, tells duties apart, and uses words of ours."""

from __future__ import annotations

import re

from shared.folding import fold
from shared.organisation.check.found import Found, known
from shared.organisation.hours import Hours, OwnHours
from shared.organisation.model import Organisation
from shared.organisation.source import Path
from shared.organisation.text import Text

TERMS = (
    "message", "content", "case", "department", "coordinator", "leader", "obligation", "ladder", "round", "promise",
    "delivery", "trail", "receipt", "finding", "order", "time account",
)  # fmt: skip
"""Our words that `terms` may rename (DESIGN.md section 1)."""

_CHINESE = re.compile(r"[㐀-鿿]")


def duties_are_claimed_once(organisation: Organisation) -> Found:
    """No keyword stands with two departments, whatever script it is written in."""
    first: dict[str, tuple[str, str]] = {}
    for n, department in enumerate(organisation.departments):
        for m, duty in enumerate(department.duties):
            for language, words in duty.keywords.items():
                for k, word in enumerate(words):
                    path: Path = ("departments", n, "duties", m, "keywords", language, k)
                    folded = fold(word).strip()
                    if len(folded) < 2:
                        what = f"the keyword {word!r} is too short to tell anything"
                        yield path, what, "Use two characters or more"
                    owner, other = first.setdefault(folded, (department.id, duty.id))
                    if owner != department.id:
                        what = f"the keyword {word!r} is claimed by {owner}/{other} and by {department.id}/{duty.id}"
                        yield path, what, "Two departments can't have one duty: leave it with one"


def urgent_words_are_long_enough(organisation: Organisation) -> Found:
    """Urgent words are looked for anywhere in a text, so that two letters would be found in everything."""
    for n, department in enumerate(organisation.departments):
        for m, duty in enumerate(department.duties):
            for language, words in duty.urgent.items():
                for k, word in enumerate(words):
                    folded = fold(word).strip()
                    if len(folded) < (2 if _CHINESE.search(folded) else 3):
                        path: Path = ("departments", n, "duties", m, "urgent", language, k)
                        what = f"the urgent word {word!r} is too short to tell anything"
                        yield path, what, "Use two Chinese characters or three letters, or more"


def texts_have_all_languages(organisation: Organisation) -> Found:
    """What people read is there in each of the organisation's languages."""
    texts: list[tuple[Path, Text | None]] = [
        (("names",), organisation.names),
        (("line", "names"), organisation.line.names),
        *_own_days(("calendar",), organisation.hours),
    ]
    for n, department in enumerate(organisation.departments):
        texts.append((("departments", n, "names"), department.names))
        texts.append((("departments", n, "contact", "address"), department.contact.address))
        texts += _own_days(("departments", n, "calendar"), department.hours)
        texts += [
            (("departments", n, "duties", m, "names"), duty.names) for m, duty in enumerate(department.duties)
        ]
    texts += [(("people", n, "names"), person.names) for n, person in enumerate(organisation.people)]
    texts += [(("terms", word), text) for word, text in organisation.terms.items()]
    for path, text in texts:
        if text is not None and (missing := text.missing(organisation.languages)):
            yield path, f"it lacks {', '.join(missing)}", "Add it, or leave the language out of `languages`"


def _own_days(path: Path, hours: Hours | OwnHours | None) -> list[tuple[Path, Text | None]]:
    if hours is None:
        return []
    closures = [((*path, "closures", n, "names"), one.names) for n, one in enumerate(hours.closures or ())]
    extra = [
        ((*path, "make_up_days", n, "names"), one.names) for n, one in enumerate(hours.make_up_days or ())
    ]
    return [*closures, *extra]


def days_are_closed_or_worked(organisation: Organisation) -> Found:
    """A day that one calendar both closes and works on is neither."""
    calendars: list[tuple[Path, Hours | OwnHours | None]] = [(("calendar",), organisation.hours)]
    calendars += [(("departments", n, "calendar"), d.hours) for n, d in enumerate(organisation.departments)]
    for path, hours in calendars:
        closed = {day for one in (hours.closures or () if hours else ()) for day in one.days()}
        for n, one in enumerate(hours.make_up_days or () if hours else ()):
            if both := sorted(closed.intersection(one.days())):
                what = f"{both[0]} stands among `closures` too"
                yield (*path, "make_up_days", n), what, "Leave it in one of the two"


def terms_are_ours(organisation: Organisation) -> Found:
    """Only our own words are renamed."""
    for word in organisation.terms:
        if word not in TERMS:
            yield ("terms", word), f"{word!r} is no word of ours", known(word, TERMS)
