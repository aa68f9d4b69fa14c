"""The log's key is kept, put back, and handed over to another: who knew the old one alone learns the new one."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import httpx

from services.audit import log_keys
from services.audit.log import Verifier, from_url, open_checkpoint, verify_log
from services.audit.verifying import verify_trail
from services.embedded import embedded
from shared.events.trail import KeyIntroduced, KeyRetired
from shared.keys import Keys
from shared.note import split_note
from shared.settings import Settings
from tests.commands import throughline
from tests.installations import in_a_loop
from tests.serving import on_a_port

PASSPHRASE = "a lantern by the river"


def data(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", smtp_port=0, trail_entries="public")


async def lived(settings: Settings, *, writes: int = 1) -> str:
    """Run the installation for some messages; the log key by which it is known then."""
    async with (
        embedded(settings) as one,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(one.app()), base_url="http://throughline.test"
        ) as client,
    ):
        for number in range(writes):
            answer = await client.post(
                "/v1/messages", json={"subject": f"Lamp {number}", "text": "It is dark."}
            )
            assert answer.status_code == 202, answer.text
        await one.idle()
        return (await client.get("/trail/vkey")).text.strip()


def log_of(settings: Settings) -> Path:
    return settings.data / "audit" / "log"


def signatures(settings: Settings) -> int:
    return len(split_note((log_of(settings) / "checkpoint").read_bytes())[1])


@in_a_loop
async def test_another_key_takes_over_and_the_old_one_leads_to_it(tmp_path: Path) -> None:
    settings = data(tmp_path)
    where = ("--data", str(settings.data))
    old = Verifier.parse(await lived(settings))
    (tmp_path / "old.checkpoint").write_bytes((log_of(settings) / "checkpoint").read_bytes())
    assert throughline("key", "rotate-log", *where, "--finish")[0] == 1
    code, said = throughline("key", "rotate-log", *where)
    assert (code, old.vkey in said) == (0, True)
    assert throughline("key", "rotate-log", *where)[0] == 1  # one is under way
    code, said = throughline("key", "rotate-log", *where, "--finish")
    assert (code, "nothing was changed" in said) == (1, True)  # nobody has heard of the new key

    await lived(settings)
    assert signatures(settings) == 2
    report = verify_trail(log_of(settings), old)
    assert report.ok
    assert any("introduces" in note for note in report.notes)
    code, said = throughline("key", "rotate-log", *where, "--finish")
    assert code == 0
    new = Verifier.parse(await lived(settings))
    assert new != old
    assert signatures(settings) == 1
    assert verify_log(log_of(settings), new).ok
    assert not verify_log(log_of(settings), old).ok

    report = verify_trail(log_of(settings), old, since=(tmp_path / "old.checkpoint").read_bytes())
    assert report.problems == []
    assert any(f"introduces {new.vkey}: keep that one" in note for note in report.notes)
    code, said = throughline("trail", "verify", *where[1:], "--vkey", old.vkey)
    assert (code, new.vkey in said) == (0, True)
    async with embedded(settings) as one, on_a_port(one.app()) as url:
        history = [event.data for event in await one.store.history("trail")]
        about_keys = [event for event in history if isinstance(event, KeyIntroduced | KeyRetired)]
        log_keys_said = [(type(event), event.vkey) for event in about_keys if event.use == "log"]
        assert log_keys_said == [
            (KeyIntroduced, old.vkey),
            (KeyIntroduced, new.vkey),
            (KeyRetired, old.vkey),
        ]
        remote = await asyncio.to_thread(verify_trail, from_url(f"{url}/trail"), old)
        assert remote.problems == []
        assert any(new.vkey in note for note in remote.notes)


@in_a_loop
async def test_a_handover_that_the_old_key_never_signed_is_believed_by_nobody(tmp_path: Path) -> None:
    settings = data(tmp_path)
    old = Verifier.parse(await lived(settings))
    throughline("key", "rotate-log", "--data", str(settings.data))
    await lived(settings)
    proof = log_of(settings) / log_keys.handover_path(old)
    whole = proof.read_bytes()
    assert log_keys.read_handover(whole, old).new != old
    index = whole.index(b"\nindex ") + 7
    of_old = whole.rindex(b"\n", 0, -1)  # below stands the new key's signature
    for changed in (
        whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        whole[:index] + b"9" + whole[index:],
        whole[: of_old - 30] + b"!" + whole[of_old - 29 :],
        whole[: of_old - 30] + bytes([whole[of_old - 30] ^ 1]) + whole[of_old - 29 :],
        b"",
    ):
        proof.write_bytes(changed)
        report = verify_trail(log_of(settings), old)
        assert [problem.path for problem in report.problems] == ["handover"], changed
    proof.write_bytes(whole)
    assert verify_trail(log_of(settings), old).ok


@in_a_loop
async def test_the_key_comes_back_from_its_file_with_its_passphrase_alone(tmp_path: Path) -> None:
    settings = data(tmp_path)
    where = ("--data", str(settings.data))
    vkey = await lived(settings)
    passphrase, wrong, short = tmp_path / "word", tmp_path / "other", tmp_path / "short"
    passphrase.write_text(PASSPHRASE + "\n")
    wrong.write_text("another phrase entirely")
    short.write_text("short")
    kept = tmp_path / "log-key.pem"

    def backup(word: Path) -> tuple[int, str]:
        return throughline("key", "backup", "--to", str(kept), *where, "--passphrase-file", str(word))

    def restore(word: Path, *place: str) -> tuple[int, str]:
        return throughline("key", "restore", "--from", str(kept), *place, "--passphrase-file", str(word))

    assert "take 12 or more" in backup(short)[1]
    assert backup(passphrase) == (0, f"{kept} has the key {vkey}")
    assert backup(passphrase)[0] == 1  # nothing is written over
    sealed = kept.read_bytes()
    assert (kept.stat().st_mode & 0o777, b"ENCRYPTED PRIVATE KEY" in sealed) == (0o600, True)
    assert Keys(settings.data / "keys").ed25519("log").private_bytes_raw() not in sealed

    (settings.data / "keys" / "log.ed25519").unlink()
    assert "passphrase is another" in restore(wrong, *where)[1]
    code, said = restore(passphrase, *where)
    assert (code, vkey in said) == (0, True)
    assert await lived(settings) == vkey
    assert verify_log(log_of(settings), vkey).ok

    # It is no other installation's key, and replaces none.
    other = data(tmp_path / "another")
    await lived(other)
    code, said = restore(passphrase, "--data", str(other.data))
    assert (code, "no known key signed" in said) == (1, True)
    kept.write_bytes(sealed.replace(b"ENCRYPTED", b"ENCRYPTeD"))
    assert "holds no log key" in restore(passphrase, *where)[1]


@in_a_loop
async def test_an_installation_does_not_start_with_a_key_that_never_signed_its_trail(tmp_path: Path) -> None:
    settings = data(tmp_path)
    vkey = await lived(settings)
    key = settings.data / "keys" / "log.ed25519"
    saved = key.read_bytes()
    before = (log_of(settings) / "checkpoint").read_bytes()
    words = ["run", "--data", str(settings.data), "--port", "0", "--smtp-port", "0"]
    command = [sys.executable, "-c", "from services.cli import main; main()", *words]

    async def refused(why: str) -> None:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        assert process.returncode == 1
        assert why in said.decode()
        assert "throughline key restore" in said.decode()

    key.write_bytes(bytes(32))
    await refused("is not the one that signed")
    key.unlink()
    await refused("has no log key")
    assert not key.exists(), "none is made in its place"
    assert (log_of(settings) / "checkpoint").read_bytes() == before
    key.write_bytes(saved)
    assert await lived(settings) == vkey


@in_a_loop
async def test_a_key_change_survives_a_backup_copy_of_log_and_keys(tmp_path: Path) -> None:
    """What `migrate` and `backup` take along is the folder of keys and the log: both keys, and the handover."""
    settings = data(tmp_path)
    old = Verifier.parse(await lived(settings))
    throughline("key", "rotate-log", "--data", str(settings.data))
    await lived(settings)
    shutil.copytree(settings.data, tmp_path / "copy")
    copy = settings.model_copy(update={"data": tmp_path / "copy"})
    assert throughline("key", "rotate-log", "--data", str(copy.data), "--finish")[0] == 0
    new = Verifier.parse(await lived(copy))
    checkpoint = (log_of(copy) / "checkpoint").read_bytes()
    assert open_checkpoint(checkpoint, new).state.size > 0
    assert verify_trail(log_of(copy), old).ok
