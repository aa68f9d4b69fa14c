"""The JSON of speech-to-text services, told apart by shape, for none of them says what it is.

Whisper (OpenAI's verbose JSON, whisper-timestamped, whisperX, whisper.cpp), Amazon Transcribe, Deepgram,
AssemblyAI, Google Speech-to-Text, Speechmatics (1 and 2), BBC-Kaldi, and a bare `{"text": …}` or a list of
`{speaker, text}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .loose import as_dict, as_dicts, as_text, first, milliseconds
from .markup import name, plain
from .model import Heard, Turn
from .words import Word, turns_of_words

Json = Any


def shape_of(value: Json) -> str | None:
    """The format's name if `value` has the shape of one, else None. Looks, reads nothing."""
    return next((shape for shape, fits, _ in _SHAPES if fits(value)), None)


def read_json(value: Json) -> Heard | None:
    """What was said in a decoded JSON document, or None if it has no transcript's shape."""
    return next((read(value) for _, fits, read in _SHAPES if fits(value)), None)


def _is_amazon(value: Json) -> bool:
    results = as_dict(as_dict(value).get("results"))
    return isinstance(results.get("items"), list) or isinstance(results.get("transcripts"), list)


def _amazon(value: Json) -> Heard:
    results = as_dict(value["results"])
    labels = as_dicts(as_dict(results.get("speaker_labels")).get("segments"))
    speakers = {
        str(item.get("start_time")): name(item.get("speaker_label"))
        for segment in labels
        for item in as_dicts(segment.get("items"))
    }
    turns = turns_of_words(_items(as_dicts(results.get("items")), speakers))
    if not turns:
        turns = _untimed(as_text(each.get("transcript")) for each in as_dicts(results.get("transcripts")))
    defects = frozenset({"redacted"}) if value.get("isRedacted") is True else frozenset()
    return Heard("amazon-transcribe", turns, as_text(results.get("language_code")), None, defects)


def _is_items(value: Json) -> bool:
    items = as_dicts(value)
    return bool(items) and "type" in items[0] and isinstance(items[0].get("alternatives"), list)


def _amazon_items(value: Json) -> Heard:
    return Heard("amazon-transcribe", turns_of_words(_items(as_dicts(value), {})))


def _is_speechmatics2(value: Json) -> bool:
    return _is_items(as_dict(value).get("results"))


def _speechmatics2(value: Json) -> Heard:
    settings = as_dict(as_dict(value.get("metadata")).get("transcription_config"))
    turns = turns_of_words(_items(as_dicts(value["results"]), {}))
    return Heard("speechmatics", turns, as_text(settings.get("language")))


def _items(items: list[dict[str, Json]], speakers: dict[str, str | None]) -> Iterator[Word]:
    """Amazon's and Speechmatics' items: a word or a mark each, the likeliest alternative first."""
    for item in items:
        best = first(item.get("alternatives"))
        label = item.get("speaker_label", best.get("speaker", item.get("channel_label")))
        yield Word(
            as_text(best.get("content")),
            milliseconds(item.get("start_time")),
            milliseconds(item.get("end_time")),
            name(label) or speakers.get(str(item.get("start_time"))),
            is_mark=item.get("type") == "punctuation",
        )


def _is_deepgram(value: Json) -> bool:
    results = as_dict(as_dict(value).get("results"))
    return isinstance(results.get("channels"), list) or isinstance(results.get("utterances"), list)


def _deepgram(value: Json) -> Heard:
    results = as_dict(value["results"])
    channels = as_dicts(results.get("channels"))
    turns = _segments(as_dicts(results.get("utterances")), text="transcript")
    if not turns:
        turns = [turn for at, channel in enumerate(channels) for turn in _channel(channel, at, len(channels))]
        turns.sort(key=lambda turn: turn.start_ms or 0)
    language = as_text(first(channels).get("detected_language"))
    return Heard("deepgram", turns, language, milliseconds(as_dict(value.get("metadata")).get("duration")))


def _channel(channel: dict[str, Json], at: int, channels: int) -> list[Turn]:
    best = first(channel.get("alternatives"))
    side = f"Channel {at + 1}" if channels > 1 else None
    turns = turns_of_words(
        _timed(word, as_text(word.get("punctuated_word")) or as_text(word.get("word")), side)
        for word in as_dicts(best.get("words"))
    )
    return turns or _untimed([as_text(best.get("transcript"))], side)


def _is_google(value: Json) -> bool:
    return isinstance(first(as_dict(value).get("results")).get("alternatives"), list)


def _google(value: Json) -> Heard:
    results = as_dicts(value["results"])
    last = as_dicts(first(results[-1].get("alternatives")).get("words"))
    if any(word.get("speakerTag") for word in last):
        results = results[-1:]  # with diarization the last result repeats every word, now with its speaker
    turns: list[Turn] = []
    for result in results:
        best = first(result.get("alternatives"))
        words = [_google_word(word) for word in as_dicts(best.get("words"))]
        turns += turns_of_words(words) or _untimed([as_text(best.get("transcript"))])
    language = next((code for result in results if (code := as_text(result.get("languageCode")))), None)
    return Heard("google-stt", turns, language)


def _google_word(word: dict[str, Json]) -> Word:
    start, end = milliseconds(word.get("startTime")), milliseconds(word.get("endTime"))
    return Word(
        as_text(word.get("word")), start, end, name(word.get("speakerTag") or word.get("speakerLabel"))
    )


def _is_speechmatics1(value: Json) -> bool:
    word = first(as_dict(value).get("words"))
    return "name" in word and "time" in word


def _speechmatics1(value: Json) -> Heard:
    job = as_dict(value.get("job"))
    turns = turns_of_words(_speechmatics1_words(value))
    return Heard("speechmatics", turns, as_text(job.get("lang")), milliseconds(job.get("duration")))


def _speechmatics1_words(value: dict[str, Json]) -> Iterator[Word]:
    """The words with the speaker whose stretch has begun last; both lists are in order of time."""
    stretches = sorted(
        (milliseconds(each.get("time")) or 0, name(each.get("name")) or "")
        for each in as_dicts(value.get("speakers"))
    )
    reached = 0
    for word in as_dicts(value["words"]):
        start, length = milliseconds(word.get("time")), milliseconds(word.get("duration"))
        while reached + 1 < len(stretches) and start is not None and stretches[reached + 1][0] <= start:
            reached += 1
        speaker = stretches[reached][1] if stretches else None
        end = start + (length or 0) if start is not None else None
        text = as_text(word.get("name"))
        yield Word(text, start, end, speaker, is_mark=text in {".", ",", "?", "!"})


def _is_kaldi(value: Json) -> bool:
    word = first(as_dict(as_dict(value).get("retval", value)).get("words"))
    return "word" in word and "start" in word


def _kaldi(value: Json) -> Heard:
    words = as_dicts(as_dict(value.get("retval", value)).get("words"))
    return Heard(
        "kaldi",
        turns_of_words(
            _timed(word, as_text(word.get("punct")) or as_text(word.get("word"))) for word in words
        ),
    )


def _is_kaldi_segmentation(value: Json) -> bool:
    return isinstance(as_dict(as_dict(value).get("segmentation")).get("segments"), list)


def _kaldi_segmentation(_value: Json) -> Heard:
    return Heard("kaldi-segmentation", [])


def _is_assemblyai(value: Json) -> bool:
    return not {"acoustic_model", "audio_duration", "audio_url", "utterances"}.isdisjoint(as_dict(value))


def _assemblyai(value: Json) -> Heard:
    turns = _segments(as_dicts(value.get("utterances")), unit=1)
    turns = turns or turns_of_words(
        _timed(word, as_text(word.get("text")), unit=1) for word in as_dicts(value.get("words"))
    )
    turns = turns or _untimed([as_text(value.get("text"))])
    return Heard(
        "assemblyai", turns, as_text(value.get("language_code")), milliseconds(value.get("audio_duration"))
    )


def _is_whisper(value: Json) -> bool:
    return isinstance(as_dict(value).get("segments"), list) or "text" in first(
        as_dict(value).get("transcription")
    )


def _whisper(value: Json) -> Heard:
    turns = _segments(as_dicts(value.get("segments"))) or [
        Turn(None, milliseconds(at.get("from"), unit=1), milliseconds(at.get("to"), unit=1), plain(text))
        for segment in as_dicts(value.get("transcription"))
        if (text := as_text(segment.get("text"))) is not None
        and (at := as_dict(segment.get("offsets"))) is not None
    ]
    turns = turns or _untimed([as_text(value.get("text"))])
    language = value.get("language", as_dict(value.get("result")).get("language"))
    return Heard("whisper", turns, as_text(language), milliseconds(value.get("duration")))


def _is_text(value: Json) -> bool:
    return any(isinstance(as_dict(value).get(key), str) for key in ("text", "transcript"))


def _text(value: Json) -> Heard:
    text = as_text(value.get("text")) or as_text(value.get("transcript"))
    return Heard(
        "text", _untimed([text]), as_text(value.get("language")), milliseconds(value.get("duration"))
    )


def _is_turns(value: Json) -> bool:
    turn = first(value)
    return isinstance(turn.get("text"), str) and not {"speaker", "start", "start_ms"}.isdisjoint(turn)


def _turns(value: Json) -> Heard:
    return Heard("turns", _segments(as_dicts(value)))


def _segments(segments: list[dict[str, Json]], *, text: str = "text", unit: int = 1000) -> list[Turn]:
    return [
        Turn(
            name(segment.get("speaker")),
            milliseconds(segment.get("start"), unit=unit),
            milliseconds(segment.get("end"), unit=unit),
            plain(as_text(segment.get(text))),
        )
        for segment in segments
    ]


def _timed(word: dict[str, Json], text: str, speaker: str | None = None, unit: int = 1000) -> Word:
    start, end = milliseconds(word.get("start"), unit=unit), milliseconds(word.get("end"), unit=unit)
    return Word(text, start, end, name(word.get("speaker")) or speaker)


def _untimed(texts: Any, speaker: str | None = None) -> list[Turn]:
    return [Turn(speaker, None, None, said) for text in texts if (said := plain(text))]


_SHAPES: tuple[tuple[str, Callable[[Json], bool], Callable[[Json], Heard]], ...] = (
    ("amazon-transcribe", _is_amazon, _amazon),
    ("amazon-transcribe", _is_items, _amazon_items),
    ("deepgram", _is_deepgram, _deepgram),
    ("speechmatics", _is_speechmatics2, _speechmatics2),
    ("google-stt", _is_google, _google),
    ("speechmatics", _is_speechmatics1, _speechmatics1),
    ("kaldi", _is_kaldi, _kaldi),
    ("kaldi-segmentation", _is_kaldi_segmentation, _kaldi_segmentation),
    ("assemblyai", _is_assemblyai, _assemblyai),
    ("whisper", _is_whisper, _whisper),
    ("turns", _is_turns, _turns),
    ("text", _is_text, _text),
)
