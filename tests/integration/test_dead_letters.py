"""Whatever cannot be used finds its way to the dead-letter topic: nothing may stop who wants to go on."""

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.ids import random_id
from shared.contracts.topic_names import DEADLETTER
from shared.projection.deadletters import DeadLetters
from shared.projection.records import Record, Unreadable
from shared.testing.topic import ends_of, read_topic


@pytest.mark.parametrize("key", [None, b"key"])
@pytest.mark.parametrize("value", [None, b"", b"value", b"x" * 1_000_000])
@pytest.mark.parametrize("headers", [[], [("ce_id", None), ("ce_type", b"\xff")]])
async def test_any_record_can_be_a_dead_letter(kafka, key, value, headers):
    def producer() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=False, max_request_size=900_000
        )

    start = await ends_of(kafka.bootstrap_servers, DEADLETTER)
    letters = DeadLetters(producer)
    try:
        await letters.send(Record("t", 1, 2, None), value, key, headers, f"because {random_id()} \ud800")
    finally:
        await letters.close()
    (found,) = await read_topic(kafka.bootstrap_servers, DEADLETTER, start)
    assert isinstance(found.content, Unreadable)
    assert found.content.key == key
    assert (found.content.value or None) == (None if value is None or len(value) > 900_000 else value or None)
