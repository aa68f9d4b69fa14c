"""A log and a store belong together: the log's last event is one that the store has."""

from __future__ import annotations

from pathlib import Path

from services.audit.log import LogReader, StateError
from shared.events import Record
from shared.store import Store


async def belong_together(log: Path, reader: LogReader, size: int, store: Store) -> None:
    """Raises StateError where the last of the log's first `size` entries is no event of the store: it is older, or
    another's."""
    newest_first = (Record.of(reader.entry(at, size)) for at in reversed(range(size)))
    last = next((event for event in newest_first if event is not None), None)
    if last is None:
        return
    stands = [one for one in await store.history(last.subject) if one.sequence == last.sequence]
    if not stands or stands[0].value != last.value:
        raise StateError(
            f"{log}: the trail is ahead of its database: its {size} entries end with {last.id}, "
            f"which the database {'has otherwise' if stands else 'does not have'}. Put back the database that"
            " belongs to this trail, or the trail that belongs to this database; nothing was changed"
        )
