"""A sender's browser checks the receipt by itself, from a page kept as a file, and finds every changed byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from services.audit.log.cosignature import WitnessSigner
from shared.note import Signer, encode_base64, split_note
from shared.organisation.text import LANGUAGES, Language
from shared.receipts import Receipt
from tests.browser.looking import Eye, eye
from tests.living import LAMP, Living

pytestmark = pytest.mark.browser

STEPS = ("receipt", "entry", "path", "checkpoint", "time", "keys")
PARTS = ("receipt", "entry", "proof", "receipt-key", "log-key")
SETTLED = "() => document.querySelector('#verdict').dataset.verdict"

# Puts every changed text in, one after the other, and answers which of them the check let pass.
TRY_ALL = """async ([part, texts]) => {
    const field = document.getElementById(`the-${part}`), verdict = document.getElementById('verdict');
    const whole = field.value, passed = [];
    const said = text => new Promise(resolve => {
        const watcher = new MutationObserver(() => { watcher.disconnect(); resolve(verdict.dataset.verdict); });
        watcher.observe(verdict, { attributes: true, childList: true });
        field.value = text;
        field.dispatchEvent(new Event('input'));
    });
    for (const text of texts) if ((await said(text)) !== 'fails') passed.push(text);
    return [passed, await said(whole)];
}"""


@pytest.fixture(scope="module")
def message(house: Living) -> str:
    """A message whose proof there is."""
    return sent(house, {"external_id": "receipt page"})


def sent(house: Living, more: dict[str, object]) -> str:
    answer = httpx.post(f"{house.url}/v1/messages", json=LAMP | more, trust_env=False)
    assert answer.status_code == 202, answer.text
    house.idle()
    return str(answer.json()["message_id"])


def saved(house: Living, message: str, folder: Path, language: Language = "en") -> Path:
    """The page kept as a file."""
    answer = httpx.get(
        f"{house.url}/receipt/{message}/saved.html", params={"lang": language}, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    assert f'filename="{message}.receipt.html"' in answer.headers["Content-Disposition"]
    path = folder / f"{message}.{language}.html"
    path.write_bytes(answer.content)
    return path


@contextmanager
def offline(browser: Browser, path: Path) -> Iterator[Page]:
    """The file opened in a browser without a network, in which nothing may go wrong and nothing be asked for."""
    context = browser.new_context(offline=True)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(f"asked for {request.url}"))
    try:
        page.goto(path.as_uri())
        page.wait_for_function(SETTLED)
        yield page
        assert [one for one in wrong if path.as_uri() not in one] == []
    finally:
        context.close()


def verdict(page: Page) -> str | None:
    return page.get_attribute("#verdict", "data-verdict")


def states(page: Page) -> dict[str, str | None]:
    return {step: page.get_attribute(f"#step-{step}", "data-state") for step in STEPS}


def fill(page: Page, part: str, text: str) -> str | None:
    """Put a text in; the verdict on it."""
    _, after = page.evaluate(TRY_ALL.replace("await said(whole)", "verdict.dataset.verdict"), [part, [text]])
    return str(after)


def keys(house: Living) -> tuple[str, str]:
    """The log's key and the key of receipts, as another way would tell them."""
    answers = [
        httpx.get(f"{house.url}/trail/{name}", trust_env=False).text.strip()
        for name in ("vkey", "receipt-vkey")
    ]
    return answers[0], answers[1]


def test_a_saved_page_checks_itself_without_a_network(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    log, receipts = keys(house)
    with offline(chromium, saved(house, message, tmp_path)) as page:
        assert states(page) == dict.fromkeys(STEPS, "holds"), page.inner_text("main")
        assert verdict(page) == "holds_alone"
        assert "only ground for trust" in page.inner_text("#verdict")
        assert fill(page, "given", f"{log}\n{receipts}\n") == "holds"
        assert "Both keys are the ones that you were given" in page.inner_text("#step-keys")
        assert fill(page, "given", log) == "holds"
        assert fill(page, "given", receipts) == "holds_alone"
        assert message in page.inner_text("#step-receipt")


def test_another_key_under_the_same_name_is_found_out(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    log, _ = keys(house)
    impostor = Signer(log.partition("+")[0], bytes(32)).verifier.vkey
    stranger = Signer("stranger.example/log", bytes(32)).verifier.vkey
    with offline(chromium, saved(house, message, tmp_path)) as page:
        assert fill(page, "given", impostor) == "fails"
        assert "not the one on this page" in page.inner_text("#step-keys")
        assert fill(page, "given", stranger) == "fails"
        assert fill(page, "given", "") == "holds_alone"
        assert fill(page, "log-key", impostor) == "fails"
        assert states(page)["checkpoint"] == "fails"


def test_a_witness_whose_key_the_reader_has_says_when_it_saw_the_tree(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    log, _ = keys(house)
    signer = WitnessSigner("witness.example/w", bytes(32))
    with offline(chromium, saved(house, message, tmp_path)) as page:
        proof = page.input_value("#the-proof")
        checkpoint = proof.partition("\n\n")[2]
        text, _ = split_note(checkpoint.encode())
        promised = Receipt.parse(split_note(page.input_value("#the-receipt").encode())[0])
        cosigned = signer.cosign(text, promised.time + timedelta(seconds=42))
        encoded = encode_base64(cosigned.key_id + cosigned.signature)
        assert fill(page, "proof", f"{proof}— {cosigned.name} {encoded}\n") == "holds_alone"
        assert "Signatures of others under it, not checked here: 1." in page.inner_text("#step-checkpoint")
        assert fill(page, "given", f"{log}\n{signer.verifier.vkey}") == "holds"
        assert re.search(
            r"The witness witness\.example/w saw .* 4[12] seconds", page.inner_text("#step-time")
        )
        later = signer.cosign(text, promised.time + timedelta(seconds=43)).signature
        forged = encode_base64(cosigned.key_id + later[:8] + cosigned.signature[8:])
        assert fill(page, "proof", f"{proof}— {cosigned.name} {forged}\n") == "fails"
        assert fill(page, "proof", proof) == "fails"
        assert "has not signed this checkpoint" in page.inner_text("#step-time")


def changed(text: str, every: int) -> list[str]:
    """The text with one character another, cut or put in: at its beginning, its end, and at every so many."""
    places = {0, len(text) - 1, *range(0, len(text), every)}
    found = []
    for at in sorted(places):
        other = "A" if text[at] != "A" else "B"
        found += [text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :]]
    return [one for one in found if one != text]


def test_every_changed_byte_is_found(chromium: Browser, house: Living, message: str, tmp_path: Path) -> None:
    with offline(chromium, saved(house, message, tmp_path)) as page:
        for part in PARTS:
            whole = page.input_value(f"#the-{part}")
            tried = changed(whole, every=1 if len(whole) < 400 else 7)
            assert len(tried) > 100, part
            passed, after = page.evaluate(TRY_ALL, [part, tried])
            assert (passed, after) == ([], "holds_alone"), part
        # A line end cut off a key is no change of it: it is read without the space around it.
        receipt = page.input_value("#the-receipt")
        assert fill(page, "receipt", receipt.replace("\n\n", "\n \n")) == "fails"


@pytest.mark.parametrize("part", ["receipt", "entry", "proof", "log-key"])
def test_a_byte_changed_in_the_file_itself_is_found(
    chromium: Browser, house: Living, message: str, tmp_path: Path, part: str
) -> None:
    path = saved(house, message, tmp_path)
    html = path.read_text()
    start = html.index(">", html.index(f'id="the-{part}"')) + 1
    at = start + (html.index("</textarea>", start) - start) * 2 // 3
    while not html[at].isalnum():
        at += 1
    path.write_text(html[:at] + ("x" if html[at] != "x" else "y") + html[at + 1 :])
    with offline(chromium, path) as page:
        assert verdict(page) == "fails"


def test_a_script_changed_in_the_file_does_not_run(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    path = saved(house, message, tmp_path)
    path.write_text(path.read_text().replace('"use strict";', '"use strict" ;', 1))
    context = chromium.new_context(offline=True)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert verdict(page) is None
    assert re.search("Content Security Policy", " ".join(refused))
    context.close()


def test_a_receipt_of_another_message_does_not_fit(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    other = sent(house, {"external_id": "another receipt"})
    receipt = httpx.get(f"{house.url}/v1/receipts/{other}", trust_env=False).text
    with offline(chromium, saved(house, message, tmp_path)) as page:
        assert fill(page, "receipt", receipt) == "fails"
        assert states(page) | {"time": "?"} == dict.fromkeys(STEPS, "holds") | {"entry": "fails", "time": "?"}


def look_at_receipt(looking: Eye, address: str) -> None:
    looking.page.goto(address)
    looking.page.wait_for_function(SETTLED)
    looking.page.evaluate("document.querySelector('details').open = true")
    looking.look(address)
    assert looking.page.get_attribute("#verdict", "data-verdict") == "holds_alone"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_and_the_file_have_no_fault(
    chromium: Browser, house: Living, message: str, tmp_path: Path, language: Language
) -> None:
    with eye(chromium, house, language, None) as looking:
        look_at_receipt(looking, f"{house.url}/receipt/{message}")
        look_at_receipt(looking, saved(house, message, tmp_path, language).as_uri())
    assert not looking.wrong, "\n".join(looking.wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_for_strangers_has_no_fault_and_its_keys(
    chromium: Browser, house: Living, message: str, language: Language
) -> None:
    with eye(chromium, house, language, None) as looking:
        looking.page.goto(f"{house.url}/receipt/{message}")
        looking.page.click("main a[href='/trail/about']")
        looking.look("/trail/about")
        said = looking.page.inner_text("main")
    assert not looking.wrong, "\n".join(looking.wrong)
    for key in keys(house):
        assert key in said


def test_before_the_proof_the_page_waits_and_afterwards_the_promise_is_broken(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    html = saved(house, message, tmp_path).read_text()
    for part in ("entry", "proof"):
        html = re.sub(rf'(id="the-{part}"[^>]*>)[^<]*', r"\1", html)
    path = tmp_path / "unproved.html"
    path.write_text(html)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    due = timedelta(seconds=60).total_seconds() * 1000
    at = page.evaluate("time => Date.parse(time)", re.search(r"\n(\d{4}-\S+Z)\nmerge delay", html)[1])  # type: ignore[index]
    for past, said in ((due - 1000, "waits"), (due + 1000, "not_kept")):
        page.clock.set_fixed_time((at + past) / 1000)
        page.goto(path.as_uri())
        page.wait_for_function(SETTLED)
        assert verdict(page) == said
        assert states(page)["receipt"] == "holds"
    assert "keep it" in page.inner_text("#verdict")
    context.close()


def test_a_browser_that_cannot_check_says_so(
    chromium: Browser, house: Living, message: str, tmp_path: Path
) -> None:
    path = saved(house, message, tmp_path)
    refuse = "crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'))"
    for script, said in ((refuse, "unable"), ("delete Crypto.prototype.subtle", "insecure")):
        context = chromium.new_context(offline=True)
        page = context.new_page()
        page.add_init_script(script)
        page.goto(path.as_uri())
        page.wait_for_function(SETTLED)
        assert verdict(page) == said
        context.close()
