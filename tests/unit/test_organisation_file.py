"""An organisation file that does not fit together is refused with line, reason and remedy; all faults at once."""

from __future__ import annotations

import pytest

from shared.organisation import Organisation, OrganisationWrong, parse
from shared.settings import SAMPLE_ORGANISATION

# Small, whole and in order; each case below breaks it in one place.
GOOD = """\
id: small
names: {en: Small}
languages: [en]
line: {names: {en: The line}}
mailboxes: [{address: line@small.example}]
calendar: {zone: Asia/Shanghai, country: CN, windows: ["09:00-12:00"]}
coordinator: {mail: desk@small.example, head: cleo, officers: [cleo], leader: lin}
principal: [ping]
departments:
  - id: roads
    names: {en: Roads}
    mail: roads@small.example
    head: rhea
    officers: [rolf]
    deputies: [rui]
    leader: lin
    duties:
      - {id: potholes, names: {en: Potholes}, keywords: {en: [pothole], zh-Hant: [路面]}}
  - id: water
    names: {en: Water}
    mail: water@small.example
    head: wim
    officers: [wim]
    leader: lin
    duties:
      - {id: pipes, names: {en: Pipes}, keywords: {en: [pipe]}}
people:
  - {id: cleo, names: {en: Cleo}, language: en, mail: cleo@small.example}
  - {id: lin, names: {en: Lin}, language: en, mail: lin@small.example}
  - {id: ping, names: {en: Ping}, language: en, mail: ping@small.example}
  - {id: rhea, names: {en: Rhea}, language: en, mail: rhea@small.example, department: roads}
  - {id: rolf, names: {en: Rolf}, language: en, mail: rolf@small.example, department: roads}
  - {id: rui, names: {en: Rui}, language: en, mail: rui@small.example, department: roads}
  - {id: wim, names: {en: Wim}, language: en, mail: wim@small.example, department: water, roles: [clerk]}
limits: {dispatch: 2wh, accept: 4wh, contact: 1wd, resolve: 5wd, callback: 1wd, silence: 7d}
kinds:
  enquiry: {limits: {resolve: 3wd}}
  problem: {classes: {major: {resolve: 15wd}}}
ladder:
  - {at: 75%, action: warn, to: [holder, deputy]}
  - {at: 100%, action: breach, to: head}
  - {at: +1wd, action: escalate, to: leader}
"""


def refused(before: str, after: str) -> list[tuple[str, str, str]]:
    """Line, reason and remedy of each fault, once `before` is replaced."""
    assert GOOD.count(before) == 1, before
    text = GOOD.replace(before, after)
    with pytest.raises(OrganisationWrong) as caught:
        parse(text)
    return [(text.splitlines()[f.line - 1], f.what, f.remedy) for f in caught.value.faults]


@pytest.mark.parametrize(
    ("before", "after", "what", "remedy"),
    [
        ("to: head}", "to: raods/head}", "there is no department 'raods'", "Did you mean `roads`?"),
        ("to: head}", "to: haed}", "'haed' is no post", "Did you mean `head`?"),
        (
            "to: head}",
            "to: deputy}",
            "names nobody for coordinator, water: there is no deputy",
            "Fill the post",
        ),
        ("to: head}", "to: []}", "there is none", "Name at least one"),
        ("at: 75%", "at: 0%", "'0%' is no time of a rung", "Write a share such as 75%"),
        (
            "at: 75%, action: warn",
            "at: +2wd, action: escalate",
            "stands after +2wd",
            "order in which they fall",
        ),
        ("action: breach", "action: warn", "warn does not fit 100%", "Remind and warn stand before 100%"),
        ("accept: 4wh", "accept: 0wh", "a limit of 0wh gives nobody any time", "Write at least 1wh"),
        ("accept: 4wh", "accept: 4 hours", "'4 hours' is no limit", "such as 4wh or 15min"),
        ("accept: 4wh", "acept: 4wh", "'acept' is no field here", "Did you mean `accept`?"),
        (", silence: 7d", "", "cases of kind problem have no limit for silence", "Add `silence:`"),
        ("deputies: [rui]", "deputies: [rolf]", "'rolf' is a deputy for", "not among the officers"),
        ("officers: [rolf]", "officers: [ralf]", "nobody has the id 'ralf'", "Did you mean `rolf`?"),
        ("department: water", "department: watre", "there is no department 'watre'", "Did you mean `water`?"),
        ("department: water", "department: roads", "'wim' works here but has", "Write `department: water`"),
        ("[pipe]", "[pipe, POTHOLE]", "claimed by roads/potholes and by water/pipes", "can't have one duty"),
        ("[pipe]", "[pipe, '路面 ']", "claimed by roads/potholes and by water/pipes", "can't have one duty"),
        ("[pipe]", "[p]", "the keyword 'p' is too short", "two characters"),
        ("id: pipes", "id: potholes", "'potholes' stands here twice", "claimed once"),
        ("id: lin,", "id: ping,", "'ping' stands here twice", "claimed once"),
        ('"09:00-12:00"', '"22:00-06:00"', "runs past midnight", "End it at 24:00"),
        ("Asia/Shanghai", "Asia/Shangai", "'Asia/Shangai' is no time zone", "IANA name"),
        ("country: CN", "country: XX", "'XX' is no country", "a code such as CN"),
        ("names: {en: Water}", "names: {}", "there is none", "Name at least one"),
        ("languages: [en]", "languages: [en, zh-Hans]", "it lacks zh-Hans", "leave the language out"),
        ("mail: water@small.example", "mail: water", "'water' is no mail address", "name@example.org"),
        ("mail: water@small.example", "parent: water", "'mail' is missing", "Add `mail:`"),
        (
            "names: {en: Roads}",
            "names: {en: Roads}\n    parent: roads",
            "it is above itself",
            "have no parent",
        ),
        (
            "names: {en: Roads}",
            "names: {en: Roads}\n    names: {en: R}",
            "this key stands here twice",
            "Join the two",
        ),
        ("names: {en: Roads}", "names: {en: Roads", "this is no YAML", "Mind the indentation"),
        ("names: {en: Roads}", "names: {en: Ro\x00ads}", "the character U+0000 may not stand", "Delete it"),
        ("officers: [wim]", "officers: &o [*o]", "an anchor contains itself", "Mind"),
        ("principal: [ping]", "principal: ping", "'ping' is no list", "Write it as [one, two]"),
        ("enquiry:", "enquiries:", "'enquiries' is not known here", "Write one of problem"),
        ("roles: [clerk]", "roles: [clark]", "'clark' is not known here", "Write one of supervisor"),
    ],
)
def test_each_fault_is_said_with_its_reason_and_what_to_do(
    before: str, after: str, what: str, remedy: str
) -> None:
    faults = refused(before, after)
    assert [fault for fault in faults if what in fault[1] and remedy in fault[2]], faults


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("to: head}", "to: raods/head}"),
        ("accept: 4wh", "accept: 0wh"),
        ("accept: 4wh", "acept: 4wh"),
        ("deputies: [rui]", "deputies: [rolf]"),
        ("[pipe]", "[pipe, POTHOLE]"),
        ("id: pipes", "id: potholes"),
        ('"09:00-12:00"', '"22:00-06:00"'),
        ("department: water", "department: watre"),
        ("names: {en: Roads}", "names: {en: Ro\x00ads}"),
    ],
)
def test_a_fault_points_at_the_line_where_it_stands(before: str, after: str) -> None:
    assert after in refused(before, after)[0][0] or after in refused(before, after)[-1][0]


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace("[rolf]", "[ralf]").replace("to: leader", "to: ledaer").replace("[pipe]", "[pothole]")
    with pytest.raises(OrganisationWrong) as caught:
        parse(text, "small.yaml")
    lines = [fault.line for fault in caught.value.faults]
    assert lines == sorted(lines)
    assert len(lines) == 3
    assert str(caught.value).count("small.yaml, line ") == 3


@pytest.mark.parametrize("text", ["", "- a", "words", "? [a]\n: b", "a: !!python/object:os.system {}"])
def test_what_is_no_organisation_at_all_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(OrganisationWrong):
        parse(text)


def test_posts_lead_to_people_and_people_to_their_roles() -> None:
    small = parse(GOOD)
    assert small.who("holder", "roads") == ("rolf",)
    assert small.who("deputy", "roads") == ("rui",)
    assert small.who("head", "coordinator") == ("cleo",)
    assert small.who("water/head", "roads") == ("wim",)
    assert small.who("deputy", "water") == ()
    assert small.roles("wim") == {"officer", "head", "clerk"}
    assert small.roles("lin") == {"leader"}
    assert small.roles("nobody") == frozenset()
    with pytest.raises(KeyError):
        small.who("holder", "fire")
    with pytest.raises(KeyError):
        small.who("king", "roads")


def test_a_class_comes_before_its_kind_and_the_kind_before_the_organisation() -> None:
    small = parse(GOOD)
    assert [str(small.limits_for(kind).resolve) for kind in ("problem", "enquiry", "praise")] == [
        "5wd",
        "3wd",
        "5wd",
    ]
    assert str(small.limits_for("problem", "major").resolve) == "15wd"
    assert str(small.limits_for("problem", "major").accept) == "4wh"
    assert str(small.limits_for("enquiry", "major").resolve) == "3wd"


def test_names_fall_back_to_the_nearest_language() -> None:
    names = parse(SAMPLE_ORGANISATION.read_text("utf-8")).names
    assert names.get("zh-Hans") == "示例县人民政府"
    assert names.get("fr") == names.get("en")
    assert parse(GOOD).names.get("zh-Hant") == "Small"


def test_the_version_changes_with_the_file_and_only_with_it() -> None:
    small = parse(GOOD)
    assert small.version == parse("# a remark\n" + GOOD).version
    assert small.version != parse(GOOD.replace("4wh", "5wh")).version
    again = Organisation.model_validate_json(small.model_dump_json(by_alias=True))
    assert again.version == small.version
