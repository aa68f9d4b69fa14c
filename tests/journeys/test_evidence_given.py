"""M24: what shows that a matter is solved stays with its case, as files, for those who may see it."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import Any

import httpx

from tests.desks import OFFICER, fields, house, written
from tests.installations import in_a_loop
from tests.unit.intake_room import Room

OTHER = "labour-officer-1"
PHOTO = Random(1).randbytes(400_000)
"""Large enough to be kept as a file of its own."""
NOTE = "维修单:灯泡已更换".encode()


async def accepted(here: Room, sender: httpx.AsyncClient) -> tuple[str, str]:
    """A sender has written, the officer has accepted; answers the tracking code and the case's ref."""
    code, ref = await written(here, sender)
    here.as_(OFFICER)
    assert (await here.client.post(f"/v1/cases/{ref}/accept", json={})).status_code == 200
    return code, ref


async def resolves(here: Room, ref: str, files: list[tuple[str, tuple[str, bytes, str]]]) -> Any:
    """The officer's form, sent as a browser sends it."""
    page = (await here.client.get(f"/cases/{ref}")).text
    form = fields(page, f"/cases/{ref}/resolve")
    return await here.client.post(
        f"/cases/{ref}/resolve", data=form | {"text": "The lamp was replaced"}, files=files
    )


@in_a_loop
async def test_photos_given_with_the_solution_are_there_for_who_may_see_the_case(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await accepted(here, sender)
        photos = [("files", ("灯.jpg", PHOTO, "image/jpeg")), ("files", ("维修单.txt", NOTE, "text/plain"))]
        done = await resolves(here, ref, photos)
        assert done.status_code == 303
        page = (await here.client.get(f"/cases/{ref}")).text
        assert "灯.jpg" in page
        links = re.findall(r'href="(/v1/cases/[^"]+/entries/[^"]+)" download', page)
        got = [await here.client.get(link) for link in links]
        assert [one.content for one in got] == [PHOTO, NOTE]
        assert {one.headers["content-type"] for one in got} == {"application/octet-stream"}
        assert (await here.client.get(links[0].replace("/files/1", "/files/3"))).status_code == 404
        assert (await here.client.get(re.sub(r"/entries/\d+", "/entries/1", links[0]))).status_code == 404
        entry = (await here.client.get(f"/v1/cases/{ref}")).json()["timeline"][-1]
        assert [(one["name"], one["size"]) for one in entry["files"]] == [
            ("灯.jpg", len(PHOTO)),
            ("维修单.txt", len(NOTE)),
        ]
        here.as_(OTHER)
        assert (await here.client.get(links[0])).status_code == 404
        assert "灯.jpg" not in (await sender.get(f"/track/{code}")).text
        assert (await sender.get(links[0], headers={"Accept": "*/*"})).status_code == 401


@in_a_loop
async def test_a_machine_gives_them_in_base64_and_twice_under_one_key_is_once(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        file = {"name": "lamp.jpg", "content_type": "image/jpeg", "content": b64encode(PHOTO).decode()}
        body = {"text": "Replaced", "files": [file]}
        first, again = [
            await here.client.post(
                f"/v1/cases/{ref}/resolve", json=body, headers={"Idempotency-Key": "resolved-1"}
            )
            for _ in range(2)
        ]
        assert (first.status_code, first.json()["repeated"], again.json()["repeated"]) == (200, False, True)
        entry = (await here.client.get(f"/v1/cases/{ref}")).json()["timeline"][-1]
        path = f"/v1/cases/{ref}/entries/{entry['sequence']}/files/1"
        assert (await here.client.get(path)).content == PHOTO


@in_a_loop
async def test_too_many_or_too_large_are_refused_and_nothing_is_done(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        _, ref = await accepted(here, sender)
        events = here.committed()
        many = [("files", (f"{number}.txt", b"x", "text/plain")) for number in range(21)]
        refused = await resolves(here, ref, many)
        assert refused.status_code == 422
        assert "at most 20" in refused.text
        assert "The lamp was replaced" in refused.text
        assert "choose your files again" in refused.text
        page = (await here.client.get(f"/cases/{ref}")).text
        empty = await here.client.post(
            f"/cases/{ref}/resolve", data=fields(page, f"/cases/{ref}/resolve"), files=[]
        )
        assert empty.status_code == 422
        assert "choose your files again" not in empty.text, "nobody had chosen any"
        large = here.installation.settings.max_body
        assert (await resolves(here, ref, [("files", ("x", bytes(large), "x/y"))])).status_code == 413
        assert here.committed() == events


@in_a_loop
async def test_they_are_erased_with_what_the_sender_said(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, sender):
        code, ref = await accepted(here, sender)
        await resolves(here, ref, [("files", ("lamp.jpg", PHOTO, "image/jpeg"))])
        entry = (await here.client.get(f"/v1/cases/{ref}")).json()["timeline"][-1]
        await here.client.post(f"/v1/cases/{ref}/answer", json={"text": "Replaced", "resolved": True})
        await here.installation.idle()
        await sender.post(f"/v1/track/{code}/feedback", json={"solved": True})
        here.as_(next(one.id for one in here.installation.house.organisation.people if "admin" in one.roles))
        body = {"sender": "wang@citizen.example", "ground": "asked"}
        assert (await here.client.post("/v1/erasures", json=body)).status_code == 200
        kept = here.installation.settings.data / "content"
        assert [file for file in kept.rglob("*") if file.is_file()] == []
        here.as_(OFFICER)
        answer = await here.client.get(f"/v1/cases/{ref}/entries/{entry['sequence']}/files/1")
        assert answer.status_code == 410
