"""Every metric's name, type and meaning, in one place. Counters end in `_total`, times in `_seconds`."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

RECEIVED = Counter(
    "throughline_messages_received_total",
    "Messages at the door, by channel and outcome (new, attached, quarantined, refused, repeated)",
    ["channel", "outcome"],
    registry=REGISTRY,
)
DOOR = Histogram(
    "throughline_door_seconds",
    "From the last byte of a message to its durable receipt, by channel",
    ["channel"],
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
EVENTS = Counter(
    "throughline_events_handled_total", "Events answered, by group", ["group"], registry=REGISTRY
)
HELD = Counter(
    "throughline_events_held_total", "Events held back as poison, by group", ["group"], registry=REGISTRY
)
HELD_KEYS = Gauge(
    "throughline_held_keys",
    "Keys of which a group answers nothing until they are replayed (throughline dead list)",
    ["group"],
    registry=REGISTRY,
)
OLDEST = Gauge(
    "throughline_oldest_unhandled_seconds",
    "Age of the oldest event a group has not answered",
    ["group"],
    registry=REGISTRY,
)
STILL = Gauge(
    "throughline_standstill_seconds",
    "How long a group has answered nothing of some stream though events wait in it; 0 where it gets on or has nothing"
    " to do",
    ["group"],
    registry=REGISTRY,
)
UNANSWERED = Gauge(
    "throughline_unanswered_events",
    "Events that a group must answer and has not yet, all groups",
    registry=REGISTRY,
)
BEHIND = Gauge(
    "throughline_trail_behind_entries", "Events committed that are not yet in the trail", registry=REGISTRY
)
UNPUBLISHED = Gauge(
    "throughline_unpublished_aggregates",
    "Aggregates with events that are saved and not yet known to be in Kafka",
    registry=REGISTRY,
)
LEFT_BEHIND = Gauge(
    "throughline_unpublished_left_aggregates",
    "Aggregates with events that the store has had for more than ten seconds and that nobody has marked as sent,"
    " as of this process's last look",
    registry=REGISTRY,
)
STOPPED = Gauge(
    "throughline_group_stopped",
    "1 where a group has stopped because events it had not answered are gone from Kafka",
    ["group"],
    registry=REGISTRY,
)
INBOUND_GONE = Counter(
    "throughline_inbound_gone_total",
    "Records that others posted to `inbound` and that were gone from Kafka before they were taken",
    registry=REGISTRY,
)
COMMITTED = Gauge("throughline_events_committed", "Events the store has committed", registry=REGISTRY)
TRAIL_SIZE = Gauge(
    "throughline_trail_size_entries", "Entries the last signed checkpoint covers", registry=REGISTRY
)
UNSIGNED = Gauge(
    "throughline_trail_unsigned_seconds",
    "How long entries have been waiting for a signed checkpoint",
    registry=REGISTRY,
)
PROJECTION_BEHIND = Gauge(
    "throughline_trail_projection_behind_entries",
    "Entries of the trail that the console and queries do not show yet",
    registry=REGISTRY,
)
PROJECTION_LAG = Gauge(
    "throughline_trail_projection_behind_seconds",
    "How long the oldest entry that the console and queries do not show yet has been in the trail",
    registry=REGISTRY,
)
SUPERSEDED = Gauge(
    "throughline_trail_superseded",
    "1 where this audit signs nothing more, because another has signed what it does not have",
    registry=REGISTRY,
)
CASES_OPEN = Gauge(
    "throughline_cases_open",
    "Open cases by how old what is owed in them is (on_time, warned, breached), as the trail said a minute ago at most",
    ["state"],
    registry=REGISTRY,
)
COSIGNED = Gauge(
    "throughline_trail_cosigned_entries",
    "Entries under the last published checkpoint that as many witnesses cosigned as are wanted",
    registry=REGISTRY,
)
UNCOSIGNED = Gauge(
    "throughline_trail_uncosigned_seconds",
    "How long checkpoints have been published with too few witnesses' cosignatures; 0 where no witness is named",
    registry=REGISTRY,
)
FOLLOWED_BEHIND = Gauge(
    "throughline_trail_followed_behind_entries",
    "Entries under a checkpoint of which facts are still to be computed and checks to be asked",
    registry=REGISTRY,
)
FACTS = Counter(
    "throughline_facts_total", "Facts computed from content, by type", ["type"], registry=REGISTRY
)
FINDINGS = Counter("throughline_findings_total", "Findings raised, by check", ["check"], registry=REGISTRY)
CHECKS_FAILED = Counter(
    "throughline_checks_failed_total",
    "Times that a check failed on an entry or a case, by check (throughline check run says where)",
    ["check"],
    registry=REGISTRY,
)
ALARMS = Counter("throughline_alarms_total", "Rungs climbed, by action", ["action"], registry=REGISTRY)
MOVED = Counter(
    "throughline_deadlines_moved_total",
    "Running deadlines that moved because another calendar holds",
    registry=REGISTRY,
)
TO_MOVE = Gauge(
    "throughline_deadlines_to_look_at_cases",
    "Open cases at whose deadlines the running `org moves --start` has still to look; 0 where none runs",
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "throughline_deliveries_total",
    "Deliveries by outcome (sent, deferred, failed, bounced)",
    ["outcome"],
    registry=REGISTRY,
)
for _outcome in ("sent", "deferred", "failed", "bounced"):
    DELIVERIES.labels(
        _outcome
    )  # there from the start: Prometheus sees no increase to a counter's first value
DELIVERIES_HELD = Gauge(
    "throughline_deliveries_held",
    "1 while nothing leaves the house: `throughline hold release`",
    registry=REGISTRY,
)
UNSETTLED = Counter(
    "throughline_messages_sent_again_total", "Messages not settled in time and sent again", registry=REGISTRY
)
FREE_BYTES = Gauge(
    "throughline_store_free_bytes",
    "What the store can still hold, as intake last saw it; NaN where nobody has looked",
    registry=REGISTRY,
)
FREE_BYTES.set(math.nan)
READY = Gauge("throughline_ready", "1 where /readyz answers 200, 0 where it says why not", registry=REGISTRY)
CLOCK_OFF = Gauge(
    "throughline_clock_off_seconds",
    "How far the store's clock is ahead of this machine's; in the cluster only",
    registry=REGISTRY,
)
