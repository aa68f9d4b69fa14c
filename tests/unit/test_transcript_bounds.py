"""Hostile transcripts cost no more than their length."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.transcripts import TranscriptRefused, read_transcript

BIG = 200_000


@given(
    st.binary(max_size=400) | st.text(alphabet='WEBVTT\n-> 0:1.,<v>&;{}[]"a中', max_size=200).map(str.encode)
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        transcript = read_transcript(raw)
    except TranscriptRefused:
        return
    assert any(character.isalnum() for character in transcript.text)


@pytest.mark.parametrize(
    "cue",
    [
        "<" * BIG,
        "<a" * BIG,
        "&" * BIG,
        "&#" * BIG,
        "1" * BIG,
        " " * BIG + "a",
        "<v " * BIG,
        "1\n\n\n" * 90_000,
        "-->" * BIG,
    ],
    ids=lambda cue: repr(cue[:4]),
)
@pytest.mark.parametrize(
    "header", ["WEBVTT\n\n00:00.000 --> 00:01.000\n", "1\n00:00:00,000 --> 00:00:01,000\n"]
)
def test_work_grows_with_length_not_with_its_square(header: str, cue: str) -> None:
    """Counted in calls, not in seconds; a regular expression gone square would hang the run."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        read_transcript((header + cue).encode())
    except TranscriptRefused:
        pass
    finally:
        sys.setprofile(None)
    assert steps < 40 * len(cue)
