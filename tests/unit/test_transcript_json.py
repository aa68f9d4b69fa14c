"""The JSON of speech services is told apart by its shape and read with speakers, times and language."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.intake.transcripts import Transcript, TranscriptRefused, Turn, read_transcript


def read(value: Any) -> Transcript:
    return read_transcript(json.dumps(value).encode(), "application/json")


def test_whisper_segments_with_speakers_become_turns() -> None:
    transcript = read(
        {
            "language": "english",
            "duration": 3.5,
            "text": " Hi. Hello.",
            "segments": [
                {"start": 0.0, "end": 1.25, "text": " Hi.", "speaker": "SPEAKER_00"},
                {"start": 1.5, "end": 3.0, "text": " Hello.", "speaker": "SPEAKER_01"},
            ],
        }
    )
    assert transcript.turns == (Turn("SPEAKER_00", 0, 1250, "Hi."), Turn("SPEAKER_01", 1500, 3000, "Hello."))
    assert (transcript.format, transcript.language, transcript.duration_ms) == ("whisper", "en", 3500)


def test_whisper_cpp_times_are_milliseconds() -> None:
    transcript = read(
        {
            "result": {"language": "zh"},
            "transcription": [{"offsets": {"from": 120, "to": 900}, "text": "路灯不亮"}],
        }
    )
    assert transcript.turns == (Turn(None, 120, 900, "路灯不亮"),)
    assert transcript.language == "zh"


def test_amazon_punctuation_joins_the_word_before_and_a_new_speaker_starts_a_turn() -> None:
    def item(content: str, start: str | None, label: str) -> dict[str, Any]:
        kind = (
            {"type": "pronunciation", "start_time": start, "end_time": start}
            if start
            else {"type": "punctuation"}
        )
        return {**kind, "alternatives": [{"content": content}], "speaker_label": label}

    items = [item("Yes", "0.5", "spk_0"), item(".", None, "spk_0"), item("No", "1.0", "spk_1")]
    transcript = read({"results": {"items": items, "language_code": "en-US"}})
    assert transcript.text == "spk_0: Yes.\nspk_1: No"
    assert transcript.language == "en-US"


def test_chinese_words_are_joined_without_blanks() -> None:
    words = [
        {"word": word, "start": at, "end": at + 0.5}
        for at, word in enumerate(["路灯", "不", "亮", "OK", "吗"])
    ]
    transcript = read({"results": {"channels": [{"alternatives": [{"words": words}]}]}})
    assert transcript.text == "路灯不亮 OK 吗"


def test_the_two_sides_of_a_stereo_call_are_two_speakers_in_order_of_time() -> None:
    sides = [
        {
            "alternatives": [
                {"words": [{"word": "hello", "start": 0, "end": 1}, {"word": "bye", "start": 5, "end": 6}]}
            ]
        },
        {"alternatives": [{"words": [{"word": "yes", "start": 2, "end": 3}]}]},
    ]
    assert read({"results": {"channels": sides}}).text == "Channel 1: hello\nChannel 2: yes\nChannel 1: bye"


def test_google_with_diarization_counts_each_word_once() -> None:
    plain_words = [{"word": "one", "startTime": "1.300s"}, {"word": "two", "startTime": "1.9s"}]
    tagged = [{**word, "speakerTag": at + 1} for at, word in enumerate(plain_words)]
    results = [
        {"alternatives": [{"transcript": "one two", "words": plain_words}], "languageCode": "en-us"},
        {"alternatives": [{"words": tagged}]},
    ]
    assert read({"results": results}).text == "Speaker 1: one\nSpeaker 2: two"


def test_speechmatics_words_take_the_speaker_who_began_last() -> None:
    transcript = read(
        {
            "job": {"lang": "en"},
            "speakers": [{"name": "F1", "time": "0.0"}, {"name": "M2", "time": "2.0"}],
            "words": [
                {"name": "Hello", "time": "0.1", "duration": "0.3"},
                {"name": ".", "time": "0.4", "duration": "0"},
                {"name": "Yes", "time": "2.0", "duration": "0.3"},
            ],
        }
    )
    assert transcript.text == "F1: Hello.\nM2: Yes"


def test_kaldi_words_are_read_with_their_punctuation() -> None:
    assert (
        read({"retval": {"words": [{"word": "there", "punct": "There.", "start": 1, "end": 2}]}}).text
        == "There."
    )


@pytest.mark.parametrize(
    "value", [{"text": "Hello"}, {"transcript": "Hello"}, [{"speaker": None, "text": "Hello"}]]
)
def test_the_barest_shapes_are_read_too(value: Any) -> None:
    assert read(value).text == "Hello"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"text": "cut o', "json_broken"),
        (b"[" * 200_000, "json_broken"),
        (b'{"text": ' + b"9" * 5000 + b"}", "json_broken"),
        (b'{"text": ""}', "no_words"),
        (b'{"text": "", "segments": [], "language": "fr"}', "no_words"),
        (b'{"segments": [{"text": 5}, null, [], {"text": null}]}', "no_words"),
        (b'{"segmentation": {"segments": []}}', "no_words"),
        (b'{"name": "somebody"}', "not_a_transcript"),
        (b"[1, 2, 3]", "not_a_transcript"),
    ],
)
def test_json_without_words_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(TranscriptRefused) as refused:
        read_transcript(raw)
    assert refused.value.reason_code == reason


def test_impossible_times_are_left_out_rather_than_believed() -> None:
    raw = (
        b'{"segments": [{"text": "a", "start": NaN, "end": 1e400}, {"text": "b", "start": -1, "end": true}]}'
    )
    assert [(turn.start_ms, turn.end_ms) for turn in read_transcript(raw).turns] == [
        (None, None),
        (None, None),
    ]


def test_a_lone_surrogate_does_not_reach_the_text() -> None:
    assert read_transcript(b'{"text": "a\\ud800b <b>c</b>"}').text == "ab c"
