"""What is there to be erased, the command that does it, and a look into every file for what is left."""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from services.cli import app
from tests.desks import COORDINATOR, OFFICER, house
from tests.unit.intake_room import Room

WANG, LI = "wang.xiaoming@citizen.example", "li@citizen.example"
SAID = "路灯三天不亮了，我家门口一片漆黑，老人夜里摔伤了腿"
SUBJECT = "人民路九十八号门前路灯不亮并已有人受伤"
ANSWER = "您好：九十八号门前的灯具已于今日更换，并已向受伤老人致歉"
OTHERS = "垃圾站旁边的下水道堵塞，臭气熏天，请尽快派人来疏通"
NAME = "王小明和他的儿子王大力的名字"


@dataclass
class Handed:
    """A message that was handed in."""

    id: str
    ref: str
    tracking: str
    receipt: str


async def says(here: Room, text: str = SAID, mail: str = WANG, **more: Any) -> Handed:
    """Somebody writes; a case opens."""
    body = {
        "subject": SUBJECT if text == SAID else text[:10],
        "text": text,
        "sender": {"email": mail, "name": NAME if mail == WANG else "Li"},
        "external_id": secrets.token_hex(4),
    }
    answer = await here.client.post("/v1/messages", json=body | more)
    assert answer.status_code == 202, answer.text
    got = answer.json()
    await here.installation.idle()
    tracked = (await here.client.get(f"/v1/track/{got['tracking']}")).json()
    return Handed(got["message_id"], tracked["ref"], got["tracking"], got["receipt"])


async def command(here: Room, who: str, ref: str, name: str, **body: Any) -> None:
    here.as_(who)
    answer = await here.client.post(f"/v1/cases/{ref}/{name}", json=body)
    assert answer.status_code == 200, answer.text
    await here.installation.idle()


async def answered_and_closed(here: Room, matter: Handed, text: str = ANSWER) -> None:
    """It is assigned where it must be, accepted, answered finally, and its sender is content."""
    here.as_(COORDINATOR)
    shown = (await here.client.get(f"/v1/cases/{matter.ref}")).json()
    who = OFFICER
    if shown["department"] != "housing":
        name = "assign" if shown["state"] == "new" else "transfer"
        await command(here, COORDINATOR, matter.ref, name, department="housing")
    await command(here, who, matter.ref, "accept")
    await command(here, who, matter.ref, "answer", text=text)
    heard = await here.client.post(
        f"/v1/track/{matter.tracking}/feedback", json={"solved": True, "text": "谢谢你们这么快就来了"}
    )
    assert heard.status_code == 200, heard.text
    await here.installation.idle()


def told(*words: object) -> tuple[int, str]:
    """A command of the command line."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def erase(home: Path, *more: object, ground: str = "asked") -> dict[str, Any]:
    """`throughline erase`, on a stopped installation."""
    code, said = told(
        *("erase", "--ground", ground, "--json", "--data", home / "data", "--org", home / "county.yaml"),
        *more,
    )
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    return found


def everything(data: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of an installation, mails decoded too."""
    for path in data.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".eml":
            mail = message_from_bytes(content)
            parts = (part.get_payload(decode=True) for part in mail.walk())
            content += b"".join(part for part in parts if isinstance(part, bytes))
        yield path, content


def left(data: Path, *texts: str | bytes) -> list[tuple[str, object]]:
    """Where a text still stands, in whatever encoding."""
    found: list[tuple[str, object]] = []
    for path, content in everything(data):
        for text in texts:
            plain = text if isinstance(text, bytes) else text.encode()
            forms = [plain, b64encode(plain)[: len(plain) // 2]]
            forms += (
                [] if isinstance(text, bytes) else [text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()]
            )
            found += [(str(path.relative_to(data)), text) for form in forms if form in content]
    return found


@asynccontextmanager
async def settled(home: Path) -> AsyncIterator[tuple[Room, Handed, Handed, bytes]]:
    """Wang's case is closed, with a file of a megabyte; Li's is open."""
    photo = os.urandom(2**20)
    async with house(home) as (here, _):
        file = {"name": "王小明家门口漆黑一片的照片.jpg", "content_type": "image/jpeg"}
        matter = await says(here, attachments=[file | {"content": b64encode(photo).decode()}])
        other = await says(here, OTHERS, LI)
        await answered_and_closed(here, matter)
        yield here, matter, other, photo
