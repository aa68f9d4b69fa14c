"""Captions are read word for word, whoever wrote the file and however well."""

from __future__ import annotations

import pytest

from services.intake.transcripts import TranscriptRefused, Turn, read_transcript


def said(text: str, **stated: str) -> list[tuple[str | None, str]]:
    return [(turn.speaker, turn.text) for turn in read_transcript(text.encode(), **stated).turns]


def test_voices_become_speakers_and_running_text_names_them() -> None:
    transcript = read_transcript(
        b"WEBVTT\nLanguage: zh-TW\n\n00:01.000 --> 00:02.500\n<v Officer Lin>Hello\n\n"
        b"00:03.000 --> 00:04.000\n<v.loud Caller>The <i>heating</i> is off</v>\n"
    )
    assert transcript.turns == (
        Turn("Officer Lin", 1000, 2500, "Hello"),
        Turn("Caller", 3000, 4000, "The heating is off"),
    )
    assert transcript.text == "Officer Lin: Hello\nCaller: The heating is off"
    assert (transcript.language, transcript.duration_ms, transcript.defects) == ("zh-TW", 4000, ())


def test_a_role_before_a_colon_is_the_speaker_but_a_time_of_day_is_not() -> None:
    srt = "1\n00:00:00,000 --> 00:00:01,000\n坐席：您好\n\n"
    srt += "2\n00:00:01,000 --> 00:00:02,000\n[SPEAKER_01]: 3:30 pm\n"
    assert said(srt) == [("坐席", "您好"), ("SPEAKER_01", "3:30 pm")]
    assert said("WEBVTT\n\n00:00.000 --> 00:01.000\nNote: at 3:30\n") == [(None, "Note: at 3:30")]


def test_a_cue_with_a_broken_time_keeps_its_words_and_is_named_a_defect() -> None:
    transcript = read_transcript(
        b"WEBVTT\n\n0x:00.000 --> 00:01.000\nno water\n\n00:02.000 --> 00:03.000\nsince Monday\n"
    )
    assert transcript.turns == (Turn(None, None, None, "no water"), Turn(None, 2000, 3000, "since Monday"))
    assert transcript.defects == ("time_unreadable",)


def test_a_block_without_times_keeps_its_words_but_not_its_number() -> None:
    transcript = read_transcript(b"1\n00:00:00,000 --> 00:00:01,000\none\n\n2\ntwo\n")
    assert transcript.text == "one two"
    assert transcript.defects == ("time_missing",)


def test_a_missing_blank_line_between_two_cues_loses_neither() -> None:
    assert said("1\n00:00:00,000 --> 00:00:01,000\none\n2\n00:00:01,000 --> 00:00:02,000\ntwo\n") == [
        (None, "one"),
        (None, "two"),
    ]


def test_comments_styles_and_regions_are_not_speech() -> None:
    assert said(
        "WEBVTT\n\nNOTE not said\n\nSTYLE\n::cue { color: red }\n\n"
        "REGION\nid:a\n\n00:00.000 --> 00:01.000\nsaid\n"
    ) == [(None, "said")]


def test_rolled_up_captions_are_said_once() -> None:
    transcript = read_transcript(
        b"WEBVTT\n\n00:00.000 --> 00:01.000\nthe lamp\n\n00:01.000 --> 00:02.000\nthe lamp\nis out\n\n"
        b"00:02.000 --> 00:03.000\nis out\nagain\n"
    )
    assert transcript.text == "the lamp is out again"
    assert transcript.defects == ("rolled_up",)


def test_a_short_word_said_twice_stays_said_twice() -> None:
    transcript = read_transcript(b"WEBVTT\n\n00:00.000 --> 00:01.000\nno\n\n00:01.000 --> 00:02.000\nno\n")
    assert transcript.text == "no no"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb2312", "gb18030", "big5"]
)
def test_a_chinese_subtitle_reads_the_same_in_every_usual_encoding(encoding: str) -> None:
    words = "路灯不亮了" if encoding.startswith("gb") else "路燈壞了三天沒人來修"
    srt = f"1\r\n00:00:00,000 --> 00:00:02,000\r\n{words}\r\n"
    assert read_transcript(srt.encode(encoding)).text == words


def test_markup_and_script_never_come_out_as_markup() -> None:
    cue = "<script>alert(1)</script>a<<b>i>b &lt;c&gt; <img src=x onerror=alert(2)"
    text = read_transcript(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{cue}\n".encode()).text
    assert text == "alert(1)ai>b <c> img src=x onerror=alert(2)"


def test_times_are_told_from_their_comma_even_without_header_or_name() -> None:
    assert read_transcript(b"00:00:00,000 --> 00:00:01,000\nhello\n").format == "srt"
    headless = read_transcript(b"00:00:00.000 --> 00:00:01.000\nhello\n")
    assert (headless.format, headless.defects) == ("webvtt", ("header_missing",))


def test_sbv_and_tsv_are_read_with_their_times() -> None:
    assert read_transcript(b"0:00:01.000,0:00:02.500\nhello\nthere\n").turns == (
        Turn(None, 1000, 2500, "hello\nthere"),
    )
    assert read_transcript(b"start\tend\ttext\n380\t2760\thello\n").turns == (Turn(None, 380, 2760, "hello"),)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"WEBVTT", "no_words"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\n...\n", "no_words"),
        (b"start\tend\ttext\n", "no_words"),
        (b"just a letter", "not_a_transcript"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_a_transcript"),
        (b"WEBVTT" + b" " * (16 * 1024 * 1024), "too_large"),
        (b"WEBVTT\n\n" + b"00:00.000 --> 00:01.000\na\n\n" * 50_001, "too_many_turns"),
    ],
)
def test_what_has_no_words_is_refused_with_reason_and_remedy(raw: bytes, reason: str) -> None:
    with pytest.raises(TranscriptRefused) as refused:
        read_transcript(raw)
    assert refused.value.reason_code == reason
    assert refused.value.message.endswith(".")
    assert refused.value.remedy.endswith(".")
