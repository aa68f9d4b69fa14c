"""The days of one zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Days:
    """The day an instant falls on in one zone; asked mostly for instants of the same day."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._first = self._last = _EPOCH
        self._name = ""

    def __call__(self, instant: datetime) -> str:
        if not self._first <= instant < self._last:
            self._name = self._of(instant)
            self._first = instant.replace(minute=0, second=0, microsecond=0)
            self._last = self._first + timedelta(hours=1)
            if self._of(self._first) != self._of(self._last - _MILLISECOND):
                self._last = self._first  # midnight falls within this hour: nothing to remember
        return self._name

    def _of(self, instant: datetime) -> str:
        return instant.astimezone(self._zone).date().isoformat()
