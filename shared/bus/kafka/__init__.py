"""The cluster's bus, on Apache Kafka. Nothing outside this package knows aiokafka or FastStream."""

from shared.bus.kafka.bus import ClusterStore, KafkaBus
from shared.bus.kafka.topics import Cluster, TopicsDiffer, ensure, taken

__all__ = ["Cluster", "ClusterStore", "KafkaBus", "TopicsDiffer", "ensure", "taken"]
