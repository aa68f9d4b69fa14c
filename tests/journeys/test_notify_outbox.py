"""What was sent can be looked at by those who may, and by nobody else."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import get_args

import httpx

from services.notify.delivery import Status
from services.notify.pages.outbox import FOLDER, reason_word
from shared.content.words import MessageWords, Sender
from shared.events.cases import CaseAssigned, CaseReopened, CaseUrged, Notice
from shared.events.deliveries import Template
from shared.organisation.text import LANGUAGES
from shared.rights import check_routes
from shared.web.app import build
from shared.web.words import read_words
from tests.installations import in_a_loop
from tests.notify_house import REF, START, Running, running


@asynccontextmanager
async def browser(notify: Running, person: str | None = "desk-officer") -> AsyncIterator[httpx.AsyncClient]:
    app = build(notify.house, [notify.service], list, notify.bus)
    check_routes(app)
    gate = app.state.gate
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=notify.house.public_url) as client:
        if person:
            client.cookies.set(gate.cookie, gate.sessions.issue(person, 1)[1])
        yield client


async def sent_and_failed(notify: Running) -> None:
    await notify.opened()
    await notify.opened(MessageWords(text="x", sender=Sender(email="nobody")), id="case_other")
    await notify.settle()


@in_a_loop
async def test_deliveries_are_listed_newest_first_without_words_or_addresses(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        await sent_and_failed(notify)
        answer = await client.get("/v1/deliveries", params={"case": REF.lower()})
        assert answer.status_code == 200
        found = answer.json()
        assert sorted(one["state"] for one in found["deliveries"]) == ["failed", "sent"]
        assert found["next"] is None
        assert "mail.example" not in answer.text
        (failed,) = (await client.get("/v1/deliveries", params={"only": "trouble"})).json()["deliveries"]
        assert (failed["reason"], failed["attempts"], failed["to"]) == ("bad-address", 1, "sender")


@in_a_loop
async def test_a_long_list_is_paged_without_gap_or_repeat(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        for number in range(60):
            await notify.opened(id=f"case_{number}")
        await notify.settle()
        first = (await client.get("/v1/deliveries")).json()
        second = (await client.get("/v1/deliveries", params={"cursor": first["next"]})).json()
        assert second["next"] is None
        ids = [one["id"] for page in (first, second) for one in page["deliveries"]]
        assert (len(ids), len(set(ids))) == (60, 60)


@in_a_loop
async def test_a_ref_or_cursor_that_cannot_be_one_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        for params in ({"case": "K7QM"}, {"cursor": "yesterday"}):
            answer = await client.get("/v1/deliveries", params=params)
            assert answer.status_code == 400
            assert answer.json()["detail"]


@in_a_loop
async def test_only_who_may_see_deliveries_sees_them(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await sent_and_failed(notify)
        id, _ = (await notify.deliveries())[0]
        for person, status in ((None, 401), ("housing-officer", 403)):
            async with browser(notify, person) as client:
                for path in ("/v1/deliveries", "/outbox", f"/outbox/{id}", f"/outbox/{id}/original"):
                    assert (await client.get(path)).status_code == status


@in_a_loop
async def test_the_outbox_shows_each_mail_as_it_was_sent_and_runs_nothing_of_it(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        await sent_and_failed(notify)
        await notify.answered("<script>alert(1)</script>")
        await notify.settle()
        links = [id for id in notify.outbox() if f'href="/outbox/{id}"' in (await client.get("/outbox")).text]
        assert len(links) == 2
        shown = [(await client.get(f"/outbox/{id}")).text for id in links]
        assert all("wei@mail.example" in text and "Message-ID: " in text for text in shown)
        assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in text for text in shown)
        assert not any("<script>alert" in text for text in shown)
        for id in links:
            original = await client.get(f"/outbox/{id}/original")
            assert original.content == notify.outbox()[id]
            assert original.headers["Content-Disposition"] == f'attachment; filename="{id}.eml"'


@in_a_loop
async def test_what_did_not_arrive_is_found_with_the_reason_in_words(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        await sent_and_failed(notify)
        for language, words in (
            ("zh-Hant", ("未送達", "郵箱地址有誤")),
            ("zh-Hans", ("未送达", "邮箱地址有误")),
            ("en", ("Not delivered", "The address is not valid")),
        ):
            page = await client.get("/outbox", params={"only": "trouble", "lang": language})
            assert page.status_code == 200
            assert page.text.count('<a class="ref"') == 1
            assert all(word in page.text for word in (*words, "bad-address"))
            assert 'href="/outbox"' in page.text


def test_every_reason_a_delivery_can_have_is_said_in_words() -> None:
    words = read_words(FOLDER / "words")
    for code, word in (
        ("smtp-550-5.1.1", "smtp"),
        ("relay-421", "relay"),
        ("relay-unreachable", "relay-unreachable"),
        ("no-outcome", "no-outcome"),
        ("of-a-later-version", "other"),
    ):
        assert reason_word(code) == word
        assert all(f"outbox.reason.{word}" in words[language] for language in LANGUAGES)


def test_every_template_and_state_has_a_name_in_every_language() -> None:
    words = read_words(FOLDER / "words")
    for language in LANGUAGES:
        assert all(f"outbox.template.{one}" in words[language] for one in get_args(Template))
        assert all(f"outbox.status.{one}" in words[language] for one in get_args(Status))


@in_a_loop
async def test_what_somebody_in_the_house_is_told_of_is_listed_by_its_name(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        await notify.opened(acknowledge=False)
        later = START + timedelta(hours=17)
        await notify.case(
            CaseUrged(by="leader", notices=[Notice(person="housing-head", at=later)]),
            CaseReopened(reason="by_hand", notices=[Notice(person="desk-officer")]),
        )
        await notify.settle()
        for language, names in (
            ("zh-Hant", ("催辦", "重新辦理", "待發送", "發送時間不早於")),
            ("zh-Hans", ("催办", "重新办理", "待发送", "发送时间不早于")),
            ("en", ("Please hurry", "Reopened", "Waits for its time", "Not before")),
        ):
            page = (await client.get("/outbox", params={"lang": language})).text
            assert [name for name in names if name not in page] == []
        held = (await client.get("/v1/deliveries")).json()["deliveries"]
        assert {one["happened"]: one["not_before"] for one in held if one["template"] == "told"} == {
            "urged": "2026-10-01T01:00:00Z",
            "reopened": None,
        }


@in_a_loop
async def test_a_digest_is_listed_and_shown_though_it_is_of_no_one_case(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(can_mail=False)
        notices = [Notice(person="housing-head", at=START + timedelta(hours=17), digest=True)]
        await notify.case(CaseReopened(reason="by_hand", notices=notices))
        await notify.settle()
        await notify.advance(timedelta(hours=17))
        id, _ = await notify.only()
        async with browser(notify) as client:
            page = (await client.get("/outbox", params={"lang": "zh-Hant"})).text
            shown = await client.get(f"/outbox/{id}")
        assert "每日待辦摘要" in page
        assert "多個事項" in page
        assert "重新辦理" in shown.text
        assert 'href="/cases/"' not in page + shown.text


@in_a_loop
async def test_the_page_leads_to_earlier_deliveries_until_there_are_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        for number in range(60):
            await notify.opened(id=f"case_{number}")
        await notify.settle()
        first = (await client.get("/outbox", params={"case": REF})).text
        (more,) = re.findall(r'<a href="([^"]*)">Earlier ones', first)
        second = (await client.get(html.unescape(more))).text
        assert "Earlier ones" not in second
        links = [re.findall(r'href="(/outbox/dlv_[^"]*)"', text) for text in (first, second)]
        assert (len(links[0]), len({*links[0], *links[1]})) == (50, 60)


@in_a_loop
async def test_a_mail_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with running(tmp_path) as notify, browser(notify) as client:
        await sent_and_failed(notify)
        (failed,) = (id for id, delivery in await notify.deliveries() if delivery.status == "failed")
        for id in (failed, "dlv_" + "0" * 32):
            assert (await client.get(f"/outbox/{id}")).status_code == 404
            assert (await client.get(f"/outbox/{id}/original")).status_code == 404
        assert (await client.get("/outbox/..%2Fkeys")).status_code in (404, 422)


@in_a_loop
async def test_who_reports_wrongdoing_is_named_to_nobody_of_the_department_concerned(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(kind="report")
        await notify.case(CaseAssigned(department="housing", by="coordinator"))
        await notify.settle()
        id, _ = await notify.only()
        for person, status in (("desk-officer", 200), ("leader-desk", 404)):
            async with browser(notify, person) as client:
                assert (await client.get(f"/outbox/{id}")).status_code == status
                assert (await client.get(f"/outbox/{id}/original")).status_code == status
