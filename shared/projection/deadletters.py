"""The dead-letter topic: records that cannot be used, each with where it stood and why."""

from collections.abc import Callable, Sequence

from aiokafka.errors import MessageSizeTooLargeError

from shared.contracts.topic_names import DEADLETTER
from shared.kafka import AIOKafkaProducer
from shared.projection.records import Record


class DeadLetters:
    """Sends dead letters, at least once; opens its producer with the first."""

    def __init__(self, producer: Callable[[], AIOKafkaProducer]) -> None:
        self._new_producer = producer
        self._producer: AIOKafkaProducer | None = None

    async def send(
        self,
        record: Record,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        reason: str,
    ) -> None:
        """Send one record there, with its reason; without its value, if that leaves no room for the reason."""
        if self._producer is None:
            producer = self._new_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        said = [(name, content or b"") for name, content in headers]
        said += [
            ("ledgerdesk_reason", reason.encode(errors="replace")),
            ("ledgerdesk_topic", record.topic.encode()),
            ("ledgerdesk_partition", b"%d" % record.partition),
            ("ledgerdesk_offset", b"%d" % record.offset),
        ]
        nothing = None if key is not None else b""  # the client refuses a record with neither key nor value
        try:
            await self._producer.send_and_wait(DEADLETTER, nothing if value is None else value, key, headers=said)
        except MessageSizeTooLargeError:
            await self._producer.send_and_wait(
                DEADLETTER, nothing, key, headers=[*said, ("ledgerdesk_value", b"too large to keep")]
            )

    async def close(self) -> None:
        """Close the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
