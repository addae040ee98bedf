"""A development broker, topics with their ids, and a bulk producer of spool directories.

Production points at its own Kafka by configuration; of this package only ``ensure_topics`` and
``topic_ids`` are used there.
"""

from farechain.broker.process import Broker, attach, start
from farechain.broker.spool import produce_spool
from farechain.broker.topics import ensure_topics, topic_ids

__all__ = ["Broker", "attach", "ensure_topics", "produce_spool", "start", "topic_ids"]
