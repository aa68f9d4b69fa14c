"""What mails say, in three languages that are equals."""

from __future__ import annotations

import string
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from services.notify.delivery import Delivery
from services.notify.digest import DigestList
from services.notify.rendering import LANGUAGES, TEMPLATES, Rendering, as_html, known_language, labels
from shared.content.words import Note, Option, Options
from shared.events.cases import Action, DeclineReason, ObligationKind
from shared.events.deliveries import AlarmedRung, DigestItem, Happening, OwedThing
from shared.keys import Keys
from shared.organisation import POSTS
from shared.tokens import Tokens
from tests.notify_house import CASE_ID, MESSAGE_ID, PROMISE, REF, START, organisation


@pytest.fixture(scope="module")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    keys = Keys(tmp_path_factory.mktemp("keys"))
    return Rendering(organisation(), "https://line.sample.example", Tokens(keys))


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
        assert set(words["happened"]) == set(get_args(Happening))
        assert set(words["posts"]) == {*POSTS, "sender"}
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


TO_SENDERS = (
    *("acknowledgement", "thanks", "answer", "question", "declined"),
    *("extended", "handed_over", "reviewed", "merged"),
)
SAID = {
    "promise": PROMISE,
    "until": PROMISE,
    "department": "housing",
    "other": "OTHE-RREF-X",
    "declined": "no_facts",
    "closes_at": PROMISE,
}


@pytest.mark.parametrize("template", TO_SENDERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_to_a_sender_has_ref_link_and_no_gap(
    rendering: Rendering, language: str, template: str
) -> None:
    always = {"promise": PROMISE, "other": "OTHE-RREF-X", "department": "housing"}
    for more, outcome in product(
        (always, SAID, SAID | {"final": True}), (None, "reopened", "followed_up", "upheld", "taken_up")
    ):
        state = delivery(language=language, template=template, outcome=outcome, **more)
        for note in (Note(text="A\r\n\r\n\r\n\r\nB"), None):
            letter = rendering.to_sender(state, "", note)
            assert REF in letter.subject
            assert "https://line.sample.example/track/" in letter.text
            assert 'href="https://line.sample.example/track/' in letter.html
            assert "\n\n\n" not in letter.text
            assert "None" not in letter.text
            assert not letter.text.startswith("\n")


@pytest.mark.parametrize(
    ("language", "template", "words"),
    [
        ("en", "extended", ("17:30 on Tuesday 13 October 2026",)),
        ("zh-Hant", "extended", ("2026年10月13日（週二）17:30",)),
        ("zh-Hans", "question", ("2026年10月13日（周二）17:30", "暂停计算")),
        ("zh-Hant", "question", ("2026年10月13日（週二）17:30", "暫停計算")),
        ("en", "question", ("stands still",)),
        ("zh-Hans", "handed_over", ("住建局",)),
        ("en", "merged", ("OTHE-RREF-X", "under your own reference")),
        ("zh-Hant", "declined", ("提出異議", "由作出決定的人員以外的人複核")),
        ("zh-Hans", "declined", ("提出异议", "没有可供核实的具体事实")),
    ],
)
def test_a_mail_to_a_sender_says_what_matters(
    rendering: Rendering, language: str, template: str, words: tuple[str, ...]
) -> None:
    text = rendering.to_sender(delivery(language=language, template=template, **SAID)).text
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_praise_is_thanked_for_and_promised_nothing(rendering: Rendering, language: str) -> None:
    thanks = rendering.to_sender(delivery(language=language, template="thanks", promise=PROMISE)).text
    assert "2026" not in thanks
    promised = {"en": "We promise", "zh-Hans": "承诺", "zh-Hant": "承諾"}[language]
    assert promised not in thanks


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
    letter = rendering.alarm(state, "X")
    words = labels(language)
    assert words["actions"]["escalate"] in letter.subject
    assert words["posts"]["coordinator"] in letter.subject
    assert {"en": "and 1 more", "zh-Hans": "等 2 项", "zh-Hant": "等 2 項"}[language] in letter.subject
    assert words["obligations"]["accept"] in letter.text
    assert f"https://line.sample.example/cases/{REF}" in letter.text


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        ("en", ("this is owed", "Please see to it now", "Notice of supervision", "Circular")),
        ("zh-Hans", ("请按时处理", "请尽快处理", "催办通知书", "逾期通报】")),
        ("zh-Hant", ("請按時處理", "請儘快處理", "催辦通知書", "逾期通報】")),
    ],
)
def test_a_reminder_a_breach_a_notice_to_leaders_and_a_circular_ask_for_different_things(
    rendering: Rendering, language: str, asked: tuple[str, ...]
) -> None:
    for action, words in zip(("remind", "breach", "escalate", "circulate"), asked, strict=True):
        rung = RUNG.model_copy(update={"action": action})
        state = delivery(language=language, template="alarm", party="leader-one", rungs=(rung,))
        text = rendering.alarm(state, "X").text
        assert [word in text for word in asked] == [word == words for word in asked]


def test_an_obligation_nobody_has_words_for_yet_is_told_by_its_name(rendering: Rendering) -> None:
    unknown = RUNG.model_copy(update={"kind": "swear", "action": "climb", "owner": "new-department"})
    text = rendering.alarm(delivery(template="alarm", party="leader-one", rungs=(unknown,)), "X").text
    assert all(word in text for word in ("swear", "climb", "new-department"))


OPTIONS = Options(
    text="Which one?",
    options=(
        Option(name="Repair it", pros="cheap", cons="slow", risks="breaks again"),
        Option(name="Replace it", pros="lasts"),
    ),
    preferred=2,
)


@pytest.mark.parametrize("happened", get_args(Happening))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_says_what_happened_who_wrote_what_and_what_is_owed_by_when(
    rendering: Rendering, language: str, happened: str
) -> None:
    owed = (
        OwedThing(kind="accept", owner="housing", due=PROMISE),
        OwedThing(kind="opinion", owner="housing/head", due=PROMISE),
    )
    state = delivery(
        language=language, template="told", party="leader-one", happened=happened, actor="housing-head",
        department="housing", until=PROMISE, owed=owed,
    )  # fmt: skip
    letter = rendering.told(state, "X", Options(text="because"))
    words = labels(language)
    house = organisation().department["housing"].names.get(language)
    assert letter.subject == f"[{REF}] {words['happened'][happened]['headline']}"
    assert "because" in letter.text
    assert organisation().person["housing-head"].names.get(language) in letter.text
    assert house in letter.text
    assert words["obligations"]["accept"] in letter.text
    assert words["posts"]["head"] in letter.text
    assert rendering.instant(PROMISE, language) in letter.text
    assert f"https://line.sample.example/cases/{REF}" in letter.text
    assert "\n\n\n" not in letter.text
    assert "None" not in letter.text
    assert "{" not in letter.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_of_which_nothing_else_is_known_says_nothing_else(
    rendering: Rendering, language: str
) -> None:
    for happened in (*get_args(Happening), None):
        state = delivery(
            language=language, template="told", party="leader-one", happened=happened, until=PROMISE
        )
        text = rendering.told(state, "X").text
        assert "\n\n\n" not in text
        assert "None" not in text


@pytest.mark.parametrize(
    ("language", "preferred"),
    [
        ("en", "Option 2 (preferred): Replace it"),
        ("zh-Hans", "方案 2（首选）：Replace it"),
        ("zh-Hant", "方案 2（首選）：Replace it"),
    ],
)
def test_what_goes_up_shows_each_option_with_pros_cons_and_risks_and_the_preferred_one(
    rendering: Rendering, language: str, preferred: str
) -> None:
    state = delivery(language=language, template="told", party="leader-one", happened="escalated")
    text = rendering.told(state, "X", OPTIONS).text
    assert [
        word
        for word in ("Which one?", "Repair it", "cheap", "slow", "breaks again", "lasts")
        if word not in text
    ] == []
    assert preferred in text


@pytest.mark.parametrize(
    ("choice", "said"), [(2, "Chosen: option 2, Replace it"), (6, "Chosen: option 6\n"), (None, None)]
)
def test_an_opinion_names_the_option_that_was_chosen(
    rendering: Rendering, choice: int | None, said: str | None
) -> None:
    state = delivery(template="told", party="leader-one", happened="opinion_given", choice=choice)
    text = rendering.told(state, "X", Options(text="Do that."), OPTIONS).text
    assert "Do that." in text
    assert said in text if said else "Chosen" not in text


@pytest.mark.parametrize(
    ("language", "counted", "late"),
    [
        ("en", "3 in all, 1 overdue", "OVERDUE"),
        ("zh-Hans", "共 3 项，其中逾期 1 项", "已逾期"),
        ("zh-Hant", "共 3 項，其中逾期 1 項", "已逾期"),
    ],
)
def test_a_digest_counts_at_the_top_and_lists_each_case_with_its_link(
    rendering: Rendering, language: str, counted: str, late: str
) -> None:
    owed = {"case": CASE_ID, "obligation": "accept-2", "kind": "accept", "owner": "housing"}
    items = (
        DigestItem(**owed, ref="A-1", what="remind", due=START - timedelta(hours=1)),
        DigestItem(**owed, ref="B-2", what="assigned", due=START + timedelta(hours=1)),
        DigestItem(case=CASE_ID, ref="C-3", what="assist_given"),
    )
    state = delivery(language=language, template="digest", party="leader-one", ref="")
    letter = rendering.digest(state, "X", DigestList(at=START, items=items, may_be_more=True))
    assert counted in letter.subject
    assert letter.text.count(late) == 1
    places = [letter.text.index(f"https://line.sample.example/cases/{ref}") for ref in ("A-1", "B-2", "C-3")]
    assert places == sorted(places)
    assert labels(language)["happened"]["assist_given"]["headline"] in letter.text
    assert "\n\n\n" not in letter.text
    assert "None" not in letter.text
    assert "https://line.sample.example/cases\n" in letter.text


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
