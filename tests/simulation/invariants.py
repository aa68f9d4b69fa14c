"""What must hold once nothing goes wrong any more and everything has settled: DESIGN.md section 5, word by word."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import orjson

from services.audit.log import (
    LogReader,
    TreeState,
    from_directory,
    leaf_hashes,
    open_checkpoint,
    tree_root,
)
from services.audit.log.merkle import root_at
from services.audit.projected import FILE, Projection
from services.intake.message import Message
from services.notify.delivery import KIND as DELIVERY
from services.notify.delivery import Delivery
from services.notify.digest import KIND as DIGEST
from services.notify.digest import Digest
from services.routing.case import Case
from services.routing.handlers import CASE_KIND
from shared.events import Event, Record
from shared.events.cases import CaseAlarmed, CaseAnswered, CaseOpened, MessageAttached
from shared.events.deliveries import DeliveryQueued, DeliverySent, DigestNoted
from shared.events.facts import AnswerRead, FactEvent, MessageRead
from shared.events.linked import CaseJoined, CaseLinked, CaseMerged, CaseSplit
from shared.events.messages import MessageReceived, MessageSettled
from shared.note import Verifier
from tests.projections import project_all, rows
from tests.simulation import telling
from tests.simulation.post import Post
from tests.simulation.telling import Told
from tests.simulation.workload import People


class Broken(AssertionError):
    """A promise that was not kept."""


def require(kept: bool, promise: str, found: object = "") -> None:
    """Raises Broken where a promise was not kept."""
    if not kept:
        raise Broken(f"{promise}: {found}")


@dataclass
class Durable:
    """Everything an installation keeps, whatever its store."""

    documents: Mapping[str, Mapping[str, tuple[int, bytes]]]
    """collection → id → version and body."""
    histories: Mapping[str, Sequence[Record]]
    claims: Mapping[str, str]
    published: Sequence[Record]
    """What travelled, in the order in which it did; an event may be there more than once."""

    def events(self, *kinds: type[Event]) -> list[tuple[Record, Event]]:
        """All events of some kinds."""
        return [
            (record, record.data)
            for history in self.histories.values()
            for record in history
            if record.type in {kind.TYPE for kind in kinds}
        ]

    def state(self, collection: str, id: str) -> dict[str, object]:
        """What a document says."""
        state: dict[str, object] = orjson.loads(self.documents[collection][id][1])["state"]
        return state


def check(kept: Durable, people: People, post: Post, log: Path, key: Verifier) -> None:
    """Everything. Raises Broken."""
    sequences(kept)
    order_on_the_bus(kept)
    documents_are_their_events(kept)
    messages_are_settled(kept, people)
    commands_took_effect_once(kept, people)
    conversations_have_one_case(kept)
    cases_that_belong_together_say_so(kept)
    ladders_fall_once(kept)
    deliveries(kept, post)
    trail(kept, log, key)
    words_are_read_once(kept)


def words_are_read_once(kept: Durable) -> None:
    """Each message of a sender and each answer has its one fact, whatever crashed before it was remembered."""
    said = [
        record.id
        for record, event in kept.events(CaseOpened, MessageAttached, CaseAnswered)
        if not (isinstance(event, CaseOpened) and event.parent)
    ]
    found = [event.about for _, event in kept.events(MessageRead, AnswerRead) if isinstance(event, FactEvent)]
    require(set(said) <= set(found), "what is said is read", sorted(set(said) - set(found)))
    require(len(set(found)) == len(found), "it is read once", found)


def sequences(kept: Durable) -> None:
    """Each aggregate's events are numbered without holes, each input answered in one row of them."""
    for id, history in kept.histories.items():
        found = [record.sequence for record in history]
        require(found == list(range(1, len(found) + 1)), "an aggregate's events have no holes", (id, found))
        runs = [
            record.causation
            for before, record in zip([None, *history], history, strict=False)
            if before is None or before.causation != record.causation
        ]
        twice = [cause for cause, times in Counter(runs).items() if times > 1]
        require(not twice, "an input is answered once", (id, twice))
    for collection, documents in kept.documents.items():
        for id, (version, _) in documents.items():
            history = kept.histories.get(id, ())
            require(
                version == len(history), "a document's version is its last event's", (collection, id, version)
            )


def order_on_the_bus(kept: Durable) -> None:
    """What was committed travelled, and each aggregate's first occurrences in order."""
    seen: defaultdict[str, int] = defaultdict(int)
    for record in kept.published:
        require(
            record.sequence <= seen[record.subject] + 1,
            "an aggregate's first occurrences on the bus are in order",
            (record.id, seen[record.subject]),
        )
        seen[record.subject] = max(seen[record.subject], record.sequence)
    for id, history in kept.histories.items():
        require(seen[id] == len(history), "what was committed is published", (id, seen[id], len(history)))


def documents_are_their_events(kept: Durable) -> None:
    """Cases, deliveries and digests, made again from their events, are what stands."""
    for id in kept.documents.get("cases", {}):
        case: Case | None = None
        for record in kept.histories[id]:
            case = CASE_KIND.evolve(case, record.data, record)
        stands = Case.model_validate(kept.state("cases", id))
        require(case == stands, "a case is what its events make it", id)
    for id in kept.documents.get("deliveries", {}):
        delivery: Delivery | None = None
        for record in kept.histories[id]:
            delivery = DELIVERY.evolve(delivery, record.data, record)
        require(
            delivery == Delivery.model_validate(kept.state("deliveries", id)),
            "a delivery is what its events make it",
            id,
        )
    for id in kept.documents.get("digests", {}):
        digest: Digest | None = None
        for record in kept.histories[id]:
            digest = DIGEST.evolve(digest, record.data, record)
        stands_so = Digest.model_validate(kept.state("digests", id))
        require(digest == stands_so, "a digest is what its events make it", id)


def messages_are_settled(kept: Durable, people: People) -> None:
    """What was acknowledged is there, and became something, once: a case, part of one, or kept with a reason."""
    messages = {
        id: Message.model_validate(kept.state("messages", id)) for id in kept.documents.get("messages", {})
    }
    for said in people.said:
        answers = said.answers
        require(bool(answers), "everybody who writes is answered", said.incoming.own_key)
        require(len({one.message_id for one in answers}) == 1, "what is sent twice is one message", answers)
        require(len({one.receipt for one in answers}) == 1, "a receipt is the same each time", answers)
        require(answers[0].message_id in messages, "what was acknowledged is there", answers[0].message_id)
    waiting = [id for id, message in messages.items() if message.outcome == "waiting"]
    require(not waiting, "every message is settled", waiting)
    taken: defaultdict[str, list[str]] = defaultdict(list)
    for record, event in kept.events(CaseOpened, MessageAttached):
        assert isinstance(event, CaseOpened | MessageAttached)
        if not (
            isinstance(event, CaseOpened) and event.parent
        ):  # a part that was split off has the same message
            taken[event.message].append(record.subject)
    received = {record.subject for record, _ in kept.events(MessageReceived)}
    for id in received:
        require(len(taken[id]) == 1, "a message is in one case, once", (id, taken[id]))
        require(
            messages[id].case == taken[id][0], "a message knows its case", (id, messages[id].case, taken[id])
        )
    settled = Counter(record.subject for record, _ in kept.events(MessageSettled))
    require(set(settled.values()) <= {1}, "a message is settled once", settled)
    ends = {"attached", "unverified", "delivery", "new", "quarantined", "refused"}
    require(
        all(message.outcome in ends for message in messages.values()),
        "received = attached + new + quarantined + refused",
        messages,
    )


def commands_took_effect_once(kept: Durable, people: People) -> None:
    """A command that was acknowledged is in the case's events; one that was refused is not."""
    for done in people.done:
        causes = {record.causation for record in kept.histories.get(done.case, ())}
        if done.outcome == "done":
            require(done.input in causes, "what an officer was told is done, is done", done)
        elif done.outcome:
            require(done.input not in causes, "what an officer was refused is not done", done)


def cases_that_belong_together_say_so(kept: Durable) -> None:
    """What another case must follow from is followed by it, once: a merge, a link, a part that was split off."""
    followed = Counter(
        (record.subject, record.causation, record.type)
        for record, _ in kept.events(CaseJoined, CaseLinked, CaseOpened)
    )
    for record, event in kept.events(CaseMerged, CaseLinked, CaseSplit):
        match event:
            case CaseMerged():
                expected = (event.into, record.id, CaseJoined.TYPE)
            case CaseLinked() if not event.answers:
                expected = (event.case, record.id, CaseLinked.TYPE)
            case CaseSplit():
                expected = (event.part, record.id, CaseOpened.TYPE)
            case _:
                continue
        require(followed[expected] == 1, "a case follows what was done to another", expected)


def conversations_have_one_case(kept: Durable) -> None:
    """A conversation is one case, but where a stranger wrote after its close; a ref is one case's."""
    opened = kept.events(CaseOpened)
    threads: defaultdict[str, list[str]] = defaultdict(list)
    refs: defaultdict[str, set[str]] = defaultdict(set)
    for record, event in opened:
        assert isinstance(event, CaseOpened)
        refs[event.ref].add(record.subject)
        require(kept.claims.get(f"ref:{event.ref}") == record.subject, "a ref is claimed", event.ref)
        if event.related is None and event.parent is None:
            threads[event.thread].append(record.subject)
    for thread, cases in threads.items():
        require(len(cases) == 1, "a conversation opens one case", (thread, cases))
        require(kept.claims.get(f"thread:{thread}") == cases[0], "a conversation is claimed", thread)
    require(all(len(cases) == 1 for cases in refs.values()), "a ref is one case's", refs)


def ladders_fall_once(kept: Durable) -> None:
    """Each rung of each obligation falls once."""
    rungs: Counter[tuple[str, str, int]] = Counter()
    for record, event in kept.events(CaseAlarmed):
        assert isinstance(event, CaseAlarmed)
        rungs.update((record.subject, rung.obligation, rung.rung) for rung in event.rungs)
    twice = [rung for rung, times in rungs.items() if times > 1]
    require(not twice, "each breach is escalated once a rung", twice)


def deliveries(kept: Durable, post: Post) -> None:
    """Who must be told is told, under one id, by one attempt at a time."""
    told = Counter(
        Told(event.about, event.template, event.party, event.case)
        for _, event in kept.events(DeliveryQueued)
        if isinstance(event, DeliveryQueued)
    )
    require(set(told.values()) <= {1}, "nothing is delivered under two ids", told)
    singly, gathered = telling.owed(kept.histories)
    for one in singly:
        require(one in told, "who must be told is told", one)
    digests(kept, gathered, told)
    over = {"sent", "failed", "bounced"}
    for id in kept.documents.get("deliveries", {}):
        status = kept.state("deliveries", id).get("status", "sending")
        require(status in over, "a delivery arrives or is given up", (id, status))
    names: defaultdict[str, set[str]] = defaultdict(set)
    for attempt in post.attempts:
        names[attempt.delivery].add(attempt.message_id)
    require(all(len(some) == 1 for some in names.values()), "a mail repeats under its Message-ID", names)
    arrived = {delivery for delivery, _ in post.arrived}
    for record, _ in kept.events(DeliverySent):
        require(record.subject in arrived, "what counts as sent was sent", record.id)
    attempts_do_not_overlap(kept, post)


def digests(kept: Durable, gathered: Sequence[Told], told: Mapping[Told, int]) -> None:
    """What waits for a digest is told in it, or singly, but not in both; a digest becomes one mail, or none is due."""
    noted = Counter(
        (event.about, event.person) for _, event in kept.events(DigestNoted) if isinstance(event, DigestNoted)
    )
    for one in gathered:
        times = noted[one.about, one.party] + (one in told)
        require(times == 1, "what waits for a digest is told once", (one, times))
    for id in kept.documents.get("digests", {}):
        digest = Digest.model_validate(kept.state("digests", id))
        require(digest.closed is not None, "a digest is closed", id)
        due = Told(digest.closed or "", "digest", digest.person, id)
        require(told.get(due, 0) == (digest.note is not None), "a digest becomes one mail, or none", due)
        require((digest.delivery is not None) == (digest.note is not None), "a digest knows its mail", due)


def attempts_do_not_overlap(kept: Durable, post: Post) -> None:
    """An attempt is recorded before its socket opens, and nobody opens another before its deadline, unless it is known
    to be over: it ended, or its process did. Of machines whose clocks are wrong nothing is said but the first."""
    last: dict[str, int] = {}
    for at, attempt in enumerate(post.attempts):
        require(attempt.opened < attempt.deadline, "no socket is opened after its deadline", attempt)
        before = post.attempts[last[attempt.delivery]] if attempt.delivery in last else None
        last[attempt.delivery] = at
        if before is None or not (before.sound and attempt.sound):
            continue
        require(before.number != attempt.number, "an attempt opens one socket", attempt)
        over = (
            attempt.opened >= before.free
            or (before.ended is not None and before.ended <= attempt.opened)
            or (before.process is not None and not before.process.alive)
        )
        require(over, "nobody else opens a socket before an attempt's deadline", (before, attempt))


def trail(kept: Durable, log: Path, key: Verifier) -> None:
    """The trail has every event once, an aggregate's in order, and its signed root is that of its entries."""
    reader = LogReader(from_directory(log))
    signed = open_checkpoint((log / "checkpoint").read_bytes(), key).state
    entries = list(reader.entries(0, signed.size, signed.size))
    require(root_of(entries) == signed, "the trail's root recomputes", signed)
    records = [Record.read("", entry) for entry in entries]
    of: defaultdict[str, list[bytes]] = defaultdict(list)
    for record in records:
        of[record.subject].append(record.value)
    for id in kept.histories.keys() | of.keys():
        require(
            of[id] == [record.value for record in kept.histories.get(id, ())],
            "the trail's entries are the events",
            (id, len(of[id]), len(kept.histories.get(id, ()))),
        )


def one_history(signed: Sequence[bytes], log: Path, key: Verifier) -> None:
    """Whatever any audit has signed, on whichever volume, is the beginning of the one trail."""
    whole = open_checkpoint((log / "checkpoint").read_bytes(), key).state
    hashes = LogReader(from_directory(log)).hash_reader(whole.size)
    for note in dict.fromkeys(signed):
        state = open_checkpoint(note, key).state
        require(
            state.size <= whole.size and root_at(state.size, hashes) == state.root,
            "no two histories are signed",
            (state, whole),
        )


def projection(log: Path, key: Verifier, zone: tzinfo) -> None:
    """The projection is what another makes of the trail's entries."""
    found, anew = rows(log.parent / FILE), log.parent / "anew.db"
    signed = open_checkpoint((log / "checkpoint").read_bytes(), key).state
    [(_, size, last)] = found["cursor"]
    require(size == signed.size, "the projection follows the log", (size, signed))
    other = Projection(anew, zone)
    project_all(other, list(LogReader(from_directory(log)).entries(0, size, size)), last)
    other.close()
    wanted = rows(anew)
    differ = {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}
    require(not differ, "the projection follows from the entries", differ)


def root_of(entries: Sequence[bytes]) -> TreeState:
    """The tree of some entries, computed from nothing else."""
    return TreeState(len(entries), tree_root(leaf_hashes(entries)))
