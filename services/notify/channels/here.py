"""Mails made and sent where this runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import structlog

from services.notify.channels import UNTOUCHED, Mail, Outcome, Sender, Taken
from services.notify.channels.email import Mails, Undeliverable
from shared.clock import Clock

log = structlog.get_logger()


class Here:
    """A carrier that makes mails and gives them to one sender."""

    def __init__(self, mails: Mails, sender: Sender, clock: Clock) -> None:
        self._mails = mails
        self._sender = sender
        self._clock = clock
        self.batch = sender.batch

    async def carry(self, taken: Sequence[Taken]) -> AsyncIterator[Outcome]:
        made = [await self._make(one) for one in taken]
        said = self._sender.send([mail for mail in made if isinstance(mail, Mail)])
        for mail in made:
            yield mail if isinstance(mail, Outcome) else await anext(said)

    async def close(self) -> None:
        await self._sender.close()

    async def _make(self, one: Taken) -> Mail | Outcome:
        """The mail, or why there is none."""
        deadline = one.delivery.wait_until
        if deadline is None or self._clock.now() >= deadline:
            return UNTOUCHED
        try:
            return await self._mails.make(one.id, one.delivery)
        except Undeliverable as error:
            return Outcome("failed", str(error.args[0]))
        except Exception:
            log.exception("courier.not_made", delivery=one.id, case_id=one.delivery.case)
            return Outcome("deferred", "not-rendered")
