"""The mail door: what it answers, and that it answers `250` only for what is kept."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from services.intake.smtp import mailbox_of
from shared.events.messages import MessageQuarantined, MessageReceived
from tests.installations import in_a_loop
from tests.unit.intake_room import refused, room

LAMP = (
    b"From: Wang <wang@citizen.example>\r\nTo: line@sample-county.example.org\r\nSubject: lamp\r\n"
    b"Message-ID: <1@mail.example>\r\n\r\nThe street lamp is dark.\r\n"
)


@in_a_loop
async def test_a_mail_is_kept_once_however_often_it_is_handed_over(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        (code, first), (again, second) = await here.mail(LAMP), await here.mail(LAMP)
        assert (code, again) == (250, 250)
        assert first.startswith("2.0.0 Kept as msg_")
        assert second == first.replace("Kept", "Had it before")
        (received, *_) = await here.events(first.split()[-1])
        assert isinstance(received, MessageReceived)
        assert received.endpoint == here.mailbox


@in_a_loop
async def test_others_mail_is_not_taken_and_they_are_told_our_mailboxes(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        before = refused("email")
        code, text = await here.mail(LAMP, to=["somebody@elsewhere.example"])
        assert code == 550
        assert here.mailbox in text
        assert refused("email") == before + 1


@in_a_loop
async def test_a_mail_that_is_too_large_is_refused_with_the_limit(tmp_path: Path) -> None:
    async with room(tmp_path, max_mail=20_000) as here:
        before, events = refused("email"), here.committed()
        code, text = await here.mail(LAMP + b"and dark\r\n" * 4_000)
        assert code == 552
        assert "20000 bytes" in text
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=here.smtp_port, start_tls=False) as smtp:
            with pytest.raises(aiosmtplib.SMTPResponseException) as stated:
                await smtp.sendmail("wang@citizen.example", [here.mailbox], LAMP, mail_options=["SIZE=20001"])
            assert stated.value.code == 552
            assert "20000 bytes" in stated.value.message
            await smtp.sendmail("wang@citizen.example", [here.mailbox], LAMP)  # the line still works
        assert refused("email") == before + 2
        assert here.committed() > events


@in_a_loop
async def test_lines_longer_than_the_rfc_allows_are_taken(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        assert (await here.mail(LAMP + b"dark " * 40_000 + b"\r\n"))[0] == 250
        code, text = await here.mail(LAMP + b"dark " * 400_000 + b"\r\n")
        assert code == 500
        assert "lines broken" in text


@in_a_loop
async def test_with_the_disk_nearly_full_a_mail_comes_again_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with room(tmp_path, min_free=2**62) as here:
        events = here.committed()
        code, text = await here.mail(LAMP)
        assert code == 452
        assert "again later" in text
        assert here.committed() == events


@in_a_loop
async def test_a_mail_without_headers_is_kept_for_a_person_to_look_at(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        code, text = await here.mail(b"\r\nthe lamp is dark\r\n")
        assert code == 250
        (event,) = await here.events(text.split()[-1])
        assert isinstance(event, MessageQuarantined)
        assert event.reason == "no-headers"


@in_a_loop
async def test_a_mail_with_hundreds_of_files_and_references_is_kept(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "wang@citizen.example", "lamps", "<many@mail.example>"
    mail["References"] = " ".join(f"<{number}@mail.example>" for number in range(180))
    mail.set_content("All these lamps are dark.")
    for number in range(300):
        mail.add_attachment(f"lamp {number}", filename=f"lamp-{number}.txt")
    async with room(tmp_path) as here:
        code, text = await here.mail(mail.as_bytes().replace(b"\n", b"\r\n"))
        assert code == 250
        await here.installation.idle()
        (received, *_) = await here.events(text.split()[-1])
        assert isinstance(received, MessageReceived)


@in_a_loop
async def test_what_is_under_way_is_finished_before_the_door_closes_and_nothing_is_taken_after(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=here.smtp_port, start_tls=False)
        await smtp.connect()
        await smtp.sendmail("wang@citizen.example", [here.mailbox], LAMP)
    events = here.committed()
    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException)):
        await asyncio.wait_for(smtp.sendmail("wang@citizen.example", [here.mailbox], LAMP), 5)
    smtp.close()
    assert here.committed() == events


def test_a_mailbox_is_known_with_a_tag_at_its_own_domain_and_at_localhost() -> None:
    boxes = {"line@org.example"}
    for address in ("line@org.example", "<LINE+abc@Org.Example>", "line@localhost"):
        assert mailbox_of(address, boxes) == "line@org.example"
    for address in ("line@elsewhere.example", "lines@org.example", "line", ""):
        assert mailbox_of(address, boxes) is None
