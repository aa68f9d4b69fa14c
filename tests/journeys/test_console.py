"""M15: supervisors see what is late, what came in, a case's whole life, and whether the trail is what was signed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from services.audit.index import connect
from services.audit.projected import FILE
from services.embedded import embedded
from services.intake.smtp import SmtpDoor
from shared.clock import SimulatedClock
from shared.embedded import Embedded
from shared.rights import Gate
from shared.rights.gate import CSRF_HEADER
from shared.settings import Settings
from tests.installations import WEDNESDAY, in_a_loop

BASE = "http://here.example"
SUPERVISOR, OFFICER, LEADER, OTHER_LEADER = (
    "supervision-officer",
    "housing-officer-1",
    "vice-mayor-1",
    "vice-mayor-2",
)
LAMP = "The street light in front of our house is dark"
AWAY = (
    b"From: w@citizen.example\r\nSubject: Out of office\r\nMessage-ID: <3@m.example>\r\n"
    b"Auto-Submitted: auto-replied\r\n\r\nI am away\r\n"
)


@dataclass
class Hall:
    """All four services of a sample county under a simulated clock, and who asks."""

    installation: Embedded
    clock: SimulatedClock
    client: httpx.AsyncClient
    gate: Gate

    def as_(self, person: str | None, language: str = "en") -> None:
        """From here on this person asks."""
        self.client.cookies.clear()
        self.client.cookies.set("lang", language)
        if person is not None:
            session, token = self.gate.sessions.issue(person, 0)
            self.client.cookies.set(self.gate.cookie, token)
            self.client.headers[CSRF_HEADER] = self.gate.sessions.csrf(session.id)

    async def written(self, text: str = LAMP) -> str:
        """Somebody writes; answers their case's ref."""
        sent = await self.client.post(
            "/v1/messages", json={"text": text, "sender": {"email": "wang@citizen.example"}}
        )
        assert sent.status_code == 202, sent.text
        await self.installation.idle()
        tracked = await self.client.get(f"/v1/track/{sent.json()['tracking']}")
        return str(tracked.json()["ref"])

    async def mailed(self, raw: bytes, box: str) -> None:
        """Somebody sends a mail."""
        port = next(
            companion.port
            for service in self.installation.services
            for companion in service.companions
            if isinstance(companion, SmtpDoor)
        )
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            await smtp.sendmail("wang@citizen.example", [box], raw)
        await self.installation.idle()

    async def page(self, path: str) -> str:
        """A page as it reads, without its tags, on one line."""
        answer = await self.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())

    async def console(self) -> str:
        return await self.page("/console")

    async def timeline(self, ref: str) -> str:
        return await self.page(f"/console/cases/{ref}")

    @property
    def log(self) -> Path:
        """Where the trail's files are."""
        return self.installation.house.directory / "audit" / "log"


@asynccontextmanager
async def hall(directory: Path) -> AsyncIterator[Hall]:
    clock = SimulatedClock(WEDNESDAY)
    settings = Settings(data=directory / "data", smtp_port=0, public_url=BASE)
    async with embedded(settings, clock=clock) as installation:
        app = installation.app()
        gate: Gate = app.state.gate
        gate.stands = None  # no accounts are needed here
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Hall(installation, clock, client, gate)


def entry_files(log: Path) -> list[Path]:
    return sorted(path for path in (log / "tile" / "entries").rglob("*") if path.is_file())


def rewrite(log: Path, change: Callable[[bytes], bytes]) -> None:
    """Change what lies on the disk in every copy of the entries."""
    for path in entry_files(log):
        path.write_bytes(change(path.read_bytes()))


@in_a_loop
async def test_what_nobody_does_is_late_once_its_time_is_past_and_on_time_before(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        here.as_(SUPERVISOR)
        before = await here.console()
        assert "Nothing is late." in before
        assert "0 late" in before
        await here.installation.live_until(WEDNESDAY + timedelta(days=9))
        here.as_(SUPERVISOR)
        after = await here.console()
        assert re.search(
            rf"{ref} Housing and Urban-Rural Development Bureau accept 2026-09-30 16:00"
            r" 2026-10-08 11:30 1 day 4 hours breached",
            after,
        ), after
        assert after.index("2026-10-08 11:30") < after.index("2026-10-08 17:30")
        listed = await here.client.get("/console", headers={"Accept": "text/html"})
        assert f'href="/console/cases/{ref}"' in listed.text
        await here.installation.live_until(WEDNESDAY + timedelta(days=10))
        here.as_(SUPERVISOR)
        assert "2026-10-08 11:30 2 days 4 hours escalated" in await here.console()


@in_a_loop
async def test_what_is_done_is_late_no_more(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        await here.installation.live_until(WEDNESDAY + timedelta(days=9))
        here.as_(OFFICER)
        for command, body in (("accept", {}), ("answer", {"text": "Repaired", "final": True})):
            done = await here.client.post(f"/v1/cases/{ref}/{command}", json=body)
            assert done.status_code == 200, done.text
        await here.installation.idle()
        here.as_(SUPERVISOR)
        assert "Nothing is late." in await here.console()
        told = await here.timeline(ref)
        assert "Done late: accept" in told
        assert "Answered finally" in told
        assert f"by {OFFICER}" in told
        assert "Repaired" not in told, "content stands in no entry"


@in_a_loop
async def test_a_pause_and_an_opinion_asked_upwards_are_shown_with_who_owes_what(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        asked, consulted = await here.written(), await here.written(f"{LAMP} again")
        here.as_(OFFICER)
        options = [{"name": "a new lamp"}, {"name": "a new line"}]
        for ref, command, body in (
            (asked, "accept", {}),
            (asked, "ask", {"text": "Which lamp?", "suspends": True}),
            (consulted, "accept", {}),
            (consulted, "consult", {"to": "leader", "text": "Which?", "options": options}),
        ):
            done = await here.client.post(f"/v1/cases/{ref}/{command}", json=body)
            assert done.status_code == 200, done.text
        await here.installation.idle()
        here.as_(SUPERVISOR)
        bureau = "Housing and Urban-Rural Development Bureau"
        waits = await here.timeline(asked)
        assert "Accepted · the clock stands still (the sender's reply is awaited)" in waits
        assert re.search(r"The clock stands still, until \d+ October 2026, \d\d:\d\d at the latest", waits), (
            waits
        )
        assert "Stands still: resolve, was due" in waits
        assert f"{bureau} 0 0 2 0 2 1 0" in await here.console(), (
            "two are accepted, of which one stands still"
        )
        told = await here.timeline(consulted)
        assert f"{bureau} asks leader in charge of {bureau} for an opinion" in told
        assert "Told at once: vice-mayor-1" in told
        await here.installation.live_until(WEDNESDAY + timedelta(days=12))
        here.as_(SUPERVISOR)
        late = await here.console()
        assert f"{consulted} {bureau} (owed by leader in charge of {bureau}) give an opinion" in late
        assert f"{asked} {bureau} " not in late.partition("Due soon")[0], "what the sender owes is not late"


@in_a_loop
async def test_every_message_that_came_in_is_one_of_what_can_become_of_it(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        for text in (LAMP, "no heat in our apartment", "Something altogether different"):
            await here.written(text)
        box = here.installation.house.organisation.mailboxes[0].address
        for raw in (AWAY, b"\r\nthe lamp is dark\r\n", b"\r\nthe stove is cold\r\n"):
            await here.mailed(raw, box)
        here.as_(SUPERVISOR)
        told = await here.console()
        assert "= Attached + New cases + In quarantine + Refused + Still waiting" in told
        assert "http 3 0 3 0 0 0" in told
        assert f"{box} 3 0 0 2 1 0" in told
        assert "All 6 0 3 2 1 0" in told
        assert "6 came in today" in told


@in_a_loop
async def test_every_entry_of_a_case_is_verified_and_has_its_proof(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        here.as_(SUPERVISOR)
        entries = (await here.client.get(f"/v1/trail?case={ref}")).json()["entries"]
        kinds = {entry["entry"]["type"] for entry in entries}
        assert {
            "throughline.message.received",
            "throughline.case.opened",
            "throughline.case.assigned",
            "throughline.delivery.sent",
        } <= kinds
        told = await here.timeline(ref)
        assert f"{len(entries)} entries, each verified just now" in told
        assert told.count("· verified ·") == len(entries)
        for entry in entries:
            assert f"entry {entry['index']} of the log" in told
        page = (await here.client.get(f"/console/cases/{ref}", headers={"Accept": "text/html"})).text
        links = re.findall(r'href="([^"]+)" download=', page)
        assert len(links) == len(entries)
        for link in links:
            proof = await here.client.get(link.replace("&amp;", "&"))
            assert proof.status_code == 200
            assert "c2sp.org/tlog-proof@v1" in proof.text
        head = await here.console()
        assert "Verified just now" in head
        assert re.search(r"All \d+ entries were read again just now", head)
        assert (await here.client.get("/trail/vkey")).text.strip() in head


@in_a_loop
async def test_an_entry_changed_on_the_disk_is_named_by_the_timeline_and_by_the_head(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        here.as_(SUPERVISOR)
        rewrite(here.log, lambda data: data.replace(b'"department":"housing"', b'"department":"labour_"'))
        told = await here.timeline(ref)
        assert re.search(r"1 of \d+ entries cannot be verified", told)
        assert "does not verify As it reads now: Assigned to labour_" in told
        assert "The trail as a whole does not verify" in told
        head = await here.console()
        assert "The trail does not verify" in head
        assert "These entries are not what was signed: Entry " in head
        assert "Change nothing and repair nothing" in head
        assert "Verified just now" not in head


@in_a_loop
async def test_entries_that_cannot_be_read_and_a_forged_checkpoint_are_told_and_break_no_page(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        here.as_(SUPERVISOR)
        whole = {path: path.read_bytes() for path in entry_files(here.log)}
        rewrite(here.log, lambda data: b"\xff" + data[1:])
        told = await here.timeline(ref)
        assert "What stands here cannot be read as an entry" in told
        assert " verified ·" not in told
        assert "is cut" in await here.console()
        for path, data in whole.items():
            path.write_bytes(data)
        assert "Verified just now" in await here.console(), "what is whole again is whole"
        checkpoint = here.log / "checkpoint"
        checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n", b"\n1", 1))
        assert "Its checkpoint does not hold:" in await here.console()
        told = await here.timeline(ref)
        assert "entries cannot be verified" in told
        assert "As it reads now: Assigned to Housing" in told


@in_a_loop
async def test_a_hole_between_the_entries_of_a_case_is_shown(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        connection = connect(here.installation.house.directory / "audit" / FILE)
        (second,) = connection.execute(
            "SELECT at FROM entries JOIN aggregates ON aggregate = number JOIN cases ON id = cases.matter"
            " ORDER BY at LIMIT 1 OFFSET 1"
        ).fetchone()
        connection.execute("DELETE FROM entries WHERE at = ?", (second,))
        connection.close()
        here.as_(OFFICER)
        assert (await here.client.post(f"/v1/cases/{ref}/accept", json={})).status_code == 200
        await here.installation.idle()
        here.as_(SUPERVISOR)
        told = await here.timeline(ref)
        assert "Entries are missing, 1 in all" in told
        assert "Entry 2 is missing here" in told


@pytest.mark.parametrize(
    ("person", "console", "timeline"),
    [
        (None, 401, 401),
        (OFFICER, 403, 403),
        ("housing-head", 403, 403),
        ("labour-officer-1", 403, 403),
        ("system-admin", 403, 403),
        (OTHER_LEADER, 200, 404),
        (LEADER, 200, 200),
        ("mayor", 200, 200),
        (SUPERVISOR, 200, 200),
    ],
)
def test_only_who_supervises_looks_and_a_leader_at_the_departments_in_their_charge(
    tmp_path: Path, person: str | None, console: int, timeline: int
) -> None:
    @in_a_loop
    async def tries() -> None:
        async with hall(tmp_path) as here:
            ref = await here.written()
            await here.installation.live_until(WEDNESDAY + timedelta(days=9))
            here.as_(person)
            seen = await here.client.get("/console")
            assert seen.status_code == console
            assert (ref in seen.text) == (timeline == 200)
            assert ("departments in your charge" in seen.text) == (person in {LEADER, OTHER_LEADER})
            assert (await here.client.get(f"/console/cases/{ref}")).status_code == timeline
            case = await here.client.get(f"/cases/{ref}", headers={"Accept": "text/html"})
            assert (f"/console/cases/{ref}" in case.text) == (timeline == 200)

    tries()


@in_a_loop
async def test_a_case_is_found_by_its_ref_however_it_is_typed(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        here.as_(SUPERVISOR)
        found = await here.client.get("/console/cases", params={"ref": f" {ref.replace('-', '').lower()} "})
        assert (found.status_code, found.headers["location"]) == (303, f"/console/cases/{ref}")
        wrong = await here.client.get(
            "/console/cases", params={"ref": "<b>"}, headers={"Accept": "text/html"}
        )
        assert wrong.status_code == 404
        assert "“&lt;b&gt;” is not a case" in wrong.text
        nowhere = await here.client.get("/console/cases/no-such", headers={"Accept": "text/html"})
        assert nowhere.status_code == 404


@in_a_loop
async def test_it_is_told_in_the_readers_language(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written()
        await here.installation.live_until(WEDNESDAY + timedelta(days=9))
        for language, late, bureau, assigned, verified in (
            ("en", "1 day 4 hours", "Housing and Urban-Rural Development Bureau", "Assigned to", "verified"),
            ("zh-Hant", "1 天 4 小時", "住房和城鄉建設局", "分派給住房和城鄉建設局", "驗證無誤"),
            ("zh-Hans", "1 天 4 小时", "住房和城乡建设局", "派单至住房和城乡建设局", "验证无误"),
        ):
            here.as_(SUPERVISOR, language)
            console, told = await here.console(), await here.timeline(ref)
            assert late in console
            assert bureau in console
            assert assigned in told
            assert verified in told
