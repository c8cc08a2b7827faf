"""Records whose header names are no UTF-8: read, with the bytes that are none replaced.

The client decodes names strictly, deep in its parser, and raises for the whole fetch, each time it is asked again: one such
record, which any producer may write and every broker takes, would stop its partition for ever.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import aiokafka.consumer.fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


class _Lenient(bytearray):
    """Bytes whose slices decode without raising."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Lenient(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _Batch:
    """A batch as the client reads it, until a name cannot be read: from there on, the client's slower reader."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch, self._data, self._number = batch, data, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        count = 0
        try:
            for record in self._batch:
                yield record
                count += 1
        except UnicodeDecodeError:
            yield from islice(_read_again(self._data, self._number), count, None)


def _read_again(data: bytes, number: int) -> Iterator[Any]:
    """Read one batch of a fetch once more, leniently."""
    batches = _MemoryRecordsPy(data)
    for _ in range(number):
        batches._cache_next()  # noqa: SLF001 -- skips a batch without reading it; the class offers no other way
    batch = _DefaultRecordBatchPy(batches._next_slice)  # noqa: SLF001 -- same
    batch._maybe_uncompress()  # noqa: SLF001 -- what iterating does first; the buffer must be whole before it is wrapped
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001 -- where names are decoded from
    yield from batch


class LenientRecords:
    """What a fetch brought; the client's own class, but for `_Batch`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._number = 0

    def size_in_bytes(self) -> int:
        """Return how much there is."""
        size: int = self._records.size_in_bytes()
        return size

    def has_next(self) -> bool:
        """Whether there is another batch."""
        more: bool = self._records.has_next()
        return more

    def next_batch(self) -> _Batch | None:
        """Return the next batch."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        self._number += 1
        return _Batch(batch, self._data, self._number - 1)


def install() -> None:
    """Let this process's consumers read so."""
    aiokafka.consumer.fetcher.MemoryRecords = LenientRecords
