"""Made-up matters and answers to them, good and perfunctory, in words: Chinese in both scripts, and English."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import opencc

_PLACES = "青云石桥柳溪东风龙泉南湖北岭金山白沙新河长乐平安红旗兴隆梅园竹林松岗荷塘"
_KINDS = ("路", "街", "小区", "村", "大道", "花园")
_MATTERS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("路灯", ("整夜不亮", "忽明忽暗", "灯罩脱落"), ("更换灯泡和镇流器", "修复线路", "重装灯罩")),
    ("下水道", ("堵塞冒水", "井盖缺失", "臭气熏天"), ("疏通管道", "补装井盖", "清掏化粪池")),
    ("电梯", ("频繁停运", "困住老人", "超期未检"), ("更换曳引机", "完成年检", "责令维保单位停梯检修")),
    ("工地", ("深夜施工扰民", "扬尘漫天", "渣土车撒漏"), ("责令夜间停工", "加装喷淋", "冲洗路面并处罚车队")),
    ("幼儿园", ("乱收兴趣班费", "午餐变质", "学位不够"), ("退还所收费用", "更换供餐公司", "增开两个班")),
    ("公交车", ("半小时不来一趟", "甩站不停", "末班太早"), ("加密班次", "处分驾驶员", "延后末班时间")),
    ("工资", ("拖欠三个月", "克扣加班部分", "离职后不结"), ("督促企业补发", "下达限期支付指令", "移送仲裁并先行垫付")),
    ("违建", ("占用消防通道", "楼顶私搭阳光房", "圈占绿地"), ("组织拆除", "下达限期拆除决定", "恢复绿化")),
    ("自来水", ("发黄有异味", "水压太低", "停水不通知"), ("冲洗管网", "加装增压泵", "调整施工公告办法")),
    ("医保", ("异地就医报销不了", "卡被锁定", "缴费记录缺失"), ("补录缴费记录", "解除锁定", "开通异地备案")),
    ("夜市", ("油烟呛人", "占道经营", "垃圾遍地"), ("安装油烟净化器", "划定摊位", "每晚清扫两次")),
    ("停车", ("被乱收费", "车位被地锁霸占", "画线不清"), ("退还多收的部分", "拆除地锁", "重新画线")),
)  # fmt: skip
_TOLD = (
    "我家老人晚上出门摔过一次", "打了好几次热线没人管", "邻居们都有意见", "孩子上学每天都要经过", "已经持续一个多月",
    "物业推说不归他们", "拍了照片可以提供", "下雨天更加厉害", "希望有人来看一看", "周围几栋楼都受影响",
)  # fmt: skip
_HOLLOW = (
    "您的来信我们十分重视", "为民服务是我们的宗旨", "群众利益无小事", "我们将以此为契机不断提高服务水平",
    "今后将进一步加强管理", "切实增强人民群众的获得感", "欢迎您继续监督我们的工作", "我们将一如既往地努力",
    "对给您带来的不便深表歉意", "相关工作正在有序推进",
)  # fmt: skip
_OTHERS = ("城管局", "住建局", "交通运输局", "街道办事处", "人社局", "市场监管局")
_EN_MATTERS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("street light", ("is dark all night", "flickers and buzzes"), ("replaced the lamp", "repaired the cable")),
    ("storm drain", ("overflows onto the pavement", "lost its grate"), ("flushed the pipe", "fitted a new grate")),
    ("school bus", ("skips our stop every week", "comes half an hour late"), ("added a bus", "moved the timetable")),
    ("playground", ("has broken swings", "is full of glass"), ("replaced the swings", "swept and fenced it")),
    ("building site", ("works all night", "covers us in dust"), ("stopped the night work", "fitted sprinklers")),
)  # fmt: skip
_EN_TOLD = (
    "My mother fell there last month", "I have called three times", "All neighbours are angry about it",
    "Photographs can be had from me", "It is worse whenever it rains", "Children pass there every morning",
)  # fmt: skip
_EN_STREETS = ("Alder", "Beacon", "Cedar", "Dover", "Elm", "Foundry", "Granary", "Harbour", "Ivy", "Juniper")
_to_traditional = opencc.OpenCC("s2t")


@dataclass
class Matter:
    """What a sender asks for, and what can be done about it."""

    place: str
    what: str
    trouble: str
    remedy: str
    told: list[str]
    english: bool = False
    traditional: bool = False
    number: int = 0

    def written(self, text: str) -> str:
        """As this sender, and who answers them, write."""
        return _to_traditional.convert(text) if self.traditional else text


def draw(rng: Random) -> Matter:
    """A matter of some place."""
    number = rng.randint(2, 400)
    if rng.random() < 0.15:
        what, troubles, remedies = rng.choice(_EN_MATTERS)
        place = f"{rng.choice(_EN_STREETS)} {rng.choice(('Street', 'Road', 'Avenue'))}"
        at = rng.randrange(len(troubles))
        told = rng.sample(_EN_TOLD, rng.randint(1, 4))
        return Matter(place, what, troubles[at], remedies[at], told, english=True, number=number)
    what, troubles, remedies = rng.choice(_MATTERS)
    place = "".join(rng.sample(_PLACES, rng.choice((2, 2, 3)))) + rng.choice(_KINDS)
    at = rng.randrange(len(troubles))
    told = rng.sample(_TOLD, rng.randint(1, 5))
    return Matter(
        place, what, troubles[at], remedies[at], told, traditional=rng.random() < 0.4, number=number
    )


def asked(matter: Matter, rng: Random) -> tuple[str, str]:
    """The message: its subject and its text."""
    if matter.english:
        subject = f"{matter.what} in {matter.place}"
        whole = [f"The {matter.what} near {matter.number} {matter.place} {matter.trouble}", *matter.told]
        return subject, ". ".join(whole) + ". Please do something."
    begin = rng.choice(("您好，", "领导好：", "", "尊敬的领导，"))
    told = [f"{matter.place}{matter.number}号附近的{matter.what}{matter.trouble}", *matter.told]
    return matter.written(f"{matter.place}{matter.what}{matter.trouble}"), matter.written(
        begin + "，".join(told) + rng.choice(("。请尽快解决，谢谢！", "。盼复。", "。"))
    )


def dealt_with(matter: Matter, rng: Random) -> str:
    """An answer that says what was found and done; in its house's frame, as answers are."""
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    if matter.english:
        return (
            f"Thank you for writing. Our crew inspected the {matter.what} at {matter.place} on {day} May: it"
            f" {matter.trouble}, as you say. We {matter.remedy} within {rng.randint(2, 20)} days; if it comes back call"
            f" 555-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}."
        )
    found = rng.choice(
        ("情况属实", "所反映问题基本属实", f"系{rng.choice(('设备老化', '管理不到位', '施工遗留'))}所致")
    )
    parts = [
        rng.choice(("您好，来信收悉。", "网友您好！", "")),
        f"经核实，{matter.place}{matter.what}{matter.trouble}{found}。",
        f"我单位已于{month}月{day}日派人到现场，{matter.remedy}，共投入{rng.randint(2, 90)}人次。",
        rng.choice(("下一步将加强巡查。", f"如再发生请拨打{rng.randint(2000000, 8999999)}。", "")),
        rng.choice(("感谢您对我们工作的支持！", "特此回复。", "")),
    ]
    return matter.written("".join(parts))


def passed_on(matter: Matter, rng: Random) -> str:
    """It was passed on, and that is all."""
    if matter.english:
        return rng.choice(
            (
                "Your message was forwarded to the department concerned. Thank you.",
                "This has been referred to the responsible office for handling.",
                "We have passed this on. Thank you for your patience.",
            )
        )
    other = rng.choice(("相关部门", "有关单位", rng.choice(_OTHERS), "责任单位"))
    return matter.written(
        rng.choice(
            (
                f"您好，您反映的问题已转交{other}处理，感谢您的关注！",
                f"网友您好，来信收悉，现已转{other}研究办理。感谢您的留言。",
                f"您好，此事不属于我单位职责，建议您向{other}反映。",
                f"您的留言已收悉，我们已将情况反映给{other}调查处理，谢谢！",
            )
        )
    )


def received(matter: Matter, rng: Random) -> str:
    """Thanks, and nothing."""
    if matter.english:
        return rng.choice(
            ("Thank you for your message.", "Noted, with thanks.", "We have received your letter.")
        )
    thanks = (
        "您的留言已收悉，感谢您的关心与支持！",
        "已阅，谢谢。",
        "您好，情况已知悉，感谢反映。",
        "收悉。",
    )
    return matter.written(rng.choice(thanks))


def promised(matter: Matter, rng: Random) -> str:
    """It will be looked at, some time, by somebody."""
    if matter.english:
        return rng.choice(
            (
                "We will look into this as soon as possible and will keep improving our service.",
                "Rest assured that we shall deal with it in due course.",
            )
        )
    parts = rng.sample(
        ("我们将高度重视", "将尽快安排处理", "下一步会加强管理", "争取早日解决", "请您耐心等待"), 3
    )
    return matter.written("您好，来信收悉。" + "，".join(parts) + "。")


def hollow(matter: Matter, rng: Random) -> str:
    """Many words that name the matter and say nothing of it."""
    if matter.english:
        return (
            f"Your concern about the {matter.what} in {matter.place} matters to us. Serving residents is what we are"
            " here for, and every voice makes our town better. We remain committed to it and thank you for your trust."
        )
    return matter.written(
        f"您好，关于您反映的{matter.place}{matter.what}{matter.trouble}的问题，{'，'.join(rng.sample(_HOLLOW, 6))}。"
    )


def in_a_word(matter: Matter, rng: Random) -> str:
    """Short, and all that there is to say."""
    if matter.english:
        return f"Done: we {matter.remedy} in {matter.place} on {rng.randint(1, 28)} June."
    return matter.written(
        f"{matter.place}{matter.what}已于{rng.randint(1, 12)}月{rng.randint(1, 28)}日{matter.remedy}。"
    )


def in_other_words(matter: Matter, rng: Random) -> str:
    """It says what was done, and calls the matter by none of the sender's words."""
    if matter.english:
        return f"A team of {rng.randint(2, 9)} was there on {rng.randint(1, 28)} June; it works now and was tested."
    return matter.written(
        f"您好，技术人员{rng.randint(1, 12)}月{rng.randint(1, 28)}日上门检测，故障部件全部换新，目前运行正常。"
    )


def passed_on_and_said_why(matter: Matter, rng: Random) -> str:
    """It is another's to do: whose, why, since when, and whom to call."""
    if matter.english:
        return (
            f"The {matter.what} in {matter.place} belongs to the county. We forwarded your message to the department of"
            f" roads on {rng.randint(1, 28)} June, reference {rng.randint(100, 999)}; call 555-{rng.randint(100, 999)}-"
            f"{rng.randint(1000, 9999)}."
        )
    other = rng.choice(_OTHERS)
    return matter.written(
        f"您好，{matter.place}{matter.what}由{other}负责管理，您所说的{matter.trouble}一事我单位已于"
        f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日书面转交，该局将与您联系，电话{rng.randint(2000000, 8999999)}。"
    )
