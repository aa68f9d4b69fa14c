"""M15, M32 as people see it: what was found, explained and decided, orders, looks that nobody can prepare for."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from services.audit.supervision.desk import Supervision
from services.audit.supervision.finding import finding_id
from services.audit.supervision.hearing import Hearing
from shared.events.findings import Evidence, Figure, FindingRaised
from tests.installations import in_a_loop
from tests.journeys.test_console import Hall, hall

SUPERVISOR, OFFICER, HEAD, STRANGER = (
    "supervision-officer",
    "housing-officer-1",
    "housing-head",
    "transport-head",
)
COORDINATOR = "coordination-officer-1"
LEAK = "The roof of our rented house leaks"
LANGUAGES = ("zh-Hant", "zh-Hans", "en")


def supervision(here: Hall) -> Supervision:
    """What stands behind the pages."""
    handlers = [
        getattr(one.handle, "__self__", None)
        for service in here.installation.services
        for one in service.subscriptions
    ]
    return next(one for one in handlers if isinstance(one, Hearing)).supervision


async def a_finding(here: Hall, ref: str) -> str:
    """A check found something in the case that housing has."""
    here.as_(COORDINATOR)
    await here.client.post(f"/v1/cases/{ref}/assign", json={"department": "housing"})
    await here.installation.idle()
    all_ = supervision(here)
    case = await all_.case_of(ref)
    id = finding_id("late", case)
    raised = FindingRaised(
        check="late",
        version=1,
        parameters="0" * 16,
        key=case,
        case=case,
        department="housing",
        since=here.clock.now(),
        as_of=1,
        evidence=[Evidence(index=await place_of(here, ref), event=f"{case}/1")],
        figures=[Figure(name="over", value=7200)],
    )
    await all_.findings.answer(id, id, lambda state, _: [raised])
    await here.installation.idle()
    return id


async def place_of(here: Hall, ref: str) -> int:
    """Where the case's first event stands in the trail."""
    here.as_(SUPERVISOR)
    entries = (await here.client.get("/v1/trail", params={"case": ref})).json()["entries"]
    return int(next(one["index"] for one in entries if one["entry"]["type"].endswith("case.opened")))


async def page(here: Hall, path: str, status: int = 200) -> str:
    """A page as it stands."""
    answer = await here.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
    return unescape(answer.text)


async def sent(here: Hall, path: str, form: dict[str, str], status: int = 303) -> httpx.Response:
    """A form, as a browser sends it."""
    answer = await here.client.post(path, data=form, headers={"Accept": "text/html"})
    assert answer.status_code == status, (path, answer.status_code, answer.text[:800])
    await here.installation.idle()
    return answer


@in_a_loop
async def test_a_department_explains_on_the_cases_page_and_a_supervisor_decides_on_the_findings(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written(LEAK)
        finding = await a_finding(here, ref)
        here.as_(STRANGER)
        await page(here, f"/findings/{finding}", 404)
        here.as_(OFFICER)
        case = await page(here, f"/cases/{ref}")
        assert f"/findings/{finding}" in case
        assert f'action="/cases/{ref}/explain"' in case
        assert "verified" in await page(here, f"/findings/{finding}")
        here.as_(SUPERVISOR)
        assert f'action="/findings/{finding}/confirm"' not in await page(here, f"/findings/{finding}")
        refused = await sent(here, f"/findings/{finding}/confirm", {"text": "It is so."}, 409)
        assert "has not had its time" in refused.text
        assert "It is so." in refused.text, "what was typed is kept"
        here.as_(OFFICER)
        about = re.search(r'name="about" value="(explain-\d+)"', case)
        assert about is not None
        await sent(
            here,
            f"/cases/{ref}/explain",
            {"finding": finding, "text": "They were away.", "about": about[1], "once": "x"},
        )
        here.as_(SUPERVISOR)
        waiting = await page(here, "/findings")
        assert f"/findings/{finding}" in waiting
        shown = await page(here, f"/findings/{finding}")
        assert "They were away." in shown
        await sent(here, f"/findings/{finding}/confirm", {"text": "So it is.", "once": "c"})
        assert "So it is." in await page(here, f"/findings/{finding}")
        assert f"/findings/{finding}" in await page(here, "/findings?state=confirmed")


@in_a_loop
async def test_an_order_is_issued_from_a_finding_answered_on_the_cases_page_and_concluded(
    tmp_path: Path,
) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written(LEAK)
        finding = await a_finding(here, ref)
        here.as_(SUPERVISOR)
        assert "/orders/new?" in await page(here, f"/findings/{finding}")
        await page(here, f"/orders/new?case={ref}&department=housing&finding={finding}")
        form = {"case": ref, "department": "housing", "limit": "5wd", "text": "Mend it.", "finding": finding}
        wrong = await sent(here, "/orders/new", form | {"limit": "soon"}, 422)
        assert "Mend it." in wrong.text
        issued = await sent(here, "/orders/new", form | {"once": "o"})
        order = issued.headers["Location"]
        again = await sent(here, "/orders/new", form | {"once": "o"})
        assert again.headers["Location"] == order
        here.as_(OFFICER)
        case = await page(here, f"/cases/{ref}")
        assert "Mend it." in case
        await sent(here, f"/cases/{ref}/rectify", {"order": order.rpartition("/")[2], "text": "Mended."})
        here.as_(SUPERVISOR)
        assert "Mended." in await page(here, order)
        await sent(here, f"{order}/refuse", {"text": "It still drips.", "limit": "2wd"})
        assert "It still drips." in await page(here, order)
        await sent(here, f"{order}/conclude", {"measure": "criticised", "text": "Twice."})
        assert order in await page(here, "/orders?state=concluded")
        here.as_(OFFICER)
        assert f'action="/cases/{ref}/rectify"' not in await page(here, f"/cases/{ref}")


@in_a_loop
async def test_a_head_asks_that_a_case_be_left_out_and_a_supervisor_decides(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written(LEAK)
        finding = await a_finding(here, ref)
        here.as_(HEAD)
        await sent(here, "/exclusions", {"case": ref, "text": "They want a palace."})
        here.as_(SUPERVISOR)
        shown = await page(here, "/exclusions")
        assert "They want a palace." in shown
        decide = re.search(r'action="(/exclusions/[^"]+/decide)"', shown)
        assert decide is not None
        await sent(here, decide[1], {"granted": "true", "text": "They do."})
        assert "1 cases are left out" in await page(here, "/exclusions")
        assert "left out of the figures" in await page(here, f"/findings/{finding}")


@in_a_loop
async def test_a_test_message_is_known_to_supervisors_alone_and_a_sample_is_drawn(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        ref = await here.written(LEAK)
        here.as_(SUPERVISOR)
        await sent(here, "/probes", {"case": ref})
        assert ref in await page(here, "/probes")
        here.as_(OFFICER)
        await page(here, "/probes", 403)
        here.as_(SUPERVISOR)
        finding = await a_finding(here, ref)
        here.as_(SUPERVISOR)
        assert "This case is a test message" in await page(here, f"/findings/{finding}")
        here.as_(HEAD)
        assert "test message" not in await page(here, f"/findings/{finding}")
        here.as_(SUPERVISOR)
        day = here.clock.now().date().isoformat()
        await sent(here, "/samples", {"count": "3", "since": day, "until": day})
        here.clock.advance_to(here.clock.now() + timedelta(seconds=2))
        await here.installation.idle()
        assert "0 of 0 cases were drawn" in await page(here, "/samples")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_there_in_each_language(language: str, tmp_path: Path) -> None:
    @in_a_loop
    async def look() -> None:
        async with hall(tmp_path) as here:
            ref = await here.written(LEAK)
            finding = await a_finding(here, ref)
            for who in (SUPERVISOR, HEAD, OFFICER):
                here.as_(who, language)
                for path in ("/findings", f"/findings/{finding}", "/orders", f"/cases/{ref}"):
                    shown = await page(here, path)
                    assert f'lang="{language}"' in shown
            here.as_(SUPERVISOR, language)
            for path in ("/findings?state=all&check=late&department=housing", "/orders/new", "/exclusions"):
                await page(here, path)
            for path in ("/samples", "/probes", f"/console/cases/{ref}"):
                await page(here, path)

    look()
