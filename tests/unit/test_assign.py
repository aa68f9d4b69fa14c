"""A message goes to the department whose duty its words name, and the assignment says which duty and which words."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.assign import Matcher, assign
from shared.folding import fold
from shared.organisation import Organisation, load
from shared.settings import SAMPLE_ORGANISATION


@cache
def county() -> Organisation:
    return load(SAMPLE_ORGANISATION)


@cache
def matcher() -> Matcher:
    return Matcher(county())


@pytest.mark.parametrize(
    ("text", "department", "rule"),
    [
        ("我們這條街的路燈壞了兩個月，晚上人行道上看不見路", "housing", "street-repair"),
        ("我们这条街的路灯坏了两个月，晚上人行道上看不见路", "housing", "street-repair"),
        ("The street lights in our lane are out and there is a POTHOLE.", "housing", "street-repair"),
        ("公司拖欠農民工工資三個月", "labour", "wages"),
        ("My employer has not paid my wages for three months", "labour", "wages"),
        ("幼儿园乱收费，老师让学生补课", "education", "schools"),
        ("医院误诊，医生态度恶劣", "health", "hospitals"),
        ("化工廠夜裡偷排廢水，河水發臭", "environment", "pollution"),
        ("Loud music every night, the noise is unbearable", "environment", "noise"),
        ("公交車司機拒載", "transport", "public-transport"),
        ("网上买到假货，商家不退款，消费者找谁", "market", "consumers"),
        ("景区门票太贵，导游强迫购物", "commerce-tourism", "tourism"),
        ("Garbage has not been collected, trash everywhere", "city-management", "cleanliness"),
        ("宅基地被強拆，征地補償款沒有發", "natural-resources", "land"),
        ("家裡被盜，派出所不立案", "security", "order"),
    ],
)
def test_a_plain_message_in_any_of_the_three_languages_finds_its_department(
    text: str, department: str, rule: str
) -> None:
    found = matcher()(text)
    assert (found.department, found.rule, found.reason) == (department, rule, "words")
    assert found.article
    assert found.words
    assert all(fold(word).rstrip("s") in fold(text) for word in found.words)


def test_traditional_simplified_and_full_width_letters_are_one_word() -> None:
    assert fold("臺灣ＰＯＴＨＯＬＥ　路燈") == fold("台湾pothole 路灯")


def test_english_words_count_whole_and_plurals_as_their_singular() -> None:
    assert matcher()("buses and taxis").department == "transport"
    assert matcher()("a businesslike schoolmasterly wagering").reason == "no_words"


def test_the_longest_word_stands_where_several_fit_at_one_place() -> None:
    found = matcher()("报销医疗保险")
    assert found.department == "labour"
    assert "医疗" not in found.words


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no_words"), ("你好，请问", "no_words"), ("医院", "weak"), ("医院 学校 老师 医生", "close")],
)
def test_what_is_not_sure_goes_to_nobody_and_says_why(text: str, reason: str) -> None:
    found = matcher()(text)
    assert found.department is None
    assert found.rule is None
    assert found.reason == reason


def test_two_departments_too_close_are_both_named_for_the_coordinator() -> None:
    found = matcher()("医院 学校 老师 医生")
    assert {"hospitals", "schools"} <= set(found.alternatives)


def test_the_department_that_the_sender_names_is_taken_where_it_exists() -> None:
    assert assign("公交車司機拒載", county(), named="health").department == "health"
    assert assign("公交車司機拒載", county(), named="health").reason == "named"
    assert assign("公交車司機拒載", county(), named="no-such").department == "transport"


@given(st.text())
def test_any_text_whatever_is_assigned_or_explained(text: str) -> None:
    found = matcher()(text)
    assert (found.department is None) == (found.reason in {"no_words", "weak", "close"})
    assert found == matcher()(text)
