"""Finding cases and doing something with them, for whoever asks: what the API and the pages have in common."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from services.routing.case import CASES, RANK_OF_CLOSED, Case, milliseconds
from services.routing.commands import Command, Now, Other, Refused, decide, offered, row_of
from services.routing.commands.dispatching import beyond
from services.routing.commands.table import TABLE
from services.routing.desk import Desk, facts_of
from services.routing.files import Download, Files, sealed_with
from services.routing.obligation import SENDER
from services.routing.shapes import CaseList, ShownCase
from services.routing.standing import standing
from services.routing.tracked import TrackedCase, Tracks, belongs
from services.routing.views import Views, listed
from services.routing.waiting import Row, departments_of, posts_of, waiting
from shared import ids
from shared.aggregate import Aggregates, Answer, Loaded
from shared.events import Event, Record
from shared.events.cases import OpeningReason, SenderOpened
from shared.events.content import ContentRef
from shared.organisation import Organisation
from shared.rights import Principal, may_see_case, sees_all_cases
from shared.service import House
from shared.store import Sealed, Where
from shared.tracking import Tracking
from shared.web.problems import Problem, not_found

MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases are asked for; what is None does not matter."""

    department: str | None = None
    state: str | None = None
    kind: str | None = None
    channel: str | None = None
    category: str | None = None
    case_class: str | None = None
    urgent: bool | None = None
    helping: bool = False
    """A department of whoever asks owes a part or an opinion."""
    deciding: bool = False
    """A post that whoever asks is in owes a decision."""
    overdue: bool | None = None
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """When a department would have to resolve a case."""

    due: datetime
    beyond_promise: bool
    """That is after what the sender was promised."""


@dataclass(frozen=True, slots=True)
class Found:
    """A case that the asker may see."""

    id: str
    loaded: Loaded[Case]

    @property
    def case(self) -> Case:
        assert self.loaded.state is not None
        return self.loaded.state

    @property
    def etag(self) -> str:
        """Its version, as HTTP names it."""
        return etag(self.loaded.version)


def etag(version: int) -> str:
    """A case's version, as HTTP names it (RFC 9110, section 8.8.3)."""
    return f'"{version}"'


def conditions(principal: Principal, wanted: Filter, now: datetime) -> Sequence[Where]:
    """What a case must be to stand in somebody's list. Raises Problem 404 for a department that is closed to them."""
    where: list[Where] = []
    mine = principal.works_in | principal.leads
    if wanted.department is not None:
        if not sees_all_cases(principal) and wanted.department not in mine:
            raise not_found("department")
        where.append(Where("department", "=", wanted.department))
    elif not (sees_all_cases(principal) or wanted.helping or wanted.deciding):
        where.append(Where("department", "in", sorted(mine)))
    plain = {
        "state": wanted.state,
        "kind": wanted.kind,
        "channel": wanted.channel,
        "category": wanted.category,
        "case_class": wanted.case_class,
        "urgent": None if wanted.urgent is None else int(wanted.urgent),
    }
    where += [Where(name, "=", value) for name, value in plain.items() if value is not None]
    if wanted.state not in {None, "closed"}:
        where.append(Where("rank", "<", RANK_OF_CLOSED))
    if wanted.overdue is not None:
        where.append(Where("rank", "<" if wanted.overdue else ">=", milliseconds(now)))
    if wanted.due_before is not None:
        where.append(Where("rank", "<", milliseconds(wanted.due_before)))
    return where


class Office:
    """The cases, for those who ask for them over HTTP. Everything raised is a `Problem`."""

    def __init__(self, house: House, desk: Desk, cases: Aggregates[Case]) -> None:
        self._house = house
        self._store = house.store
        self._clock = house.clock
        self._tracking = Tracking(house.keys, house.store, house.content)
        self._desk = desk
        self._cases = cases
        self._views = Views(house, desk)
        self._tracks = Tracks(house, cases, desk.organisation)
        self._files = Files(house)

    async def list(
        self, principal: Principal, wanted: Filter, *, cursor: str | None = None, limit: int = 50
    ) -> CaseList:
        """A page of the cases that somebody may see. A department closed to them is no department to them."""
        now = self._clock.now()
        where = conditions(principal, wanted, now)
        if not (wanted.helping or wanted.deciding):
            return await self.page(where, now, cursor=cursor, limit=limit)
        owners = departments_of(principal) if wanted.helping else []
        owners += posts_of(principal, self._house.organisation) if wanted.deciding else []
        after = read_cursor(cursor) if cursor else None
        found = await waiting(self._store, owners, where, after=after, limit=limit + 1, cap=MOST_COUNTED)
        return self._listed(*found, now, limit)

    async def page(
        self, where: Sequence[Where], now: datetime, *, cursor: str | None = None, limit: int = 50
    ) -> CaseList:
        """A page of the cases for which all of that holds."""
        after = read_cursor(cursor) if cursor else None
        rows = await self._store.find(CASES, where, order="rank", after=after, limit=limit + 1)
        count = await self._store.count(CASES, where, order="rank", cap=MOST_COUNTED)
        return self._listed(rows, count, count >= MOST_COUNTED, now, limit)

    def _listed(self, rows: Sequence[Row], count: int, at_least: bool, now: datetime, limit: int) -> CaseList:
        shown = []
        for document, _ in rows[:limit]:
            case = self._cases.read(document.body, document.version).state
            assert case is not None
            shown.append(listed(document.id, case, now))
        more = len(rows) > limit
        return CaseList(
            cases=shown,
            next=make_cursor(rows[limit - 1][1], rows[limit - 1][0].id) if more else None,
            count=count,
            at_least=at_least,
        )

    async def find(self, principal: Principal, ref: str) -> Found:
        """The case of that ref. Raises Problem 404 where there is none, or it is closed to who asks."""
        usual = ids.read_ref(ref)
        case_id = usual and await self._store.claimed(f"ref:{usual}")
        loaded = await self._cases.load(case_id) if case_id else None
        if not case_id or loaded is None or loaded.state is None:
            raise not_found("case")
        case = loaded.state
        if not may_see_case(
            principal,
            department=case.department,
            past_departments=case.past,
            helpers=case.helpers,
            liaison=case.liaison,
        ):
            raise not_found("case")
        return Found(case_id, loaded)

    def possible(self, principal: Principal, case: Case) -> Sequence[str]:
        """The commands that somebody may give now, by name."""
        who = standing(principal, case, self._house.organisation)
        never = self._forbidden(case)
        return [name for name in offered(case) if TABLE[name].who in who and name not in never]

    def _forbidden(self, case: Case) -> set[str]:
        """What this organisation never allows in such a case, or no more."""
        choices = self._desk.choices
        conditions = {
            "transfer": choices.transfers,
            "extend": case.extensions < self._desk.conditions(facts_of(case)).extensions,
            "escalate": any(choices.enter.values()),
        }
        return {name for name, holds in conditions.items() if not holds}

    def ends(self, case: Case) -> dict[str, Ends]:
        """By department: when its limit to resolve the case would end, were it given the case now."""
        facts, now = facts_of(case), self._clock.now()
        found: dict[str, Ends] = {}
        for department in self.departments:
            for begun in self._desk.starts(facts, department, now, 1, "resolve"):
                found[department] = Ends(begun.due, beyond([begun], case.promise))
        return found

    @property
    def classes(self) -> Sequence[str]:
        """The classes of cases that the organisation has somebody for."""
        return [case_class for case_class, post in self._desk.choices.enter.items() if post]

    @property
    def organisation(self) -> Organisation:
        """Whose cases they are."""
        return self._house.organisation

    @property
    def max_body(self) -> int:
        """Bytes of a command with its files."""
        return self._house.settings.max_body

    @property
    def departments(self) -> Sequence[str]:
        """Ids of the departments that a case can be given to."""
        return [department.id for department in self._house.organisation.departments]

    async def words_of(self, id: str) -> str:
        """The reference of the words that opened a case."""
        state = (await self._cases.load(id)).state
        assert state is not None
        return state.words

    async def show(self, principal: Principal, found: Found) -> ShownCase:
        """Everything of a case that somebody may see."""
        return await self._views.case(found.id, found.loaded, principal, self.possible(principal, found.case))

    async def attachment(self, found: Found, message: str, number: int) -> Download:
        """A file of a message of the case, counted from 1. Raises Problem 404 or 410."""
        return await self._files.attachment(found.id, message, number)

    async def given(self, found: Found, sequence: int, number: int) -> Download:
        """A file that was given with a command of the case, counted from 1. Raises Problem 404 or 410."""
        return await self._files.given(found.id, sequence, number)

    async def original(self, principal: Principal, found: Found, message: str) -> Download:
        """A message as it came, with who sent it. Raises Problem 403, 404 or 410."""
        history = await self._store.history(found.id)
        if not self._views.sees_sender(principal, found.case, history):
            raise Problem(
                403, "sender-not-shown", "You may not see who sent this", "The original names its sender."
            )
        return await self._files.original(found.id, message)

    async def open_sender(self, principal: Principal, found: Found, reason: OpeningReason, key: str) -> None:
        """Have who sent a case opened, with the reason recorded; once for each `key`. Raises Problem 403."""
        if not self._views.may_open_sender(principal, found.case):
            raise Problem(
                403,
                "sender-not-shown",
                "You may not see who sent this",
                "Of this case nobody tells you that.",
            )
        opened = SenderOpened(actor=principal.id, reason=reason)
        input_id = ids.derived("open", principal.id, found.id, key)
        await self._cases.answer(found.id, input_id, lambda case, _: [opened] if case else [])

    async def do(
        self,
        principal: Principal,
        found: Found,
        command: Command,
        *,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Answer[Case]:
        """Give a command, once for each `key`. Raises Problem 403, 409 (naming the rule) or 412."""
        row = row_of(command)
        if row.who not in standing(principal, found.case, self._house.organisation):
            raise Problem(
                403,
                "not-your-case",
                "This case is not yours to handle",
                f"It takes the {row.who} of the case.",
            )
        other = await self._other(principal, found, command)
        return await self._give(found, command, principal.id, key=key, if_match=if_match, other=other)

    async def _other(self, principal: Principal, found: Found, command: Command) -> Other | None:
        """The case that a command names besides its own. Raises Problem 404 or 409."""
        if command.other_ref is None:
            return None
        named = await self.find(principal, command.other_ref)
        if named.id == found.id:
            raise Problem(409, "same-case", "This is the same case", "Name another case.", rule="same-case")
        return Other(named.id, named.case.ref, named.case.is_open)

    async def track(self, code: str) -> TrackedCase:
        """What a sender sees by a tracking code. Raises Problem 404 for a wrong one."""
        found, message = await self._tracked(code)
        return await self._tracks.case(found.id, found.case, message)

    async def hear(
        self, code: str, command: Command, *, ref: str | None = None, key: str | None = None
    ) -> Answer[Case]:
        """The sender says what the answer was worth, contests an end, or urges. Raises Problem 404 or 409.

        `ref` names a part that was split off, where it is not the case that the code was given for.
        """
        found, message = await self._tracked(code)
        history = await self._store.history(found.id)
        if not belongs(history, message):
            raise not_found("case")
        if ref is not None and ids.read_ref(ref) != found.case.ref:
            found = await self._part(history, ref)
        return await self._give(found, command, SENDER, key=key)

    async def _part(self, history: Sequence[Record], ref: str) -> Found:
        """A part of the case that was split off. Raises Problem 404 where there is none of that ref."""
        usual = ids.read_ref(ref)
        for id, part in await self._tracks.parts(history):
            if part.ref == usual:
                return Found(id, await self._cases.load(id))
        raise not_found("case")

    async def _tracked(self, code: str) -> tuple[Found, str]:
        message = await self._tracking.read(code)
        if message is None:
            raise not_found("case")
        case_id = await self._store.claimed(f"message:{message}") or ids.derived("case", message)
        loaded = await self._cases.load(case_id)
        if loaded.state is None:
            raise not_found("case")
        return Found(case_id, loaded), message

    async def _give(
        self,
        found: Found,
        command: Command,
        actor: str,
        *,
        key: str | None,
        if_match: str | None = None,
        other: Other | None = None,
    ) -> Answer[Case]:
        once = key or ids.random_bytes(16).hex()
        input_id = ids.derived("cmd", actor, type(command).__name__, once)
        contents: tuple[Sealed, ...] = ()
        words: ContentRef | None = None
        if (said := command.content) is not None:
            owner, files = found.case.message, command.attached
            sealed, words = sealed_with(said, files, owner=owner, now=self._clock.now())
            contents = await self._house.content.stage(sealed)
        part = ids.derived("case", input_id)

        def decision(case: Case | None, now: datetime) -> Sequence[Event]:
            assert case is not None
            if if_match not in {None, "*"} and (if_match != found.etag or case != found.loaded.state):
                raise Problem(
                    412, "case-changed", "The case has changed", "Look at it again, then decide again."
                )
            return decide(case, command, Now(self._desk, now, words, actor, other, part))

        try:
            return await self._cases.answer(found.id, input_id, decision, contents=contents)
        except Refused as refused:
            raise Problem(
                409, refused.code, "A rule does not allow this", refused.text, rule=refused.code
            ) from refused


def make_cursor(rank: str | int, id: str) -> str:
    """Where a page ended."""
    return urlsafe_b64encode(orjson.dumps([rank, id])).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    """Where the page before ended. Raises Problem 400 for what is no cursor of ours."""
    try:
        rank, case_id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(rank, int) and abs(rank) < 1 << 53 and isinstance(case_id, str):
            return rank, case_id
    except (ValueError, TypeError):
        pass
    raise Problem(400, "no-cursor", "This is no cursor", "Use `next` of the page before, or leave it out.")
