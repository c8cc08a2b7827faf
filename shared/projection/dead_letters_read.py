"""The last dead letters, for people to read: text where it is text, else the bytes as they are."""

import asyncio
from codecs import getincrementaldecoder
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from shared.contracts.topic_names import DEADLETTER
from shared.kafka import AIOKafkaConsumer

MOST = 50
MOST_BYTES = 4096
"""Of a record's value that are shown."""
PATIENCE = 10.0
"""Seconds."""
OURS = "ledgerdesk_"
"""Headers that say where the record stood, and what is wrong with it."""
_WIDTH = 16
_PLACE = TopicPartition(DEADLETTER, 0)


def legible(content: bytes | None) -> str:
    """Return bytes to be read: as text, if they are text without control characters; else as hexadecimal with what can be read beside it."""
    if content is None:
        return ""
    begin, left = content[:MOST_BYTES], max(0, len(content) - MOST_BYTES)
    more = f"\n… {left} bytes more" if left else ""
    try:
        text = getincrementaldecoder("utf-8")().decode(
            begin, final=not left
        )  # where it is cut, a character may be cut in two
    except UnicodeDecodeError:
        text = "\0"
    if all(one.isprintable() or one in "\r\n\t" for one in text):
        return text + more
    lines = [begin[at : at + _WIDTH] for at in range(0, len(begin), _WIDTH)]
    return (
        "\n".join(f"{place * _WIDTH:06x}  {line.hex(' '):<47}  {_ascii(line)}" for place, line in enumerate(lines))
        + more
    )


def _ascii(line: bytes) -> str:
    return "".join(one if one.isprintable() and one.isascii() else "." for one in line.decode("latin-1"))


def shown(
    offset: int, at: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
) -> dict[str, Any]:
    """Return a record of the topic to be read. Pure."""
    said = {name.removeprefix(OURS): legible(content) for name, content in headers if name.startswith(OURS)}
    return {
        "offset": offset, "at": at, "reason": said.get("reason", ""), "topic": said.get("topic", ""),
        "partition": said.get("partition", ""), "topic_offset": said.get("offset", ""), "key": legible(key), "value": legible(value),
        "headers": [[name, legible(content)] for name, content in headers if not name.startswith(OURS)],
    }  # fmt: skip


async def last(bootstrap_servers: str) -> list[dict[str, Any]]:
    """Return the last dead letters, the newest first.

    Raises:
        KafkaError, TimeoutError: The broker does not answer.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50)
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        await consumer.start()
        try:
            consumer.assign([_PLACE])
            first = (await consumer.beginning_offsets([_PLACE]))[_PLACE]
            end = (await consumer.end_offsets([_PLACE]))[_PLACE]
            consumer.seek(_PLACE, max(first, end - MOST))
            while await consumer.position(_PLACE) < end:
                batch = (await consumer.getmany(_PLACE, timeout_ms=500)).get(_PLACE, [])
                found += [shown(one.offset, one.timestamp, one.key, one.value, one.headers) for one in batch]
        finally:
            await consumer.stop()
    return found[::-1][:MOST]
