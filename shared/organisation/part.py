"""What every part of the organisation file has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""An id: small letters, digits and hyphens. It goes into the trail, so it names a post, never a person."""

Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
"""A mail address."""


class Part(BaseModel):
    """A value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
