"""The topics, created by one init step and by nobody else: a client that created one would give it the wrong partitions."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from shared.contracts.catalogue import PARTITIONS

RETENTION_MS = 30 * 24 * 3600 * 1000


async def create_topics(bootstrap_servers: str, replication: int = 1, seconds: float = 60) -> None:
    """Create what is missing. The topics are tails of the stores, kept for 30 days.

    Raises:
        KafkaError: The brokers did not answer within `seconds`, or refused.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
        try:
            await admin.start()
            await _create(admin, replication)
        except (KafkaError, OSError):
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return
        finally:
            await admin.close()


async def _create(admin: AIOKafkaAdminClient, replication: int) -> None:
    existing = set(await admin.list_topics())
    topics = [
        NewTopic(name, count, replication, topic_configs={"retention.ms": str(RETENTION_MS)})
        for name, count in PARTITIONS.items()
        if name not in existing
    ]
    if not topics:
        return
    answer = await admin.create_topics(topics)
    for name, code, *rest in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise KafkaError(f"topic {name} could not be created: error {code} {rest}")


async def topics_exist(bootstrap_servers: str) -> bool:
    """Whether the init step has run; never asks for a topic by name, which some brokers answer by creating it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=5000)
    try:
        await admin.start()
        return set(PARTITIONS) <= set(await admin.list_topics())
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
