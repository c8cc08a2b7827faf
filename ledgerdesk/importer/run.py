"""An import from beginning to end."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx

from ledgerdesk.importer.derive import derive
from ledgerdesk.importer.facts import Stated
from ledgerdesk.importer.mapping import load_mapping
from ledgerdesk.importer.people import directory
from ledgerdesk.importer.reader import read_log
from ledgerdesk.importer.report import ImportReport
from ledgerdesk.importer.send import Sender

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Told the phase (``reading``: bytes, ``directory``: names, ``sending``: rows), how much is done, and of how much."""

_DEPARTMENT = "ledgerdesk.department.configured"
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


async def run_import(
    log_path: Path, mapping_path: Path, base_url: str, token: Callable[[], str], progress: Progress | None = None, *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> ImportReport:  # fmt: skip
    """Import a log. What is in the ledger already is left as it is, so a second run, or a longer export, is welcome.

    Args:
        log_path: CSV, plain or gzipped.
        mapping_path: The mapping file.
        base_url: The stack's address.
        token: Gives a bearer token of the system role that is valid now; asked for every call.
        progress: Told how far it is.
        transport: In the place of the network, for tests.

    Raises:
        MappingError: The mapping makes no sense, or does not fit the log.
        LogError: The log cannot be read.
        SendError: The stack cannot be reached, or does not let us in.
    """
    begun = time.perf_counter()
    tell = progress or (lambda _phase, _done, _total: None)
    mapping = load_mapping(mapping_path)
    log = read_log(log_path, mapping, lambda done, total: tell("reading", done, total))
    report = ImportReport(mapping.log, log.read, len({row.case for row in log.rows if row.usable}), log.bad)
    entries = list(directory(log.rows, mapping.log))
    rows = _Counted(log.rows)
    async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT, transport=transport) as client:
        sender = Sender(client, base_url, token, report, lambda: tell("sending", rows.count, len(log.rows)))
        tell("directory", 0, len(entries))
        fresh = await _without_departments_there(entries, sender, report)

        def everything() -> Iterator[Stated]:
            # People and departments first: an assignment to somebody whom nobody knows would show an empty name.
            yield from fresh
            tell("directory", len(entries), len(entries))
            yield from derive(rows, mapping)

        await sender.send(everything())
    tell("sending", len(log.rows), len(log.rows))
    report.refused.sort()
    report.seconds = time.perf_counter() - begun
    return report


async def _without_departments_there(entries: list[Stated], sender: Sender, report: ImportReport) -> list[Stated]:
    """Leave out departments that exist: another fact would make a working department an inactive one."""
    departments = [entry for entry in entries if entry.fact["type"] == _DEPARTMENT]
    found = await sender.existing("routing", [entry.fact["stream_id"] for entry in departments])
    there = {entry.fact["id"] for entry in departments if entry.fact["stream_id"] in found}
    report.stated[_DEPARTMENT] += len(there)
    report.known["routing"] += len(there)
    return [entry for entry in entries if entry.fact["id"] not in there]


class _Counted(Iterable[T]):
    """Counts what has been taken out of it."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            self.count += 1
            yield item
