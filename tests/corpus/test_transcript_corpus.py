"""Every real transcript ends as read or refused with a reason; damaged ones never as a crash."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from services.intake.transcripts import TranscriptRefused, read_transcript
from tests.corpus_data import corpus


def files() -> list[Path]:
    """All transcripts; the JSON beside the cue-parsing tests are expected trees, not transcripts."""
    found = (path for path in corpus("transcripts").rglob("*") if path.is_file())
    return sorted(
        path for path in found if not (path.parent.name == "wpt-cue-parsing" and path.suffix == ".json")
    )


def outcome(raw: bytes, filename: str | None = None) -> tuple[str, str]:
    """(format, `read` or the reason it was refused)."""
    try:
        transcript = read_transcript(raw, None, filename)
    except TranscriptRefused as refused:
        return "-", refused.reason_code if refused.message and refused.remedy else "unexplained"
    assert transcript.text.encode()
    assert transcript.turns
    return transcript.format, "read"


def words(path: Path) -> list[str]:
    return re.findall(r"\w+", read_transcript(path.read_bytes(), None, path.name).text.lower())


def test_every_file_is_read_or_refused_with_a_reason() -> None:
    table = Counter((path.suffix, *outcome(path.read_bytes(), path.name)) for path in files())
    for (suffix, form, end), count in sorted(table.items()):
        print(f"{suffix:6} {form:20} {end:18} {count:4}")
    assert sum(table.values()) == len(files())
    assert {end for (_, _, end) in table} == {"read", "empty", "no_words", "not_a_transcript"}
    assert sum(count for (_, _, end), count in table.items() if end == "read") >= 110


@pytest.mark.parametrize("recording", ["bonjour.wav", "punctuations.mp3"])
def test_one_recording_has_the_same_words_in_every_format(recording: str) -> None:
    folder = corpus("transcripts", "whisper_timestamped", "punctuations_yes")
    found = {path.name: words(path) for path in sorted(folder.glob(f"{recording}*"))}
    assert len(found) == 7
    assert len({tuple(each) for each in found.values()}) == 1, found


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("aws_transcribe/01-plain.json", "descending this steep"),
        ("aws_transcribe/03-speaker-identification.json", "spk_0: She was gone out"),
        ("aws_transcribe/05-automatic-content-redaction-with-undredacted-redacted.json", "She was gone out"),
        ("deepgram_captions/dg_transcription.json", "spacewalk"),
        ("deepgram_captions/dg_utterances.json", "spacewalk"),
        ("deepgram_captions/dg_whisper_transcription.json", "spacewalk"),
        ("deepgram_captions/assemblyai_transcription.json", "spacewalk"),
        ("deepgram_captions/whisper_timestamped.json", "spacewalk"),
        ("bbc_stt_samples/gcpSttPunctuation.sample.json", "baby dinosaur robot"),
        ("bbc_stt_samples/speechmaticsTedTalkTranscript.sample.json", "baby dinosaur robot"),
        ("bbc_stt_samples/todayinfocuswords.sample.json", "spk_0: one"),
        ("srt_cdown/gb2312.srt", "宇宙守护神"),
        ("webvtt-py/youtube_dl.vtt", "yeah what this will happen is I'm telling"),
        ("webvtt-py/missing_timeframe.srt", "Caption text #1 Caption text #2 Caption text #3"),
        ("webvtt_wpt/wpt-file-parsing/timings-eof.vtt", None),
        ("bbc_stt_samples/bbcKaldiSpeakerSegments.sample.json", None),
    ],
)
def test_the_words_known_to_be_in_a_file_are_in_its_text(name: str, known: str | None) -> None:
    raw = corpus("transcripts", *name.split("/")).read_bytes()
    if known is None:
        assert outcome(raw, name) == ("-", "no_words")
    else:
        assert known in read_transcript(raw, None, name).text


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """`raw` with a few bytes changed, cut, doubled or swapped."""
    data = bytearray(raw[: chance.choice([len(raw), 4000])])
    for _ in range(chance.randint(1, 12)):
        at, to = sorted(chance.choices(range(len(data) + 1), k=2))
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = bytes(
                    [chance.choice(b'\x00<>&"{}[]:-,\\\xff\xe4\n') if at % 2 else chance.randrange(256)]
                )
            case 1:
                del data[at : min(to, at + 40)]
            case 2:
                data[at:at] = data[at : min(to, at + 200)]
            case _:
                data[at:at] = chance.choice(
                    [b"-->", b"<v ", b"&#99999999999;", b"\n\n", b"null", b"1e999", b"[[[["]
                )
    return bytes(data)


def test_no_damage_makes_anything_but_words_or_a_refusal() -> None:
    chance = random.Random(20261124)
    small = [path.read_bytes() for path in files() if path.stat().st_size < 40_000]
    ends = Counter(outcome(mutated(chance.choice(small), chance))[1] for _ in range(3000))
    assert ends["read"] > 1000
    assert sum(ends.values()) == 3000
