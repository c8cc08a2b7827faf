"""``ledgerdesk rebuild`` at a terminal."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ledgerdesk.options import DataOption

Name = Annotated[
    str,
    typer.Argument(help="A service (reporting: all its views), a view (reporting.ticket), or all.", show_default=False),
]


def rebuild(name: Name, data: DataOption = Path(".ledgerdesk")) -> None:
    """Make views anew from the stores, beside the live ones, and flip. Reading goes on; nothing is reacted to again.

    Works on a running stack and on a stopped one. `ledgerdesk doctor` shows the versions.
    """
    import asyncpg
    from rich.console import Console

    from ledgerdesk.client import NoStackError
    from ledgerdesk.initialise import migrate_all
    from ledgerdesk.offline import database_of
    from ledgerdesk.progress import bar_of
    from ledgerdesk.rebuild import RebuildError, UnknownViewError, plan_of
    from ledgerdesk.rebuild import rebuild as run
    from shared.settings import SERVICES

    console = Console(soft_wrap=True)
    names = list(SERVICES) if name == "all" else [name]
    try:
        for one in names:
            plan_of(one)
        with database_of(data) as (dsn, live):
            if not live:  # as the stack would at its start
                asyncio.run(migrate_all(dsn))
            for one in names:
                with bar_of(console) as bar:
                    task = bar.add_task(f"rebuilding {one}", total=None, rate="")

                    def say(done: int, total: int) -> None:
                        bar.update(task, completed=done, total=total, rate=f"{done:,} events")  # noqa: B023 -- called before the next turn

                    made = asyncio.run(run(dsn, one, say))
                console.print(
                    f"{one}: version {made.version}, {made.events:,} events in {made.seconds:.1f} s "
                    f"({made.events / made.seconds:,.0f}/s); flipped in {1000 * made.flip_seconds:.0f} ms", highlight=False,
                )  # fmt: skip
    except (NoStackError, UnknownViewError, RebuildError, OSError, asyncpg.PostgresError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
