"""``ledgerdesk import`` at a terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ledgerdesk.importer.mapping import MappingError
from ledgerdesk.importer.report import ImportReport
from ledgerdesk.importer.run import run_import
from ledgerdesk.importer.send import SendError
from ledgerdesk.importer.source import LogError

SHOWN = 20
"""Bad rows and refused facts that are shown, each; the others are counted."""
ALL_IN, SOME_OUT, UNUSABLE = 0, 1, 2


def import_log(log: Path, mapping: Path, *, url: str, token: Callable[[], str]) -> int:
    """Import a log, with a progress bar, and print what became of it.

    Args:
        log: CSV, plain or gzipped.
        mapping: The mapping file; ``docs/importing.md`` describes it.
        url: The stack's address.
        token: Gives a bearer token of the system role that is valid now.

    Returns:
        The exit code: 0 if every row went in, 1 if some were bad or refused, 2 if nothing could be done with the
        mapping or the log, or the stack could not be reached.
    """
    out, err = Console(), Console(stderr=True)
    try:
        with _bars(err) as bars:
            tasks: dict[str, TaskID] = {}

            def tell(phase: str, done: int, total: int) -> None:
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase, total=total)
                bars.update(tasks[phase], completed=done, total=total)

            report = asyncio.run(run_import(log, mapping, url, token, tell))
    except MappingError as error:
        err.print(f"[red]{escape(str(mapping))} cannot be used:[/red]")
        for problem in error.problems:
            err.print(f"  {problem}", markup=False, highlight=False, soft_wrap=True)
        return UNUSABLE
    except (LogError, SendError) as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return UNUSABLE
    show(report, out)
    return ALL_IN if report.complete else SOME_OUT


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
    )


def show(report: ImportReport, console: Console) -> None:
    """Print a report."""
    facts = sum(report.stated.values())
    console.print(
        f"[bold]{escape(report.log)}[/bold]: {report.rows_read:,} rows, {report.tickets:,} tickets, {facts:,} facts in "
        f"{report.seconds:,.1f} s",
        highlight=False,
    )
    refused: dict[str, int] = {}
    for fact in report.refused:
        refused[fact.type] = refused.get(fact.type, 0) + 1
    types = Table("fact")
    types.add_column("stated", justify="right")
    types.add_column("refused", justify="right")
    for event_type, count in sorted(report.stated.items()):
        types.add_row(event_type.removeprefix("ledgerdesk."), f"{count:,}", f"{refused.get(event_type, 0):,}")
    console.print(types)
    owners = Table("owner")
    owners.add_column("new", justify="right")
    owners.add_column("known already", justify="right")
    for owner in sorted({*report.appended, *report.known}):
        owners.add_row(owner, f"{report.appended[owner]:,}", f"{report.known[owner]:,}")
    console.print(owners)
    _some(console, "rows left out", [f"line {bad.line}: {bad.reason}" for bad in report.bad])
    _some(console, "facts refused", [f"line {no.line}: {no.type}: {no.reason}" for no in report.refused])


def _some(console: Console, what: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print(f"[yellow]{len(lines):,} {what}:[/yellow]")
    for line in lines[:SHOWN]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if len(lines) > SHOWN:
        console.print(f"  … and {len(lines) - SHOWN:,} more", highlight=False)
