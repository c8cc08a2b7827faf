"""The command line. Commands import what they need when they run: `--help` is instant and processes stay small."""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ledgerdesk.cli_account import account
from ledgerdesk.cli_audit import history, seal
from ledgerdesk.cli_demo import demo, seed
from ledgerdesk.cli_parked import parked
from ledgerdesk.cli_person import person
from ledgerdesk.cli_rebuild import rebuild, replay
from ledgerdesk.cli_rules import rules
from ledgerdesk.cli_sla import sla
from ledgerdesk.options import DataOption, PortOption
from shared.service_names import SERVICES

app = typer.Typer(
    name="ledgerdesk", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Ledgerdesk: a help desk whose source of truth is a ledger of events.",
)  # fmt: skip
org = typer.Typer(no_args_is_help=True, help="The organisation: departments, agents, topics, rules, accounts.")
app.add_typer(org, name="org")
app.add_typer(parked, name="parked")
app.add_typer(history, name="history")
app.add_typer(person, name="person")
app.add_typer(account, name="account")
app.add_typer(sla, name="sla")
app.add_typer(rules, name="rules")
for command in (rebuild, replay, demo, seed, seal):
    app.command()(command)


@app.command()
def up(data: DataOption = Path(".ledgerdesk"), port: PortOption = 8080) -> None:
    """Run the whole stack on this machine: PostgreSQL, a Kafka broker and all services, supervised. Data is kept."""
    sys.stdout.flush()
    os.execv(  # noqa: S606 -- the supervisor starts with an empty interpreter: it stays in memory
        sys.executable, [sys.executable, "-m", "ledgerdesk.up", "--data", str(data), "--port", str(port)]
    )


@app.command()
def init(
    *,
    only_log: Annotated[
        bool, typer.Option("--only-log", help="Only the topics, for a broker that has forgotten them.")
    ] = False,
) -> None:
    """Prepare the servers named by DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS: roles, schemas, migrations, topics."""
    from ledgerdesk.initialise import initialise
    from shared.settings import settings
    from shared.telemetry import configure_logging

    configure_logging(settings().log_level)
    asyncio.run(initialise(settings(), only_log=only_log))


@app.command()
def serve(
    services: Annotated[str, typer.Argument(help=f"Service, or several separated by commas: {', '.join(SERVICES)}.")],
    parts: Annotated[str, typer.Option(help="What to run of them: http, relay, projector, reactor.")] = "http,relay,projector,reactor",
    moved: Annotated[str, typer.Option("--except", help="Exceptions: routing.relay adds, -routing.relay takes out.")] = "",
    ready_file: Annotated[Path | None, typer.Option(help="Where a process without HTTP says that it is ready.")] = None,
    after: Annotated[Path | None, typer.Option(help="Load, and start once this file is there: the servers are prepared.")] = None,
) -> None:  # fmt: skip
    """Run one or more services against the servers named by DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS."""
    import uvloop

    from ledgerdesk.host import Host, collect_seldom, load, work
    from shared.settings import settings
    from shared.telemetry import configure_logging

    names = [name.strip() for name in services.split(",") if name.strip()]
    for name in names:
        if name not in SERVICES:
            raise typer.BadParameter(f"{name!r} is no service; there are {', '.join(SERVICES)}", param_hint="SERVICES")
    configure_logging(settings().log_level)
    host = Host.of(settings(), names, [part.strip() for part in parts.split(",")], moved)
    load(host)
    if answers := "http" in parts.split(","):
        from ledgerdesk.application import serve as serve_http
    collect_seldom()
    while after is not None and not after.exists():
        time.sleep(0.02)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_http(host) if answers else work(host, ready_file))


@org.command("apply")
def org_apply(
    file: Annotated[Path, typer.Argument(help="Organisation file (YAML); see examples/org.yaml.")],
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Apply an organisation file as events. Returns when every service knows the result; doing it again changes nothing."""
    import httpx

    from ledgerdesk import organisation
    from ledgerdesk.client import NoStackError, find_stack

    try:
        changed = organisation.apply(
            find_stack(data), organisation.read(file), os.environ.get("LEDGERDESK_DEMO_PASSWORD") or None
        )
    except (NoStackError, RuntimeError, httpx.HTTPError, organisation.OrganisationFileError) as error:
        _fail(str(error))
    else:
        typer.echo("changed: " + ", ".join(f"{owner} {count}" for owner, count in changed.items()))


@org.command("export")
def org_export(
    data: DataOption = Path(".ledgerdesk"),
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="As it was then, UTC.")] = None,
) -> None:  # fmt: skip
    """Print the organisation file that says what is configured, now or as it was. It has addresses in it, and no passwords."""
    import httpx
    import yaml

    from ledgerdesk.client import NoStackError, find_stack
    from ledgerdesk.exporting import export

    try:
        with find_stack(data).client(patience=60) as client:
            file = export(client, at.replace(tzinfo=UTC) if at else None)
    except (NoStackError, RuntimeError, httpx.HTTPError) as error:
        _fail(str(error))
    else:
        typer.echo(
            yaml.safe_dump(file.model_dump(exclude_defaults=True), sort_keys=False, allow_unicode=True), nl=False
        )


@app.command("import")
def import_log(
    log: Annotated[Path, typer.Argument(help="The log: CSV, also gzipped.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="What its columns mean (YAML); see docs/importing.md.")],
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Import another system's ticket log as back-dated events. Importing it again adds nothing; a longer export, its tail."""
    from ledgerdesk.client import NoStackError, find_stack
    from ledgerdesk.importer.command import import_log as run

    try:
        stack = find_stack(data)
    except NoStackError as error:
        _fail(str(error), 2)
    raise typer.Exit(run(log, mapping, url=stack.url, token=lambda: stack.key))


@app.command()
def verify(
    data: DataOption = Path(".ledgerdesk"),
    wait: Annotated[float, typer.Option(help="Seconds that the views are given to catch up.")] = 60,
    key: Annotated[Path | None, typer.Option("--key", help="The public key to audit with; audit.pub beside the key.")] = None,
    *,
    audit: Annotated[bool, typer.Option("--audit", help="Hold the stores against the signed seals, too.")] = False,
) -> None:  # fmt: skip
    """Hold every row of every view against a fresh fold of the stores, and recompute every chain of hashes.

    Ends with 0: clean; 2: differences; 3: a view is behind; 4: events are parked or missing. Works on a stopped stack, too.
    """
    import asyncpg
    from rich.console import Console

    from ledgerdesk.audit.check import Audit, NoSealError
    from ledgerdesk.audit.keys import AuditFiles, KeyFileError
    from ledgerdesk.client import NoStackError
    from ledgerdesk.offline import database_of
    from ledgerdesk.verify import verify as run

    console = Console()
    try:
        auditor = Audit.of(AuditFiles.of(data), key) if audit else None
        with database_of(data) as (dsn, live), console.status("verifying") as status:
            verdict = asyncio.run(run(dsn, wait if live else 0, status.update, auditor))
    except (NoStackError, NoSealError, KeyFileError, OSError, asyncpg.PostgresError) as error:
        _fail(str(error))
    words = {0: "clean", 2: "different", 3: "behind", 4: "parked or missing"}
    for text in [*verdict.differences, *verdict.parked, *verdict.behind, *verdict.discarded][:50]:
        console.print(text, highlight=False, markup=False)
    if auditor is not None and auditor.newest is not None:
        console.print(f"audited against seal {auditor.newest.number}, of {auditor.newest.at}", highlight=False)
    console.print(
        f"{words[verdict.exit_code]}: {verdict.events} events, {sum(verdict.rows.values())} rows in {len(verdict.rows)} views, "
        f"{len(verdict.differences)} differences, {len(verdict.behind)} behind, {len(verdict.parked)} parked or missing, "
        f"{len(verdict.discarded)} discarded "
        f"({verdict.seconds:.1f} s)", highlight=False,
    )  # fmt: skip
    raise typer.Exit(verdict.exit_code)


@app.command()
def doctor(
    data: DataOption = Path(".ledgerdesk"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what runs (with pids), how far every store, relay and view has come, and what it costs. Ends with 0 if all is well."""
    from ledgerdesk import doctor as examination
    from ledgerdesk.client import NoStackError, find_stack

    try:
        stack = find_stack(data)
    except NoStackError as error:
        _fail(str(error))
    raise typer.Exit(examination.show(examination.examine(data, stack), as_json=as_json))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The archive to write, e.g. ledgerdesk-2026-11-22.tar.")],
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Save the stores, keys and files into one archive, also while the stack runs. It holds secrets: guard it."""
    import asyncpg

    from ledgerdesk.backup import backup as run
    from ledgerdesk.client import NoStackError
    from ledgerdesk.offline import database_of

    try:
        with database_of(data) as (dsn, _):
            manifest = asyncio.run(run(dsn, data, target, typer.echo))
    except (NoStackError, OSError, asyncpg.PostgresError) as error:
        _fail(str(error))
    total = sum(store["events"] for store in manifest["stores"].values())
    typer.echo(f"{target}: {total} events, {target.stat().st_size} bytes")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="An archive that `ledgerdesk backup` wrote.")],
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Restore an archive into a new directory, or into the empty database of DATABASE_URL. The views build themselves anew."""
    import tempfile

    import asyncpg

    from ledgerdesk import backup as archive
    from ledgerdesk.client import NoStackError
    from ledgerdesk.initialise import migrate_all
    from ledgerdesk.offline import database_of, is_running

    if is_running(data) and not os.environ.get("DATABASE_URL"):
        _fail(f"a stack runs in {data}: stop it, and restore into a new directory")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            manifest = archive.unpack(source, Path(scratch))
            archive.restore_files(Path(scratch), data)
            with database_of(data, create=True) as (dsn, _):
                asyncio.run(migrate_all(dsn))
                total = asyncio.run(archive.restore_stores(dsn, Path(scratch), manifest, typer.echo))
            archive.restore_keys(Path(scratch), data)
    except (NoStackError, archive.BackupError, OSError, asyncpg.PostgresError) as error:
        _fail(str(error))
    typer.echo(f"{total} events restored into {data}; start it with: ledgerdesk up --data {data}")


def _fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point."""
    import stamina.instrumentation

    if sys.argv[1:2] != ["serve"]:  # for a person, a retry that works is no news; one that gives up raises
        stamina.instrumentation.set_on_retry_hooks([])
    app()


if __name__ == "__main__":
    main()
