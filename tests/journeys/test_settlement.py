"""Every message is settled, or said again and alarmed for: it never waits in silence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx

from services import intake
from services.intake.message import MESSAGES
from shared import metrics
from shared.clock import SimulatedClock
from shared.embedded import Embedded
from shared.events.messages import MessageReceived, MessageSentAgain, MessageSettled
from shared.settings import Settings
from tests.installations import WEDNESDAY, in_a_loop
from tests.unit.intake_room import BASE, room

QUARTER = timedelta(minutes=15)
LAMP = {"text": "The street lamp is dark.", "sender": {"email": "wang@citizen.example"}}


def alarms() -> float:
    return metrics.REGISTRY.get_sample_value("throughline_messages_sent_again_total") or 0.0


@in_a_loop
async def test_what_nobody_settles_in_a_quarter_of_an_hour_is_said_again_until_somebody_does(
    tmp_path: Path,
) -> None:
    clock, before = SimulatedClock(WEDNESDAY), alarms()
    settings = Settings(data=tmp_path / "data", smtp_port=0, public_url=BASE)
    async with Embedded(settings, [intake.service], intake.COLLECTIONS, clock=clock) as alone:
        message = await write(alone)
        await alone.live_until(WEDNESDAY + QUARTER - timedelta(seconds=1))
        assert alarms() == before
        await alone.live_until(WEDNESDAY + 2 * QUARTER)
        assert alarms() == before + 2
        assert await alone.store.next_due(MESSAGES) == clock.now() + QUARTER
    async with room(tmp_path, clock=clock) as here:
        await here.installation.idle()
        events = await here.events(message)
        kinds = [MessageReceived, MessageSentAgain, MessageSentAgain, MessageSettled]
        assert [type(one) for one in events] == kinds
        assert await here.installation.store.next_due(MESSAGES) is None


async def write(installation: Embedded) -> str:
    transport = httpx.ASGITransport(installation.app())
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        answer = await client.post("/v1/messages", json=LAMP)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["message_id"])
