"""An organisation file that does not fit together is refused with line, reason and remedy; all faults at once."""

from __future__ import annotations

import pytest

from shared.organisation import OrganisationWrong, parse
from tests.unit.small_organisation import GOOD

TWICE_TOLD = """\
calendar:
  zone: Asia/Shanghai
  windows: ["09:00-12:00"]
  closures: [{day: 2026-05-01, names: {en: Away}}]
  make_up_days: [{day: 2026-04-30, until: 2026-05-02, names: {en: Here}}]"""


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
        ("[holder, head]", "[raods/head]", "there is no department 'raods'", "Did you mean `roads`?"),
        ("to: head}", "to: haed}", "'haed' is no post", "Did you mean `head`?"),
        ("[holder, head]", "[king]", "'king' is no post", "Known: holder, deputy"),
        (
            "to: head}",
            "to: deputy}",
            "names nobody for coordinator, water: there is no deputy",
            "Fill the post",
        ),
        ("to: head}", "to: water/deputy}", "names nobody for water: there is no deputy", "Fill the post"),
        ("to: principal,", "to: supervisors,", "there is no supervisors", "Fill the post"),
        ("to: head}", "to: []}", "there is none", "Name at least one"),
        ("at: 75%", "at: 0%", "'0%' is no time of a rung", "Write a share such as 75%"),
        (
            "action: breach, to: head",
            "action: warn, to: head",
            "warn does not fit 100%",
            "Remind and warn stand",
        ),
        (
            "  - {at: +1wd, action: escalate, to: leader}",
            "  - {at: +2wd, action: escalate, to: leader}\n  - {at: +1wd, action: escalate, to: principal}",
            "+1wd stands after +2wd",
            "order in which they fall",
        ),
        (
            "to: principal, times: 3}",
            "to: principal, times: 3}\n    - {at: +5h, action: circulate, to: heads}",
            "+5h stands after +6h",
            "repetitions included",
        ),
        (
            "  - {at: 75%, action: warn, to: [holder, deputy]}",
            "  - {at: 75%, action: warn, to: [holder, deputy]}\n  - {at: 50%, action: remind, to: holder}",
            "50% stands after 75%",
            "order in which they fall",
        ),
        ("times: 3", "times: 0", "0 is too little", "Write 1 or more"),
        ("times: 3", "times: 51", "51 is too much", "Write 50 or less"),
        ("times: 3", "times: often", "'often' is no whole number", "Write one such as 2"),
        ("ladder: short", "ladder: shot", "there is no ladder 'shot'", "Did you mean `short`?"),
        (
            "categories: [potholes]",
            "categories: [pothole]",
            "there is no duty 'pothole'",
            "Did you mean `potholes`?",
        ),
        (
            "  - {kinds: [enquiry], limits: {resolve: 3wd}}",
            "  - {kinds: [enquiry]}",
            "it sets nothing",
            "Add `limits:`, `ladder:` or `extensions:`",
        ),
        ("accept: 4wh", "accept: 0wh", "a limit of 0wh gives nobody any time", "Write at least 1wh"),
        ("accept: 4wh", "accept: 4 hours", "'4 hours' is no limit", "such as 4wh or 15min"),
        ("accept: 4wh", "acept: 4wh", "'acept' is no field here", "Did you mean `accept`?"),
        (
            "limits: {resolve: 3wd}",
            "limits: {resolv: 3wd}",
            "'resolv' is no field here",
            "Did you mean `resolve`?",
        ),
        (", silence: 7d", "", "cases of kind problem have no limit for silence", "Add `silence:`"),
        ("kinds: [enquiry]", "kinds: [enquiries]", "'enquiries' is not known here", "Write one of problem"),
        ("classes: [major]", "classes: [huge]", "'huge' is not known here", "Write one of major"),
        (
            "ladders:",
            "kinds: {enquiry: {}}\nladders:",
            "'kinds' is no longer a field",
            "under `special_limits:`",
        ),
        (
            "ladders:",
            "classes: {major: {}}\nladders:",
            "'classes' is no longer a field",
            "under `special_limits:`",
        ),
        ("deputies: [rui]", "deputies: [rolf]", "'rolf' is a deputy for", "not among the officers"),
        ("officers: [rolf]", "officers: [ralf]", "nobody has the id 'ralf'", "Did you mean `rolf`?"),
        ("[ping, lin]", "[ping, otto]", "nobody has the id 'otto'", "Add this person to `people`"),
        ("{person: lin,", "{person: otto,", "nobody has the id 'otto'", "Add this person to `people`"),
        ("boss@mill.example", '"@Works.example"', "claimed by 'lin' and by 'lin'", "leave it with one"),
        ("boss@mill.example", "mill.example", "'mill.example' is no address", "@example.org for all there"),
        ("grants: leader", "grants: holder", "the holder of a case would judge", "Name a post above it"),
        (
            "grants: leader",
            "grants: supervisors",
            "'supervisors' is vacant for coordinator, roads, water",
            "Fill",
        ),
        (
            "hard: group",
            "hard: deputy",
            "'deputy' is vacant for coordinator, water",
            "Fill the post, or name",
        ),
        ("hard: group", "heavy: group", "'heavy' is not known here", "Write one of major"),
        (
            "{grants: leader",
            "{digest: 24:30, grants: leader",
            "'24:30' is no time of day",
            "Write it as 08:30",
        ),
        (
            "{grants: leader",
            "{transfers: maybe, grants: leader",
            "'maybe' is neither yes nor no",
            "Write true",
        ),
        ("department: water", "department: watre", "there is no department 'watre'", "Did you mean `water`?"),
        ("[pipe]", "[pipe, POTHOLE]", "claimed by roads/potholes and by water/pipes", "can't have one duty"),
        ("[pipe]", "[pipe, '路面 ']", "claimed by roads/potholes and by water/pipes", "can't have one duty"),
        ("[pipe]", "[p]", "the keyword 'p' is too short", "two characters"),
        ("[sinkhole]", "[ah]", "the urgent word 'ah' is too short", "three letters"),
        ("[塌陷]", "[塌]", "the urgent word '塌' is too short", "Use two Chinese characters"),
        ("id: pipes", "id: potholes", "'potholes' stands here twice", "claimed once"),
        (
            "calendar: round-the-clock",
            "calendar: always",
            "'always' is no calendar",
            "Write round-the-clock, or",
        ),
        (
            "calendar: round-the-clock",
            'calendar: {windows: ["20:00-04:00"]}',
            "runs past midnight",
            "End it at 24:00",
        ),
        (
            "calendar: round-the-clock",
            "calendar: {make_up_days: [{day: 2026-05-01, names: {zh-Hant: 值班}}]}",
            "it lacks en",
            "Add it",
        ),
        ('"09:00-12:00"', '"22:00-06:00"', "runs past midnight", "End it at 24:00"),
        (
            '["09:00-12:00"]',
            '["09:00-12:00"], closures: [{day: 2026-05-01, until: 2026-04-01, names: {en: Away}}]',
            "runs backwards",
            "Correct it",
        ),
        (
            'calendar: {zone: Asia/Shanghai, country: CN, windows: ["09:00-12:00"]}',
            TWICE_TOLD,
            "2026-05-01 stands among `closures` too",
            "Leave it in one",
        ),
        ("Asia/Shanghai", "Asia/Shangai", "'Asia/Shangai' is no time zone", "IANA name"),
        ("country: CN", "country: XX", "'XX' is no country", "a code such as CN"),
        ("names: {en: Water}", "names: {}", "there is none", "Name at least one"),
        ("mail: water@small.example", "mail: water", "'water' is no mail address", "name@example.org"),
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
        ("names: {en: Roads}", "names: {en: Ro\x00ads}", "the character U+0000 may not stand", "Delete it"),
        ("officers: [wim]", "officers: &o [*o]", "an anchor contains itself", "Mind"),
        ("principal: [ping]", "principal: ping", "'ping' is no list", "Write it as [one, two]"),
        ("roles: [clerk]", "roles: [clark]", "'clark' is not known here", "Write one of supervisor"),
    ],
)
def test_each_fault_is_said_with_its_line_its_reason_and_what_to_do(
    before: str, after: str, what: str, remedy: str
) -> None:
    untouched = set(GOOD.splitlines())
    faults = refused(before, after)
    assert [f for f in faults if what in f[1] and remedy in f[2] and f[0] not in untouched], faults


@pytest.mark.parametrize(
    ("before", "after", "line", "what", "remedy"),
    [
        ("id: lin,", "id: ping,", "{id: ping, names: {en: Ping}", "'ping' stands here twice", "claimed once"),
        (
            "department: water",
            "department: roads",
            "head: wim",
            "'wim' works here but has",
            "`department: water`",
        ),
        ("mail: water@small.example", "parent: water", "- id: water", "'mail' is missing", "Add `mail:`"),
        (
            "languages: [en]",
            "languages: [en, zh-Hans]",
            "names: {en: Small}",
            "it lacks zh-Hans",
            "leave the",
        ),
        (
            "names: {en: Roads}",
            "names: {en: Roads",
            "mail: roads@",
            "this is no YAML",
            "Mind the indentation",
        ),
        (
            ", ladder: short}",
            "}",
            "  short:",
            "no case climbs the ladder 'short'",
            "in one of `special_limits`",
        ),
        ("  short:", "  deemed:", "  deemed:", "'deemed' is what the ladder", "Give it another name"),
        (
            "  - {categories: [potholes]",
            "  - {limits: {resolve: 4wd}}\n  - {categories: [potholes]",
            "{kinds: [enquiry], limits: {resolve: 3wd}}",
            "it never holds, for set 3 of these fits all its cases",
            "Put it after that one",
        ),
        (
            "limits: {dispatch: 2wh, accept: 4wh",
            "limits: {dispatch: 2wh",
            "limits: {dispatch: 2wh",
            "cases of kind problem have no limit for accept",
            "in `special_limits` for them",
        ),
    ],
)
def test_a_fault_is_told_where_it_stands_even_if_another_line_was_changed(
    before: str, after: str, line: str, what: str, remedy: str
) -> None:
    faults = refused(before, after)
    assert [f for f in faults if line in f[0] and what in f[1] and remedy in f[2]], faults


def test_a_circle_of_parents_is_told_at_each_of_them() -> None:
    text = GOOD.replace("names: {en: Roads}", "names: {en: Roads}\n    parent: water").replace(
        "names: {en: Water}", "names: {en: Water}\n    parent: roads"
    )
    with pytest.raises(OrganisationWrong) as caught:
        parse(text)
    assert [fault.where for fault in caught.value.faults] == [
        "departments[0].parent",
        "departments[1].parent",
    ]


def test_a_post_that_inspects_must_be_filled_only_where_something_is_inspected() -> None:
    with pytest.raises(OrganisationWrong, match="'supervisors' is vacant"):
        parse(GOOD.replace("silence: 7d", "silence: 7d, inspect: 2wd"))
    parse(GOOD.replace("silence: 7d", "silence: 7d, inspect: 2wd").replace("[clerk]", "[clerk, supervisor]"))


def test_a_limit_that_only_some_cases_have_is_missed_for_the_others_by_name() -> None:
    only = "  - {urgent: false, limits: {silence: 7d}}\n  - {kinds: [enquiry], limits: {silence: 5d}}\n"
    text = GOOD.replace(", silence: 7d", "").replace("special_limits:\n", "special_limits:\n" + only)
    with pytest.raises(OrganisationWrong) as caught:
        parse(text)
    missed = [fault.what for fault in caught.value.faults]
    assert missed[0] == "cases of kind problem, urgent have no limit for silence"
    assert len(missed) == 5
    assert not any("enquiry" in what for what in missed)


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
