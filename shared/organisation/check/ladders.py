"""Each ladder names somebody at every rung, its rungs fall in order, and cases climb it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from shared.calendar import Limit
from shared.organisation.check.found import Found, known, places, vacant
from shared.organisation.ladder import DEEMED, POSTS, SUPERVISION, Rung, RungTime
from shared.organisation.model import Organisation
from shared.organisation.source import Path

_REACHES = frozenset({"holder", "head", "leader", "principal"})


def rungs_name_somebody(organisation: Organisation) -> Found:
    """Posts and departments of each rung are known, and whoever holds a case has somebody in them."""
    for path, rungs in _ladders(organisation):
        for n, rung in enumerate(rungs):
            for m, post in enumerate(rung.to):
                for what, remedy in _wrong_with(organisation, rung, post):
                    yield (*path, n, "to", m), what, remedy


def _wrong_with(organisation: Organisation, rung: Rung, post: str) -> Iterator[tuple[str, str]]:
    department, slash, own = post.rpartition("/")
    if slash and department not in {holder for _, holder, _ in places(organisation)}:
        yield f"there is no department {department!r}", known(department, organisation.department)
    elif own not in POSTS:
        yield f"{own!r} is no post", known(own, POSTS)
    # A warning for the deputy too still reaches somebody where there is none.
    elif slash or _REACHES.isdisjoint(rung.to):
        without = vacant(organisation, own)
        if slash:
            without = [department] if department in without else []
        if without:
            what = f"the rung {rung.at} names nobody for {', '.join(without)}: there is no {own}"
            yield what, f"Fill the post, or let the rung name another of {', '.join(POSTS)}"


def rungs_are_in_order(organisation: Organisation) -> Found:
    """Rungs stand as they fall, repetitions included, and exactly one of them is the breach."""
    for path, rungs in _ladders(organisation):
        falls = [(n, one.at) for n, rung in enumerate(rungs) for one in rung.each()]
        for (_, earlier), (n, later) in pairwise(falls):
            if not _may_follow(earlier, later):
                what = f"{later} stands after {earlier}"
                yield (
                    (*path, n, "at"),
                    what,
                    "Put rungs in the order in which they fall, repetitions included",
                )
        if [rung.action for rung in rungs].count("breach") != 1:
            remedy = "Let exactly one rung stand at 100% with `action: breach`"
            yield path, "it has no single breach", remedy


def _may_follow(earlier: RungTime, later: RungTime) -> bool:
    """What can't be compared without a calendar, such as +4wh and +1wd, may."""
    if earlier.offset is None or later.offset is None:
        return earlier.offset is None and (
            later.offset is not None or later.basis_points > earlier.basis_points
        )
    (sort, before), (other_sort, after) = _length(earlier.offset), _length(later.offset)
    return sort != other_sort or after > before


def _length(offset: Limit) -> tuple[str, int]:
    if offset.counts_days:
        return "working days", offset.number
    return ("working time" if offset.is_working else "plain time"), offset.seconds


def ladders_are_used(organisation: Organisation) -> Found:
    """Each ladder besides the usual one is climbed by some cases, and those that are named are there."""
    named = {special.ladder for special in organisation.special_limits}
    for name in organisation.ladders:
        if name == DEEMED:
            what = f"{name!r} is what the ladder of a case deemed accepted is called"
            yield ("ladders", name), what, "Give it another name"
        elif name not in {*named, SUPERVISION}:
            what = f"no case climbs the ladder {name!r}"
            yield (
                ("ladders", name),
                what,
                f"Write `ladder: {name}` in one of `special_limits`, or leave it out",
            )
    for n, special in enumerate(organisation.special_limits):
        if special.ladder is not None and special.ladder not in organisation.ladders:
            remedy = known(special.ladder, organisation.ladders, "Add it to `ladders`")
            yield ("special_limits", n, "ladder"), f"there is no ladder {special.ladder!r}", remedy


def _ladders(organisation: Organisation) -> Iterator[tuple[Path, tuple[Rung, ...]]]:
    yield ("ladder",), organisation.ladder
    for name, rungs in organisation.ladders.items():
        yield ("ladders", name), rungs
