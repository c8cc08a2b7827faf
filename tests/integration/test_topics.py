"""Who makes the topics: the init step, or the embedded broker as it starts; never a client."""

import asyncio

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from faststream.kafka import KafkaBroker

from shared.contracts.topic_names import PARTITIONS, TICKETS
from shared.embedded import EmbeddedBroker, UnusableError, temporary_broker
from shared.kafka import AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer
from shared.topics import TopicsError, create_topics


async def topics_of(servers: str) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()


async def as_others_do(servers: str, topic: str) -> None:
    """Name a topic the way other systems' clients name it: the broker may create it."""
    client = AIOKafkaClient(bootstrap_servers=servers)
    await client.bootstrap()
    try:
        await client.send(client.get_random_node(), MetadataRequest([topic], allow_auto_topic_creation=True))
    finally:
        await client.close()


@pytest.fixture
def empty():
    with temporary_broker() as broker:
        yield broker


async def test_no_client_of_ours_creates_a_topic(empty):
    servers = empty.bootstrap_servers
    producer = AIOKafkaProducer(bootstrap_servers=servers, request_timeout_ms=300, enable_idempotence=False)
    await producer.start()
    with pytest.raises(KafkaError):
        await producer.send_and_wait(TICKETS, b"value")
    await producer.stop()
    consumer = AIOKafkaConsumer(TICKETS, bootstrap_servers=servers, request_timeout_ms=300, consumer_timeout_ms=100)
    with pytest.raises(KafkaError):
        await consumer.start()
    await consumer.stop()
    broker = KafkaBroker(servers, logger=None, allow_auto_create_topics=False, request_timeout_ms=300)
    broker.subscriber(TICKETS)(lambda _: None)
    with pytest.raises(KafkaError):
        await broker.start()
    await broker.stop()
    assert await topics_of(servers) == {}
    await as_others_do(servers, TICKETS)
    assert TICKETS in await topics_of(servers), "this broker creates what is asked for: the check is one"


async def test_the_embedded_broker_is_ready_with_its_topics():
    with temporary_broker(topics=PARTITIONS) as broker:
        for _ in range(2):
            assert await topics_of(broker.bootstrap_servers) == PARTITIONS
            assert broker.ready()
            cluster, created = await create_topics(broker.bootstrap_servers)
            assert (cluster, created) == (broker.cluster_id(), False)
            broker.process.kill()
            broker.process.start()


async def test_an_embedded_broker_where_another_was_quicker_is_of_no_use(empty):
    """Deleting a topic is not the way: what is written afterwards falls among the records of the old one."""
    await as_others_do(empty.bootstrap_servers, TICKETS)
    known = EmbeddedBroker(empty.directory, empty.port, PARTITIONS)
    with pytest.raises(UnusableError, match=TICKETS):
        known.ready()


async def test_an_embedded_broker_that_was_sent_to_before_it_had_its_topics_is_of_no_use(empty):
    """It takes what a producer that reconnects by itself still has, and would hide later records behind it."""
    await create_topics(empty.bootstrap_servers)
    producer = AIOKafkaProducer(bootstrap_servers=empty.bootstrap_servers, acks="all", enable_idempotence=False)
    await producer.start()
    try:
        await producer.send_and_wait(TICKETS, b"before", partition=8)
        empty.process.kill()
        await asyncio.to_thread(empty.process.start)
        await producer.send_and_wait(TICKETS, b"too early", partition=8)
    finally:
        await producer.stop()
    known = EmbeddedBroker(empty.directory, empty.port, PARTITIONS)
    with pytest.raises(UnusableError, match=f"{TICKETS}/8"):
        known.ready()


async def test_topics_with_other_partitions_are_refused_with_the_remedy(empty):
    await as_others_do(empty.bootstrap_servers, TICKETS)
    with pytest.raises(TopicsError, match=r"ledgerdesk.tickets has 4 partitions and must have 12.*ledgerdesk init"):
        await create_topics(empty.bootstrap_servers)


async def test_topics_that_are_missing_are_made_by_one_of_many(empty):
    answers = await asyncio.gather(*(create_topics(empty.bootstrap_servers) for _ in range(4)))
    assert any(created for _, created in answers)
    assert await topics_of(empty.bootstrap_servers) == PARTITIONS
