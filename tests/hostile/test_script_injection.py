"""Whatever people write, it is text on every page that shows it, and nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest

from tests.browser.ways import ways
from tests.living import Living, living

SHOWN = {
    *("subject", "text", "name", "email", "file", "cue", "answer", "question", "return"),
    *("assist", "matter", "option", "pros", "cons", "risks"),
    *("mail-subject", "mail-text", "mail-name", "mail-file", "headless"),
}
"""The fields that stand on some page."""


def hostile(field: str) -> str:
    """What breaks out of text, of an attribute in either quotation mark, and of a script."""
    return f"'\"></textarea></script><x-{field} onprobe=1>{{{{7*7}}}}"


class Probe(HTMLParser):
    """Finds elements and attributes that nobody of ours wrote, and the text around them."""

    def __init__(self) -> None:
        super().__init__()
        self.broke_out: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.broke_out += [tag] if tag.startswith("x-") else []
        for name, value in attrs:
            self.broke_out += [f"{tag} {name}"] if name.startswith("on") else []
            self.text.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """An installation in which every field that people fill is hostile."""
    with living(tmp_path_factory.mktemp("attacked")) as here:
        here.fill()
        _write(here)
        _mail(here)
        _call(here)
        here.idle()
        _commands(here)
        here.idle()
        yield here


def _write(here: Living) -> None:
    file = {"name": hostile("file"), "content_type": "text/html", "content": base64.b64encode(b"x").decode()}
    sender = {name: hostile(name) for name in ("name", "organisation")} | {"phone": hostile("p")[:40]}
    sender["email"] = "'x-email{{7*7}}@citizen.example"  # what else breaks out is refused
    for subject in (f"路燈不亮 {hostile('subject')}", ""):
        here.tracking["attack" if subject else "attack without"] = here.write(
            {
                "subject": subject,
                "text": f"路燈不亮 {hostile('text')}",
                "sender": sender,
                "attachments": [file],
            }
        )


def _mail(here: Living) -> None:
    name = hostile("mail-name").replace('"', "").replace("\\", "")
    body = "\r\n".join(
        (
            f'From: "{name}" <li@citizen.example>',
            f"Subject: 路燈不亮 {hostile('mail-subject')}",
            "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="b"',
            "",
            "--b",
            "Content-Type: text/html; charset=utf-8",
            "",
            f"<p>路燈不亮 {html.escape(hostile('mail-text'))}</p><script>alert(1)</script><x-html onprobe=1>",
            "--b",
            f'Content-Type: text/html; name="{hostile("mail-file").replace(chr(34), "")}"',
            "Content-Disposition: attachment",
            "",
            "x",
            "--b--",
            "",
        )
    )
    here.mail(body.encode())
    here.mail(f"\r\n{hostile('headless')}\r\n".encode())


def _call(here: Living) -> None:
    told = f"WEBVTT\n\n00:00.000 --> 00:02.000\n路燈不亮 {html.escape(hostile('cue'))}\n"
    query = {
        "caller": hostile("c")[:40],
        "name": hostile("call-name"),
        "agent": hostile("agent"),
        "call_id": "1",
    }
    answer = httpx.post(
        f"{here.url}/v1/transcripts",
        params=query,
        content=told.encode(),
        headers={"Content-Type": "text/vtt"},
        trust_env=False,
    )
    assert answer.status_code == 202, answer.text


def _commands(here: Living) -> None:
    ways = [{part: hostile(part) for part in ("pros", "cons", "risks")} | {"name": hostile("option")}] * 2
    ref = here.ref(here.tracking["attack"])
    given_back = here.ref(here.tracking["attack without"])
    with here.signed_in(here.of_role["officer"]) as officer:
        for where, command, body in (
            (ref, "accept", {}),
            (ref, "contact", {"outcome": "reached", "text": hostile("note")}),
            (ref, "ask", {"text": hostile("question")}),
            (ref, "assist", {"department": "city-management", "text": hostile("assist")}),
            (ref, "release-assist", {"department": "city-management", "text": hostile("released")}),
            (ref, "consult", {"to": "leader", "text": hostile("matter"), "options": ways}),
            (ref, "answer", {"text": hostile("answer")}),
            (given_back, "return", {"text": hostile("return")}),
        ):
            done = officer.post(f"/v1/cases/{where}/{command}", json=body)
            assert done.status_code == 200, (command, done.text)


@pytest.mark.parametrize("role", [None, "officer", "coordinator", "supervisor", "clerk", "principal"])
def test_nothing_breaks_out_of_any_page(attacked: Living, role: str | None) -> None:
    for address, page in pages(attacked, role):
        probe = Probe()
        probe.feed(page)
        assert probe.broke_out == [], address
        assert "onprobe=1>49" not in "".join(probe.text), f"{address}: a template was worked out"


def test_what_was_written_is_shown_as_it_was_written(attacked: Living) -> None:
    shown: set[str] = set()
    for role in (None, "officer", "coordinator", "clerk"):
        for _, page in pages(attacked, role):
            probe = Probe()
            probe.feed(page)
            text = "\n".join(probe.text)
            shown |= {field for field in SHOWN if f"x-{field}" in text}
    assert shown >= SHOWN


def pages(here: Living, role: str | None) -> Iterator[tuple[str, str]]:
    """Every page that somebody can reach, and the cases that were attacked."""
    cases = [f"/cases/{here.ref(here.tracking['attack'])}"]
    own = [f"/track/{here.tracking[name]}" for name in ("attack", "attack without")]
    own += [f"/received/{here.tracking['attack']}"]
    if role is None:
        with httpx.Client(base_url=here.url, timeout=60, trust_env=False) as client:
            yield from _read(here, client, "/", *own)
    else:
        with here.signed_in(here.of_role[role]) as client:
            yield from _read(here, client, "/", *(cases if role in {"officer", "coordinator"} else []))


def _read(here: Living, client: httpx.Client, *begin: str) -> Iterator[tuple[str, str]]:
    for address in ways(here.app, client, *begin, most=50):
        yield address, client.get(address, headers={"Accept": "text/html"}).text


def test_what_a_refused_form_gives_back_is_text(attacked: Living) -> None:
    for field in ("subject", "text", "name", "email", "phone", "kind", "form_id"):
        form = {"email": "none", "text": "x"} | {field: hostile(field)}
        answer = httpx.post(f"{attacked.url}/", data=form, headers={"Accept": "text/html"}, trust_env=False)
        assert answer.status_code == 422, field
        probe = Probe()
        probe.feed(answer.text)
        assert probe.broke_out == [], field
    for path in (
        "/sign-in",
        f"/{hostile('path')}",
        f"/track?code={hostile('code')}",
        f"/?lang={hostile('lang')}",
    ):
        data = {"login": hostile("login"), "password": "x", "next": hostile("next")}
        method = "POST" if path == "/sign-in" else "GET"
        answer = httpx.request(
            method,
            f"{attacked.url}{path}",
            data=data if method == "POST" else None,
            headers={"Accept": "text/html"},
            follow_redirects=True,
            trust_env=False,
        )
        probe = Probe()
        probe.feed(answer.text)
        assert probe.broke_out == [], path
