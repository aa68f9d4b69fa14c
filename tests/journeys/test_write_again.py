"""M01, M30: at the tracking link the sender reads what happened, writes more, and says what the answer was worth."""

from __future__ import annotations

import re
from pathlib import Path

from tests.installations import in_a_loop
from tests.journeys.test_write_to_us import TYPED, Form, form_id
from tests.unit.intake_room import PAGE, Room, room

LAMP = ("files", ("lamp.jpg", b"\xff\xd8dark", "image/jpeg"))


async def written(here: Room, **more: str) -> str:
    """Somebody has written by the form; answers their tracking code."""
    filled = TYPED | {"form_id": await form_id(here), "email": "wang@citizen.example"} | more
    sent = await here.client.post("/", data=filled, files=[LAMP], headers=PAGE)
    await here.installation.idle()
    return sent.headers["location"].rpartition("/")[2]


def reply_form(page: str) -> dict[str, str]:
    """The fields of the form that hands more to intake."""
    found = re.search(r'<form[^>]*action="/write".*?</form>', page, re.DOTALL)
    assert found is not None
    return Form(found[0]).fields


@in_a_loop
async def test_what_is_added_at_the_link_joins_the_case_and_stands_there_with_its_files(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        code = await written(here)
        page = (await here.client.get(f"/track/{code}", headers=PAGE)).text
        assert "The street lamp is dark" in page
        assert "lamp.jpg" in page
        filled = reply_form(page) | {"text": "Now two are dark"}
        file = ("files", ("second.jpg", b"\xff\xd8dark", "image/jpeg"))
        for _ in range(2):  # a second click changes nothing
            sent = await here.client.post("/write", data=filled, files=[file], headers=PAGE)
            assert sent.headers["location"] == f"/track/{code}?said=yes"
        await here.installation.idle()
        page = (await here.client.get(sent.headers["location"], headers=PAGE)).text
        assert "Your message is kept" in page
        assert page.count("Now two are dark") == 1
        assert "second.jpg" in page
        tracked = (await here.client.get(f"/v1/track/{code}")).json()
        assert [entry["what"] for entry in tracked["entries"]].count("received") == 2


@in_a_loop
async def test_an_empty_reply_is_not_sent_and_a_wrong_code_takes_none(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        code = await written(here)
        events = here.committed()
        empty = await here.client.post("/write", data={"code": code, "text": " "}, headers=PAGE)
        assert empty.status_code == 422
        assert "Please say what it is about" in empty.text
        assert Form(empty.text).fields["code"] == code
        for wrong in ("", code[:-1] + ("0" if code[-1] != "0" else "1"), "nonsense"):
            refused = await here.client.post("/write", data={"code": wrong, "text": "x"}, headers=PAGE)
            assert refused.status_code == 404
        assert here.committed() == events


@in_a_loop
async def test_when_nothing_can_be_kept_the_reply_is_not_lost(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        code = await written(here)
    async with room(tmp_path, min_free=2**62) as here:
        answer = await here.client.post("/write", data={"code": code, "text": "Two are dark"}, headers=PAGE)
        assert answer.status_code == 503
        assert "nothing was kept" in answer.text
        assert Form(answer.text).fields["text"].strip() == "Two are dark"


@in_a_loop
async def test_the_code_of_a_message_that_nobody_verified_proves_nothing(tmp_path: Path) -> None:
    """Who typed the ref of a stranger's case gets no way into it by writing a second time."""
    async with room(tmp_path) as here:
        owner = await written(here)
        ref = (await here.client.get(f"/v1/track/{owner}")).json()["ref"]
        body = {"text": "I am the owner", "in_reply_to": ref, "sender": {"email": "other@citizen.example"}}
        first = (await here.client.post("/v1/messages", json=body)).json()["tracking"]
        await here.installation.idle()
        assert (await here.client.get(f"/v1/track/{first}")).json()["state"] == "under_review"
        body |= {"text": "Show me", "in_reply_to": first}
        second = (await here.client.post("/v1/messages", json=body)).json()["tracking"]
        await here.client.post("/write", data={"code": first, "text": "And me"}, headers=PAGE)
        await here.installation.idle()
        assert (await here.client.get(f"/v1/track/{second}")).json()["state"] == "under_review"
        told = (await here.client.get(f"/v1/track/{owner}")).text
        assert "Show me" not in told
        assert "And me" not in told


@in_a_loop
async def test_feedback_without_a_word_on_whether_it_is_solved_changes_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        code = await written(here)
        events = here.committed()
        sent = await here.client.post(f"/track/{code}", data={"satisfied": "yes"}, headers=PAGE)
        page = await here.client.get(sent.headers["location"], headers=PAGE)
        assert "Please say whether the matter is solved" in page.text
        sent = await here.client.post(f"/track/{code}", data={"solved": "yes"}, headers=PAGE)
        page = await here.client.get(sent.headers["location"], headers=PAGE)
        assert "The case has moved on" in page.text  # nothing was answered yet
        assert here.committed() == events
