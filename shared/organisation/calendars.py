"""Every calendar of one version of an organisation: what an old deadline is explained by, years after."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Self

import orjson
from pydantic import BaseModel, ConfigDict

from shared.calendar import Calendar


class Calendars(BaseModel):
    """The organisation's calendar, and those of departments that have their own; each is kept once, by its digest."""

    model_config = ConfigDict(frozen=True)

    usual: str
    """The digest of the organisation's."""
    own: dict[str, str] = {}
    """The digest of a department's own, by department."""
    kept: dict[str, Calendar]
    """By digest."""

    @classmethod
    def gathered(cls, usual: Calendar, own: Mapping[str, Calendar]) -> Self:
        """Of these calendars."""
        kept = {one.digest: one for one in (usual, *own.values())}
        return cls(usual=usual.digest, own={place: one.digest for place, one in own.items()}, kept=kept)

    def of(self, holder: str) -> Calendar:
        """When whoever holds or owes something works: a department's own calendar, else the organisation's."""
        return self.kept[self.own.get(holder.partition("/")[0], self.usual)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of which office has which calendar, in hexadecimal: canonical JSON of digests."""
        named = {"own": self.own, "usual": self.usual}
        return hashlib.sha256(orjson.dumps(named, option=orjson.OPT_SORT_KEYS)).hexdigest()
