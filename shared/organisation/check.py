"""Whether the parts of an organisation fit together: one generator a rule."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import get_args

from shared.events.messages import Kind
from shared.folding import fold
from shared.organisation.ladder import POSTS
from shared.organisation.limits import OWED
from shared.organisation.model import Organisation, Staffed
from shared.organisation.source import Fault, Path, Source
from shared.organisation.text import Text

Found = Iterator[tuple[Path, str, str]]

TERMS = (
    "message", "content", "case", "department", "coordinator", "leader", "obligation", "ladder", "round", "promise",
    "delivery", "trail", "receipt", "finding", "order", "time account",
)  # fmt: skip
"""Our words that `terms` may rename (DESIGN.md section 1)."""


def faults_of(organisation: Organisation, source: Source) -> list[Fault]:
    """Everything that does not fit, by line."""
    return [source.fault(*found) for rule in _RULES for found in rule(organisation)]


def _places(organisation: Organisation) -> Iterator[tuple[Path, str, Staffed]]:
    yield ("coordinator",), "coordinator", organisation.coordinator
    for n, department in enumerate(organisation.departments):
        yield ("departments", n), department.id, department


def _ids_stand_once(organisation: Organisation) -> Found:
    named: list[list[tuple[Path, str]]] = [
        [(("departments", n, "id"), d.id) for n, d in enumerate(organisation.departments)],
        [(("people", n, "id"), p.id) for n, p in enumerate(organisation.people)],
        [
            (("departments", n, "duties", m, "id"), duty.id)
            for n, d in enumerate(organisation.departments)
            for m, duty in enumerate(d.duties)
        ],
        [
            (("mailboxes", n, "address"), box.address.casefold())
            for n, box in enumerate(organisation.mailboxes)
        ],
    ]
    for ids in named:
        first: dict[str, Path] = {}
        for path, id_ in ids:
            if id_ in first:
                yield path, f"{id_!r} stands here twice", "Each is claimed once: rename it or leave it out"
            first.setdefault(id_, path)
    for n, department in enumerate(organisation.departments):
        if department.id == "coordinator":
            yield (
                ("departments", n, "id"),
                "'coordinator' is the coordinator's own name",
                "Give it another id",
            )


def _posts_name_people(organisation: Organisation) -> Found:
    for path, _, place in _places(organisation):
        yield from _person(organisation, (*path, "head"), place.head)
        yield from _person(organisation, (*path, "leader"), place.leader)
        for n, person in enumerate(place.officers):
            yield from _person(organisation, (*path, "officers", n), person)
        for n, person in enumerate(place.deputies):
            yield from _person(organisation, (*path, "deputies", n), person)
    for n, person in enumerate(organisation.principal):
        yield from _person(organisation, ("principal", n), person)


def _person(organisation: Organisation, path: Path, person: str) -> Found:
    if person not in organisation.person:
        yield (
            path,
            f"nobody has the id {person!r}",
            _known(person, organisation.person, "Add this person to `people`"),
        )


def _nobody_stands_in_for_themselves(organisation: Organisation) -> Found:
    for path, _, place in _places(organisation):
        for n, person in enumerate(place.deputies):
            if person in place.officers:
                what = f"{person!r} is a deputy for himself or herself"
                yield (*path, "deputies", n), what, "Name somebody who is not among the officers"


def _departments_are_known(organisation: Organisation) -> Found:
    named: list[tuple[Path, str | None]] = [
        *((("people", n, "department"), person.department) for n, person in enumerate(organisation.people)),
        *((("mailboxes", n, "department"), box.department) for n, box in enumerate(organisation.mailboxes)),
        *((("departments", n, "parent"), d.parent) for n, d in enumerate(organisation.departments)),
    ]
    for path, department in named:
        if department is not None and department not in organisation.department:
            yield path, f"there is no department {department!r}", _known(department, organisation.department)


def _people_are_where_they_work(organisation: Organisation) -> Found:
    """An officer sees the cases of the department beside the name, so post and name must agree."""
    for n, department in enumerate(organisation.departments):
        posts: list[tuple[Path, str]] = [
            (("head",), department.head),
            *((("officers", m), person) for m, person in enumerate(department.officers)),
            *((("deputies", m), person) for m, person in enumerate(department.deputies)),
        ]
        for post, id_ in posts:
            person = organisation.person.get(id_)
            if person is not None and person.department != department.id:
                what = f"{id_!r} works here but has the department {person.department!r}"
                yield ("departments", n, *post), what, f"Write `department: {department.id}` with this person"


def _parents_make_no_circle(organisation: Organisation) -> Found:
    for n, department in enumerate(organisation.departments):
        seen, above = {department.id}, department.parent
        while above in organisation.department and above not in seen:
            seen.add(above)
            above = organisation.department[above].parent
        if above == department.id:
            yield ("departments", n, "parent"), "it is above itself", "Let one of the circle have no parent"


def _rungs_name_somebody(organisation: Organisation) -> Found:
    holders = [id_ for _, id_, _ in _places(organisation)]
    for n, rung in enumerate(organisation.ladder):
        for m, post in enumerate(rung.to):
            path: Path = ("ladder", n, "to", m)
            department, slash, own = post.rpartition("/")
            if slash and department not in holders:
                yield (
                    path,
                    f"there is no department {department!r}",
                    _known(department, organisation.department),
                )
            elif own not in POSTS:
                yield path, f"{own!r} is no post", _known(own, POSTS)
            else:
                vacant = [h for h in ([department] if slash else holders) if not organisation.who(own, h)]
                # A warning for the deputy too still reaches somebody where there is none.
                if vacant and (
                    slash or not any(p in {"holder", "head", "leader", "principal"} for p in rung.to)
                ):
                    what = f"the rung {rung.at} names nobody for {', '.join(vacant)}: there is no {own}"
                    yield path, what, f"Fill the post, or let the rung name another of {', '.join(POSTS)}"


def _rungs_are_in_order(organisation: Organisation) -> Found:
    times = [rung.at for rung in organisation.ladder]
    for n, (earlier, later) in enumerate(pairwise(times), start=1):
        before, after = earlier.offset, later.offset
        falls = (
            before is not None
            and after is not None
            and before.unit is after.unit
            and after.number <= before.number
        )
        if later.basis_points < earlier.basis_points or (before and not after) or falls or later == earlier:
            yield (
                ("ladder", n, "at"),
                f"{later} stands after {earlier}",
                "Put rungs in the order in which they fall",
            )
    if [rung.action for rung in organisation.ladder].count("breach") != 1:
        yield (
            ("ladder",),
            "it has no single breach",
            "Let exactly one rung stand at 100% with `action: breach`",
        )


def _kinds_have_limits(organisation: Organisation) -> Found:
    for kind in get_args(Kind):
        limits = organisation.limits_for(kind)
        if missing := [owed for owed in OWED if getattr(limits, owed) is None]:
            what = f"cases of kind {kind} have no limit for {', '.join(missing)}"
            yield ("limits",), what, f"Add `{missing[0]}:` here, or under `kinds: {kind}: limits:`"


def _duties_are_claimed_once(organisation: Organisation) -> Found:
    first: dict[str, tuple[str, str]] = {}
    for n, department in enumerate(organisation.departments):
        for m, duty in enumerate(department.duties):
            for language, words in duty.keywords.items():
                for k, word in enumerate(words):
                    path: Path = ("departments", n, "duties", m, "keywords", language, k)
                    folded = fold(word).strip()
                    if len(folded) < 2:
                        yield (
                            path,
                            f"the keyword {word!r} is too short to tell anything",
                            "Use two characters or more",
                        )
                    owner, other = first.setdefault(folded, (department.id, duty.id))
                    if owner != department.id:
                        what = f"the keyword {word!r} is claimed by {owner}/{other} and by {department.id}/{duty.id}"
                        yield (
                            path,
                            what,
                            "Two departments can't have one duty: leave it with one",
                        )


def _texts_have_all_languages(organisation: Organisation) -> Found:
    texts: list[tuple[Path, Text | None]] = [
        (("names",), organisation.names),
        (("line", "names"), organisation.line.names),
    ]
    for n, department in enumerate(organisation.departments):
        texts.append((("departments", n, "names"), department.names))
        texts.append((("departments", n, "contact", "address"), department.contact.address))
        texts += [
            (("departments", n, "duties", m, "names"), duty.names) for m, duty in enumerate(department.duties)
        ]
    texts += [(("people", n, "names"), person.names) for n, person in enumerate(organisation.people)]
    texts += [(("terms", word), text) for word, text in organisation.terms.items()]
    for path, text in texts:
        if text is not None and (missing := text.missing(organisation.languages)):
            yield path, f"it lacks {', '.join(missing)}", "Add it, or leave the language out of `languages`"


def _terms_are_ours(organisation: Organisation) -> Found:
    for word in organisation.terms:
        if word not in TERMS:
            yield ("terms", word), f"{word!r} is no word of ours", _known(word, TERMS)


def _known(word: str, known: Iterable[str], otherwise: str = "") -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"Did you mean `{close[0]}`?" if close else otherwise or f"Known: {', '.join(names[:12])}"


_RULES: tuple[Callable[[Organisation], Found], ...] = (
    _ids_stand_once,
    _posts_name_people,
    _nobody_stands_in_for_themselves,
    _departments_are_known,
    _people_are_where_they_work,
    _parents_make_no_circle,
    _rungs_name_somebody,
    _rungs_are_in_order,
    _kinds_have_limits,
    _duties_are_claimed_once,
    _texts_have_all_languages,
    _terms_are_ours,
)
