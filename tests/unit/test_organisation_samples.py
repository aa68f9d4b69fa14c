"""The four sample organisations keep the limits that were agreed for them, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import get_args

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from services.cli_org import app
from services.routing.assign import matcher
from services.routing.desk import Desk
from services.welcome import a_matter
from shared.calendar import Limit
from shared.events.messages import Kind
from shared.folding import fold
from shared.organisation import Facts, Organisation, load
from shared.organisation.limits import OWED
from shared.settings import SAMPLE_ORGANISATIONS

# Columns: dispatch, accept, first contact, resolve, extensions. Written down from the agreed table, not from the files.
TABLE = """
county       enquiry                       30wm  2wh   1wd   3wd   1x2wd
county       problem                       2wh   4wh   1wd   5wd   1x5wd
county       complaint                     2wh   4wh   1wd   5wd   1x5wd
county       problem major                 2wh   4wh   1wd   15wd  1x5wd
county       complaint major               2wh   4wh   1wd   15wd  1x5wd
county       report                        4wh   1wd   2wd   15wd  1x15wd
county       suggestion                    4wh   1wd   2wd   15wd  1x15wd
county       problem urgent                15min 30min 2h    1d    none
county       complaint urgent              15min 30min 2h    1d    none
county       problem urgent major          15min 30min 2h    1d    none
county       report urgent                 15min 30min 2h    1d    none
county       enquiry urgent                15min 30min 2h    1d    none
company      problem                       4wh   1wd   1wd   5wd   1x5wd
company      complaint                     4wh   1wd   1wd   5wd   1x5wd
company      report                        4wh   1wd   1wd   5wd   1x5wd
company      enquiry                       4wh   1wd   1wd   5wd   1x5wd
company      suggestion                    4wh   1wd   1wd   5wd   1x5wd
company      praise                        4wh   1wd   1wd   5wd   1x5wd
construction problem about:concrete        4wh   4wh   1wd   7d    1x7d
construction problem about:watertightness  4wh   4wh   1wd   7d    1x7d
construction problem about:site-safety     1h    1h    4h    1d    1x1d
construction report about:site-safety      1h    1h    4h    1d    1x1d
hospital     problem urgent                5min  10min 15min 2h    none
hospital     complaint urgent              5min  10min 15min 2h    none
hospital     problem                       5min  1h    2h    8wh   none
hospital     complaint                     5min  1h    2h    8wh   none
hospital     enquiry                       5min  4wh   1wd   5wd   none
hospital     suggestion                    5min  4wh   1wd   5wd   none
"""
FILES = {path.stem: path for path in SAMPLE_ORGANISATIONS}


@cache
def sample(name: str) -> Organisation:
    return load(FILES[name])


def facts(words: list[str]) -> Facts:
    kind, *rest = words
    about = next((word.removeprefix("about:") for word in rest if word.startswith("about:")), None)
    return Facts(
        kind=TypeAdapter(Kind).validate_python(kind),
        urgent="urgent" in rest,
        case_class="major" if "major" in rest else None,
        category=about,
    )


@pytest.mark.parametrize("row", [" ".join(line.split()) for line in TABLE.split("\n") if line])
def test_each_cell_of_the_table_is_what_the_file_gives(row: str) -> None:
    name, *case, dispatch, accept, contact, resolve, extension = row.split()
    held = sample(name).conditions_for(facts(case))
    got = held.limits
    found = [str(limit) for limit in (got.dispatch, got.accept, got.contact, got.resolve)]
    assert found == [dispatch, accept, contact, resolve]
    assert (f"{held.extensions}x{got.extension}" if held.extensions else "none") == extension


def test_there_is_a_file_for_each_source() -> None:
    assert set(FILES) == {"county", "company", "construction", "hospital"}


@pytest.mark.parametrize("name", FILES)
def test_what_all_four_have_in_common_is_the_same(name: str) -> None:
    held = sample(name)
    for kind in get_args(Kind):
        limits = held.limits_for(kind)
        assert all(getattr(limits, owed) for owed in OWED), kind
        assert [str(limits.returns), str(limits.visit)] == ["4wh", "1wd"]
        assert [str(limits.callback), str(limits.silence), str(limits.review)] == ["1wd", "7d", "2wd"]
    assert [(str(rung.at), rung.action, rung.to) for rung in held.rungs()] == [
        ("50%", "remind", ("holder",)),
        ("75%", "warn", ("holder", "deputy")),
        ("100%", "breach", ("head",)),
        ("+1wd", "escalate", ("leader",)),
        ("+3wd", "escalate", ("principal",)),
        ("+5wd", "circulate", ("heads", "principal")),
    ]
    assert all(held.who("deputy", one.id) for one in held.departments)
    assert held.ladders.keys() == {"supervision"}
    assert str(held.limits_for("problem").explain) == "2wd"


def test_only_on_the_building_site_is_what_was_put_right_looked_at_again() -> None:
    for name in FILES:
        inspect = sample(name).limits_for("problem").inspect
        assert str(inspect) == ("2wd" if name == "construction" else "None")
    site = sample("construction")
    safety = site.conditions_for(Facts(kind="problem", category="site-safety"))
    assert str(safety.limits.inspect) == "2wd"
    assert site.who(site.choices.inspects, "structure") == ("supervision-chief", "supervision-engineer")


def test_who_grants_more_time() -> None:
    grants = {name: sample(name).choices.grants for name in FILES}
    assert grants["county"] == "leader"
    assert grants["construction"] == "supervisors"


@pytest.mark.parametrize("name", FILES)
def test_each_passes_the_check(name: str) -> None:
    result = CliRunner().invoke(app, ["check", str(FILES[name])])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", FILES)
def test_each_duty_is_known_by_enough_words_in_each_language(name: str) -> None:
    for _, duty in sample(name).duty.values():
        assert len({fold(word) for word in duty.words()}) >= 20, duty.id
        assert all(duty.keywords[language] for language in ("zh-Hant", "zh-Hans", "en")), duty.id


@pytest.mark.parametrize(
    ("name", "duty", "words"),
    [
        ("county", "utilities", ["停水", "停暖", "斷水", "no water", "no heat"]),
        ("county", "wages", ["拖欠工资", "欠薪", "unpaid wages"]),
        ("county", "street-repair", ["路面塌陷", "sinkhole"]),
        ("hospital", "clinical-systems", ["开不了医嘱", "cannot enter orders"]),
        ("hospital", "infrastructure", ["断网", "network down"]),
    ],
)
def test_what_can_not_wait_is_known_by_its_words(name: str, duty: str, words: list[str]) -> None:
    urgent = sample(name).duty[duty][1].urgent
    assert set(words) <= {word for said in urgent.values() for word in said}


def test_the_hospitals_duty_desk_is_there_around_the_clock_and_its_offices_are_not() -> None:
    hospital = sample("hospital")
    desk, office = hospital.calendar_of("information-duty"), hospital.calendar_of("information")
    assert [str(window) for window in desk.windows] == ["00:00-24:00"]
    assert [str(window) for window in office.windows] == ["08:00-12:00", "14:00-17:30"]


def test_a_post_at_the_duty_desk_keeps_its_hours_and_the_coordinator_the_hospitals() -> None:
    desk = Desk(sample("hospital"))
    eve, limit = datetime(2026, 9, 30, 8, tzinfo=UTC), Limit.parse("4wh")
    for owner, ends in (
        ("information-duty/head", datetime(2026, 9, 30, 12, tzinfo=UTC)),
        ("coordinator", datetime(2026, 10, 8, 2, 30, tzinfo=UTC)),
        ("information/head", datetime(2026, 10, 8, 2, 30, tzinfo=UTC)),
    ):
        assert desk.start(Facts(kind="problem"), "signoff", owner, eve, limit=limit, number=1).due == ends


@pytest.mark.parametrize("name", FILES)
def test_what_a_newcomer_is_told_to_write_goes_to_the_officer_who_is_named(name: str) -> None:
    words, officer = a_matter(sample(name))
    assigned = matcher(sample(name))(words)
    assert assigned.department is not None
    assert officer in sample(name).who("holder", assigned.department)


@pytest.mark.parametrize("name", FILES)
def test_people_are_posts_and_every_post_may_sign_in(name: str) -> None:
    held = sample(name)
    assert all(held.roles(person.id) for person in held.people)
    assert {role for person in held.people for role in held.roles(person.id)} >= {
        "officer",
        "deputy",
        "head",
        "leader",
        "principal",
        "coordinator",
        "supervisor",
        "clerk",
        "admin",
    }
    assert {person.language for person in held.people} == {"zh-Hant", "zh-Hans", "en"}
