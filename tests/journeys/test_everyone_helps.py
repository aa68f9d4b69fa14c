"""M03, M04, M05, M11, M12, M14: everybody whom a case takes, each at their own page, until its sender is content."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import httpx

from tests.desks import COORDINATOR, OFFICER, fields, gives, house, offered, opened, written
from tests.installations import in_a_loop
from tests.unit.intake_room import Room

ASSISTING, HEAD, LEADER, MAYOR = "city-management-officer-1", "housing-head", "vice-mayor-1", "mayor"
SUPERVISOR = "supervision-officer"
CABLE = {
    "text": "The cable under the road is broken",
    "options-1-name": "Dig up the road",
    "options-1-pros": "It lasts",
    "options-1-risks": "Traffic stands",
    "options-3-name": "Hang the cable",
    "options-3-cons": "It is ugly",
    "preferred": "3",
}
"""Options as the form sends them; the second row stayed blank."""


def shown(page: str) -> str:
    """What stands on a page, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def accepted(here: Room, sender: httpx.AsyncClient) -> tuple[str, str]:
    code, ref = await written(here, sender, kind="problem")
    await gives(here, await opened(here, OFFICER, ref), ref, "accept")
    return code, ref


@in_a_loop
async def test_another_department_gives_its_part_and_a_leader_chooses_among_options(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        page = await opened(here, OFFICER, ref)
        page = await gives(here, page, ref, "assist", department="city-management", text="Whose cable is it?")
        assert "City Management and Enforcement Bureau awaited" in shown(page)
        refused = await here.client.post(
            f"/cases/{ref}/answer",
            data=fields(page, f"/cases/{ref}/answer") | {"text": "Done", "final": "true"},
        )
        assert "still owes its part: wait for it, or release it" in refused.text

        page = await opened(here, ASSISTING, ref)
        assert ref in (await here.client.get("/cases?helping=true")).text
        assert "Whose cable is it?" in page
        assert offered(page, ref) == {"contribute", "decline-assist"}
        page = await gives(here, page, ref, "contribute", text="Ours, laid in 1998")
        assert offered(page, ref) == set()
        assert ref not in (await here.client.get("/cases?helping=true")).text

        page = await opened(here, OFFICER, ref)
        assert "Ours, laid in 1998" in page
        page = await gives(here, page, ref, "escalate", case_class="hard", **CABLE)
        assert "Escalated." in page
        page = await opened(here, MAYOR, ref)
        assert ref in (await here.client.get("/decisions")).text
        assert "2. Hang the cable preferred" in shown(page)
        assert "Against it It is ugly" in shown(page)
        await gives(here, page, ref, "advise", choice="1", text="Dig, at night")
        assert ref not in (await here.client.get("/decisions")).text
        page = await opened(here, OFFICER, ref)
        assert "1. Dig up the road chosen" in shown(page)
        assert "Dig, at night" in page
        case = (await here.client.get(f"/v1/cases/{ref}")).json()
        (opinion,) = case["opinions"]
        assert (opinion["to"], opinion["state"], opinion["preferred"], opinion["choice"]) == (
            "group",
            "given",
            2,
            1,
        )
        assert [one["state"] for one in case["assists"]] == ["given"]


@in_a_loop
async def test_more_time_is_granted_the_head_signs_off_and_a_no_is_reviewed_by_another(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, choices="  sign_off: [problem]\n") as (here, sender):
        code, ref = await accepted(here, sender)
        promised = (await sender.get(f"/v1/track/{code}")).json()["promise"]
        page = await opened(here, OFFICER, ref)
        page = await gives(here, page, ref, "extend", text="The lamp must be ordered")
        assert "extend" not in offered(page, ref)
        page = await opened(here, LEADER, ref)
        assert ref in (await here.client.get("/decisions")).text
        assert "The lamp must be ordered" in page
        assert {"grant-extension", "refuse-extension", "urge", "suspend"} <= offered(page, ref)
        await gives(here, page, ref, "grant-extension")
        told = (await sender.get(f"/v1/track/{code}")).json()
        assert told["promise"] > promised
        assert "It takes longer than promised · now promised by" in shown(
            (await sender.get(f"/track/{code}")).text
        )

        page = await opened(here, OFFICER, ref)
        page = await gives(here, page, ref, "answer", text="A new lamp shines", final="true", resolved="true")
        assert "sign-off" not in offered(page, ref)
        assert "A new lamp shines" not in (await sender.get(f"/track/{code}")).text
        page = await opened(here, HEAD, ref)
        assert page.index("A new lamp shines") < page.index(f"/cases/{ref}/sign-off")
        await gives(here, page, ref, "sign-off")

        page = (await sender.get(f"/track/{code}")).text
        assert "A new lamp shines" in page
        assert "housing-officer-1" not in page
        said = fields(page, f"/track/{code}") | {"solved": "no", "text": "It flickers"}
        assert (await sender.post(f"/track/{code}", data=said)).headers["location"].endswith("said=heard")
        await here.installation.idle()
        page = await opened(here, COORDINATOR, ref)
        assert ref in (await here.client.get("/decisions")).text
        assert page.index("It flickers") < page.index(f"/cases/{ref}/review")
        page = await gives(here, page, ref, "review", outcome="reopened", text="They look at it again")
        assert "review" not in offered(page, ref)
        assert "Reviewed by another person · it is taken up again" in shown(
            (await sender.get(f"/track/{code}")).text
        )
        assert "answer" in offered(await opened(here, OFFICER, ref), ref)


@in_a_loop
async def test_a_question_stops_the_clock_and_what_was_suspended_is_said_to_everybody(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await accepted(here, sender)
        page = await opened(here, OFFICER, ref)
        page = await gives(here, page, ref, "ask", text="Which lamp?", suspends="true")
        assert "The clock stands still: the sender's reply is awaited" in shown(page)
        page = (await sender.get(f"/track/{code}")).text
        assert "We wait for your reply; the clock stands still" in page
        form = fields(page, "/write") | {"text": "The one by the school"}
        await sender.post("/write", data=form)
        await here.installation.idle()
        assert "We wait for your reply" not in (await sender.get(f"/track/{code}")).text

        page = await opened(here, LEADER, ref)
        wrong = fields(page, f"/cases/{ref}/suspend") | {"reason": "weather", "limit": "soon", "text": "Snow"}
        refused = await here.client.post(f"/cases/{ref}/suspend", data=wrong)
        assert refused.status_code == 422
        assert 'id="suspend-limit-error"' in refused.text
        assert 'value="soon"' in refused.text
        await gives(here, refused.text, ref, "suspend", reason="weather", limit="3wd", text="Snow")
        page = shown((await sender.get(f"/track/{code}")).text)
        assert "The clock stands still · the weather does not allow it · at the latest until" in page
        assert "Snow" not in page


@in_a_loop
async def test_options_that_are_too_few_are_refused_and_what_was_typed_is_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        page = await opened(here, OFFICER, ref)
        action = f"/cases/{ref}/consult"
        one = {name: value for name, value in CABLE.items() if not name.startswith("options-3")}
        refused = await here.client.post(action, data=fields(page, action) | one | {"to": "leader"})
        assert refused.status_code == 422
        assert "Please give at least two options" in refused.text
        assert 'value="Dig up the road"' in refused.text
        blank = CABLE | {"preferred": "2", "to": "leader"}
        refused = await here.client.post(action, data=fields(page, action) | blank)
        assert "Please say which option you prefer" in refused.text
        page = await gives(here, refused.text, ref, "consult", **CABLE, to="city-management")
        assert "advise" in offered(await opened(here, ASSISTING, ref), ref)


@in_a_loop
async def test_when_assigning_it_is_said_where_a_limit_no_longer_fits_the_promise(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        here.installation.clock.advance_to(here.installation.clock.now() + timedelta(days=2))  # type: ignore[attr-defined]
        page = await opened(here, COORDINATOR, ref)
        hint = r"Social Security Bureau · resolve by 2\d October 2026, 17:30 – after the promise"
        assert re.search(hint, shown(page))
        page = await gives(here, page, ref, "assign", department="labour")
        assert "its limit ends after what the sender was promised" in page


@in_a_loop
async def test_merged_both_senders_hear_the_answer_and_neither_the_others_words(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        first, ref = await accepted(here, sender)
        second, same = await written(
            here, sender, kind="problem", email="li@citizen.example", text="路灯不亮, lampless"
        )
        page = await opened(here, OFFICER, same)
        wrong = fields(page, f"/cases/{same}/merge") | {"into": "K7QM-2XPA-B"}
        refused = await here.client.post(f"/cases/{same}/merge", data=wrong)
        assert "no case of that number" in refused.text
        await gives(here, refused.text, same, "merge", into=ref)
        page = await opened(here, OFFICER, ref)
        assert "Merged into this one" in shown(page)
        await gives(here, page, ref, "answer", text="All lamps shine", final="false")

        page = (await sender.get(f"/track/{second}")).text
        assert f"Your case goes on as {ref}" in shown(page)
        assert "All lamps shine" in page
        assert "人民路" not in page
        assert "lampless" not in (await sender.get(f"/track/{first}")).text
        form = fields(page, "/write") | {"text": "Mine too, by the bridge"}
        sent = await sender.post("/write", data=form)
        await here.installation.idle()
        assert "Mine too, by the bridge" in await opened(here, OFFICER, ref)
        own = sent.headers["location"].partition("?")[0]
        for address in {own, f"/track/{second}"}:
            assert "人民路" not in (await sender.get(address)).text
        assert "by the bridge" not in (await sender.get(f"/track/{first}")).text


@in_a_loop
async def test_a_part_goes_its_own_way_and_its_sender_judges_each_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await accepted(here, sender)
        page = await opened(here, OFFICER, ref)
        await gives(here, page, ref, "split", text="The wages", department="labour")
        (part,) = (await sender.get(f"/v1/track/{code}")).json()["parts"]
        page = await opened(here, "labour-officer-1", part["ref"])
        page = await gives(here, page, part["ref"], "accept")
        await gives(here, page, part["ref"], "answer", text="They are paid", final="true")
        page = (await sender.get(f"/track/{code}")).text
        assert "They are paid" in page
        assert "The wages" not in page
        said = fields(page, f"/track/{code}") | {"solved": "yes"}
        assert said["ref"] == part["ref"]
        await sender.post(f"/track/{code}", data=said)
        told = (await sender.get(f"/v1/track/{code}")).json()
        assert (told["state"], told["parts"][0]["state"]) == ("accepted", "closed")


@in_a_loop
async def test_who_is_declined_can_contest_that_once_and_who_waits_can_urge_once_a_day(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as (here, sender):
        waiting, _ = await accepted(here, sender)
        page = (await sender.get(f"/track/{waiting}")).text
        action = f"/track/{waiting}/urge"
        urged = await sender.post(action, data=fields(page, action))
        page = (await sender.get(urged.headers["location"])).text
        assert "They are told that you ask them to hurry" in page
        assert action not in page

        code, ref = await written(here, sender, subject="Hm", text="Xyzzy")
        page = await opened(here, COORDINATOR, ref)
        await gives(here, page, ref, "decline", reason="no_facts", text="We found nothing")
        page = (await sender.get(f"/track/{code}")).text
        assert "We found nothing" in page
        action = f"/track/{code}/contest"
        empty = await sender.post(action, data=fields(page, action) | {"text": " "})
        assert empty.headers["location"].endswith("said=missing")
        await sender.post(action, data=fields(page, action) | {"text": "Here are photos"})
        page = await opened(here, COORDINATOR, ref)
        assert page.index("Here are photos") < page.index(f"/cases/{ref}/review")
        await gives(here, page, ref, "review", outcome="upheld", text="It stays so")
        page = (await sender.get(f"/track/{code}")).text
        assert "Reviewed by another person · it stays as it was answered" in shown(page)
        assert action not in page


@in_a_loop
async def test_a_supervisor_urges_and_reads_and_does_not_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        page = await opened(here, SUPERVISOR, ref)
        assert offered(page, ref) == {"suspend", "urge"}
        page = await gives(here, page, ref, "urge", text="Three days already")
        assert "Three days already" in await opened(here, OFFICER, ref)
        refused = await here.client.post(f"/cases/{ref}/grant-extension", data=fields(page, "/sign-out"))
        assert refused.status_code == 403
