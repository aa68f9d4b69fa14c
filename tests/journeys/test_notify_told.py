"""What happened reaches who must know: once, in their language, with what they can do."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from services.notify.delivery import KIND
from shared.content.words import MessageWords, Sender
from shared.events.messages import Automatic
from tests.installations import in_a_loop
from tests.notify_house import CASE_ID, MESSAGE_ID, REF, read, running
from tests.relay import Relay


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def stateless(words: str, **more: str) -> MessageWords:
    return MessageWords(text=words, sender=Sender(**more))


@in_a_loop
async def test_an_opened_case_is_acknowledged_with_ref_tracking_link_and_promise_in_two_steps(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as notify:
        await notify.opened()
        await notify.settle()
        id, delivery = await notify.only()
        assert delivery.status == "sent"
        assert await notify.told(id) == ["queued", "sent"]
        message = read(notify.outbox()[id])
        assert REF in message["Subject"]
        text = text_of(message)
        assert f"https://line.sample.example/track/{notify.tokens.tracking_code(MESSAGE_ID)}" in text
        assert "2026年10月13日（週二）17:30" in text
        assert message["Message-ID"] == notify.tokens.message_id(id, CASE_ID, "sample.example")
        assert notify.tokens.read_reply_address(message["Reply-To"]) == CASE_ID
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Content-Language"] == "zh-Hant"


@in_a_loop
async def test_nobody_is_mailed_who_left_no_address_or_must_not_be_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(can_mail=False)
        await notify.answered("修好了。")
        await notify.opened(acknowledge=False, id="case_other")
        await notify.settle()
        assert await notify.deliveries() == []


@in_a_loop
async def test_an_answer_goes_into_the_senders_thread_and_asks_whether_it_helped(tmp_path: Path) -> None:
    words = MessageWords(
        subject="Re: 路燈",
        text="不亮",
        sender=Sender(email="wei@mail.example"),
        message_id="<one@mail.example>",
        references=["<zero@mail.example>"],
    )
    async with running(tmp_path) as notify:
        await notify.opened(words, acknowledge=False)
        await notify.answered("已於今日修復。\n謝謝。")
        await notify.settle()
        id, _ = await notify.only()
        message = read(notify.outbox()[id])
        assert message["Subject"] == f"Re: 路燈 [{REF}]"
        assert message["In-Reply-To"] == "<one@mail.example>"
        assert message["References"].split() == ["<zero@mail.example>", "<one@mail.example>"]
        assert message["Auto-Submitted"] is None
        assert "已於今日修復。\n謝謝。" in text_of(message)
        assert "滿意" in text_of(message)
        assert "如果到 2026年10月7日（週三）16:00 我們沒有收到您的回應，事項將結束" in text_of(message)


@in_a_loop
async def test_a_sender_whose_case_is_declined_is_told_why_and_how_to_have_it_looked_at_again(
    tmp_path: Path,
) -> None:
    for language, reason, how in (
        (
            "zh-Hant",
            "所反映的事項已進入訴訟程序，或者法院已經裁判",
            "可以在事項頁面提出異議，由作出決定的人員以外的人複核",
        ),
        (
            "zh-Hans",
            "所反映的事项已进入诉讼程序，或者法院已经裁判",
            "可以在事项页面提出异议，由作出决定的人员以外的人复核",
        ),
        (
            "en",
            "because the matter is before a court",
            "You can contest this: say why you do not agree on the page of your case",
        ),
    ):
        async with running(tmp_path / language) as notify:
            await notify.opened(acknowledge=False, language=language)
            await notify.closed("declined", "before_a_court", "案號（2026）一號。")
            await notify.settle()
            id, delivery = await notify.only()
            assert (delivery.status, delivery.template) == ("sent", "declined")
            message = read(notify.outbox()[id])
            assert message["Subject"] == f"Re: 路燈 [{REF}]"
            assert notify.tokens.read_reply_address(message["Reply-To"]) == CASE_ID
            assert message["Auto-Submitted"] is None
            text = text_of(message)
            link = f"https://line.sample.example/track/{notify.tokens.tracking_code(MESSAGE_ID)}"
            assert all(word in text for word in (reason, how, link, "案號（2026）一號。"))


@in_a_loop
async def test_a_case_closed_by_silence_or_declined_without_an_address_sends_nothing(tmp_path: Path) -> None:
    async with running(tmp_path / "silence") as notify:
        await notify.opened(acknowledge=False)
        await notify.closed("silence")
        await notify.settle()
        assert await notify.deliveries() == []
    async with running(tmp_path / "phone") as notify:
        await notify.opened(can_mail=False)
        await notify.closed("declined", "no_facts", "沒有地點。")
        await notify.settle()
        assert await notify.deliveries() == []


@in_a_loop
async def test_an_answer_that_is_not_final_and_a_question_do_not_ask_for_satisfaction(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False, language="zh-Hans")
        await notify.answered("正在处理。", final=False)
        await notify.asked("是哪一盏？")
        await notify.settle()
        texts = [text_of(read(data)) for data in notify.outbox().values()]
        assert len(texts) == 2
        assert not any("满意" in text for text in texts)
        assert any("是哪一盏？" in text for text in texts)


@in_a_loop
async def test_an_alarm_tells_each_person_once_in_their_language_what_is_late_since_when(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        await notify.alarmed("housing-officer", "leader-one")
        await notify.settle()
        mails = {read(data)["To"]: read(data) for data in notify.outbox().values()}
        assert len(mails) == 2
        officer, leader = (text_of(mails[to]) for to in sorted(mails, key=lambda to: "leader" in to))
        assert "逾期（第 2 级）：住建局——签收" in officer
        assert (
            "应于 2026年9月30日（周三）20:00 前完成，现已逾期；自 2026年9月30日（周三）16:00 起算。"
            in officer
        )
        assert "20:00 on Wednesday 30 September 2026" in leader
        assert all(f"https://line.sample.example/cases/{REF}" in text for text in (officer, leader))
        assert all(mail["Reply-To"] is None and mail["Auto-Submitted"] for mail in mails.values())


@in_a_loop
async def test_an_address_that_cannot_be_mailed_fails_at_once_and_is_seen_to(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        for number, address in enumerate(
            ["nobody", "<>", "a@b@", "line@sample.example", "line+x@sample.example"]
        ):
            await notify.opened(stateless("x", email=address), id=f"case_{number}")
        await notify.settle()
        reasons = [delivery.reason for _, delivery in await notify.deliveries()]
        assert sorted(str(reason) for reason in reasons) == ["bad-address"] * 3 + ["own-address"] * 2
        assert notify.outbox() == {}


@in_a_loop
async def test_a_bounce_is_put_down_to_its_delivery_and_nothing_is_sent_for_it(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened()
        await notify.settle()
        id, _ = await notify.only()
        await notify.came_back(Automatic(kind="auto-reply", delivery=id))
        await notify.came_back(Automatic(kind="bounce", delivery=id, permanent=False))
        await notify.came_back(Automatic(kind="bounce", delivery=id, permanent=True))
        await notify.came_back(Automatic(kind="bounce", delivery="dlv_unknown", permanent=True))
        await notify.settle()
        assert await notify.told(id) == ["queued", "sent", "auto_replied", "bounced", "bounced"]
        _, delivery = await notify.only()
        assert (delivery.status, delivery.auto_reply) == ("bounced", "auto-reply")
        assert await notify.store.held_back.held_keys("notify") == []


@in_a_loop
async def test_no_word_and_no_address_stands_in_the_events_or_documents_of_a_delivery(tmp_path: Path) -> None:
    relay = Relay(refuse=lambda recipient: f"550 5.1.1 <{recipient}> is nobody here")
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        await notify.opened()
        await notify.answered("已修復。")
        await notify.settle()
        for id, _ in await notify.deliveries():
            document = await notify.store.load(KIND.collection, id)
            assert document is not None
            kept = document.body + b"".join(record.value for record in await notify.store.history(id))
            for word in ("wei@mail.example", "某 某", "路燈", "不亮", "已修復"):
                assert word.encode() not in kept
