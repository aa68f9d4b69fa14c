"""Whether complaints of bad manners are told from other messages, from texts to findings by the rules that read them.

The texts were written for this from what such complaints say in the three languages, without looking at the words that
the rules know. A judgement. What it gets wrong is printed by kind: irony and cool circumscription ("he found his phone more
interesting than me") are missed; what a third party did is sometimes taken for the house's manners.
"""

from __future__ import annotations

from random import Random

import pytest

from services.audit.checks.bad_manners import BadManners
from services.audit.facts.manners import manners
from services.audit.facts.wording import folded
from tests.backtests.lives import History, Truth, draw_story, history, live
from tests.backtests.measured import measure
from tests.backtests.story import Story

SIZES = [1_000, pytest.param(20_000, marks=pytest.mark.long)]

PLAIN = (
    "你們窗口的人態度很惡劣，一開口就罵人。",
    "工作人员态度非常差，爱理不理，还冲我吼。",
    "打電話去問，接電話的人很不耐煩，話沒說完就掛了我的電話。",
    "办事员对老人恶语相向，服务态度极其恶劣。",
    "承辦人冷言冷語，還嘲笑我不懂規定。",
    "他拍桌子叫我滚出去，这就是你们的服务？",
    "The clerk shouted at me and was extremely rude.",
    "I was insulted at the counter, and your officer hung up on me twice.",
    "Your staff are arrogant and treated my mother with contempt.",
    "去了三次，工作人员推三阻四，态度蛮横。",
    "櫃檯人員翻白眼，口氣很差，完全不把市民當人看。",
    "The man at the desk laughed at me and told me to shut up.",
)
VEILED = (
    "他看手機比看我還認真，問什麼都說不知道。",
    "I have been treated more kindly by parking meters.",
    "真是领教了什么叫“为人民服务”。",
    "He found his screen more interesting than my question.",
)
OTHERS = (
    "樓下餐廳老闆很兇，客人常跟他吵架。",
    "小区保安态度恶劣，经常骂业主，请管一管。",
    "My neighbour is rude and shouts at the children every evening.",
    "出租车司机拒载还骂人，车牌号附后。",
)
KIND = (
    "工作人员态度很好，谢谢你们。",
    "承辦人很有耐心，一點也不兇。",
    "The officer was friendly and not at all rude.",
    "虽然事情没办成，但窗口的人没有不耐烦。",
)
MATTERS = (
    "人民路的路灯三天不亮了，晚上很黑。",
    "社保卡換發要帶哪些證件？",
    "The street lamp in Renmin Road has been dark for three days.",
    "垃圾站噪音太大，夜里睡不着。",
    "工资拖欠两个月，公司一直说再等等。",
    "When does the reception office open on Saturday?",
    "公園的公廁沒有水，請派人修理。",
)
SAYINGS = {"plain": PLAIN, "veiled": VEILED, "others": OTHERS, "kind": KIND, "matter": ("",)}
SHARE = {"plain": 10, "veiled": 1, "others": 4, "kind": 6, "matter": 60}


def text(rng: Random, what: str) -> str:
    """A message of a kind, about some matter."""
    parts = [rng.choice(MATTERS), rng.choice(SAYINGS[what])]
    rng.shuffle(parts)
    return "".join(parts)


def told(story: Story) -> list[Truth]:
    """A life in which the sender writes once more; of some, how they were treated."""
    rng = story.rng
    live(story)
    (what,) = rng.choices([*SHARE], [*SHARE.values()])
    story.write(verified=True, resumes=False, fact={"manners": manners(folded(text(rng, what)))})
    fact = story.records[-1]
    return [Truth(story.case, frozenset([fact.id]), fact.time, what)] if what in {"plain", "veiled"} else []


@pytest.mark.parametrize("count", SIZES)
def test_who_was_treated_badly_is_mostly_heard_and_hardly_anybody_is_accused_wrongly(count: int) -> None:
    made: History = history(47, count, told, draw=draw_story)
    found = measure(BadManners(), made)
    print(found)
    assert found.so > count // 20
    assert found.precision >= 0.75
    assert found.recall >= 0.75
