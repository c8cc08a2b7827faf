"""Other systems: CloudEvents in by `ledgerdesk.ingress`, CloudEvents out by `ledgerdesk.tickets`, for any Kafka client."""

import asyncio
import json
import secrets
from datetime import datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import WATERMARK
from shared.contracts.ids import random_id
from shared.contracts.topic_names import PARTITIONS
from shared.testing.topic import ends_of
from shared.testing.wait import wait_until_async
from tests.knowing import all_know

INGRESS, TICKETS, DEADLETTER = "ledgerdesk.ingress", "ledgerdesk.tickets", "ledgerdesk.deadletter"


def new(subject: str) -> dict:
    return {"subject": subject, "body": "from a sensor", "requester": {"email": "sensor@example.org"}}


def binary(event_id: str, data: object, kind: str = "org.example.alarm", **headers: bytes):
    ours = {"ce_specversion": b"1.0", "ce_id": event_id.encode(), "ce_source": b"/sensors/7", "ce_type": kind.encode(),
            "content-type": b"application/json", **headers}  # fmt: skip
    return json.dumps(data, ensure_ascii=False).encode(), [
        (k.replace("__", "-"), v) for k, v in ours.items() if v != b"(absent)"
    ]


def structured(event_id: str, data: object, **attributes: object):
    whole = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/sensors/7",
        "type": "org.example.alarm",
        "data": data,
        **attributes,
    }
    return json.dumps(whole).encode(), [("content-type", b"application/cloudevents+json; charset=utf-8")]


@pytest.fixture
async def send(stack):
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], enable_idempotence=False
    )
    await producer.start()

    async def sent(record, partition: int | None = None):
        value, headers = record
        if partition is None:
            partition = secrets.randbelow(PARTITIONS[INGRESS])
        batch = producer.create_batch()  # takes what the producer's own send() refuses: neither key nor value
        batch.append(key=None, value=value, timestamp=None, headers=headers)
        return await (await producer.send_batch(batch, INGRESS, partition=partition))

    yield sent
    await producer.stop()


async def records_of(servers: str, topic: str, after: dict[int, int]):
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, fetch_max_wait_ms=50)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS[topic])]
    consumer.assign(partitions)
    await consumer.start()
    try:
        for partition in partitions:
            consumer.seek(partition, after[partition.partition])
        found, quiet = [], 0
        while quiet < 3:
            batches = await consumer.getmany(timeout_ms=150)
            quiet = 0 if batches else quiet + 1
            found += [
                record for batch in batches.values() for record in batch if record.offset >= after[record.partition]
            ]
        return found
    finally:
        await consumer.stop()


async def found_by(admin, subject: str, count: int = 1) -> list[dict]:
    async def there():
        items = (await asyncio.to_thread(admin.get, "/tickets", params={"q": subject})).json()["items"]
        return items if len(items) >= count else None

    return await wait_until_async(there, timeout=20, message=f"a ticket called {subject}")


@pytest.mark.parametrize("mode", [binary, structured])
async def test_an_event_sent_twice_is_one_ticket(send, admin, mode):
    word = f"alarm{random_id().hex}"
    event_id = str(random_id())
    for partition in (0, 0, 1):
        await send(mode(event_id, new(word)), partition)
    other = f"other{random_id().hex}"
    for partition in (0, 1):  # once these are there, the repeats have been looked at
        await send(mode(str(random_id()), new(other)), partition)
    await found_by(admin, other, 2)
    (ticket,) = await found_by(admin, word)
    assert (ticket["channel"], ticket["requester"]["email"]) == ("ingress", "sensor@example.org")
    created = admin.get(f"/tickets/{ticket['id']}/timeline").json()["items"][0]
    assert created["actor"] == {"kind": "system", "id": "ingress:/sensors/7"}
    assert created["via"] == {"kind": "ingress", "id": "/sensors/7"}


async def test_another_system_fills_in_fields_and_is_asked_for_none(send, admin):
    word = f"form{random_id().hex}"
    await send(binary(str(random_id()), {**new(word), "fields": {"since": "2026-11-01", "cause": "fault"}}))
    (ticket,) = await found_by(admin, word)
    assert ticket["fields"] == {"since": "2026-11-01", "cause": "fault"}


async def test_the_same_id_of_another_source_is_another_ticket(send, admin):
    word, event_id = f"twin{random_id().hex}", str(random_id())
    await send(binary(event_id, new(word)))
    await send(binary(event_id, new(word), ce_source=b"/sensors/8"))
    assert len(await found_by(admin, word, 2)) == 2


async def test_a_message_event_adds_to_a_ticket(send, admin):
    word = f"chat{random_id().hex}"
    await send(binary(str(random_id()), new(word)))
    (ticket,) = await found_by(admin, word)
    await asyncio.to_thread(all_know, admin)
    event_id = str(random_id())
    message = {"ticket": ticket["number"], "body": "more smoke", "author": {"email": "sensor@example.org"}}
    for _ in range(2):
        await send(binary(event_id, message, "org.example.message"))

    async def said():
        items = (await asyncio.to_thread(admin.get, f"/tickets/{ticket['id']}/timeline")).json()["items"]
        return [item["data"]["body"] for item in items if item["type"] == "message_received"] or None

    assert await wait_until_async(said, timeout=20) == ["more smoke"]


BAD = {
    "no JSON": ((b"{", binary("x", {})[1]), "JSON"),
    "no value": ((None, binary("x", {})[1]), "JSON"),
    "no attributes": ((b"{}", []), "specversion"),
    "another specification": (binary("x", {}, ce_specversion=b"0.3"), "specversion"),
    "no id": (binary("x", {}, ce_id=b"(absent)"), "id"),
    "a header that is no UTF-8": (binary("x", {}, ce_id=b"\xff"), "UTF-8"),
    "data that is no ticket": (binary("x", {"subject": "s"}), "body"),
    "a requester without address": (binary("x", {**new("s"), "requester": {"name": "x"}}), "requester.email"),
    "no requester": (binary("x", {"subject": "s", "body": "b"}), "requester"),
    "an unknown topic": (binary("x", {**new("s"), "topic": "unheard-of"}), "topic"),
    "an unknown field": (structured("x", {**new("s"), "surprise": 1}), "surprise"),
    "a structured event that is a list": ((b"[]", structured("x", {})[1]), "object"),
    "a message for no ticket": (
        binary("x", {"ticket": "0", "body": "b", "author": {"email": "a@b.c"}}, "org.example.message"), "ticket",
    ),
    "a custom field that is none": (binary("x", {**new("s"), "fields": {"unheard-of": 1}}), "fields.unheard-of"),
    "a custom field of the wrong type": (binary("x", {**new("s"), "fields": {"since": 5}}), "fields.since: must be a day"),
    "a NUL character": (binary("x", {**new("a\x00b")}), "subject"),
    "a lone surrogate": ((b'{"subject": "\\ud800", "body": "b", "requester": {"email": "a@b.c"}}', binary("x", {})[1]), ""),
    "too large for an event": (binary("x", {**new("s"), "body": "\U0001f600" * 90_000}), "262144"),
}  # fmt: skip


async def test_bad_ones_go_to_the_dead_letters_with_their_reason_and_the_next_is_taken(stack, send, admin):
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    start = await ends_of(servers, DEADLETTER)
    sent = {}
    for what, ((value, headers), _) in BAD.items():
        fresh = [(k, str(random_id()).encode() if v == b"x" else v) for k, v in headers]
        place = await send((value, fresh), 2)
        sent[2, place.offset] = (what, value)
    word = f"good{random_id().hex}"
    await send(binary(str(random_id()), new(word)), 2)
    await found_by(admin, word)

    async def letters():
        found = {}
        for record in await records_of(servers, DEADLETTER, start):
            headers = dict(record.headers)
            if headers.get("ledgerdesk_topic") == INGRESS.encode():
                place = (int(headers["ledgerdesk_partition"]), int(headers["ledgerdesk_offset"]))
                if place in sent:
                    found[sent[place][0]] = (headers["ledgerdesk_reason"].decode(), record.value)
        return found if len(found) == len(BAD) else None

    found = await wait_until_async(letters, timeout=30, message="all dead letters")
    for what, ((value, _), word) in BAD.items():
        reason, kept = found[what]
        assert word in reason, f"{what}: {reason}"
        assert (kept or None) == value, what


async def test_any_client_reads_well_formed_cloud_events(stack, admin):
    """No class of ours: headers as CloudEvents' Kafka binding names them, JSON as the value."""
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    start = await ends_of(servers, TICKETS)
    ticket = admin.post("/tickets", json=new("for everybody")).json()["id"]
    admin.post(f"/tickets/{ticket}/notes", json={"body": "psst"})
    admin.post(f"/tickets/{ticket}/messages", json={"body": "hello"})

    async def three():
        found = [
            r for r in await records_of(servers, TICKETS, start) if dict(r.headers).get("ce_subject") == ticket.encode()
        ]
        types = {dict(r.headers)["ce_type"].decode().rsplit(".", 1)[-1] for r in found}
        return found if {"created", "message_received", "noted", "transferred"} <= types else None

    records = await wait_until_async(three, timeout=20, message="the ticket's events")
    assert len({record.partition for record in records}) == 1, "one ticket, one partition"
    versions: dict[str, list[int]] = {}
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        assert record.key.decode() == ticket
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_id"]
        assert headers["ce_source"].startswith("/ledgerdesk/")
        assert headers["ce_type"] in CATALOGUE
        assert datetime.fromisoformat(headers["ce_time"]).tzinfo is not None
        assert headers["content-type"] == "application/json"
        body = json.loads(record.value)
        assert body["actor"]["kind"] in {"person", "system", "rule"}
        assert {"data", "personal", "via"} <= body.keys()
        seen = versions.setdefault(headers["ce_source"], [])
        if int(headers["ce_sequence"]) not in seen:
            seen.append(int(headers["ce_sequence"]))
    for source, found in versions.items():
        assert found == list(range(1, len(found) + 1)), source


async def test_watermarks_are_cloud_events_too(stack):
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    marks = [r for r in await records_of(servers, TICKETS, dict.fromkeys(range(12), 0))
             if dict(r.headers).get("ce_type") == WATERMARK.encode()]  # fmt: skip
    assert marks
    for record in marks:
        assert {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"} <= dict(record.headers).keys()
