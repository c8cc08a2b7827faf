"""Records that are gone, records that never came, a topic that is deleted: everything is filled in from the owners' stores."""

import asyncio
import signal
from collections import Counter

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.testing.wait import wait_until
from tests.faults import oracle
from tests.faults.apart import KEY, Apart
from tests.faults.oracle import TOPIC
from tests.faults.trial import Trial, trial

PARTITIONS = range(12)


async def _sql(desk: Apart, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(desk.dsn)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


def _stored(desk: Apart) -> set[tuple[str, str, int]]:
    """Return (ticket, owner, version) of every event in the stores."""
    queries = [
        f"SELECT '{owner}' AS owner, stream_id::text AS stream, version FROM {owner}.event WHERE type LIKE 'ledgerdesk.ticket.%'"
        for owner in oracle.OWNERS
    ]
    rows = asyncio.run(_sql(desk, " UNION ALL ".join(queries)))
    return {(row["stream"], row["owner"], row["version"]) for row in rows}


async def _cut_off(desk: Apart) -> None:
    """Delete every record of the topic that there is now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=desk.brokers)
    admin = AIOKafkaAdminClient(bootstrap_servers=desk.brokers)
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(TOPIC, number) for number in PARTITIONS])
        await admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in ends.items()})
    finally:
        await consumer.stop()
        await admin.close()


async def _delete_topic(desk: Apart) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=desk.brokers)
    await admin.start()
    try:
        await admin.delete_topics([TOPIC])
        while TOPIC in await admin.list_topics():
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _on_topic(desk: Apart) -> tuple[set[tuple[str, str, int]], Counter[str]]:
    """Return which (ticket, owner, version) stand on the topic, and how many records of each type."""
    consumer = AIOKafkaConsumer(bootstrap_servers=desk.brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in PARTITIONS]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        found: set[tuple[str, str, int]] = set()
        types: Counter[str] = Counter()
        left = {partition for partition in partitions if ends[partition] > begins[partition]}
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in records:
                    headers = dict(record.headers)
                    types[headers["ce_type"].decode()] += 1
                    if b"ce_subject" in {name.encode() for name in headers}:
                        owner = headers["ce_source"].decode().rpartition("/")[2]
                        found.add((headers["ce_subject"].decode(), owner, int(headers["ce_sequence"])))
                if records and records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
        return found, types
    finally:
        await consumer.stop()


@pytest.mark.parametrize("reader", ["is killed", "stands still"])
def test_records_that_are_deleted_before_they_are_read_are_fetched_from_the_owners(one, reader):
    """The consumer does not read, work goes on, and what it has not read is deleted from the topic."""

    def cut(at: Trial) -> None:
        worker = at.desk.processes["worker"]
        if reader == "is killed":
            worker.end()
        else:
            worker.send(signal.SIGSTOP)
        try:
            tried = at.load.attempts + 40  # what is acknowledged meanwhile is on the topic and in no view
            wait_until(lambda: at.load.attempts > tried, timeout=30, message="work while nobody reads")
            _rest(at.desk)
            asyncio.run(_cut_off(at.desk))
            at.killed = True
        finally:
            worker.send(signal.SIGCONT)
            at.desk.keep_up()

    trial(one, f"records deleted while the reader {reader}", "log", cut, whole_topic=False)
    assert _stored(one) - asyncio.run(_on_topic(one))[0], "something is on the topic no more"


def test_a_record_that_was_never_sent_is_noticed_and_fetched(one):
    """The relay's cursor is moved past events by hand: the next event of their ticket shows the gap."""

    def skip(at: Trial) -> None:
        desk = at.desk
        at.work(20)
        moved = "UPDATE workflow.relay_cursor SET position = (SELECT max(position) FROM workflow.event) + 3 WHERE name = 'kafka'"
        asyncio.run(_sql(desk, moved))
        at.work(20)
        _rest(desk)
        missing = {ticket for ticket, _, _ in _stored(desk) - asyncio.run(_on_topic(desk))[0]}
        at.killed = bool(missing)
        for ticket in missing:  # that the last event of a ticket is missing shows with the next one
            headers = {"Authorization": f"Bearer {KEY}", "Ledgerdesk-On-Behalf-Of": "john"}
            said = httpx.post(
                f"{desk.url}/api/v1/tickets/{ticket}/notes", json={"body": "next"}, headers=headers, trust_env=False
            )
            assert said.status_code == 201, said.text

    trial(one, "events that were never sent", "log", skip, whole_topic=False)
    assert _stored(one) - asyncio.run(_on_topic(one))[0], "something was never sent"


def _rest(desk: Apart) -> None:
    """Wait until the relay has sent what was there when this was asked."""
    (row,) = asyncio.run(_sql(desk, "SELECT max(position) AS position FROM workflow.event"))

    def sent() -> bool:
        (cursor,) = asyncio.run(_sql(desk, "SELECT position FROM workflow.relay_cursor"))
        return bool(cursor["position"] >= row["position"])

    wait_until(sent, timeout=30, message="the relay")


def test_a_topic_that_is_deleted_is_published_again(one):
    def lose(at: Trial) -> None:
        at.work(20)
        asyncio.run(_delete_topic(at.desk))
        at.killed = True
        done = at.desk.run("init")
        assert done.returncode == 0, done.stderr

    trial(one, "topic deleted and made anew", "log", lose, whole_topic=False)
    wanted = _stored(one)

    def published() -> bool:
        return wanted <= asyncio.run(_on_topic(one))[0]

    wait_until(published, timeout=60, message="every event to stand on the new topic")
