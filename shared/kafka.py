"""The Kafka client as we use it: it never creates a topic, and no record stops it.

A broker may create any topic that a metadata request names, with partitions of its own choosing; the client asks it to,
and offers no way not to. A client of ours that reconnects to a broker which has just lost its topics must wait for the
init step instead. Importing this module sees to that for the whole process, for FastStream's consumers, too;
and to header names that are no UTF-8 (`shared.header_names`).
"""

from functools import partial

import aiokafka.client
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.metadata import MetadataRequest

from shared import header_names

__all__ = ["AIOKafkaAdminClient", "AIOKafkaConsumer", "AIOKafkaProducer"]

aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)
header_names.install()
