"""What goes wrong is told so that somebody can act on it, and tells nothing else."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.installations import in_a_loop
from tests.people_house import HTML, town


@in_a_loop
async def test_a_program_hears_of_a_wrong_field_without_hearing_its_own_words_again(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        answer = await browser.post("/things", json={"number": "my telephone is 555"})
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == "urn:throughline:problem:not-valid"
        assert problem["status"] == 422
        assert problem["errors"][0]["field"] == "number"
        assert "555" not in answer.text


@in_a_loop
async def test_broken_json_is_told_with_its_place(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        answer = await browser.post(
            "/things", content=b'{"number": ', headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(":broken-json")
        assert "character 11" in answer.json()["detail"]


@in_a_loop
async def test_a_failure_of_ours_has_a_number_that_is_in_the_log_and_no_insides(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        with capture_logs() as lines:
            answer = await browser.get("/breaks")
        assert answer.status_code == 500
        assert answer.json()["id"] in answer.json()["detail"]
        assert [line["id"] for line in lines if line["event"] == "web.failed"] == [answer.json()["id"]]
        assert "secret" not in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@in_a_loop
async def test_a_store_that_takes_nothing_says_when_to_come_again(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        answer = await browser.get("/full")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


@in_a_loop
async def test_a_browser_gets_a_page_in_its_language_and_keeps_the_choice(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        page = await browser.get("/nowhere", headers=HTML | {"Accept-Language": "zh-TW"})
        assert page.status_code == 404
        assert '<html lang="zh-Hant">' in page.text
        assert "這裡沒有內容" in page.text
        chosen = await browser.get("/nowhere?lang=zh-Hans", headers=HTML)
        assert "这里没有内容" in chosen.text
        kept = await browser.get("/nowhere", headers=HTML | {"Accept-Language": "en"})
        assert '<html lang="zh-Hans">' in kept.text


@in_a_loop
async def test_pages_may_run_no_script_of_others_and_stand_in_no_frame(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        page = await browser.get("/sign-in")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text
        assert " style=" not in page.text


@in_a_loop
async def test_the_style_is_served_under_a_name_of_its_content_and_kept(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        page = await browser.get("/sign-in")
        address = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        style = await browser.get(address)
        assert style.status_code == 200
        assert style.headers["Content-Type"].startswith("text/css")
        assert "immutable" in style.headers["Cache-Control"]
        assert (await browser.get("/static/other.css")).status_code == 404


@in_a_loop
async def test_what_somebody_typed_is_text_on_a_page_and_nothing_else(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        form = {"login": '"><script>alert(1)</script>', "password": "wrong"}
        page = await browser.post("/sign-in", data=form, headers=HTML)
        assert page.status_code == 401
        assert "<script>" not in page.text
        assert "&lt;script&gt;" in page.text
