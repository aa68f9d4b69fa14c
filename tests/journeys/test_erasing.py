"""What somebody said is erased: nothing of it is left in any file, and all that proves it was there still does."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.routing.erasing import Erasing, Wanted
from services.routing.handlers import CASE_KIND
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.embedded import EmbeddedContent
from shared.events.cases import CaseErased
from shared.events.content import references
from shared.events.organisation import ErasureBegun, ErasureMade, HoldPlaced, HoldReleased
from shared.note import Signer
from shared.rights import Right, machine
from shared.store.sqlite import SqliteStore
from tests.desks import COORDINATOR, OFFICER, WEDNESDAY_MORNING, house
from tests.installations import in_a_loop
from tests.journeys.erased import (
    ANSWER,
    LI,
    NAME,
    OTHERS,
    SAID,
    SUBJECT,
    WANG,
    answered_and_closed,
    command,
    erase,
    left,
    says,
    settled,
    told,
)


@in_a_loop
async def test_nothing_is_left_in_any_file_and_everything_still_proves_it(tmp_path: Path) -> None:
    async with settled(tmp_path) as (here, matter, other, photo):
        proof = (await here.client.get(f"/v1/proofs/{matter.id}")).content
        origin = here.installation.house.origin
        assert left(here.installation.settings.data, ANSWER), (
            "the answer stands in the outbox until it is erased"
        )
    data, middle = tmp_path / "data", photo[2**19 :][:64]
    said = await asyncio.to_thread(erase, tmp_path, "--sender", WANG.upper())
    assert said["kept"] == []
    assert [one["ref"] for one in said["cases"]] == [matter.ref]
    assert (said["proof"]["found"], said["proof"]["pieces"] > 3, said["emptied"]) == ([], True, True)
    assert (
        left(data, SAID, SUBJECT, ANSWER, NAME, WANG, middle, "谢谢你们这么快就来了", "漆黑一片的照片") == []
    )

    key = Signer(origin, (data / "keys" / "log.ed25519").read_bytes()).verifier.vkey
    assert told("trail", "verify", data, "--vkey", key)[0] == 0
    async with house(tmp_path) as (here, _):
        await here.installation.idle()
        assert left(data, SAID, SUBJECT, ANSWER, WANG) == []
        assert (await here.client.get(f"/v1/receipts/{matter.id}")).text == matter.receipt
        again = (await here.client.get(f"/v1/proofs/{matter.id}")).content
        assert again.splitlines()[:3] == proof.splitlines()[:3]
        for language, words in {
            "zh-Hant": "應本人要求",
            "zh-Hans": "应本人要求",
            "en": "the person asked for it",
        }.items():
            for path in (f"/cases/{matter.ref}", f"/track/{matter.tracking}"):
                here.as_(OFFICER)
                here.client.cookies.set("lang", language)
                page = await here.client.get(path)
                assert page.status_code == 200
                assert words in page.text, (path, language)
                assert SAID not in page.text
        shown = (await here.client.get(f"/v1/cases/{matter.ref}")).json()
        assert (shown["messages"][0]["gone"], shown["erased"]["ground"]) == (True, "asked")
        entries = {entry["type"]: entry for entry in shown["timeline"]}
        assert entries["throughline.case.answered"]["gone"]
        assert "throughline.case.erased" in entries
        answer = await here.client.get(f"/v1/cases/{matter.ref}/messages/{matter.id}/files/1")
        assert answer.status_code == 410
        assert (await here.client.get(f"/v1/track/{other.tracking}")).json()["entries"][0]["text"] == OTHERS
    assert told("trail", "verify", data, "--vkey", key)[0] == 0


@in_a_loop
async def test_what_supervision_wrote_of_a_case_goes_with_it(tmp_path: Path) -> None:
    demanded = "请说明为何受伤老人三天无人过问，并立即上门致歉"
    async with house(tmp_path) as (here, _):
        matter = await says(here)
        await answered_and_closed(here, matter)
        here.as_("supervision-officer")
        order = {"case": matter.ref, "department": "housing", "limit": "2wd", "text": demanded}
        issued = await here.client.post("/v1/orders", json=order)
        assert issued.status_code == 201, issued.text
        await here.installation.idle()
        content = here.installation.house.content
        refs = [
            ref
            for _, record in here.installation.store.events_after(0, 10_000)
            if record.type.startswith("throughline.order.")
            for ref in references(record.data)
        ]
        assert demanded.encode() in await content.open(refs[0])
    (kept,) = (await asyncio.to_thread(erase, tmp_path, "--sender", WANG))["kept"]
    assert kept["reason"] == "open", "it is closed, and something is still owed in it"
    said = await asyncio.to_thread(erase, tmp_path, "--sender", WANG, ground="court")
    assert [one["ref"] for one in said["cases"]] == [matter.ref]
    async with house(tmp_path) as (here, _):
        assert await here.installation.house.content.standing(refs) == set()
        here.as_("supervision-officer")
        shown = await here.client.get("/v1/orders", params={"case": matter.ref})
        assert shown.status_code == 200
        assert demanded not in shown.text


@in_a_loop
async def test_while_it_runs_it_erases_itself_and_its_pages_say_so_at_once(tmp_path: Path) -> None:
    async with settled(tmp_path) as (here, matter, _, _):
        data = here.installation.settings.data
        here.as_(COORDINATOR)
        body = {"sender": WANG, "ground": "asked"}
        assert (await here.client.post("/v1/erasures", json=body)).status_code == 403
        admin = next(one.id for one in here.installation.house.organisation.people if "admin" in one.roles)
        here.as_(admin)
        dry = (await here.client.post("/v1/erasures", json=body | {"dry_run": True})).json()
        assert (dry["dry_run"], dry["erasures"], dry["proof"]) == (True, [], None)
        done = await here.client.post("/v1/erasures", json=body)
        assert done.status_code == 200, done.text
        said = done.json()
        assert (said["contents"], said["cases"]) == (dry["contents"], dry["cases"])
        assert (said["proof"]["found"], said["emptied"]) == ([], True)
        assert left(data, SAID, SUBJECT, ANSWER, NAME, WANG) == []
        await here.installation.idle()
        (erasure,) = said["erasures"]
        begun, made = await here.events(erasure)
        assert isinstance(begun, ErasureBegun)
        assert isinstance(made, ErasureMade)
        assert (made.actor, made.ground, len(made.contents)) == (admin, "asked", said["contents"])
        tracked = (await here.client.get(f"/v1/track/{matter.tracking}")).json()
        assert (tracked["erased"]["ground"], tracked["entries"][0]["gone"]) == ("asked", True)
        nothing = (await here.client.post("/v1/erasures", json=body)).json()
        assert (nothing["contents"], nothing["erasures"], nothing["cases"]) == (0, [], [])


@in_a_loop
async def test_what_must_stay_is_listed_with_why_and_until_when_and_stays(tmp_path: Path) -> None:
    async with settled(tmp_path) as (here, matter, other, _):
        data = here.installation.settings.data
    county = tmp_path / "county.yaml"
    county.write_text(county.read_text("utf-8") + "retention:\n  any: 2y\n  report: 30d\n", "utf-8")
    said = await asyncio.to_thread(erase, tmp_path, "--sender", WANG)
    assert (said["contents"], said["erasures"]) == (0, [])
    (kept,) = said["kept"]
    assert (kept["ref"], kept["reason"], kept["until"][:10]) == (matter.ref, "retention", "2028-10-14")
    assert kept["contents"] > 3
    (kept,) = (await asyncio.to_thread(erase, tmp_path, "--case", other.ref))["kept"]
    assert (kept["ref"], kept["reason"], kept["until"]) == (other.ref, "open", None)

    where = ("--data", data, "--org", county)
    assert (await asyncio.to_thread(told, "hold", "place", matter.ref, "--reason", "inquiry", *where))[0] == 0
    held = json.loads((await asyncio.to_thread(told, "hold", "list", "--json", *where))[1])["holds"]
    assert [(one["case"], one["reason"]) for one in held] == [(matter.ref, "inquiry")]
    (kept,) = (await asyncio.to_thread(erase, tmp_path, "--case", matter.ref, ground="court"))["kept"]
    assert kept["reason"] == "hold"
    assert (await asyncio.to_thread(told, "hold", "lift", matter.ref, *where))[0] == 0
    assert (await asyncio.to_thread(told, "hold", "lift", matter.ref, *where))[0] == 2
    async with house(tmp_path) as (here, _):
        assert (await here.client.get(f"/v1/track/{matter.tracking}")).json()["entries"][0]["text"] == SAID
    said = await asyncio.to_thread(erase, tmp_path, "--case", matter.ref, "--dry-run", ground="court")
    assert said["kept"] == []
    assert said["contents"] > 3
    assert left(data, ANSWER)


@in_a_loop
async def test_holds_are_placed_and_lifted_over_http_and_stand_in_the_trail(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, _):
        matter = await says(here)
        admin = next(one.id for one in here.installation.house.organisation.people if "admin" in one.roles)
        here.as_(admin)
        for _ in range(2):
            placed = await here.client.post("/v1/holds", json={"case": matter.ref, "reason": "court"})
            assert (placed.status_code, placed.json()["case"], placed.json()["reason"]) == (
                *(200, matter.ref),
                "court",
            )
        assert [one["case"] for one in (await here.client.get("/v1/holds")).json()["holds"]] == [matter.ref]
        assert (await here.client.post(f"/v1/holds/{matter.ref}/lift")).json()["reason"] is None
        assert (await here.client.post(f"/v1/holds/{matter.ref}/lift")).status_code == 404
        assert (await here.client.get("/v1/holds")).json() == {"holds": []}
        assert (
            await here.client.post("/v1/holds", json={"case": "K7QM-2XPA-B", "reason": "court"})
        ).status_code == 404
        records = [record for _, record in here.installation.store.events_after(0, 1000)]
        assert [type(one.data) for one in records if isinstance(one.data, HoldPlaced | HoldReleased)] == [
            HoldPlaced,
            HoldReleased,
        ]


@in_a_loop
async def test_a_copy_from_before_is_not_opened_by_the_keys_of_after(tmp_path: Path) -> None:
    old = tmp_path / "old"
    async with settled(tmp_path) as (here, matter, other, _):
        words = {
            one.id: (await here.events(one.id))[0].words.ref  # type: ignore[attr-defined]
            for one in (matter, other)
        }
        keys = tmp_path / "elsewhere" / "keys.tar"
        where = ("--data", tmp_path / "data", "--org", tmp_path / "county.yaml")
        backup = ("backup", "--to", tmp_path / "backups", "--keys", keys, "--json", *where)
        code, made = await asyncio.to_thread(told, *backup)
        assert code == 0, made
    await asyncio.to_thread(erase, tmp_path, "--sender", WANG)
    old.mkdir()
    before = Path(json.loads(made)["folder"])
    (old / "throughline.db").write_bytes((before / "throughline.db").read_bytes())
    (old / "keys.db").write_bytes((tmp_path / "data" / "keys.db").read_bytes())
    store = SqliteStore(old, [])
    await store.open()
    try:
        content = EmbeddedContent(store, before / "content")
        assert OTHERS.encode() in await content.open(words[other.id])
        assert store.contents.sealed(words[matter.id])[0], "the sealed box is in the copy"
        with pytest.raises(ContentGone):
            await content.open(words[matter.id])
    finally:
        await store.close()


@in_a_loop
async def test_who_was_cut_off_half_way_is_gone_on_with_and_the_trail_says_it_once(tmp_path: Path) -> None:
    async with settled(tmp_path) as (here, matter, _, _):
        cases = Aggregates(CASE_KIND, here.installation.store, here.installation.clock)
        erasing = Erasing(here.installation.house, cases)
        content = here.installation.house.content
        destroy = content._destroy

        async def cut_off(refs: Any) -> bool:
            await destroy(refs[:2])
            raise OSError("the machine stopped")

        content._destroy = cut_off  # type: ignore[method-assign]
        with pytest.raises(OSError, match="stopped"):
            await erasing.erase(Wanted(sender=WANG), "asked", "admin")
    data = tmp_path / "data"
    async with house(tmp_path) as (here, _):
        await here.installation.live_until(WEDNESDAY_MORNING.replace(hour=3))
        records = [record for _, record in here.installation.store.events_after(0, 10_000)]
        (made,) = [record.data for record in records if isinstance(record.data, ErasureMade)]
        assert len([record for record in records if isinstance(record.data, CaseErased)]) == 1
        assert await here.installation.house.content.standing(made.contents) == set()
        assert left(data, SAID, SUBJECT, ANSWER, NAME, WANG) == []
        tracked = (await here.client.get(f"/v1/track/{matter.tracking}")).json()
        assert tracked["erased"]["ground"] == "asked"


@in_a_loop
async def test_an_anonymous_case_is_erased_by_its_ref_and_its_code_with_it(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, _):
        answer = await here.client.post(
            "/v1/messages", json={"text": SAID, "anonymous": True, "kind": "praise"}
        )
        await here.installation.idle()
        code = answer.json()["tracking"]
        ref = (await here.client.get(f"/v1/track/{code}")).json()["ref"]
    said = await asyncio.to_thread(erase, tmp_path, "--case", ref, ground="court")
    assert [one["ref"] for one in said["cases"]] == [ref]
    assert left(tmp_path / "data", SAID) == []
    async with house(tmp_path) as (here, _):
        assert (await here.client.get(f"/v1/track/{code}")).status_code == 404


MAIL = (
    b"From: Wang <%b>\r\nTo: line@county.example\r\nSubject: lamp\r\nMessage-ID: <%b@citizen.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n%b\r\n"
)


@in_a_loop
async def test_mails_in_quarantine_and_of_machines_are_found_by_whom_they_are_from(tmp_path: Path) -> None:
    async with house(tmp_path) as (here, _):
        nothing_said = MAIL.replace(b"Subject: lamp\r\n", b"")
        await here.mail(nothing_said % (WANG.encode(), b"empty", b""))
        automatic = MAIL.replace(b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:")
        await here.mail(
            automatic % (WANG.encode(), b"away", "我出差在外，下周一才能回来处理您的邮件".encode())
        )
        await here.mail(MAIL % (LI.encode(), b"other", OTHERS.encode()))
        await here.installation.idle()
        kept = await here.installation.house.content.kept("", 100)
    said = await asyncio.to_thread(erase, tmp_path, "--sender", WANG)
    assert (said["messages"], said["cases"]) == (2, [])
    async with house(tmp_path) as (here, _):
        still = await here.installation.house.content.kept("", 100)
        assert len(still) == len(kept) - said["contents"]
        raws = [await here.installation.house.content.open(ref) for ref, _ in still]
        assert not any(WANG.encode() in one for one in raws)
        assert any(OTHERS.encode() in one for one in raws)


@in_a_loop
async def test_a_reply_to_an_erased_case_and_mails_about_it_stop_nothing(tmp_path: Path) -> None:
    async with settled(tmp_path) as (here, matter, _, _):
        mails = (here.installation.settings.data / "outbox").glob("*.eml")
        reply_to = next(
            found[1]
            for mail in mails
            if (found := re.search(rb"Reply-To: (\S+)", mail.read_bytes()))
            and WANG.encode() in mail.read_bytes()
        )
    await asyncio.to_thread(erase, tmp_path, "--sender", WANG)
    async with house(tmp_path) as (here, _):
        raw = MAIL.replace(b"line@county.example", reply_to) % (
            WANG.encode(),
            b"again",
            "灯又不亮了".encode(),
        )
        code, said = await here.mail(raw, to=[reply_to.decode()], sender=WANG)
        assert code == 250, said
        await here.installation.idle()
        here.as_(COORDINATOR)
        shown = (await here.client.get(f"/v1/cases/{matter.ref}")).json()
        assert shown["state"] != "closed", "the sender's reply opened it again"
        assert [one["gone"] for one in shown["messages"]] == [True, False]
        await command(here, OFFICER, matter.ref, "answer", text="马上派人再去看")
        assert not await here.installation.store.held_back.held_keys("notify")
        assert not await here.installation.store.held_back.held_keys("routing")


def test_a_machine_needs_the_right_of_its_own() -> None:
    assert Right.ERASE not in machine("k", ["operations"]).rights
    assert Right.ERASE in machine("k", ["content.erase"]).rights


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    code, said = told("erase", "--ground", "asked")
    assert (code, "name one of --sender, --case and --message" in said) == (2, True)
    code, said = told("erase", "--ground", "asked", "--sender", WANG, "--data", tmp_path / "nothing")
    assert (code, "there is no installation here" in said) == (2, True)
