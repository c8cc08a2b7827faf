"""``ledgerdesk demo`` and ``ledgerdesk seed`` at a terminal."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerdesk.options import DataOption, PortOption

if TYPE_CHECKING:
    from datetime import datetime


def demo(
    data: DataOption = Path(".ledgerdesk"),
    port: PortOption = 8080,
    tickets: Annotated[int | None, typer.Option(min=1, help="Tickets of the simulated quarter; 6,000 unless one is there already.")] = None,
    seed: Annotated[int, typer.Option(min=1, help="Which quarter: another seed is another one, with ticket numbers of its own.")] = 1,
    end: Annotated[str | None, typer.Option(help="Day (YYYY-MM-DD) at whose midnight UTC the quarter ends; today.")] = None,
    stay: Annotated[bool, typer.Option(help="Keep the stack running until Ctrl-C.")] = True,  # noqa: FBT002 -- typer's --stay/--no-stay
) -> None:  # fmt: skip
    """Start the stack, play the story of Ken, John and Jane live, and load a simulated quarter of tickets. Data is kept."""
    from ledgerdesk.demo.conduct import conduct

    _day(end)
    chosen = ["--seed", str(seed)]
    chosen += ["--tickets", str(tickets)] if tickets else []
    chosen += ["--end", end] if end else []
    sys.stdout.flush()
    raise typer.Exit(conduct(data, port, chosen, stay=stay))


def seed(
    tickets: Annotated[
        int | None, typer.Option(min=1, help="How many; 6,000 unless this seed's are there already.")
    ] = None,
    seed: Annotated[int, typer.Option(min=1, help="Which quarter; the demo's is 1.")] = 2,
    end: Annotated[str | None, typer.Option(help="Day (YYYY-MM-DD) at whose midnight UTC it ends; today.")] = None,
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Fill a stack with a simulated quarter of any size, back-dated. Doing it again adds nothing.

    A running stack is told through its front door. Of a stopped one the stores are written directly, which is what a million
    tickets want; its views are then made by `ledgerdesk rebuild`.
    """
    from rich.console import Console

    from ledgerdesk.client import find_stack
    from ledgerdesk.demo import run
    from ledgerdesk.offline import database_of, is_running

    console = Console(soft_wrap=True)
    try:
        quarter = run.quarter_of(data, seed, tickets, _day(end))
        if os.environ.get("LEDGERDESK_URL") or is_running(data):
            run.seed(find_stack(data), data, quarter, console)
        else:
            with database_of(data) as (dsn, _):
                run.seed_stopped(dsn, data, quarter, console)
    except run.FAILURES as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _day(text: str | None) -> "datetime | None":
    """Return the midnight (UTC) with which a day begins."""
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter("give a day such as 2026-03-31", param_hint="--end") from None
