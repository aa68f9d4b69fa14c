"""Facts from content: the same sender, what is like what, what repeats what; all of it dies with its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from services.audit.facts.persons import Names
from services.audit.facts.reading import MOST_SALIENT, Reading, Text
from services.audit.facts.sketch import Sketch, Sketcher, likeness, share
from services.audit.facts.sketches import FILE, NEWEST, Sketches
from services.audit.facts.wording import shingles, terms
from shared.content.words import Sender
from shared.events.facts import AnswerRead, MessageRead
from shared.organisation import load
from shared.settings import SAMPLE_ORGANISATION

NAMES = Names(load(SAMPLE_ORGANISATION))
LAMP = "幸福路三號樓前面的路燈壞了好幾天,晚上很黑,老人和孩子出行不安全,請盡快派人維修。"
LAMP_HANS = "幸福路三号楼前面的路灯坏了好几天,晚上很黑,老人和孩子出行不安全,请尽快派人维修。"
LAMP_AGAIN = "我又来反映,幸福路三号楼门前路灯还是坏的,晚上很黑,孩子和老人出行很不安全,请派人来维修。"
NOISE = "我家樓下的餐館每天營業到凌晨兩點,音響聲音非常大,影響全家休息,希望有關部門管一管。"
MARKET = (
    "The vegetable market behind the station leaves rotten waste on the pavement every evening, which smells."
)
FIXED = (
    "您好!幸福路三號樓前的路燈經現場核實為線路老化,9月3日已更換電纜與燈具,晚上恢復照明,老人孩子出行請放心。"
)
TEMPLATE = "您好!您反映的问题已收悉,我单位高度重视,已转交相关科室研究处理,感谢您对我们工作的理解与支持。"


class Room:
    """A reading, and places that count up as a log's do."""

    def __init__(self, directory: Path, key: bytes = b"k" * 32) -> None:
        self.sketches = Sketches(directory / FILE)
        self.reading = Reading(self.sketches, NAMES, b"p" * 32, key, "CN")
        self.place = 0

    def _text(self, case: str, text: str, subject: str = "", sender: Sender | None = None) -> Text:
        self.place += 1
        return Text(self.place, f"{case}/{self.place}", case, f"c_{self.place}", text, subject, sender)

    def says(self, case: str, text: str, *, subject: str = "", sender: Sender | None = None) -> MessageRead:
        words = self._text(case, text, subject, sender)
        with self.sketches.at_once():
            return self.reading.message(words)

    def answers(self, case: str, text: str) -> AnswerRead:
        words = self._text(case, text)
        with self.sketches.at_once():
            return self.reading.answer(words)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.sketches.close()


def test_the_same_matter_is_known_in_either_script_and_in_other_words(room: Room) -> None:
    assert (first := room.says("case_1", LAMP)).like is None
    room.says("case_2", NOISE)
    assert (again := room.says("case_3", LAMP_HANS)).like == first.about
    assert again.likeness == 10_000
    assert (other := room.says("case_4", LAMP_AGAIN)).like == again.about
    assert 3_000 < other.likeness < 10_000
    assert room.says("case_5", MARKET).like is None


def test_a_message_is_not_like_another_of_its_own_case_nor_like_a_later_one(room: Room) -> None:
    room.says("case_1", LAMP)
    assert room.says("case_1", LAMP).like is None
    assert room.says("case_2", "謝謝").like is None
    assert room.says("case_3", "謝謝").like is None, "a word of thanks is like any"


def test_of_many_that_are_alike_the_latest_is_named(room: Room) -> None:
    for number in range(2 * NEWEST):
        last = room.says(f"case_{number}", LAMP)
    assert (found := room.says("case_x", LAMP)).like == last.about
    assert found.likeness == 10_000


def test_the_same_sender_has_the_same_pseudonym_and_nobody_without_a_name_has_one(room: Room) -> None:
    def who(**known: str) -> str | None:
        return room.says("case_1", LAMP, sender=Sender(**known)).sender

    assert who(email="Wang@Citizen.example") == who(email=" wang@citizen.example", phone="1") is not None
    assert who(phone="+86 138 0013 8000") == who(phone="13800138000") == who(phone="0086-138-0013-8000")
    assert who(phone="+852 9123 4567") not in {who(phone="9123 4567"), None}
    assert who(name="王") is None
    assert room.says("case_1", LAMP).sender is None
    assert "wang" not in (who(email="wang@citizen.example") or "")


def test_an_answer_to_the_matter_speaks_of_it_and_one_to_anything_does_not(room: Room) -> None:
    for number in range(30):
        room.says(f"case_other_{number}", f"{NOISE}{'的' * number}")
    room.says("case_1", LAMP, subject="路燈不亮")
    fixed, template = room.answers("case_1", FIXED), room.answers("case_1", TEMPLATE)
    assert fixed.mentions > 3_000
    assert template.mentions < 1_000
    assert fixed.asked == template.asked
    assert 12 <= fixed.asked <= MOST_SALIENT
    assert (fixed.forwards, template.forwards) == (False, True)
    assert fixed.concrete > template.concrete


def test_an_answer_of_a_case_whose_words_are_gone_has_nothing_to_speak_of(room: Room) -> None:
    room.says("case_1", LAMP)
    room.sketches.forget(["c_1"])
    assert (room.answers("case_1", FIXED).asked, room.answers("case_1", FIXED).mentions) == (0, 0)


def test_a_copied_answer_is_known_though_names_and_dates_are_changed(room: Room) -> None:
    first = room.answers("case_1", TEMPLATE.replace("您好", "王先生您好"))
    again = room.answers("case_2", TEMPLATE.replace("您好", "李女士您好") + "2026年9月3日")
    assert again.copy_of == first.about
    assert again.copy_share >= 9_000
    assert room.answers("case_2", TEMPLATE).copy_of == first.about, "its own case's answers don't count"
    assert room.answers("case_3", FIXED).copy_share < 3_000


def sketched(key: bytes, words: Iterable[str]) -> Sketch:
    sketcher = Sketcher(key * 32)
    return sketcher.sketch(map(sketcher.hash, words), least=1)


def test_without_the_key_nobody_can_try_words() -> None:
    words = terms(LAMP_HANS)
    assert sketched(b"1", words) == sketched(b"1", words)
    assert not sketched(b"1", words).hashes & sketched(b"2", words).hashes
    assert not set(sketched(b"1", words).bands) & set(sketched(b"2", words).bands)


def test_alike_texts_share_a_band_and_others_hardly_ever_do() -> None:
    words = [f"word{number}" for number in range(200)]
    whole = sketched(b"k", words)
    half = sketched(b"k", [*words[:150], *(f"other{number}" for number in range(50))])
    none = sketched(b"k", [f"none{number}" for number in range(200)])
    assert likeness(whole.hashes, half.hashes) == 6_000
    assert share(half.hashes, whole.hashes) == 7_500
    assert set(whole.bands) & set(half.bands)
    assert not set(whole.bands) & set(none.bands)


def test_after_erasure_nothing_that_derives_from_a_content_is_in_the_file(room: Room, tmp_path: Path) -> None:
    room.says("case_2", NOISE)
    before = _bytes(tmp_path)
    kept = room.sketches._file.execute("SELECT count(*), sum(texts) FROM counts").fetchone()
    room.says("case_1", LAMP, subject="路燈不亮")
    room.answers("case_1", FIXED)
    rows = room.sketches._file.execute(
        "SELECT hashes, salient, bands FROM sketches WHERE matter = 'case_1'"
    ).fetchall()
    traces = [part[:16] for row in rows for part in row if part]
    assert traces
    assert all(trace in _bytes(tmp_path) for trace in traces)
    assert room.sketches.forget(["c_2", "c_3", "c_unknown"]) == 2
    assert not any(trace in _bytes(tmp_path) for trace in traces)
    assert room.sketches._file.execute("SELECT count(*), sum(texts) FROM counts").fetchone() == kept
    assert room.sketches.forget(["c_2"]) == 0
    assert room.says("case_4", LAMP).like is None
    assert before


def _bytes(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()))


def test_a_text_that_is_read_again_after_a_crash_is_kept_once(room: Room) -> None:
    room.says("case_1", LAMP)
    counts = room.sketches._file.execute("SELECT * FROM counts ORDER BY term").fetchall()
    room.place = 0
    again = room.says("case_1", LAMP)
    assert (again.like, again.about) == (None, "case_1/1")
    assert room.sketches._file.execute("SELECT * FROM counts ORDER BY term").fetchall() == counts


def test_shingles_of_both_scripts_are_the_same() -> None:
    assert shingles("路灯不亮") == {"路灯不亮"}
    assert shingles("the street lamp is out") == {"the street lamp", "street lamp is", "lamp is out"}
