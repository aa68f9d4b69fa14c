"""How long words must be kept, how an erasure is parted, and that a search finds what is left."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from services.routing.erasing.erasure import MOST_CASES, MOST_CONTENTS, MOST_KEPT, plans
from shared.content.proof import MOST_PIECES, Pieces, Proof, search
from shared.events import emit
from shared.events.organisation import ErasureMade, Kept
from shared.ids import ordered
from shared.organisation import OrganisationWrong, load
from shared.organisation.retention import over
from shared.settings import SAMPLE_ORGANISATION

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOSED = datetime(2024, 2, 29, 4, 0, tzinfo=UTC)
SAID = "路灯三天不亮了，我家门口一片漆黑，老人夜里摔伤了腿"


@pytest.mark.parametrize(
    ("period", "ends"),
    [
        ("30d", datetime(2024, 3, 30, 4, 0, tzinfo=UTC)),
        ("4y", datetime(2028, 2, 29, 4, 0, tzinfo=UTC)),
        ("1y", datetime(2025, 3, 1, 4, 0, tzinfo=UTC)),
    ],
)
def test_a_period_is_plain_days_or_calendar_years_after_closing(period: str, ends: datetime) -> None:
    assert over(period, CLOSED, SHANGHAI) == ends


def test_a_years_end_is_that_of_the_organisations_calendar() -> None:
    """At 17:00 in Greenwich it is the next day in Shanghai: there it is March."""
    assert over("1y", datetime(2024, 2, 29, 17, tzinfo=UTC), SHANGHAI) == datetime(
        2025, 2, 28, 17, tzinfo=UTC
    )


def county(directory: Path, retention: str) -> Path:
    file = directory / "county.yaml"
    file.write_text(SAMPLE_ORGANISATION.read_text("utf-8") + f"retention: {retention}\n", "utf-8")
    return file


def test_it_goes_by_the_kind_of_case_else_by_what_holds_for_any(tmp_path: Path) -> None:
    organisation = load(county(tmp_path, "{ any: 2y, report: 30d }"))
    assert organisation.kept_until("report", CLOSED) == datetime(2024, 3, 30, 4, 0, tzinfo=UTC)
    assert organisation.kept_until("problem", CLOSED).year == 2026
    assert load(SAMPLE_ORGANISATION).kept_until("problem", CLOSED) == CLOSED, "nothing must be kept"


@pytest.mark.parametrize("period", ["2w", "0d", "5wd", "-1y", "201y", "soon", "１y"])
def test_what_is_no_period_is_refused_and_says_what_is(tmp_path: Path, period: str) -> None:
    with pytest.raises(OrganisationWrong, match="90d or 2y"):
        load(county(tmp_path, f"{{ any: '{period}' }}"))


def test_however_much_goes_each_part_fits_an_event() -> None:
    refs = [ordered("c", CLOSED) for _ in range(3 * MOST_CONTENTS)]
    going: list[tuple[str | None, list[str]]] = [("case_" + "a" * 32, refs[:1000]), (None, refs[1000:1010])]
    going += [(f"case_{number:032x}", [ref]) for number, ref in enumerate(refs[1010:])]
    kept = [Kept(case=f"case_{number:032x}", reason="retention", until=CLOSED) for number in range(200)]
    made = list(plans(going, kept))
    assert [ref for plan in made for ref in plan.contents] == refs
    assert {case for plan in made for case in plan.cases} == {case for case, _ in going if case}
    assert [len(plan.kept) for plan in made] == [MOST_KEPT, *[0] * (len(made) - 1)]
    for plan in made:
        assert len(plan.contents) <= MOST_CONTENTS
        assert len(plan.cases) <= MOST_CASES
        event = ErasureMade(actor="a", ground="asked", **dict(plan))
        emit(
            event,
            source="/routing",
            subject="era_x",
            sequence=1,
            time=CLOSED,
            causation="x",
            key="era_x",
            nonce=bytes(16),
        )  # else it raises EventRefused


def pieces() -> Pieces:
    found = Pieces()
    found.add(orjson.dumps({"text": f"您好\n{SAID}", "sender": {"name": "Wang"}, "commitment": "0" * 64}))
    found.add(bytes(range(256)))
    return found


MAIL = (
    b"Subject: hello\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.txt", SAID.encode()),
        ("wide.bin", SAID.encode("utf-16-le")),
        ("escaped.json", SAID.encode("ascii", "backslashreplace")),
        ("deep/er/photo.bin", bytes(range(256))),
        ("long.bin", bytes(4 * 2**20 - 10) + SAID.encode() + bytes(100)),
        ("m.eml", MAIL + b"\r\n".join(b64encode(b"x" * at + SAID.encode()) for at in (0,))),
        ("h.eml", b"Subject: =?utf-8?b?" + b64encode(SAID.encode()) + b"?=\r\n\r\nhello"),
    ],
)
def test_a_search_finds_what_is_left_wherever_and_however_it_stands(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / "innocent.txt").write_bytes(b"nothing of it")
    assert searched(tmp_path).found == []
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    proof = searched(tmp_path)
    assert (proof.found, proof.files) == ([name], 2)


def searched(directory: Path) -> Proof:
    return asyncio.run(search(directory, pieces()))


def test_what_is_short_or_a_name_of_ours_is_not_searched_for() -> None:
    found = Pieces()
    found.add(
        orjson.dumps(
            {"text": "谢谢", "ref": "c" * 40, "commitment": "f" * 64, "content_type": "image/jpeg" * 9}
        )
    )
    found.add(bytes(1000))
    assert len(found) == 0
    assert len(pieces()) == 2 <= MOST_PIECES
