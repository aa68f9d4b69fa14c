"""A monitor, over real HTTP, finds a log that was set back, forked or hidden, or broke a promise; and convicts it."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import cli_trail
from services.audit.log import (
    EMPTY_TREE,
    Asked,
    ConsistencyProof,
    LogWriter,
    Policy,
    ProofError,
    Signer,
    WitnessSigner,
    from_directory,
    from_url,
    leaf_hash,
    open_checkpoint,
    with_signatures,
)
from services.audit.log.disk import Disk
from services.audit.log.monitor import Monitor, Promise
from services.audit.log.witness import origin_id
from shared.note import split_note
from shared.receipts import Receipt, receipt_signer
from tests.unit.log_samples import SIGNER, VKEY, QuickDisk, grow, sample_entries
from tests.unit.test_log_crash import FailingDisk, PowerCutError
from tests.unit.test_log_fetch import Quiet

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
WITNESS = WitnessSigner("witness.example/w1", bytes(range(1, 33)))
RECEIPTS = receipt_signer(SIGNER.name, bytes(range(2, 34)))


class Served:
    """A log's directory behind an address, and a monitor of it."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        self.log = root / "log"
        self.state = root / "state"

    def monitor(self, policy: Policy | None = None, *witnesses: Asked) -> Monitor:
        fetch = from_url(f"{self.url}/log")
        return Monitor(
            fetch,
            [SIGNER.verifier],
            self.state,
            policy=policy or Policy(),
            witnesses=witnesses,
            disk=QuickDisk(),
        )

    def grow(self, *batches: int) -> None:
        """Let the log grow, as one that keeps to the rules."""
        published = self.log / "checkpoint"
        before = (
            open_checkpoint(published.read_bytes(), SIGNER.verifier).state
            if published.exists()
            else EMPTY_TREE
        )
        grow(self.log, batches, before)

    def replace(self, entries: list[bytes]) -> None:
        """Another history, signed anew by the log's own key."""
        shutil.rmtree(self.log)
        with LogWriter(self.log, EMPTY_TREE, disk=QuickDisk()) as writer:
            writer.publish(writer.integrate(entries), SIGNER)

    def evidence(self, folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Served(tmp_path, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_a_log_that_only_grows_is_followed_and_what_was_seen_is_kept(served: Served) -> None:
    for count in (3, 300, 100, 70_000):
        served.grow(count)
        look = served.monitor().look(NOW)
        assert (look.alarms, look.state.size) == (
            [],
            open_checkpoint(kept(served), SIGNER.verifier).state.size,
        )
    assert served.monitor().look(NOW).state.size == 70_403


def kept(served: Served) -> bytes:
    return (served.state / "checkpoint").read_bytes()


def test_a_log_that_was_set_back_is_convicted_by_both_checkpoints(served: Served) -> None:
    served.grow(100, 200)
    before = served.monitor().look(NOW)
    served.replace(sample_entries(150))
    for _ in range(2):
        look = served.monitor().look(NOW)
        (alarm,) = look.alarms
        assert (alarm.kind, look.state) == ("rewind", before.state)
        assert "shows 150 entries, and had signed 300" in alarm.what
    found = served.evidence(alarm.evidence)
    sizes = {name: open_checkpoint(note, SIGNER.verifier).state.size for name, note in found.items()}
    assert sizes == {"older.checkpoint": 300, "newer.checkpoint": 150}


@pytest.mark.parametrize(
    ("old", "size"), [(300, 300), (300, 301), (300, 1000), (256, 257), (256, 1000), (1, 2), (64, 65)]
)
def test_a_fork_signed_by_the_log_s_own_key_is_found_and_convicted(
    served: Served, old: int, size: int
) -> None:
    served.grow(old)
    before = served.monitor().look(NOW)
    served.replace([*sample_entries(old - 1), b"another", *sample_entries(size - old, old)])
    look = served.monitor().look(NOW)
    (alarm,) = look.alarms
    assert (alarm.kind, look.state) == ("fork", before.state)
    found = served.evidence(alarm.evidence)
    older = open_checkpoint(found["older.checkpoint"], SIGNER.verifier)
    newer = open_checkpoint(found["newer.checkpoint"], SIGNER.verifier)
    with pytest.raises(ProofError):
        ConsistencyProof.parse(found["newer.consistency"]).verify(older.state, newer)


@pytest.mark.parametrize(
    ("before", "name"),
    [([100], "tile/0/000"), ([128], "tile/0/000"), ([256], "tile/1/000.p/2"), ([300], "tile/0/001")],
)
def test_tiles_that_do_not_lead_to_the_root_are_no_fork(served: Served, before: list[int], name: str) -> None:
    served.grow(*before)
    served.monitor().look(NOW)
    served.grow(500)
    tile = served.log / name
    tile.write_bytes(bytes(len(tile.read_bytes())))
    assert [alarm.kind for alarm in served.monitor().look(NOW).alarms] == ["broken"]


def test_a_checkpoint_by_another_key_and_no_checkpoint_are_told_apart(served: Served) -> None:
    assert [alarm.kind for alarm in served.monitor().look(NOW).alarms] == ["unreachable"]
    served.grow(5)
    served.monitor().look(NOW)
    note = (served.log / "checkpoint").read_bytes()
    with LogWriter(served.root / "other", EMPTY_TREE, disk=QuickDisk()) as writer:
        stranger = Signer(SIGNER.name, bytes(32))
        (served.log / "checkpoint").write_bytes(writer.publish(writer.integrate([b"x"]), stranger))
    (alarm,) = served.monitor().look(NOW).alarms
    assert alarm.kind == "unsigned"
    assert served.evidence(alarm.evidence)["shown.checkpoint"] != note


def test_a_promise_is_kept_pending_or_broken_and_found_by_its_proof_alone(served: Served) -> None:
    leaves = [leaf_hash(entry) for entry in sample_entries(700)]
    promises = [
        Promise("early", leaves[0], NOW),
        Promise("late", leaves[650], NOW + timedelta(minutes=1)),
        Promise("never", leaf_hash(b"not in it"), NOW + timedelta(minutes=1)),
    ]
    served.grow(600)
    first = served.monitor().look(NOW, promises)
    assert (first.kept, first.pending, first.alarms) == (1, 2, [])
    after = served.monitor().look(NOW + timedelta(minutes=2), promises)
    assert sorted(alarm.what.split(":")[0] for alarm in after.alarms) == ["late", "never"]
    assert {alarm.kind for alarm in after.alarms} == {"promise"}
    assert served.evidence(after.alarms[0].evidence) == {"shown.checkpoint": kept(served)}
    served.grow(100)
    last = served.monitor().look(NOW + timedelta(minutes=3), promises)
    assert (last.kept, [alarm.what.split(":")[0] for alarm in last.alarms]) == (2, ["never"])


def test_a_leaf_shown_only_in_a_tile_is_no_kept_promise(served: Served) -> None:
    served.grow(300)
    tile = served.log / "tile/0/000"
    tile.write_bytes(leaf_hash(b"not in it") + tile.read_bytes()[32:])
    look = served.monitor().look(NOW, [Promise("never", leaf_hash(b"not in it"), NOW - timedelta(1))])
    assert look.kept == 0
    assert {alarm.kind for alarm in look.alarms} >= {"promise"}


def test_too_few_cosignatures_are_an_alarm_and_the_tree_is_followed_all_the_same(served: Served) -> None:
    served.grow(10)
    policy = Policy.of([WITNESS.verifier])
    look = served.monitor(policy).look(NOW)
    assert ([alarm.kind for alarm in look.alarms], look.state.size) == (["uncosigned"], 10)
    note = (served.log / "checkpoint").read_bytes()
    cosigned = with_signatures(note, [WITNESS.cosign(split_note(note)[0], NOW)])
    (served.log / "checkpoint").write_bytes(cosigned)
    look = served.monitor(policy).look(NOW)
    assert (look.alarms, look.cosigned_by) == ([], [WITNESS.name])


def test_what_a_witness_was_shown_and_we_were_not_is_found(served: Served) -> None:
    """Each sees a log that only grows: together they see that there are two."""
    asked = Asked(f"{served.url}/witness", WITNESS.verifier)
    seen = served.root / "witness" / origin_id(SIGNER.name) / "checkpoint"
    seen.parent.mkdir(parents=True)

    def show_the_witness(entries: list[bytes]) -> None:
        with LogWriter(
            served.root / f"shown {entries[0]!r} {len(entries)}", EMPTY_TREE, disk=QuickDisk()
        ) as writer:
            note = writer.publish(writer.integrate(entries), SIGNER)
        seen.write_bytes(with_signatures(note, [WITNESS.cosign(split_note(note)[0], NOW)]))

    served.grow(200)
    later = NOW + timedelta(minutes=5)
    show_the_witness(sample_entries(100))
    assert served.monitor(None, asked).look(later).alarms == []
    show_the_witness(sample_entries(300))
    assert served.monitor(None, asked).look(NOW).alarms == []  # it may be shown to all in a moment
    assert [alarm.kind for alarm in served.monitor(None, asked).look(later).alarms] == ["withheld"]
    show_the_witness([b"another", *sample_entries(99)])
    (alarm,) = served.monitor(None, asked).look(later).alarms
    assert alarm.kind == "fork"
    assert served.evidence(alarm.evidence).keys() == {
        "newer.checkpoint",
        "newer.consistency",
        "witness.checkpoint",
    }


def test_after_a_power_cut_at_any_step_it_goes_on_from_what_it_had_seen(tmp_path: Path) -> None:
    grow(tmp_path / "short", [100])
    grow(tmp_path / "long", [100, 300])
    with LogWriter(tmp_path / "fork", EMPTY_TREE, disk=QuickDisk()) as writer:
        writer.publish(writer.integrate([b"another", *sample_entries(500)]), SIGNER)
    promises = [Promise("late", leaf_hash(sample_entries(1, 350)[0]), NOW)]

    def run(state: Path, disk: Disk, seen: list[int]) -> None:
        """Looks at the log as it grows, and is forked; each look is answered once what it saw is durable."""
        for name in ("short", "long", "fork"):
            fetch = from_directory(tmp_path / name)
            watching = Monitor(fetch, [SIGNER.verifier], state, policy=Policy(), disk=disk)
            look = watching.look(NOW + timedelta(minutes=1), promises)
            assert not look.ok or name != "fork"
            seen.append(look.state.size)

    whole = FailingDisk(1_000_000, random.Random(0), tmp_path)
    run(tmp_path / "whole", whole, [])
    steps = 1_000_000 - whole.left
    assert steps > 30
    for step in range(steps):
        seen: list[int] = []
        state = tmp_path / f"cut at {step}"
        state.mkdir()
        disk = FailingDisk(step, random.Random(step), tmp_path / f"removed {step}")
        with pytest.raises(PowerCutError):
            run(state, disk, seen)
        disk.lose()
        monitor = Monitor(
            from_directory(tmp_path / "fork"), [SIGNER.verifier], state, policy=Policy(), disk=QuickDisk()
        )
        look = monitor.look(NOW)
        if seen:
            assert look.state.size == max(seen) or look.state.size == 400
            assert [alarm.kind for alarm in look.alarms] == ["fork"]
            assert sorted(
                path.name for path in Path(look.alarms[0].evidence).iterdir() if path.name[0] != "."
            ) == [
                "newer.checkpoint",
                "newer.consistency",
                "older.checkpoint",
            ]


def monitored(served: Served, *options: str) -> tuple[int, str]:
    words = ["monitor", f"{served.url}/log", "--vkey", VKEY, "--state", str(served.state), "--once", *options]
    result = CliRunner().invoke(cli_trail.app, words)
    return result.exit_code, result.output


def test_the_command_says_what_is_wrong_by_words_by_json_by_metrics_and_by_its_exit(served: Served) -> None:
    receipts = served.root / "receipts"
    receipts.mkdir()
    past = datetime.now(UTC) - timedelta(hours=1)
    for name, entry in (("kept", sample_entries(1)[0]), ("broken", b"not in it")):
        receipt = Receipt.of(SIGNER.name, f"msg_{name}", entry, past)
        (receipts / f"{name}.receipt").write_bytes(receipt.sign(RECEIPTS))
    served.grow(30)
    metrics = served.root / "monitor.prom"
    assert monitored(served)[0] == 0
    options = [
        "--receipts",
        str(receipts),
        "--receipt-vkey",
        RECEIPTS.verifier.vkey,
        "--metrics",
        str(metrics),
    ]
    code, said = monitored(served, *options)
    assert code == 1
    assert "ALARM  promise: broken.receipt (msg_broken): no checkpoint covers its entry" in said
    assert 'throughline_monitor_promises{state="broken"} 1' in metrics.read_text()
    assert "throughline_monitor_ok 0" in metrics.read_text()
    code, said = monitored(served, *options, "--json")
    told = json.loads(said)
    assert (code, told["ok"], told["size"], told["promises"]) == (1, False, 30, {"kept": 1, "pending": 0})
    (receipts / "broken.receipt").write_bytes(b"no receipt")
    code, said = monitored(served, *options)
    assert code == 1
    assert "receipt that can't be read: broken.receipt" in said
    (receipts / "broken.receipt").unlink()
    code, said = monitored(served, *options)
    assert (code, "30 entries, 1 promises kept" in said) == (0, True)
    assert "throughline_monitor_ok 1" in metrics.read_text()
    assert monitored(served, "--receipts", str(receipts))[0] == 2
    assert monitored(served, "--policy", "1")[0] == 2
