"""M05, M10, M14: senders hear of whatever concerns them, in their language, under their own ref, and once."""

from __future__ import annotations

from pathlib import Path

from tests.installations import in_a_loop
from tests.notify_life import COORDINATOR, LAMP, LEADER, OFFICER, life, text_of

WANG, LI = "wang@citizen.example", "li@citizen.example"


@in_a_loop
async def test_an_extension_is_told_with_the_new_date(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        assert "承诺在 2026年10月21日（周三）17:30 前答复您" in here.last(WANG)
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "extend", ref, text="配件没到。")
        asked = here.last(LEADER)
        assert "配件没到。" in asked
        assert "申请延期至 2026年10月28日（周三）17:30" in asked
        assert len(here.mails(WANG)) == 1
        await here.does(LEADER, "grant-extension", ref, text="同意。")
        told = here.last(WANG)
        assert "承诺在 2026年10月28日（周三）17:30 前答复您" in told
        assert "同意" not in told
        assert "延期已批准" in here.mails(OFFICER)[-1]["Subject"]
        assert "同意。" in here.last(OFFICER)


@in_a_loop
async def test_a_question_that_stops_the_clock_says_until_when_a_reply_is_awaited(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "ask", ref, text="是哪一盏？")
        assert "暂停计算" not in here.last(WANG)
        await here.does(OFFICER, "ask", ref, text="到底是哪一盏？", suspends=True)
        assert "请在 2026年10月21日（周三）17:30 前直接回复本邮件" in here.last(WANG)


@in_a_loop
async def test_who_is_handed_over_after_an_upheld_return_hears_to_whom(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.does(OFFICER, "return", ref, text="这条路不归我们管。", proposed="city-management")
        assert len(here.mails(WANG)) == 1
        await here.does(COORDINATOR, "uphold-return", ref, department="city-management")
        (_, told) = here.mails(WANG)
        assert "已转由城市管理和综合执法局承办" in text_of(told)
        assert "不归我们管" not in text_of(told)


@in_a_loop
async def test_a_no_is_reviewed_and_the_outcome_is_told_once(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, code = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "answer", ref, text="修好了。")
        await here.says(code, "feedback", solved=False, text="还是不亮。")
        await here.does(COORDINATOR, "review", ref, outcome="upheld", text="昨晚去看过，是亮的。")
        assert "维持原处理结果" in here.last(WANG)
        assert "昨晚去看过，是亮的。" in here.last(WANG)
        assert len(here.mails(WANG)) == 3


@in_a_loop
async def test_a_declined_case_that_was_contested_in_vain_is_not_declined_again(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, code = await here.writes(text="没有说清楚的事")
        await here.does(COORDINATOR, "decline", ref, reason="no_facts", text="没有地点。")
        assert "可以在事项页面提出异议" in here.last(WANG)
        await here.says(code, "contest", text="地点是人民路。")
        await here.does("coordination-officer-2", "review", ref, outcome="upheld", text="那里没有这回事。")
        assert [one["template"] for one in await here.deliveries(ref) if one["to"] == "sender"] == [
            "acknowledgement",
            "declined",
            "reviewed",
        ]


@in_a_loop
async def test_a_case_that_a_superior_opens_again_is_said_to_be_so(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, code = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "answer", ref, text="修好了。")
        await here.says(code, "feedback", solved=True)
        await here.does(LEADER, "reopen", ref, text="路面没有恢复。")
        assert "现已重新办理" in here.last(WANG)
        assert "路面没有恢复" not in here.last(WANG)
        assert "路面没有恢复。" in here.last(OFFICER)


@in_a_loop
async def test_the_senders_of_merged_cases_all_get_the_answer_under_their_own_ref(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        kept, _ = await here.writes(WANG)
        joined, code = await here.writes(LI, text="The street light is out", sender={"language": "en"})
        twice, _ = await here.writes("chen@citizen.example", text=LAMP + "！", sender={"language": "zh-Hant"})
        for ref in (kept, joined, twice):
            await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "merge", twice, into=joined)
        await here.does(OFFICER, "merge", joined, into=kept)
        assert f"goes on together with case {kept}" in here.last(LI)
        before = len(here.mails(LI))
        await here.does(OFFICER, "ask", kept, text="是哪一盏？")
        assert len(here.mails(LI)) == before
        await here.does(OFFICER, "answer", kept, text="修好了。")
        for to, ref, hello in (
            (WANG, kept, "您好："),
            (LI, joined, "Hello,"),
            ("chen@citizen.example", twice, "您好："),
        ):
            mail = here.mails(to)[-1]
            assert f"[{ref}]" in mail["Subject"]
            assert "修好了。" in text_of(mail)
            assert hello in text_of(mail)
        assert f"/track/{code}" in here.last(LI)
        assert len({mail["Message-ID"] for to in (WANG, LI) for mail in here.mails(to)}) == 6


@in_a_loop
async def test_a_part_is_not_acknowledged_and_its_answer_has_its_own_ref(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, code = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "split", ref, department="city-management", text="垃圾桶")
        assert len(here.mails(WANG)) == 1
        here.here.as_(COORDINATOR)
        cases = (await here.here.client.get("/v1/cases")).json()["cases"]
        (part,) = {one["ref"] for one in cases} - {ref}
        await here.does("city-management-officer-1", "accept", part)
        await here.does("city-management-officer-1", "answer", part, text="清走了。")
        mail = here.mails(WANG)[-1]
        assert f"[{part}]" in mail["Subject"]
        assert f"/track/{code}" in text_of(mail)


@in_a_loop
async def test_silence_closes_a_case_without_a_further_mail(tmp_path: Path) -> None:
    async with life(tmp_path) as here:
        ref, _ = await here.writes()
        await here.does(OFFICER, "accept", ref)
        await here.does(OFFICER, "answer", ref, text="修好了。")
        await here.until("11-01 12:00")
        assert len(here.mails(WANG)) == 2
