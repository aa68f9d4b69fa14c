"""What facts say of words: length, manners, persons named, what an answer says was done; in Chinese and English."""

from __future__ import annotations

import pytest

from services.audit.facts.answering import concrete, forwards, promises
from services.audit.facts.manners import HINT, ON_DUTY, OUTRIGHT, manners
from services.audit.facts.persons import Names
from services.audit.facts.wording import folded, length, said, shingles, signs, terms
from shared.organisation import parse
from tests.unit.small_organisation import GOOD


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "none"),
        ("您好!", "none"),
        ("尊敬的市民朋友:您好!谢谢!", "none"),
        ("已轉相關部門。", "phrase"),
        ("Dear Ms Chan,\n\nNoted.\n\nKind regards\nThe Office", "phrase"),
        ("路灯坏了" * 10, "short"),
        ("The lamp in front of house 3 is out since Monday and nobody came to look. " * 2, "short"),
        ("路灯坏了,请尽快来修。" * 20, "usual"),
        ("路燈壞了,請盡快來修。" * 60, "long"),
    ],
)
def test_length_is_that_of_the_words_themselves(text: str, found: str) -> None:
    assert length(said(text)) == found


def test_traditional_and_simplified_words_are_as_long_and_have_the_same_terms() -> None:
    hant, hans = "路燈不亮,請維修電線", "路灯不亮,请维修电线"
    assert signs(folded(hant)) == signs(folded(hans)) == 9
    assert terms(folded(hant)) == terms(folded(hans)) != {}
    assert shingles(folded(hant)) == shingles(folded(hans)) == {"路灯不亮", "请维修电", "维修电线"}
    assert terms(folded("The street lamp at Elm Street is out")) == {"street": 2, "lamp": 1, "elm": 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("窗口工作人员态度非常恶劣,还骂人。", ON_DUTY),
        ("櫃檯人員愛理不理,態度很差!", ON_DUTY),
        ("我打電話去問,接線員直接掛斷。", ON_DUTY),
        ("The clerk at the counter was rude and shouted at me.", ON_DUTY),
        ("She hung up on me twice.", ON_DUTY),
        ("樓下鄰居出言不逊。", OUTRIGHT),
        ("He was dismissive.", HINT),
        ("办事员推诿,让我跑了三次。", HINT),
        ("工作人员态度很好,非常耐心。", 0),
        ("工作人员态度不差,就是慢。", 0),
        ("客服沒有罵人,只是不懂。", 0),
        ("The officer was not rude at all.", 0),
        ("The staff never shouted at me, but nothing was done.", 0),
        ("楼下餐馆每天骂街,很吵。", 0),
        ("The street lamp is out. Please repair it.", 0),
    ],
)
def test_manners_are_complained_of_where_somebody_on_duty_had_none(text: str, found: int) -> None:
    assert manners(folded(text)) == found


def test_who_says_it_twice_says_it_more_clearly() -> None:
    once, twice = "窗口的人态度恶劣。", "窗口的人态度恶劣。主任出言不逊。"
    assert manners(folded(once)) < manners(folded(twice)) < 10_000


@pytest.mark.parametrize(
    ("text", "passed_on", "promised"),
    [
        ("您的留言已转市交通局处理。", True, False),
        ("您反映的問題已轉交相關部門研究處理。", True, False),
        ("此事不归我局管,请您向住建部门咨询。", True, False),
        ("Your letter has been forwarded to the housing department.", True, False),
        ("经现场核实,路灯已修复。此前已转交路灯所。", False, False),
        ("已转交路灯所,路灯所已于9月3日完成维修。", False, False),
        ("The matter was referred to the crew, who have repaired the lamp.", False, False),
        ("下一步我们将加强巡查,尽快修复。", False, True),
        ("We will repair it as soon as possible.", False, True),
        ("We repaired it on Monday and will look again next week.", False, False),
        ("路燈已更換。", False, False),
    ],
)
def test_an_answer_passes_on_or_promises_only_where_nothing_was_done(
    text: str, passed_on: bool, promised: bool
) -> None:
    assert (forwards(folded(text)), promises(folded(text))) == (passed_on, promised)


def test_particulars_are_counted_once_each() -> None:
    assert concrete(folded("我们高度重视,会认真研究。")) == 0
    found = concrete(folded("2019年9月3日,市供电公司更换了12盏路灯,依据《城市照明条例》第五条;9月3日复查。"))
    assert found >= 5
    assert concrete(folded("On 3 September crews replaced 12 lamps, 40 metres of cable, on Elm Street.")) >= 3


@pytest.mark.parametrize(
    "text", ["感谢" * 9000, "骂" * 9000, "已转" * 9000, "经我" * 9000, "hello " * 9000, "1-" * 9000]
)
def test_words_made_to_be_slow_to_read_are_read_like_others(text: str) -> None:
    part = folded(text)
    assert len(part) <= 8_000
    assert manners(part) in {0, OUTRIGHT, HINT}
    assert len(said(text)) <= len(part)
    assert {forwards(part), promises(part)} <= {True, False}


PEOPLE = Names(
    parse(
        GOOD.replace(
            "people:",
            "people:\n"
            "  - { id: post-1, names: { zh-Hant: 張偉民, en: Cheung Wai Man }, language: en, mail: a@example.org }\n"
            "  - { id: post-2, names: { zh-Hans: 张伟, en: Zhang Wei }, language: en, mail: b@example.org }",
        )
    )
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我找了张伟民,他不理我", ("post-1",)),
        ("我找了張偉,他不理我", ("post-2",)),
        ("张伟和張偉民都在", ("post-1", "post-2")),
        ("I spoke to Cheung Wai Man.", ("post-1",)),
        ("I spoke to  WAI MAN CHEUNG yesterday", ("post-1",)),
        ("Wei Zhang hung up", ("post-2",)),
        ("Zhang Weiming hung up", ()),
        ("nobody", ()),
    ],
)
def test_officers_are_found_by_every_form_of_their_names(text: str, found: tuple[str, ...]) -> None:
    assert PEOPLE.named(folded(text)) == found
