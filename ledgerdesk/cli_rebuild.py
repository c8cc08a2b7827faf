"""``ledgerdesk rebuild`` and ``ledgerdesk replay`` at a terminal."""

import asyncio
import os
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


def replay(
    ticket: Annotated[str | None, typer.Option("--ticket", help="Its number, or the id of its stream.")] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", help="Into this topic, tickets' events alone; it must exist.")
    ] = None,
    data: DataOption = Path(".ledgerdesk"),
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything there is.")] = False,
) -> None:
    """Send a ticket's events, or all, to Kafka again. Consumers skip what they know; nothing is reacted to twice.

    On a running stack: that of the directory, or of DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS.
    """
    import asyncpg
    from aiokafka.errors import KafkaError
    from rich.console import Console

    from ledgerdesk.client import NoStackError, environment_of
    from ledgerdesk.parked import UnknownTicketError, stream_of
    from ledgerdesk.progress import bar_of
    from ledgerdesk.replay import NoTopicError
    from ledgerdesk.replay import replay as run
    from shared.settings import Settings

    if (ticket is None) == (not everything):
        raise typer.BadParameter("give either --ticket N or --all")
    try:
        if not os.environ.get("DATABASE_URL"):
            os.environ.update(environment_of(data))
        settings = Settings()
        with bar_of(Console(soft_wrap=True)) as bar:
            task = bar.add_task("replaying", total=None, rate="")

            def say(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total, rate=f"{done:,} events")

            async def work() -> int:
                return await run(
                    settings, await stream_of(settings.database_url, ticket) if ticket else None, topic, say
                )

            sent = asyncio.run(work())
    except (NoStackError, UnknownTicketError, NoTopicError, KafkaError, OSError, asyncpg.PostgresError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{sent:,} events sent")
