"""M01, the web: somebody writes by the form, without JavaScript, and holds a receipt and a link afterwards."""

from __future__ import annotations

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.intake.message import MESSAGES
from services.intake.pages import write
from shared.content.words import MessageWords
from shared.events.messages import MessageReceived
from shared.store import Where
from tests.installations import in_a_loop
from tests.unit.intake_room import PAGE, Room, refused, room

TYPED = {
    "kind": "problem",
    "subject": "Lamp",
    "text": "The street lamp is dark",
    "name": "Wang",
    "email": "",
    "phone": "",
}


class Form(HTMLParser):
    """The fields of a page's form, as a browser would send them back."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.described: dict[str, str] = {}
        self._area: str | None = None
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if name and found.get("aria-describedby"):
            self.described[name] = found["aria-describedby"] or ""
        if tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select, self.fields[name] = name, ""
        elif tag == "option" and self._select and "selected" in found:
            self.fields[self._select] = found.get("value") or ""
        elif (
            tag == "input" and name and (found.get("type") not in {"file", "checkbox"} or "checked" in found)
        ):
            self.fields[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._area = None if tag == "textarea" else self._area
        self._select = None if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data


async def form_id(here: Room) -> str:
    return Form((await here.client.get("/", headers=PAGE)).text).fields["form_id"]


async def written(here: Room) -> list[tuple[MessageReceived, MessageWords]]:
    """What came in by the form."""
    rows = await here.installation.store.find(MESSAGES, [Where("endpoint", "=", "form")], order="endpoint")
    found = []
    for document, _ in rows:
        (event, *_) = await here.events(document.id)
        assert isinstance(event, MessageReceived)
        words = await here.installation.house.content.open_model(event.words.ref, MessageWords)
        found.append((event, words))
    return found


@in_a_loop
async def test_written_sent_and_followed_with_receipt_link_and_what_happens_next(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        filled = TYPED | {"form_id": await form_id(here), "email": "wang@citizen.example"}
        sent = await here.client.post("/", data=filled, headers=PAGE)
        assert sent.status_code == 303
        await here.installation.idle()
        page = (await here.client.get(sent.headers["location"], headers=PAGE)).text
        code = sent.headers["location"].rpartition("/")[2]
        assert f'href="http://here.example/track/{code}"' in page
        assert (await here.client.get(f"/v1/track/{code}")).status_code == 200
        assert "within 1 working day" in page
        assert "within 5 working days" in page
        assert "We write to the e-mail address that you left" in page
        receipt = re.search(r'href="(/v1/receipts/[^"]+)"', page)
        assert receipt is not None
        assert (await here.client.get(receipt[1])).text.startswith("throughline receipt v1\n")
        ref = re.search(r'class="ref">([^<]+)<', page)
        assert ref is not None
        assert ref[1] == (await here.client.get(f"/v1/track/{code}")).json()["ref"]


@in_a_loop
async def test_a_form_sent_twice_is_one_message_and_changed_it_joins_the_first(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        filled = TYPED | {"form_id": await form_id(here), "phone": "13800000000"}
        first = await here.client.post("/", data=filled, headers=PAGE)
        second = await here.client.post("/", data=filled, headers=PAGE)
        assert first.headers["location"] == second.headers["location"]
        assert len(await written(here)) == 1
        await here.installation.idle()
        await here.client.post("/", data=filled | {"text": "Two lamps are dark"}, headers=PAGE)
        await here.installation.idle()
        (one, _), (other, _) = await written(here)
        assert one.thread == other.thread


@in_a_loop
async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        before, events = refused("web"), here.committed()
        filled = TYPED | {"form_id": "f1", "text": " ", "email": "no address", "subject": "<b>Lamp</b>"}
        answer = await here.client.post("/", data=filled, headers=PAGE)
        assert answer.status_code == 422
        form = Form(answer.text)
        assert form.fields["email"] == "no address"
        assert form.fields["subject"] == "<b>Lamp</b>"
        assert form.fields["form_id"] == "f1"
        assert form.fields["kind"] == "problem"
        assert "<b>" not in answer.text
        for name, told in (("text", "Please say what it is about"), ("email", "This is no e-mail address")):
            assert f"{name}-error" in form.described[name].split()
            assert re.search(f'id="{name}-error">{told}', answer.text)
        assert here.committed() == events
        assert refused("web") == before + 1


@in_a_loop
async def test_files_come_with_it_and_too_many_are_said_so(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        one = ("files", ("lamp.jpg", b"\xff\xd8dark", "image/jpeg"))
        nothing = (
            "files",
            ("", b"", "application/octet-stream"),
        )  # what a browser sends where none is chosen
        sent = await here.client.post("/", data=TYPED | {"form_id": "f1"}, files=[one, nothing], headers=PAGE)
        assert sent.status_code == 303
        ((event, words),) = await written(here)
        assert [file.name for file in words.attachments] == ["lamp.jpg"]
        assert await here.installation.house.content.open(event.attachments[0].ref) == b"\xff\xd8dark"
        many = await here.client.post("/", data=TYPED | {"form_id": "f2"}, files=[one] * 21, headers=PAGE)
        assert many.status_code == 422
        assert "too many files: at most 20" in many.text
        wrong = await here.client.post("/", data=TYPED | {"text": ""}, files=[one], headers=PAGE)
        assert "choose your files again" in wrong.text


@in_a_loop
async def test_who_wants_to_stay_anonymous_is_not_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        filled = TYPED | {"form_id": "f1", "email": "wang@citizen.example", "anonymous": "yes"}
        assert (await here.client.post("/", data=filled, headers=PAGE)).status_code == 303
        ((event, words),) = await written(here)
        assert event.anonymous
        assert not event.can_mail
        assert (words.sender.name, words.sender.email) == (None, None)
        assert b"wang@citizen.example" not in b"".join(
            path.read_bytes() for path in here.installation.settings.data.rglob("*") if path.is_file()
        )


@in_a_loop
async def test_too_large_a_form_gets_a_page_that_says_so(tmp_path: Path) -> None:
    async with room(tmp_path, max_body=10_000) as here:
        before = refused("web")
        large = [("files", ("lamp.jpg", bytes(50_000), "image/jpeg"))]
        answer = await here.client.post("/", data=TYPED, files=large, headers=PAGE)
        assert answer.status_code == 413
        assert answer.headers["content-type"].startswith("text/html")
        assert "This is too large" in answer.text
        assert refused("web") == before + 1


@in_a_loop
async def test_when_nothing_can_be_kept_what_was_typed_is_not_lost(tmp_path: Path) -> None:
    async with room(tmp_path, min_free=2**62) as here:
        answer = await here.client.post("/", data=TYPED | {"form_id": "f1"}, headers=PAGE)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "nothing was kept" in answer.text
        assert Form(answer.text).fields["text"].strip() == TYPED["text"]


@pytest.mark.parametrize(
    ("language", "title"), [("zh-Hant", "我要反映"), ("zh-Hans", "我要反映"), ("en", "Write to us")]
)
def test_the_form_speaks_three_languages_and_answers_in_the_one_it_was_read_in(
    tmp_path: Path, language: str, title: str
) -> None:
    @in_a_loop
    async def writes() -> None:
        async with room(tmp_path) as here:
            page = await here.client.get("/", params={"lang": language}, headers=PAGE)
            assert f"<h1>{title}</h1>" in page.text
            assert f'<html lang="{language}">' in page.text
            sent = await here.client.post("/", data=TYPED | {"form_id": "f1"}, headers=PAGE)
            ((event, _),) = await written(here)
            assert event.language == language
            thanks = await here.client.get(sent.headers["location"], headers=PAGE)
            assert thanks.status_code == 200
            assert "{" not in re.sub(r"<style.*?</style>", "", thanks.text)

    writes()


@in_a_loop
async def test_a_wrong_link_opens_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        sent = await here.client.post("/", data=TYPED | {"form_id": "f1"}, headers=PAGE)
        where = sent.headers["location"]
        changed = where[:-1] + ("0" if where[-1] != "0" else "1")
        assert (await here.client.get(changed, headers=PAGE)).status_code == 404


def test_the_three_catalogues_have_the_same_words_and_the_same_gaps() -> None:
    def words(language: str) -> dict[str, list[str]]:
        def flat(table: dict[str, object], prefix: str) -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for key, value in table.items():
                if isinstance(value, dict):
                    found |= flat(value, f"{prefix}{key}.")
                else:
                    found[prefix + key] = sorted(re.findall(r"\{\w+\}", str(value)))
            return found

        return flat(tomllib.loads((write.FOLDER / "words" / f"{language}.toml").read_text("utf-8")), "")

    assert words("zh-Hant") == words("zh-Hans") == words("en")
