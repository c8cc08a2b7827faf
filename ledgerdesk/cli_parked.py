"""``ledgerdesk parked`` at a terminal."""

import asyncio
import getpass
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ledgerdesk.options import DataOption

if TYPE_CHECKING:
    from ledgerdesk.parked import Parked

T = TypeVar("T")
NONE_LEFT, SOME_LEFT = 0, 4

parked = typer.Typer(
    no_args_is_help=True, help="Events that a view could not fold, or that could not be reacted to: look, try again."
)
TicketArgument = Annotated[str, typer.Argument(metavar="TICKET", help="Its number, or the id of any stream.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def _with_database(data: Path, work: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    """Run something on the stack's database, whether the stack runs or not; end with 1 and a reason if there is none."""
    import asyncpg

    from ledgerdesk.client import NoStackError
    from ledgerdesk.offline import database_of
    from ledgerdesk.parked import UnknownTicketError

    try:
        with database_of(data) as (dsn, _):
            return asyncio.run(work(dsn))
    except (NoStackError, UnknownTicketError, OSError, asyncpg.PostgresError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@parked.command("list")
def list_parked(data: DataOption = Path(".ledgerdesk"), *, as_json: JsonOption = False) -> None:
    """List what is parked: where, since when, and why. Ends with 0 if nothing is, else with 4."""
    from ledgerdesk.parked import parked as look

    found = _with_database(data, look)
    if as_json:
        _print_json([asdict(one) for one in found])
    else:
        for line in map(_line, found):
            typer.echo(line)
        if not found:
            typer.echo("nothing is parked")
    raise typer.Exit(SOME_LEFT if found else NONE_LEFT)


@parked.command()
def show(ticket: TicketArgument, data: DataOption = Path(".ledgerdesk")) -> None:
    """Print one stream's parked events as JSON, with the reason."""
    from ledgerdesk.parked import parked as look
    from ledgerdesk.parked import stream_of

    async def of_ticket(dsn: str) -> list["Parked"]:
        return await look(dsn, await stream_of(dsn, ticket))

    _print_json([asdict(one) for one in _with_database(data, of_ticket)])


@parked.command()
def retry(
    ticket: Annotated[
        str | None, typer.Argument(metavar="[TICKET]", help="Its number, or the id of any stream.")
    ] = None,
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Fold parked events once more, all or one stream's, with this version of the code. Ends with 0 if nothing is left, else with 4."""
    from ledgerdesk.parked import Retried, stream_of
    from ledgerdesk.parked import retry as again

    async def work(dsn: str) -> Retried:
        return await again(dsn, await stream_of(dsn, ticket) if ticket else None)

    came_to = _with_database(data, work)
    typer.echo(f"{came_to.healed} healed, {came_to.reactions} to be reacted to again, {came_to.left} left")
    if came_to.left:
        typer.echo("see why: ledgerdesk parked list", err=True)
    raise typer.Exit(SOME_LEFT if came_to.left else NONE_LEFT)


@parked.command()
def discard(
    ticket: TicketArgument,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it is given up; kept, and shown by `verify`. No personal data.")
    ],
    data: DataOption = Path(".ledgerdesk"),
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All that is parked of it, not the first of each view alone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give up a ticket's parked events: views pass over them for ever. The stores keep them. Try `retry` first.

    Ends with 0 if nothing of the ticket is parked any more, else with 4.
    """
    from ledgerdesk.parked import Discarded, stream_of
    from ledgerdesk.parked import discard as give_up
    from ledgerdesk.parked import parked as look

    async def find(dsn: str) -> list["Parked"]:
        return await look(dsn, await stream_of(dsn, ticket))

    found = _with_database(data, find)
    if not found:
        typer.echo("nothing of it is parked")
        return
    for line in map(_line, found):
        typer.echo(line)
    if not yes:
        typer.confirm("Let the views pass over this for ever?", abort=True)

    async def work(dsn: str) -> Discarded:
        return await give_up(dsn, await stream_of(dsn, ticket), reason, getpass.getuser(), every=every)

    came_to = _with_database(data, work)
    typer.echo(
        f"{came_to.given} discarded, {came_to.healed} folded behind them, {came_to.reactions} reactions discarded, {came_to.left} left"
    )
    raise typer.Exit(SOME_LEFT if came_to.left else NONE_LEFT)


@parked.command("discarded")
def list_discarded(data: DataOption = Path(".ledgerdesk"), *, as_json: JsonOption = False) -> None:
    """List what was discarded: where, when, by whom and why."""
    from ledgerdesk.parked import discarded as look

    found = _with_database(data, look)
    if as_json:
        _print_json([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(
            f"{one.discarded_at:%Y-%m-%d %H:%M:%S}Z  {one.service}: {one.view}: {one.type.removeprefix('ledgerdesk.')} "
            f"({one.source} {one.version}) of {one.stream_id}: {one.reason}; discarded by {one.discarded_by}: {one.why}"
        )
    if not found:
        typer.echo("nothing was discarded")


def _print_json(value: object) -> None:
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())


def _line(one: "Parked") -> str:
    """Return what is parked in a line that can be searched, and copied from."""
    event = one.event
    name = event["type"].removeprefix("ledgerdesk.")
    return (
        f"{one.parked_at:%Y-%m-%d %H:%M:%S}Z  {one.service}: {one.view}: {name} ({event['source']} {event['version']}) "
        f"of {event['stream_id']}: {one.reason}"
    )
