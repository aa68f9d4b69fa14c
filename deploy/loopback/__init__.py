"""The cluster's servers on this machine's loopback, for tests and for `make cluster`: Apache Kafka and, in MongoDB's
place, a server of its wire protocol that keeps what it acknowledged over kill -9.
"""

from deploy.loopback.fetch import Missing
from deploy.loopback.process import NotStarted, Server
from deploy.loopback.servers import kafka, mongo

__all__ = ["Missing", "NotStarted", "Server", "kafka", "mongo"]
