"""The cluster's bus, on Apache Kafka. Nothing outside this package knows aiokafka or FastStream."""

from shared.bus.kafka.bus import ClusterStore, KafkaBus
from shared.bus.kafka.topics import DEAD, INBOUND, Away, Cluster, TopicsDiffer, ensure, table, taken

__all__ = [
    "DEAD",
    "INBOUND",
    "Away",
    "Cluster",
    "ClusterStore",
    "KafkaBus",
    "TopicsDiffer",
    "ensure",
    "table",
    "taken",
]
