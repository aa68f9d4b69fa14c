"""Transcripts of calls: bytes → what was said, or a refusal with a reason. Pure."""

from .json_shapes import shape_of
from .model import Transcript, TranscriptRefused, Turn
from .read import read_transcript

__all__ = ["Transcript", "TranscriptRefused", "Turn", "read_transcript", "shape_of"]
