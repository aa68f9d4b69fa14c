"""Which language a sender is answered in who did not say."""

from __future__ import annotations

import pytest

from services.routing.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("路燈不亮,請派人修理", "zh-Hant"),
        ("路灯不亮,请派人修理", "zh-Hans"),
        ("The street light is broken", "en"),
        ("The light in 人民路 (People's Road) has been broken for three weeks now", "en"),
        ("请看 https://example.org/photos/1 , 水管漏水了", "zh-Hans"),
        ("水太少", "zh-Hans"),
        ("后面的里长不在台上", "zh-Hans"),
        ("後面的里長不在台上", "zh-Hant"),
        ("", "en"),
        ("12345 !?", "en"),
    ],
)
def test_the_characters_tell_the_language(text: str, language: str) -> None:
    assert detect(text) == language
