"""``ledgerdesk seal`` and ``ledgerdesk history`` at a terminal."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ledgerdesk.options import DataOption

NOT_HELD = 2
history = typer.Typer(
    no_args_is_help=True, help="A ticket's history as a file that proves itself: take it out, check it."
)


def seal(
    data: DataOption = Path(".ledgerdesk"),
    *,
    daily: Annotated[bool, typer.Option("--daily", help="Only if the last whole day (UTC) has no seal yet.")] = False,
) -> None:
    """Seal all history up to now: a signed root over every stream, in the database and in a file beside the key.

    Ends with 0: sealed, or nothing is new; 1: could not be run; 2: refused, because sealed history was changed.
    """
    import asyncpg

    from ledgerdesk.audit.keys import AuditFiles, KeyFileError
    from ledgerdesk.audit.seal import SealRefusedError, make_seal
    from ledgerdesk.client import NoStackError
    from ledgerdesk.offline import database_of

    files = AuditFiles.of(data)
    if daily:
        os.nice(10)  # it has all day
    try:
        with database_of(data) as (dsn, _):
            if files.make_key():
                typer.echo(f"made the key {files.key}; copy {files.public} to where nobody of here can write")
            record = asyncio.run(make_seal(dsn, files, daily=daily))
    except SealRefusedError as error:
        _fail(f"refused: {error}\nsee all of it: ledgerdesk verify --audit", NOT_HELD)
    except asyncpg.UndefinedTableError:
        _fail("this database is from an older version: start the stack once, or run `ledgerdesk init`")
    except (NoStackError, KeyFileError, OSError, asyncpg.PostgresError) as error:
        _fail(str(error))
    if record is None:
        typer.echo("nothing to do: sealed for the last whole day" if daily else "nothing is new: no seal was made")
    else:
        typer.echo(f"seal {record.number}: {record.streams} streams, up to {record.at}, root {record.root}")


@history.command("export")
def export(
    ticket: Annotated[str, typer.Argument(help="Its number, or the id of its stream.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; else standard output.")] = None,
    data: DataOption = Path(".ledgerdesk"),
    *,
    first: Annotated[bool, typer.Option("--seal", help="Make a seal first, so that its latest events are covered.")] = False,
) -> None:  # fmt: skip
    """Write a ticket's events, with the proof that they are all there were and as they were. It holds personal data."""
    import asyncpg

    from ledgerdesk.audit.document import History, HistoryError
    from ledgerdesk.audit.history import NotSealedError
    from ledgerdesk.audit.history import export as take
    from ledgerdesk.audit.keys import AuditFiles, KeyFileError
    from ledgerdesk.audit.records import RecordError
    from ledgerdesk.audit.seal import SealRefusedError, make_seal
    from ledgerdesk.client import NoStackError
    from ledgerdesk.offline import database_of
    from ledgerdesk.parked import UnknownTicketError, stream_of

    files = AuditFiles.of(data)

    async def work(dsn: str) -> History:
        stream_id = await stream_of(dsn, ticket)
        if first:
            await make_seal(dsn, files)
        return await take(dsn, stream_id, files.ring())

    try:
        with database_of(data) as (dsn, _):
            document = asyncio.run(work(dsn))
    except (HistoryError, SealRefusedError, RecordError) as error:
        _fail(f"{error}\nsee all of it: ledgerdesk verify --audit", NOT_HELD)
    except (NotSealedError, UnknownTicketError, NoStackError, KeyFileError, OSError, asyncpg.PostgresError) as error:
        _fail(str(error))
    text = document.model_dump_json(indent=1) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    out.touch(mode=0o600)
    out.write_text(text, encoding="utf-8")
    typer.echo(
        f"{out}: {sum(len(part.events) for part in document.owners)} events; check it: ledgerdesk history check {out} --key {files.public}"
    )


@history.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="What `ledgerdesk history export` wrote.")],
    key: Annotated[Path, typer.Option("--key", help="The stack's public key, audit.pub.")],
) -> None:
    """Check such a file with the public key alone: no stack and no database is asked. Ends with 0 if it holds, else with 2."""
    from ledgerdesk.audit.document import HistoryError, parse, prove
    from ledgerdesk.audit.keys import KeyFileError, read_ring

    try:
        ring = read_ring(key)
        text = file.read_bytes()
    except (KeyFileError, OSError) as error:
        _fail(str(error))
    try:
        proven = prove(parse(text), ring)
    except HistoryError as error:
        _fail(f"does not hold: {error}", NOT_HELD)
    counts = ", ".join(f"{owner} {count}" for owner, count in proven.events.items())
    typer.echo(f"holds: ticket {proven.ticket.number} ({proven.ticket.id})")
    typer.echo(
        f"  {sum(proven.events.values())} events ({counts}), all there were up to the seal, as they were recorded"
    )
    typer.echo(f"  {proven.erased} personal parts are erased or left out; what is left is unchanged")
    typer.echo(f"  sealed on {proven.seal.at} (seal {proven.seal.number}) by key {proven.seal.key_id}")


def _fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
