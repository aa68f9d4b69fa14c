"""Files that somebody sends along with words."""

from __future__ import annotations

from pydantic import Base64Bytes, BaseModel, Field

MAX_FILES = 20
"""In one call."""
LONGEST_NAME = 255
LONGEST_TYPE = 200


class FileBody(BaseModel):
    """A file, its bytes in base64."""

    name: str = Field(max_length=LONGEST_NAME, examples=["lamp.txt"])
    content_type: str = Field("application/octet-stream", max_length=LONGEST_TYPE)
    content: Base64Bytes = Field(examples=["VGhlIGxhbXAgc2hpbmVzIGFnYWluLg=="])
