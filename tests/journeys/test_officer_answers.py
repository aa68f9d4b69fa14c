"""M09, M10, M14: from the form to the officer, to the answer, to the sender's word on it; and who sees none of it."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.routing.people import People
from tests.desks import COORDINATOR, LAMP, OFFICER, fields, gives, house, offered, written
from tests.installations import in_a_loop

OTHER = "labour-officer-1"
CALL = "WEBVTT\n\n00:00.000 --> 00:04.000\n<v 市民>人民路的路灯不亮了，请派人来修。\n"


@in_a_loop
async def test_listed_accepted_and_answered_the_sender_reads_it_and_has_the_last_word(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await written(here, sender)
        here.as_(OFFICER)
        page = (await here.client.get("/cases")).text
        assert LAMP["subject"] in page
        page = await gives(here, page, ref, "accept")
        assert "Accepted. It is yours to answer." in page
        assert "It goes to the sender by e-mail" in page
        page = await gives(here, page, ref, "answer", text="We come tomorrow", final="false")
        assert "answer" in offered(page, ref)
        page = await gives(here, page, ref, "answer", text="The lamp shines again", final="true")
        assert offered(page, ref) == {"link", "resolve"}

        page = (await sender.get(f"/track/{code}")).text
        assert "We come tomorrow" in page
        assert "The lamp shines again" in page
        said = fields(page, f"/track/{code}") | {"solved": "no", "text": "It is dark again"}
        await sender.post(f"/track/{code}", data=said)
        await here.installation.idle()
        assert "Another person is looking" in (await sender.get(f"/track/{code}")).text
        here.as_(COORDINATOR)
        page = (await here.client.get(f"/cases/{ref}")).text
        assert "It is dark again" in page
        await gives(here, page, ref, "review", outcome="reopened", text="We look again")
        assert "We look again" in (await sender.get(f"/track/{code}")).text
        here.as_(OFFICER)
        page = (await here.client.get(f"/cases/{ref}")).text
        page = await gives(
            here, page, ref, "answer", text="A new lamp was put up", final="true", resolved="true"
        )

        page = (await sender.get(f"/track/{code}")).text
        assert "A new lamp was put up" in page
        thanks = await sender.post(
            f"/track/{code}", data=fields(page, f"/track/{code}") | {"solved": "yes", "satisfied": "yes"}
        )
        assert "Your feedback is kept" in (await sender.get(thanks.headers["location"])).text
        tracked = (await sender.get(f"/v1/track/{code}")).json()
        assert (tracked["state"], tracked["outcome"], tracked["asks_feedback"]) == (
            "closed",
            "feedback",
            False,
        )
        case = (await here.client.get(f"/v1/cases/{ref}")).json()
        assert (case["commands"], case["obligations"]) == ([], [])


@in_a_loop
async def test_who_called_is_called_back_within_a_limit_of_its_own_and_how_it_went_is_recorded(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as (here, sender):
        handed = await sender.post(
            "/v1/transcripts",
            content=CALL.encode(),
            params={"call_id": "call-1", "caller": "13800001111"},
            headers={"Content-Type": "text/vtt"},
        )
        await here.installation.idle()
        here.as_(OFFICER)
        (listed,) = (await here.client.get("/v1/cases")).json()["cases"]
        ref = listed["ref"]
        page = await gives(here, (await here.client.get("/cases")).text, ref, "accept")
        assert "a call-back is owed, and you read it out" in page
        assert "ask" not in offered(page, ref)  # there is no address to ask at
        page = await gives(here, page, ref, "answer", text="The lamp is repaired", final="true")
        (owed,) = (await here.client.get(f"/v1/cases/{ref}")).json()["obligations"]
        assert (owed["kind"], owed["owner"], owed["limit"]) == ("callback", "housing", "1wd")
        assert owed["due"] == "2026-10-15T09:30:00Z"  # the working day after, at its end
        assert "call back" in (await here.client.get("/cases")).text
        assert 'href="tel:13800001111"' in page
        assert "contact" in offered(page, ref)
        assert "Record the call-back" in page
        page = await gives(here, page, ref, "contact", outcome="not_reached")
        assert "contact" in offered(page, ref)
        page = await gives(here, page, ref, "contact", outcome="reached", text="Glad to hear it")
        assert "Glad to hear it" in page
        assert "contact" not in offered(page, ref)
        (left,) = (await here.client.get(f"/v1/cases/{ref}")).json()["obligations"]
        assert left["kind"] == "silence"
        message = (await here.client.get(f"/v1/cases/{ref}")).json()["messages"][0]
        assert message["id"] == handed.json()["message_id"]
        original = await here.client.get(f"/v1/cases/{ref}/messages/{message['id']}/original")
        assert original.content == CALL.encode()


@in_a_loop
async def test_to_another_department_the_case_does_not_exist(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await written(here, sender)
        here.as_(OFFICER)
        message = (await here.client.get(f"/v1/cases/{ref}")).json()["messages"][0]["id"]
        file = f"/v1/cases/{ref}/messages/{message}/files/1"
        assert (await here.client.get(file)).status_code == 200
        events = here.committed()
        here.as_(OTHER)
        assert ref not in (await here.client.get("/cases")).text
        assert (await here.client.get("/v1/cases")).json()["cases"] == []
        for path in (
            f"/cases/{ref}",
            f"/v1/cases/{ref}",
            "/v1/cases?department=housing",
            file,
            f"/v1/cases/{ref}/messages/{message}/original",
        ):
            assert (await here.client.get(path)).status_code == 404, path
        for command in ("accept", "return", "answer", "assign", "nonsense"):
            assert (await here.client.post(f"/cases/{ref}/{command}", data={"text": "x"})).status_code == 404
        for command in ("accept", "return", "answer", "contact", "ask"):
            body = {"text": "x"} | ({"outcome": "reached"} if command == "contact" else {})
            assert (await here.client.post(f"/v1/cases/{ref}/{command}", json=body)).status_code == 404, (
                command
            )
        assert here.committed() == events
        assert (await sender.get(f"/v1/cases/{ref}", headers={"Accept": "*/*"})).status_code == 401
        assert (await sender.get(file, headers={"Accept": "*/*"})).status_code == 401


@in_a_loop
async def test_files_are_handed_out_to_be_kept_and_never_run_in_the_browser(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await written(here, sender)
        here.as_(OFFICER)
        page = (await here.client.get(f"/cases/{ref}")).text
        links = re.findall(r'href="(/v1/cases/[^"]+)" download', page)
        assert len(links) == 1  # by the form there is no original beside the words
        answer = await here.client.get(links[0])
        assert answer.content == b"<b>dark</b>"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''lamp.html"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert (await here.client.get(links[0].replace("/files/1", "/files/2"))).status_code == 404
        assert (await here.client.get(links[0].replace("/files/1", "/original"))).status_code == 404


@in_a_loop
async def test_the_original_mail_goes_to_who_may_see_its_sender(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "wang@citizen.example", here.mailbox, LAMP["subject"]
        mail["Message-ID"] = "<lamp@citizen.example>"
        mail.set_content(LAMP["text"])
        assert (await here.mail(mail.as_bytes()))[0] == 250
        report: dict[str, Any] = {
            "text": "人民路的路灯被人私自拆卖",
            "kind": "report",
            "sender": {"email": "li@citizen.example"},
        }
        await sender.post("/v1/messages", json=report)
        await here.installation.idle()
        here.as_(OFFICER)
        (listed,) = (await here.client.get("/v1/cases")).json()["cases"]
        page = (await here.client.get(f"/cases/{listed['ref']}")).text
        (link,) = re.findall(r'href="(/v1/cases/[^"]+/original)" download', page)
        original = await here.client.get(link)
        assert b"Message-ID: <lamp@citizen.example>" in original.content
        assert original.headers["content-disposition"].endswith(".eml")

        here.as_(COORDINATOR)
        (wrong,) = (await here.client.get("/v1/cases?kind=report")).json()["cases"]
        page = (await here.client.get(f"/cases/{wrong['ref']}")).text
        assert {"assign", "decline", "answer-directly"} <= offered(page, wrong["ref"])
        await gives(here, page, wrong["ref"], "assign", department="housing")
        here.as_(OFFICER)
        page = (await here.client.get(f"/cases/{wrong['ref']}")).text
        assert report["text"] in page
        assert "li@citizen.example" not in page
        message = (await here.client.get(f"/v1/cases/{wrong['ref']}")).json()["messages"][0]["id"]
        refused = await here.client.get(f"/v1/cases/{wrong['ref']}/messages/{message}/original")
        assert refused.status_code == 403


@in_a_loop
async def test_a_return_says_why_and_who_else_and_the_coordinator_has_it_before_them(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await written(here, sender)
        here.as_(OFFICER)
        page = (await here.client.get(f"/cases/{ref}")).text
        assert {"accept", "return"} <= offered(page, ref)
        assert page.index("/accept") < page.index("/return") < page.index('<details class="more"')
        action = f"/cases/{ref}/return"
        typed = {"reason": "overlapping", "proposed": "nowhere", "text": "The square is theirs"}
        refused = await here.client.post(action, data=fields(page, action) | typed)
        assert refused.status_code == 409
        assert "There is no such department." in refused.text
        assert "The square is theirs" in refused.text
        assert re.search(r"<details[^>]* open>\s*<summary>Return", refused.text)
        incomplete = await here.client.post(action, data=fields(page, action))
        assert incomplete.status_code == 422
        typed["proposed"] = "city-management"
        page = await gives(here, refused.text, ref, "return", **typed)
        assert f"{ref} is with somebody else now." in page
        here.as_(COORDINATOR)
        assert ref in (await here.client.get("/queue")).text
        page = (await here.client.get(f"/cases/{ref}")).text
        assert {"uphold-return", "refuse-return"} <= offered(page, ref)
        assert '<option value="city-management" selected>' in page
        assert "The square is theirs" in page
        page = await gives(here, page, ref, "uphold-return", department="city-management")
        assert "Return upheld" in page
        told = (await sender.get(f"/v1/track/{code}")).json()["entries"]
        assert [one["what"] for one in told] == ["received", "assigned", "handed_over"]
        assert "Handed over to another department" in (await sender.get(f"/track/{code}")).text


@pytest.mark.parametrize(
    ("language", "accept", "history"),
    [("zh-Hant", "簽收", "辦理過程"), ("zh-Hans", "签收", "办理过程"), ("en", "Accept", "What happened")],
)
def test_the_pages_speak_the_officers_language(
    tmp_path: Path, language: str, accept: str, history: str
) -> None:
    @in_a_loop
    async def reads() -> None:
        async with house(tmp_path) as (here, sender):
            _, ref = await written(here, sender)
            here.as_(OFFICER)
            here.client.cookies.set("lang", language)
            for path in ("/cases", f"/cases/{ref}"):
                page = (await here.client.get(path)).text
                assert f'<html lang="{language}">' in page
                assert f">{accept}</button>" in page
            assert history in page

    reads()


@pytest.mark.parametrize(
    ("person", "first_page"),
    [
        (OFFICER, "/cases"),
        (COORDINATOR, "/queue"),
        ("supervision-officer", "/console"),
        ("mayor", "/console"),
    ],
)
@in_a_loop
async def test_who_signs_in_begins_where_something_waits_for_them(
    tmp_path: Path, person: str, first_page: str
) -> None:
    async with house(tmp_path) as (here, visitor):
        password = "lamp-post-river-9"
        await People(here.installation.house).create(person, password)
        page = (await visitor.get("/sign-in")).text
        typed = fields(page, "/sign-in") | {"login": person, "password": password}
        entered = await visitor.post("/sign-in", data=typed)
        assert (entered.status_code, entered.headers["location"]) == (303, first_page)
        assert (await visitor.get(first_page)).status_code == 200
