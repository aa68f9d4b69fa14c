"""What mails say, in three languages that are equals."""

from __future__ import annotations

import string
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from services.notify.delivery import Delivery
from services.notify.rendering import LANGUAGES, TEMPLATES, Rendering, as_html, known_language, labels
from shared.content.words import Note
from shared.events.cases import Action, DeclineReason, ObligationKind
from shared.events.deliveries import AlarmedRung
from shared.keys import Keys
from shared.tokens import Tokens
from tests.notify_house import CASE_ID, MESSAGE_ID, PROMISE, REF, START, organisation


@pytest.fixture
def rendering(tmp_path: Path) -> Rendering:
    return Rendering(organisation(), "https://line.sample.example", Tokens(Keys(tmp_path)))


def delivery(**more: object) -> Delivery:
    facts = {
        "case": CASE_ID,
        "ref": REF,
        "about": f"{CASE_ID}/1",
        "template": "acknowledgement",
        "party": "sender",
        "language": "en",
        "queued_at": START,
        "message": MESSAGE_ID,
    }
    return Delivery.model_validate(facts | more)


RUNG = AlarmedRung(
    obligation="o1",
    kind="accept",
    owner="housing",
    action="warn",
    rung=0,
    since=START,
    due=START + timedelta(hours=4),
)


def test_every_language_has_the_same_templates_and_labels() -> None:
    files = [sorted(path.name for path in (TEMPLATES / language).iterdir()) for language in LANGUAGES]
    assert files[0] == files[1] == files[2]
    for language in LANGUAGES:
        words = labels(language)
        assert set(words["obligations"]) == set(get_args(ObligationKind))
        assert set(words["actions"]) == set(get_args(Action))
        assert set(words["declined"]) == set(get_args(DeclineReason))
        assert {name for _, name, _, _ in string.Formatter().parse(words["headline"]) if name} == {
            "action",
            "kind",
            "owner",
        }
        assert words["headline_of_several"].startswith(words["headline"])


@pytest.mark.parametrize(
    ("language", "promised"),
    [
        ("zh-Hant", "2026年10月13日（週二）17:30"),
        ("zh-Hans", "2026年10月13日（周二）17:30"),
        ("en", "17:30 on Tuesday 13 October 2026"),
    ],
)
def test_a_promise_is_said_in_the_organisations_time(
    rendering: Rendering, language: str, promised: str
) -> None:
    letter = rendering.to_sender(delivery(language=language, promise=PROMISE))
    assert promised in letter.text
    assert REF in letter.subject
    assert organisation().names.get(language) in letter.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_promise_none_is_made_up(rendering: Rendering, language: str) -> None:
    with_promise = rendering.to_sender(delivery(language=language, promise=PROMISE)).text
    without = rendering.to_sender(delivery(language=language)).text
    assert len(without.split("\n\n")) == len(with_promise.split("\n\n")) - 1


@pytest.mark.parametrize("template", ["acknowledgement", "answer", "question", "declined"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_to_a_sender_has_ref_link_and_no_gap(
    rendering: Rendering, language: str, template: str
) -> None:
    letter = rendering.to_sender(
        delivery(language=language, template=template), "", Note(text="A\r\n\r\n\r\n\r\nB")
    )
    assert REF in letter.subject
    assert "https://line.sample.example/track/" in letter.text
    assert 'href="https://line.sample.example/track/' in letter.html
    assert "\n\n\n" not in letter.text
    assert not letter.text.startswith("\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_acknowledgement_repeats_nothing_of_what_the_sender_wrote(
    rendering: Rendering, language: str
) -> None:
    letter = rendering.to_sender(delivery(language=language), "Buy at https://evil.example")
    assert "evil" not in letter.subject + letter.text + letter.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_alarm_names_the_heaviest_of_its_rungs_first(rendering: Rendering, language: str) -> None:
    late = RUNG.model_copy(
        update={"action": "escalate", "kind": "contact", "owner": "coordinator", "rung": 3}
    )
    state = delivery(language=language, template="alarm", party="leader-one", rungs=(RUNG, late))
    letter = rendering.to_person(state, "X")
    words = labels(language)
    assert words["actions"]["escalate"] in letter.subject
    assert words["coordinator"] in letter.subject
    assert {"en": "and 1 more", "zh-Hans": "等 2 项", "zh-Hant": "等 2 項"}[language] in letter.subject
    assert words["obligations"]["accept"] in letter.text
    assert f"https://line.sample.example/cases/{REF}" in letter.text


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        ("en", ("this is owed", "Please see to it now", "see to it that it is")),
        ("zh-Hans", ("请按时处理", "请尽快处理", "请督促办理")),
        ("zh-Hant", ("請按時處理", "請儘快處理", "請督促辦理")),
    ],
)
def test_a_reminder_a_breach_and_a_notice_to_leaders_ask_for_different_things(
    rendering: Rendering, language: str, asked: tuple[str, ...]
) -> None:
    for action, words in zip(("remind", "breach", "escalate"), asked, strict=True):
        rung = RUNG.model_copy(update={"action": action})
        state = delivery(language=language, template="alarm", party="leader-one", rungs=(rung,))
        text = rendering.to_person(state, "X").text
        assert [word in text for word in asked] == [word == words for word in asked]


def test_an_obligation_nobody_has_words_for_yet_is_told_by_its_name(rendering: Rendering) -> None:
    unknown = RUNG.model_copy(update={"kind": "rectify", "action": "climb", "owner": "new-department"})
    text = rendering.to_person(delivery(template="alarm", party="leader-one", rungs=(unknown,)), "X").text
    assert all(word in text for word in ("rectify", "climb", "new-department"))


def test_an_answer_keeps_its_subject_on_one_line_and_one_re(rendering: Rendering) -> None:
    state = delivery(template="answer", final=True)
    assert rendering.to_sender(state, "RE: 回覆：Re: Lamp", Note(text="x")).subject == f"Re: Lamp [{REF}]"
    assert "\n" not in rendering.to_sender(state, "a\r\nb\u2028c", Note(text="x")).subject
    assert len(rendering.to_sender(state, "長" * 900, Note(text="x")).subject) < 160


def test_html_says_what_the_text_says_and_runs_nothing() -> None:
    html = as_html('<script>x</script>\nsee https://a.example/b?c=1&d="2\n\nend', "en")
    assert "<script>" not in html
    assert "&lt;script&gt;x&lt;/script&gt;<br>see " in html
    assert '<a href="https://a.example/b?c=1&amp;d=">' in html
    assert html.count("<p>") == 2


def test_a_link_ends_where_chinese_punctuation_begins() -> None:
    assert '<a href="https://a.example/b">https://a.example/b</a>。' in as_html(
        "在 https://a.example/b。", "zh-Hant"
    )


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh_HK", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_a_language_without_templates_gets_the_nearest(tag: str, language: str) -> None:
    assert known_language(tag) == language
