"""What the services of a cluster hold back is listed, shown and replayed through the one address before them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.loopback.front import Front
from services.routing.people.people import OPERATOR
from shared.events.messages import MessageSettled
from shared.store.mongo import MongoStore
from tests.cluster.house import cluster
from tests.installations import in_a_loop
from tests.journeys.test_dead import throughline
from tests.serving import on_a_port

pytestmark = pytest.mark.cluster


@in_a_loop
async def test_each_line_says_of_which_service_it_is_and_each_is_replayed_where_it_belongs(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url) as there:
        store = there.house.store
        assert isinstance(store, MongoStore)
        written = await there.write(text="路燈不亮", sender={"email": "wang@citizen.example"})
        await there.case_of(written["message_id"])
        received, *_, settled = await store.history(written["message_id"])
        assert isinstance(settled.data, MessageSettled)
        opened = (await store.history(settled.data.case))[0]
        # Held as by an instance that could not answer them; these have answers, so that nothing changes.
        await store.held_back.hold("routing", received, "ValueError: no place for this")
        await store.held_back.hold("notify", opened, "ValueError: no words for this")

        front = Front(there.running.urls)
        async with on_a_port(front) as url:
            key = await there.people.issue_key("watch", ["operations"], OPERATOR)
            access = ("--to", url, "--key", key)
            listed = json.loads((await throughline("list", *access, "--json")).stdout)
            assert [(one["service"], one["key"]) for one in listed["keys"]] == [
                ("routing", received.key),
                ("notify", opened.key),
            ]
            shown = await throughline("show", opened.key, *access)
            assert shown.stdout.startswith(f"notify {opened.key}\n  {opened.id} ")
            done = await throughline("replay", *access)
            assert (done.exit_code, done.stdout.strip()) == (0, "2 answered.")
            assert (await throughline("list", *access)).stdout.strip() == "Nothing is held back."

            await there.running.of["notify"][0].server.stop()
            without = await throughline("list", *access)
            assert without.exit_code == 2
            assert "notify did not answer" in without.stderr
        await front.close()
