"""Whether complaints of bad manners are told from other messages, from texts to findings by the rules that read them.

The texts were written from what such complaints say in the three languages. The rules were mended after a look at what
they made of the plain ones; the unseen ones were written after that, and nothing was changed for them. A judgement:
what it gets wrong is printed by kind. Irony and circumscription are missed, and half of what is said in words of its
own; what a third party did is told apart where the sentence speaks of nobody on duty.
"""

from __future__ import annotations

import pytest

from services.audit.checks.bad_manners import BadManners
from services.audit.facts.manners import manners
from services.audit.facts.wording import folded
from tests.backtests.lives import Truth, live, truth
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

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
    "窗口小姐嫌我問太多，當眾罵我煩人。",
    "接線員語氣惡劣，說「你愛告就去告」。",
    "工作人员冷冰冰的，问一句就瞪眼。",
    "科长见了我们就训斥，像审犯人一样。",
    "护士对我父亲大吼大叫，一点耐心都没有。",
    "办事大厅的人一边嗑瓜子一边骂我没文化。",
    "Your receptionist rolled her eyes and called me stupid.",
    "The officer yelled at us in front of everybody.",
    "Nobody looked up; when I asked, the clerk snapped at me.",
    "The hotline operator was impatient, insulting and slammed the phone.",
    "社区干部拍着桌子威胁我。",
)
UNSEEN = (
    "去窗口问个事，那女的爱答不理，最后甩一句不知道。",
    "承办同志在电话里冲我发火，说我没事找事。",
    "我妈耳背多问了两句，就被柜员数落了一顿。",
    "櫃員把證件丟給我，說看不懂字就別來。",
    "He sighed, told me I was wasting his time and walked away from the counter.",
    "Your operator was sarcastic and cut me off mid-sentence.",
    "办事员把我的材料扔出来，让我看清楚再来。",
    "I was spoken to like a child by your staff.",
    "值班人员出言讽刺，说我这种人他见多了。",
    "The inspector was extremely impolite to my parents.",
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
    "我不是说你们态度不好，只是流程太慢。",
    "The clerk was never rude to me, thank you.",
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
SAYINGS = {"plain": PLAIN, "unseen": UNSEEN, "veiled": VEILED, "others": OTHERS, "kind": KIND, "": ("",)}
SHARE = {"plain": 7, "unseen": 3, "veiled": 1, "others": 4, "kind": 6, "": 60}
BADLY = {"plain", "unseen", "veiled"}


def tell(story: Story) -> list[Truth]:
    """A life in which the sender writes once more; of some, how they were treated."""
    rng = story.rng
    live(story)
    (story.tale,) = rng.choices([*SHARE], [*SHARE.values()])
    parts = [rng.choice(MATTERS), rng.choice(SAYINGS[story.tale])]
    rng.shuffle(parts)
    story.write(resumes=False, fact={"manners": manners(folded("".join(parts)))})
    return [truth(story, story.records[-1], what=story.tale)] if story.tale in BADLY else []


@pytest.mark.parametrize("count", COUNTS)
def test_who_was_treated_badly_is_mostly_heard_and_hardly_anybody_is_accused_wrongly(count: int) -> None:
    made = backtest(BadManners(), tell, count)
    assert made.truths > count // 20
    assert made.precision >= 0.95
    assert made.recall >= 0.7
