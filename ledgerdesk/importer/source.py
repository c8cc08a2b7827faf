"""The records of a log file: CSV, plain or gzipped, with the line each began on, and nothing lost to a bad one."""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ledgerdesk.importer.mapping import FileFormat

ENOUGH = 2000
"""Rows between two words on progress."""


class LogError(ValueError):
    """The log as a whole cannot be used; the message says why."""


class Record(NamedTuple):
    """One record.

    Attributes:
        line: Line of the file it begins on, from 1 (the header's).
        values: Its cells, or None when it cannot be read.
        reason: Why it cannot.
    """

    line: int
    values: list[str] | None
    reason: str = ""


class _Lines:
    """Lines of the file, numbered, which can be put back."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = iter(stream)
        self._again: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        """Lines of the record that is being read."""
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = self._again.popleft() if self._again else next(self._stream)
        except StopIteration:
            self.ended = True
            raise
        self.number += 1
        self.taken.append(line)
        return line

    def put_back_all_but_first(self) -> None:
        """Read the lines after the record's first one again, as records of their own."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.ended = False


class LogFile:
    """An opened log: its header, and its records in the file's order."""

    def __init__(self, path: Path, form: FileFormat, progress: Callable[[int, int], None] | None = None) -> None:
        """Open the log and read its header.

        Raises:
            LogError: It cannot be opened or decoded, or has no header.
        """
        self._path, self._progress = path, progress
        try:
            self._raw = path.open("rb")
            self._size = path.stat().st_size
        except OSError as error:
            raise LogError(f"{path}: cannot be opened: {error.strerror or error}") from error
        packed = self._raw.peek(2)[:2] == b"\x1f\x8b"  # by its content: files get renamed
        plain = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if packed else self._raw
        # Bytes that are no text come through as surrogates, so that one bad cell costs one row and not the file.
        text = io.TextIOWrapper(plain, encoding=form.encoding, errors="surrogateescape", newline="")
        self._lines = _Lines(text)
        self._form = form
        try:
            self.header = self._read_header()
        except LogError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._form.delimiter, quotechar=self._form.quote)

    def _read_header(self) -> list[str]:
        first = next(self._records(None), None)
        if first is None:
            raise LogError(f"{self._path}: is empty; its first line must name the columns")
        if first.values is None:
            raise LogError(f"{self._path}: line {first.line}: {first.reason}; its first line must name the columns")
        return [name.strip() for name in first.values]

    def records(self) -> Iterator[Record]:
        """Yield the data rows; empty lines are none.

        Raises:
            LogError: The rest of the file cannot be decoded or unpacked.
        """
        for count, record in enumerate(self._records(len(self.header))):
            if self._progress is not None and count % ENOUGH == 0:
                self._progress(self._raw.tell(), self._size)
            yield record

    def _records(self, width: int | None) -> Iterator[Record]:
        """Yield records; those with a count of cells other than `width` are bad."""
        lines, reader = self._lines, self._reader()
        while True:
            lines.taken.clear()
            begun = lines.number + 1
            values: list[str] | None
            try:
                values, reason = next(reader), ""
            except StopIteration:
                return
            except csv.Error as error:
                values, reason = None, f"it is no CSV: {error}"
                reader = self._reader()  # the old one is still inside the broken record
            except (OSError, EOFError, UnicodeError, zlib.error) as error:
                raise LogError(f"{self._path}: cannot be read past line {lines.number}: {error}") from error
            if values is not None:
                if not values:
                    continue
                values, reason = self._judge(values, width)
            if values is None and len(lines.taken) > 1:
                # An open quote swallows what follows: give up the line it stands on, and read the others again.
                reason += "; a quote may be left open"
                lines.put_back_all_but_first()
                reader = self._reader()
            yield Record(begun, values, reason)
            if width is None:
                return

    def _judge(self, values: list[str], width: int | None) -> tuple[list[str] | None, str]:
        """Return the cells, cut to `width`, or None and the reason."""
        if self._lines.ended and len(self._lines.taken) > 1:
            return None, "a quote is not closed before the end of the file"
        if width is not None and len(values) != width:
            if len(values) < width or any(values[width:]):
                return None, f"it has {len(values)} columns, the header has {width}"
            values = values[:width]
        for line in self._lines.taken:
            if "\x00" in line:
                return None, "it contains the NUL character"
            if not line.isascii():
                try:
                    line.encode()
                except UnicodeEncodeError:
                    return None, f"it is not valid {self._form.encoding.removesuffix('-sig').upper()}"
        return values, ""
