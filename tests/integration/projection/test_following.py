"""A projection on a real broker: what is appended is seen, whatever becomes of the log or of the database."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.event import watermark_record
from shared.contracts.topic_names import PARTITIONS
from shared.embedded import temporary_broker
from shared.testing.events import NOON
from shared.testing.wait import wait_until_async
from shared.topics import prepare_log
from tests.integration.projection.world import OWNERS, TICKETS


async def test_what_is_appended_is_seen(world, log):
    await world.write(5)
    async with world.relaying(log), world.following(log):
        await world.complete()
        await world.write(20)
        await world.complete()
        assert world.feed.asked == [(owner, 0) for owner in OWNERS], "the feed is for the start, the topic for the rest"


async def test_a_restart_goes_on_where_it_stood(world, log):
    async with world.relaying(log):
        for _ in range(3):
            async with world.following(log):
                await world.write(5)
                await world.complete()
            await world.write(5)
        async with world.following(log):
            await world.complete()
    assert world.feed.asked == [(owner, 0) for owner in OWNERS], "the log is the same: nobody asks the owners again"


async def test_a_database_that_goes_back_in_time(world, log):
    """A standby that was behind takes over, or a backup is put back: what is missing is read again."""
    connection = await world.stores.connection("workflow")
    async with world.relaying(log), world.following(log):
        await world.write(10)
        await world.complete()
        await connection.execute("CREATE TABLE earlier AS TABLE projection_checkpoint")
        lost = await world.write(10)
        await world.complete()
        async with connection.transaction():
            await connection.execute("DELETE FROM ticket WHERE stream_id = ANY ($1)", lost)
            await connection.execute("DELETE FROM timeline WHERE ticket_id = ANY ($1)", lost)
            await connection.execute(
                """
                UPDATE projection_checkpoint c SET next_offset = e.next_offset, watermarks = e.watermarks FROM earlier e
                WHERE (c.consumer, c.topic, c.partition) = (e.consumer, e.topic, e.partition)
                """
            )
        async with world.pool.acquire() as reader:
            assert not await world.model.load(reader, lost)
        await world.write(1)  # what is noticed is the next batch
        await world.complete()


async def test_who_only_reads_makes_no_producer(world, log, monkeypatch):
    """FastStream's broker would start one beside the consumer, and leave it running when the log goes away just then."""
    async with world.relaying(log):
        await world.write(1)

        def none(**settings):
            raise AssertionError(f"a producer for {settings['client_id']}")

        monkeypatch.setattr("aiokafka.AIOKafkaProducer", none)
        async with world.following(log):
            await world.complete()


async def test_a_broker_that_forgets_everything(world):
    """Killed, restarted with a new cluster id and an empty log, events appended all the while: the feeds fill in."""
    dsn = world.stores.dsn
    with temporary_broker(topics=PARTITIONS) as broker:
        servers = broker.bootstrap_servers
        await prepare_log(dsn, servers)
        async with world.relaying(servers), world.following(servers) as subscription:
            await world.write(10)
            await world.complete()
            for _ in range(2):
                before = subscription.incarnation
                await world.write(10)  # on the topic or not, when it dies
                broker.process.kill()
                await world.write(10)
                await asyncio.to_thread(broker.process.start)
                await prepare_log(dsn, servers)
                await world.write(10)
                await world.complete("the view to catch up after the broker forgot")
                assert subscription.incarnation != before
            await world.write(5)
            await world.complete()


async def test_topics_made_anew_on_the_same_cluster(world, own_kafka):
    """Somebody deletes a topic: a new marker makes it a new log, and nothing is lost."""
    if own_kafka.kind == "embedded":
        pytest.skip("after a deletion the embedded broker gives two batches overlapping offsets now and then")
    servers = own_kafka.bootstrap_servers
    await prepare_log(world.stores.dsn, servers)
    async with world.relaying(servers):
        async with world.following(servers):
            await world.write(10)
            await world.complete()
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        await admin.delete_topics([TICKETS])
        await admin.close()
        await world.write(10)
        await prepare_log(world.stores.dsn, servers)
        async with world.following(servers):
            await world.write(10)
            await world.complete()


async def test_watermarks_are_kept_with_the_checkpoint(world, log):
    async with world.following(log):
        producer = AIOKafkaProducer(bootstrap_servers=log, enable_idempotence=False)
        await producer.start()
        try:
            for partition in range(PARTITIONS[TICKETS]):
                value, headers = watermark_record("intake", 10 + partition, NOON)
                await producer.send_and_wait(TICKETS, value, partition=partition, headers=headers)
        finally:
            await producer.stop()

        async def kept() -> bool:
            rows = await world.pool.fetch("SELECT partition, watermarks FROM projection_checkpoint ORDER BY partition")
            return [row["watermarks"].get("intake", {}).get("position") for row in rows] == list(range(10, 22))

        await wait_until_async(kept, message="the watermarks")
