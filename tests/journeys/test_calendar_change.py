"""M14: another calendar holds; what would move is shown first, then moved once, whatever crashes meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import app as command_line
from services.routing import mover
from services.routing.case import Case
from services.routing.mover import Mover
from services.routing.people import People
from services.routing.people.people import OPERATOR
from shared.clock import SimulatedClock
from shared.events.cases import CaseRescheduled
from shared.events.organisation import CalendarsKept, OrganisationPublished
from shared.settings import SAMPLE_ORGANISATION
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.unit.case_samples import local
from tests.unit.intake_room import PAGE, Room, room

OFFICER, COORDINATOR = "housing-officer-1", "coordination-officer-1"
MORNING = local("2026-10-14 10:00")
CLOSED = """
  closures:
    - { day: 2026-10-15, until: 2026-10-16, names: { zh-Hant: 颱風停班, zh-Hans: 台风停工, en: Typhoon } }
"""


@asynccontextmanager
async def county(directory: Path, clock: SimulatedClock, *, closed: bool = False) -> AsyncIterator[Room]:
    """The sample county; `closed`: the next two days nobody works."""
    written = SAMPLE_ORGANISATION.read_text("utf-8")
    file = directory / "county.yaml"
    windows = '  windows: ["09:00-12:00", "13:30-17:30"]\n'
    assert written.count(windows) == 1
    file.write_text(written.replace(windows, windows + CLOSED.lstrip("\n")) if closed else written, "utf-8")
    async with room(directory, clock=clock, org=file) as here:
        yield here


async def opened(here: Room, count: int) -> list[str]:
    """Cases about street lamps; answers their refs."""
    refs = []
    for number in range(count):
        kind = ("problem", "enquiry", "complaint")[number % 3]
        sent = await here.client.post(
            "/v1/messages",
            json={"kind": kind, "text": f"路燈不亮,路面有坑 {number}", "sender": {"email": "a@b.example"}},
        )
        await here.installation.idle()
        tracked = (await here.client.get(f"/v1/track/{sent.json()['tracking']}")).json()
        refs.append(tracked["ref"])
    return refs


async def give(here: Room, ref: str, command: str, person: str = OFFICER, **body: Any) -> None:
    here.as_(person)
    answer = await here.client.post(f"/v1/cases/{ref}/{command}", json=body)
    assert answer.status_code == 200, answer.text


async def shown(here: Room, ref: str) -> dict[str, Any]:
    here.as_(COORDINATOR)
    answer = await here.client.get(f"/v1/cases/{ref}")
    assert answer.status_code == 200, answer.text
    case: dict[str, Any] = answer.json()
    return case


async def throughline(here: Room, url: str, *words: str) -> Result:
    key = await People(here.installation.house).issue_key("watch", ["operations"], OPERATOR)
    access = ["org", "moves", "--to", url, "--key", key]
    return await asyncio.to_thread(lambda: CliRunner().invoke(command_line, [*access, *words]))


def told(answer: Result) -> dict[str, Any]:
    """The object on its last line: what the installation logs in this process stands before it."""
    said: dict[str, Any] = json.loads(answer.output.splitlines()[-1])
    return said


async def lived(here: Room, clock: SimulatedClock) -> list[str]:
    """Eight cases, of which one was extended, one stands still, one is answered, one is late."""
    refs = await opened(here, 8)
    for ref in refs[:4]:
        await give(here, ref, "accept")
    await give(here, refs[0], "extend", text="the lamp is ordered")
    await give(here, refs[0], "grant-extension", "vice-mayor-1")
    await give(
        here, refs[1], "suspend", "housing-head", reason="parts", limit="10wd", text="a lamp is ordered"
    )
    await give(here, refs[2], "answer", text="It shines.", final=True)
    await here.installation.live_until(MORNING + timedelta(hours=6))
    return refs


def due(case: dict[str, Any]) -> dict[str, str]:
    """When each thing is owed."""
    return {one["kind"]: one["due"] for one in case["obligations"]}


@in_a_loop
async def test_what_would_move_is_shown_and_that_is_what_moves_and_only_once(tmp_path: Path) -> None:
    clock = SimulatedClock(MORNING)
    async with county(tmp_path, clock) as here:
        refs = await lived(here, clock)
        before = {ref: await shown(here, ref) for ref in refs}
        async with on_a_port(here.app) as url:
            nothing = await throughline(here, url)
            assert (nothing.exit_code, nothing.output) == (0, "No running deadline moves: 8 open cases.\n")
    async with county(tmp_path, clock, closed=True) as here, on_a_port(here.app) as url:
        looked = await throughline(here, url, "--json")
        assert looked.exit_code == 0, looked.output
        preview = told(looked)
        assert preview["progress"] is None
        assert {ref: due(await shown(here, ref)) for ref in refs} == {ref: due(before[ref]) for ref in refs}
        done = await throughline(here, url, "--start", "--json")
        assert done.exit_code == 0, done.output
        progress = told(done)["progress"]
        assert (progress["cases"], progress["deadlines"]) == (preview["cases"], preview["deadlines"])
        assert progress["problem"] is None
        after = {ref: await shown(here, ref) for ref in refs}
        expected = {
            (one["ref"], one["kind"]): one["after"] for one in preview["moves"] if not one["stands_still"]
        }
        happened = {
            (ref, kind): at
            for ref in refs
            for kind, at in due(after[ref]).items()
            if at != due(before[ref]).get(kind)
        }
        assert happened == expected
        assert {kind for _, kind in expected} == {"accept", "contact", "resolve", "promise", "pause"} - {
            "accept"
        }
        at_rest = next(one for one in preview["moves"] if one["stands_still"] and one["kind"] == "resolve")
        assert at_rest["ref"] == refs[1]
        for ref in refs:
            assert after[ref]["breached"] == before[ref]["breached"]
        again = await throughline(here, url, "--start")
        assert "No running deadline moves: 8 open cases." in again.output
        assert again.output.splitlines()[-1] == "0 deadlines of 0 cases moved."
        assert {ref: (await shown(here, ref))["version"] for ref in refs} == {
            ref: after[ref]["version"] for ref in refs
        }


@in_a_loop
async def test_the_new_end_is_what_the_calendar_says_and_the_account_tells_the_closed_days(
    tmp_path: Path,
) -> None:
    clock = SimulatedClock(MORNING)
    async with county(tmp_path, clock) as here:
        (ref,) = await opened(here, 1)
        await give(here, ref, "accept")
        assert due(await shown(here, ref))["resolve"] == "2026-10-21T09:30:00Z"
        await here.installation.live_until(MORNING + timedelta(hours=1))
    async with county(tmp_path, clock, closed=True) as here, on_a_port(here.app) as url:
        await throughline(here, url, "--start")
        case = await shown(here, ref)
        assert due(case)["resolve"] == due(case)["promise"] == "2026-10-23T09:30:00Z"
        assert case["promise"] == "2026-10-23T09:30:00Z"
        clock.advance_to(local("2026-10-19 10:00"))
        await here.installation.idle()
        account = (await shown(here, ref))["account"]
        assert sum(one["time"]["wall"] for one in account["held"]) == account["time"]["wall"]
        closures = [
            one for held in account["held"] for one in held["intervals"] if one["reason"] == "closure"
        ]
        assert closures[0]["name"]["zh-Hant"] == "颱風停班"
        (resolve,) = [one for one in account["deadlines"] if one["kind"] == "resolve"]
        assert [turn["how"] for turn in resolve["turns"]] == ["begun", "moved"]
        assert sum(one["reason"] == "closure" for one in resolve["intervals"]) == 1
        page = (await here.client.get(f"/cases/{ref}", headers=PAGE)).text
        assert "does not count · closed · Typhoon" in page
        assert re.search(r'<svg class="held"[^>]* role="img" aria-label="Who had it', page)
        published = [event for event in await here.events("org") if isinstance(event, OrganisationPublished)]
        kept = [await here.events(f"calendars_{one.version}") for one in published]
        assert all(isinstance(event, CalendarsKept) for (event,) in kept)
        assert {one["organisation"] for one in account["held"]} == {one.version for one in published}


@in_a_loop
async def test_who_was_stopped_in_the_middle_begins_again_and_every_deadline_moved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimulatedClock(MORNING)
    monkeypatch.setattr(mover, "_AT_ONCE", 2)
    async with county(tmp_path, clock) as here:
        refs = await lived(here, clock)
    async with county(tmp_path, clock, closed=True) as here, on_a_port(here.app) as url:
        expected = told(await throughline(here, url, "--json"))["deadlines"]
        with pytest.MonkeyPatch.context() as broken:
            break_after(broken, 3)
            stopped = await throughline(here, url, "--start")
            assert stopped.exit_code == 0
        left = told(await throughline(here, url, "--json"))
        assert 0 < left["deadlines"] < expected
    async with county(tmp_path, clock, closed=True) as here, on_a_port(here.app) as url:
        done = await throughline(here, url, "--start")
        assert done.exit_code == 0
        assert done.output.splitlines()[-1].startswith(f"{left['deadlines']} deadlines of ")
        moved = []
        for ref in refs:
            id = (await shown(here, ref))["id"]
            moved.append([event for event in await here.events(id) if isinstance(event, CaseRescheduled)])
        assert {len(events) for events in moved} <= {0, 1}
        assert sum(len(one.starts) + len(one.paused) for events in moved for one in events) == expected


def break_after(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The process dies once so many cases have been moved, as far as the job can tell."""
    move = Mover._move
    done: list[str] = []

    async def dies(self: Mover, id: str, case: Case, change: str) -> int:
        if len(done) >= most:
            raise asyncio.CancelledError
        done.append(id)
        return await move(self, id, case, change)

    monkeypatch.setattr(Mover, "_move", dies)


@in_a_loop
async def test_a_calendar_that_returns_moves_them_back(tmp_path: Path) -> None:
    clock = SimulatedClock(MORNING)
    async with county(tmp_path, clock) as here:
        (ref,) = await opened(here, 1)
        before = due(await shown(here, ref))
    for closed in (True, False, True, False):
        clock.advance_to(clock.now() + timedelta(seconds=1))
        async with county(tmp_path, clock, closed=closed) as here, on_a_port(here.app) as url:
            done = await throughline(here, url, "--start")
            assert done.output.splitlines()[-1] == "3 deadlines of 1 cases moved."
            assert (due(await shown(here, ref)) == before) is not closed


@in_a_loop
async def test_who_looked_at_another_version_or_may_not_is_refused(tmp_path: Path) -> None:
    async with county(tmp_path, SimulatedClock(MORNING)) as here:
        path = "/v1/organisation/moves"
        here.as_(OFFICER)
        assert (await here.client.get(path)).status_code == 403
        assert (await here.client.post(path, json={"organisation": ""})).status_code == 403
        key = await People(here.installation.house).issue_key("watch", ["operations"], OPERATOR)
        await here.installation.idle()
        here.client.cookies.clear()
        access = {"Authorization": f"Bearer {key}"}
        answer = await here.client.post(path, json={"organisation": "another"}, headers=access)
        assert (answer.status_code, answer.json()["rule"]) == (409, "other-version")
        assert (await here.client.get(f"{path}?cursor=!", headers=access)).status_code == 400
