"""M03, M12, M14: people in the house are told in their hours, of reminders once a day, of what can't wait at once."""

from __future__ import annotations

from pathlib import Path

from tests.installations import in_a_loop
from tests.notify_life import (
    COLLEAGUE,
    COORDINATOR,
    HEAD,
    LAMP,
    LEADER,
    MAYOR,
    OFFICER,
    life,
    local,
    sent,
    text_of,
)

OPTIONS = {
    "text": "自来水管要不要换？",
    "options": [
        {"name": "修补", "pros": "便宜", "cons": "慢", "risks": "还会漏"},
        {"name": "整段更换", "pros": "一劳永逸", "cons": "贵", "risks": "停水两天"},
    ],
    "preferred": 2,
}


@in_a_loop
async def test_a_days_reminders_come_in_one_mail_at_the_next_opening_without_what_was_done(
    tmp_path: Path,
) -> None:
    async with life(tmp_path) as here:
        late, _ = await here.writes(text=LAMP)
        done, _ = await here.writes(text=LAMP + "，请来修。")
        accepted, _ = await here.writes(text=LAMP + "，很危险。")
        await here.until("10-14 14:40")  # half of the time to accept, and three quarters of it, are over
        assert here.mails(OFFICER) == []
        await here.does(OFFICER, "accept", done)
        await here.does(OFFICER, "answer", done, text="修好了。")
        await here.does(OFFICER, "accept", accepted)
        await here.until("10-15 08:59")
        assert here.mails(OFFICER) == []
        await here.until("10-15 09:00")
        for person in (OFFICER, COLLEAGUE):
            (mail,) = here.mails(person)
            assert sent(mail) == local("10-15 09:00")
            text = text_of(mail)
            assert [text.count(f"[{ref}]") for ref in (late, done, accepted)] == [1, 0, 0]
        assert "签收（住房和城乡建设局）" in here.last(OFFICER)
        assert "其中逾期 1 项" in here.mails(OFFICER)[-1]["Subject"]
        assert "OVERDUE" in here.last(COLLEAGUE)
        assert [one["template"] for one in await here.deliveries(late)] == ["acknowledgement", "alarm"]


@in_a_loop
async def test_where_everything_was_done_there_is_no_mail(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.until("10-14 14:40")
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "answer", ref, text="修好了。")
        await here.until("10-16 17:00")
        assert here.mails(OFFICER) == here.mails(COLLEAGUE) == []


@in_a_loop
async def test_a_breach_noticed_at_night_is_held_until_the_post_opens(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.outage("10-14 22:00")
        (held,) = [one for one in await here.deliveries(ref) if one["template"] == "alarm"]
        assert (held["to"], held["state"], held["attempts"]) == (HEAD, "held", 0)
        assert held["not_before"] == "2026-10-15T01:00:00Z"
        assert here.mails(HEAD) == []
        page = (await here.here.client.get("/outbox", params={"lang": "zh-Hans"})).text
        assert "待发送" in page
        assert "发送时间不早于" in page
        await here.until("10-15 09:00")
        (mail,) = here.mails(HEAD)
        assert "逾期" in mail["Subject"]
        assert sent(mail) == local("10-15 09:00")


@in_a_loop
async def test_what_is_urgent_is_told_at_once_whatever_the_hour(tmp_path: Path) -> None:
    async with life(tmp_path, "10-14 23:00") as here:
        ref, _ = await here.writes(text="人民路路灯下面路面塌陷，有车掉进去了")
        (mail,) = here.mails(OFFICER)
        assert mail["Subject"] == f"[{ref}] 新交办事项"
        assert "应于 2026年10月14日（周三）23:30 前完成" in text_of(mail)
        await here.until("10-14 23:30")
        assert "逾期" in here.mails(HEAD)[-1]["Subject"]
        assert sent(here.mails(HEAD)[-1]) == local("10-14 23:30")


@in_a_loop
async def test_whoever_is_urged_hears_who_urges_and_what_is_owed(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, code = await here.writes()
        await here.says(code, "urge")
        assert "来自：来件人" in here.last(OFFICER)
        await here.does(LEADER, "urge", ref, text="今天要有结果。")
        assert all("今天要有结果。" in here.last(person) for person in (OFFICER, COLLEAGUE, HEAD))
        assert here.mails(OFFICER)[-1]["Subject"] == f"[{ref}] 催办"
        assert here.mails(COLLEAGUE)[-1]["Subject"] == f"[{ref}] Please hurry"
        assert "签收，应于" in here.last(OFFICER)
        assert [len(here.mails(person)) for person in (OFFICER, HEAD, LEADER)] == [2, 1, 0]


@in_a_loop
async def test_what_climbs_shows_the_options_and_what_comes_back_names_the_one_chosen(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "escalate", ref, case_class="hard", **OPTIONS)
        text = here.last(MAYOR)
        for word in (
            "自来水管要不要换？",
            "修补",
            "便宜",
            "慢",
            "还会漏",
            "停水两天",
            "方案 2（首选）：整段更换",
        ):
            assert word in text
        assert "回复意见，应于" in text
        await here.does(MAYOR, "advise", ref, choice=1, text="先修补。")
        assert "选定：方案 1（修补）" in here.last(OFFICER)
        assert "先修补。" in here.last(OFFICER)


@in_a_loop
async def test_what_is_said_of_one_obligation_twice_is_listed_once_in_a_digest(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.until("10-15 09:00")
        assert here.last(OFFICER).count(f"[{ref}]") == 1
        assert "预警" in here.last(OFFICER)  # the second of the two rungs


@in_a_loop
async def test_returned_and_reassigned_each_hears_their_part_in_the_days_digest(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.does(OFFICER, "return", ref, text="这条路不归我们管。", proposed="city-management")
        await here.does(COORDINATOR, "refuse-return", ref, text="就是你们的。")
        await here.until("10-15 09:00")
        assert here.mails("coordination-officer-2") == []  # it was decided meanwhile
        assert "退单未获同意：签收" in here.last(OFFICER)


@in_a_loop
async def test_after_an_outage_a_days_digest_is_not_lost_and_not_said_twice(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        first, _ = await here.writes(text=LAMP)
        second, _ = await here.writes(text=LAMP + "，请来修。")
        await here.until("10-14 14:40")
        await here.outage("10-16 10:00")
        (mail,) = here.mails(OFFICER)
        assert all(text_of(mail).count(f"[{ref}]") == 1 for ref in (first, second))
        await here.until("10-16 17:00")
        assert len(here.mails(OFFICER)) == 1


@in_a_loop
async def test_the_person_posted_with_an_enterprise_hears_of_its_case_and_its_answer(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes("boss@key-enterprise-1.example.org")
        assert here.mails(LEADER)[0]["Subject"] == f"[{ref}] 您挂点联系的企业有新来件"
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "answer", ref, text="下周修好。", final=False)
        assert len(here.mails(LEADER)) == 1
        await here.does(OFFICER, "answer", ref, text="修好了。")
        assert "修好了。" in here.last(LEADER)
        await here.writes("boss@key-enterprise-1.example.org", text="有人受贿", kind="report")
        assert len(here.mails(LEADER)) == 2


@in_a_loop
async def test_praise_reaches_officers_head_and_leader_in_its_own_words(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes(text="路灯修得又快又好，谢谢！", kind="praise")
        for person in (OFFICER, COLLEAGUE, HEAD, LEADER):
            (mail,) = here.mails(person)
            assert ref in mail["Subject"]
            assert "路灯修得又快又好" in text_of(mail)
            assert "wang@citizen.example" not in text_of(mail)
        (thanks,) = here.mails("wang@citizen.example")
        assert thanks["Subject"] == f"[{ref}] 感谢您的肯定"
        assert "承诺" not in text_of(thanks)
