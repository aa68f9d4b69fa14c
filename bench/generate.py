"""Inputs, all distinct, of stated lengths; and lean clients that don't take the cores from what is measured."""

from __future__ import annotations

import asyncio
import random
from base64 import b64encode
from collections.abc import Sequence
from email.utils import formatdate

import orjson

_PLACES = ("人民路", "建設街", "中山路", "解放大道", "文化路", "河濱街")
_MATTERS = (
    "路燈三天不亮了,晚上走路很危險,請盡快修理。",
    "公司拖欠工資兩個月,找了幾次都沒有結果。",
    "樓下餐館油煙很大,窗戶都不敢開,影響休息。",
    "學校門口交通混亂,孩子上學不安全,希望有人管理。",
    "自來水發黃有異味,已經一個星期了,請檢查管道。",
    "公交車班次太少,早上等了四十分鐘也沒有來。",
)


def words(number: int, length: int = 180) -> str:
    """A message's text of about `length` characters, unlike any other."""
    chance = random.Random(number)
    parts = [f"第{number}件:"]
    while sum(map(len, parts)) < length:
        parts.append(f"{chance.choice(_PLACES)}{chance.randrange(1, 999)}號。{chance.choice(_MATTERS)}")
    return "".join(parts)


def body(number: int) -> bytes:
    """One message as JSON, about 800 bytes."""
    return orjson.dumps(message(number))


def message(number: int) -> dict[str, object]:
    """One message as a front-end sends it."""
    return {
        "channel": "web",
        "kind": "problem",
        "subject": f"反映問題 {number}",
        "text": words(number),
        "sender": {"name": f"來信人 {number}", "email": f"sender{number}@example.org", "language": "zh-Hant"},
        "external_id": f"bench-{number}",
    }


def mail(number: int, recipient: str) -> bytes:
    """One mail of about 2 kB."""
    text = b64encode(words(number, 420).encode()).decode()
    lines = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    return (
        f"From: Sender {number} <sender{number}@example.org>\r\nTo: <{recipient}>\r\n"
        f"Subject: =?utf-8?b?{b64encode(f'反映問題 {number}'.encode()).decode()}?=\r\n"
        f"Date: {formatdate(1_790_000_000 + number)}\r\nMessage-ID: <bench-{number}@mail.example.org>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n"
    ).encode()


async def post_all(port: int, path: str, bodies: Sequence[bytes], connections: int = 64) -> None:
    """POST every body, over kept connections. Raises RuntimeError where one is not answered 2xx."""
    work = iter(bodies)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for content in work:
            writer.write(
                b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (path.encode(), len(content), content)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = await reader.readexactly(size)
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"{head[:40]!r} {answer[:300]!r}")
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))


async def mail_all(port: int, recipient: str, mails: Sequence[bytes], connections: int = 64) -> None:
    """Hand over every mail, over kept connections. Raises RuntimeError where one is not taken."""
    work = iter(mails)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def command(line: bytes, code: bytes) -> None:
            writer.write(line)
            while (answer := await reader.readline())[3:4] == b"-":
                pass
            if not answer.startswith(code):
                raise RuntimeError(f"{line[:60]!r}: {answer!r}")

        await command(b"", b"220")
        await command(b"EHLO bench\r\n", b"250")
        for content in work:
            await command(b"MAIL FROM:<sender@example.org>\r\n", b"250")
            await command(b"RCPT TO:<%b>\r\n" % recipient.encode(), b"250")
            await command(b"DATA\r\n", b"354")
            await command(content + b".\r\n", b"250")
        writer.write(b"QUIT\r\n")
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
