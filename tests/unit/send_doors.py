"""A small real HTTP API and a real SMTP server, to send to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Request:
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Api:
    """Takes everything, except what `answer` answers otherwise."""

    url: str = ""
    answer: Callable[[Request], Answer | None] = lambda _request: None
    requests: list[Request] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def take(self, request: Request) -> Answer:
        self.requests.append(request)
        if other := self.answer(request):
            return other
        if request.path == "/v1/transcripts":
            return 202, accepted("transcript")
        bodies = json.loads(request.body)
        self.messages += bodies
        return 202, [accepted(body["external_id"]) for body in bodies]


def accepted(name: str) -> dict[str, Any]:
    return {"message_id": f"../{name}", "outcome": "accepted", "receipt": f"signed {name}", "tracking": "T"}


@contextmanager
def api() -> Iterator[Api]:
    door = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content, *more = door.take(
                Request(url.path, parse_qs(url.query), dict(self.headers), body)
            )
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        door.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield door
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Mailbox:
    """What came, as (MAIL FROM, RCPT TO, bytes); `reply` may answer DATA otherwise."""

    at: str = ""
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    reply: Callable[[bytes], str | None] = lambda _content: None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if other := self.reply(envelope.content):
            return other
        self.mails.append((envelope.mail_from or "", envelope.rcpt_tos, envelope.content))
        return "250 taken"


class AnyPort(Controller):
    """Takes port 0 for a free one, which aiosmtpd's own controller can't connect to."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        box.at = f"127.0.0.1:{controller.port}"
        yield box
    finally:
        controller.stop()
