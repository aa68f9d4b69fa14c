"""What an organisation file says: who is in which post, which limits hold for a case, what its version is."""

from __future__ import annotations

import pytest

from shared.organisation import Facts, Organisation, parse
from shared.settings import SAMPLE_ORGANISATION
from tests.unit.small_organisation import GOOD


def test_posts_lead_to_people_and_people_to_their_roles() -> None:
    small = parse(GOOD)
    assert small.who("holder", "roads") == ("rolf",)
    assert small.who("deputy", "roads") == ("rui",)
    assert small.who("head", "coordinator") == ("cleo",)
    assert small.who("water/head", "roads") == ("wim",)
    assert small.who("deputy", "water") == ()
    assert small.roles("wim") == {"officer", "head", "clerk"}
    assert small.roles("lin") == {"leader", "group"}
    assert small.roles("nobody") == frozenset()
    with pytest.raises(KeyError):
        small.who("holder", "fire")
    with pytest.raises(KeyError):
        small.who("king", "roads")


def test_what_fits_a_case_is_laid_over_the_usual_limits_the_later_over_the_earlier() -> None:
    small = parse(GOOD)
    assert [str(small.limits_for(kind).resolve) for kind in ("problem", "enquiry", "praise")] == [
        "5wd",
        "3wd",
        "5wd",
    ]
    major = small.conditions_for(Facts(kind="problem", case_class="major"))
    assert (str(major.limits.resolve), str(major.limits.accept), major.ladder) == ("15wd", "4wh", None)
    both = Facts(kind="problem", case_class="major", category="potholes", urgent=True)
    assert str(small.conditions_for(both).limits.resolve) == "15wd"
    assert str(small.conditions_for(both).limits.accept) == "30min"
    assert small.conditions_for(both).ladder == "short"
    assert str(small.conditions_for(Facts(kind="enquiry", case_class="major")).limits.resolve) == "3wd"


def test_a_rung_that_is_repeated_is_several() -> None:
    small = parse(GOOD)
    assert [str(rung.at) for rung in small.rungs("short")] == ["100%", "+2h", "+4h", "+6h"]
    assert [str(rung.at) for rung in small.rungs()] == ["75%", "100%", "+1wd"]


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


def test_who_is_late_is_told_of_upwards() -> None:
    small = parse(GOOD)
    assert small.who("head", "roads/head") == small.who("leader", "roads")
    assert small.who("head", "roads/leader") == small.who("head", "group") == small.principal
    assert small.who("deputy", "roads/leader") == ()
    assert small.who("deputy", "roads/head") == small.who("deputy", "roads")


def test_without_a_leading_group_the_principal_leaders_are_it() -> None:
    small = parse(GOOD.replace("leading_group: [ping, lin]\n", ""))
    assert small.who("group", "roads") == ("ping",)
