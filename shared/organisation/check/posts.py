"""Ids, people, departments and posts fit together."""

from __future__ import annotations

from shared.organisation.check.found import Found, known, places, vacant
from shared.organisation.limits import Limits
from shared.organisation.model import Organisation
from shared.organisation.source import Path


def ids_stand_once(organisation: Organisation) -> Found:
    """Departments, people, duties and mailboxes each have an id of their own."""
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
            what = "'coordinator' is the coordinator's own name"
            yield ("departments", n, "id"), what, "Give it another id"


def posts_name_people(organisation: Organisation) -> Found:
    """Whoever is in a post, the leading group or posted with enterprises is among the people."""
    named: list[tuple[Path, str]] = []
    for path, _, place in places(organisation):
        named += [((*path, "head"), place.head), ((*path, "leader"), place.leader)]
        named += [((*path, "officers", n), person) for n, person in enumerate(place.officers)]
        named += [((*path, "deputies", n), person) for n, person in enumerate(place.deputies)]
    named += [(("principal", n), person) for n, person in enumerate(organisation.principal)]
    named += [(("leading_group", n), person) for n, person in enumerate(organisation.leading_group)]
    named += [(("postings", n, "person"), one.person) for n, one in enumerate(organisation.postings)]
    for path, person in named:
        if person not in organisation.person:
            remedy = known(person, organisation.person, "Add this person to `people`")
            yield path, f"nobody has the id {person!r}", remedy


def nobody_stands_in_for_themselves(organisation: Organisation) -> Found:
    """A deputy is not among the officers."""
    for path, _, place in places(organisation):
        for n, person in enumerate(place.deputies):
            if person in place.officers:
                what = f"{person!r} is a deputy for himself or herself"
                yield (*path, "deputies", n), what, "Name somebody who is not among the officers"


def departments_are_known(organisation: Organisation) -> Found:
    """People, mailboxes and parents name departments that there are."""
    named: list[tuple[Path, str | None]] = [
        *((("people", n, "department"), person.department) for n, person in enumerate(organisation.people)),
        *((("mailboxes", n, "department"), box.department) for n, box in enumerate(organisation.mailboxes)),
        *((("departments", n, "parent"), d.parent) for n, d in enumerate(organisation.departments)),
    ]
    for path, department in named:
        if department is not None and department not in organisation.department:
            yield path, f"there is no department {department!r}", known(department, organisation.department)


def people_are_where_they_work(organisation: Organisation) -> Found:
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


def parents_make_no_circle(organisation: Organisation) -> Found:
    """No department is above itself, be it by way of others."""
    for n, department in enumerate(organisation.departments):
        seen, above = {department.id}, department.parent
        while above in organisation.department and above not in seen:
            seen.add(above)
            above = organisation.department[above].parent
        if above == department.id:
            yield ("departments", n, "parent"), "it is above itself", "Let one of the circle have no parent"


def chosen_posts_are_filled(organisation: Organisation) -> Found:
    """Whoever grants more time, inspects or takes a class of cases is somebody, and not who asks or did the work."""
    choices = organisation.choices
    chosen: list[tuple[Path, str]] = [(("choices", "grants"), choices.grants)]
    if _is_inspected(organisation):
        chosen.append((("choices", "inspects"), choices.inspects))
    for path, post in chosen:
        if post in {"holder", "deputy"}:
            what = f"the {post} of a case would judge his or her own work"
            yield path, what, "Name a post above it, or the supervisors"
    chosen += [(("choices", "enter", name), post) for name, post in choices.enter.items()]
    for path, post in chosen:
        if without := vacant(organisation, post):
            what = f"the post {post!r} is vacant for {', '.join(without)}"
            yield path, what, "Fill the post, or name another"


def _is_inspected(organisation: Organisation) -> bool:
    sets: list[Limits] = [organisation.limits, *(one.limits for one in organisation.special_limits)]
    return any(one.inspect for one in sets)


def postings_are_clear(organisation: Organisation) -> Found:
    """Each enterprise has one person posted with it, by an address or domain that mail can come from."""
    first: dict[str, str] = {}
    for n, posting in enumerate(organisation.postings):
        for m, mail in enumerate(posting.mails):
            path: Path = ("postings", n, "mails", m)
            folded = mail.strip().casefold()
            if folded in first:
                what = f"{mail!r} is claimed by {first[folded]!r} and by {posting.person!r}"
                yield path, what, "An enterprise has one person posted with it: leave it with one"
            elif folded.count("@") != 1 or folded.endswith("@"):
                yield path, f"{mail!r} is no address", "Write name@example.org, or @example.org for all there"
            first.setdefault(folded, posting.person)
