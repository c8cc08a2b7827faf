"""The command line. Commands import what they need when they run: `--help` is instant and processes stay small."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="ledgerdesk", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Ledgerdesk: a help desk whose source of truth is a ledger of events.",
)  # fmt: skip
org = typer.Typer(no_args_is_help=True, help="The organisation: departments, agents, topics, rules, accounts.")
app.add_typer(org, name="org")

DataOption = Annotated[
    Path, typer.Option("--data", envvar="LEDGERDESK_DATA", help="Directory of the embedded stack.", show_default=True)
]
PortOption = Annotated[int, typer.Option("--port", envvar="LEDGERDESK_PORT", help="Port to serve on.")]


@app.command()
def up(data: DataOption = Path(".ledgerdesk"), port: PortOption = 8080) -> None:
    """Run the whole stack on this machine: PostgreSQL, a Kafka broker and all services, supervised. Data is kept."""
    sys.stdout.flush()
    os.execv(  # noqa: S606 -- the supervisor starts with an empty interpreter: it stays in memory
        sys.executable, [sys.executable, "-m", "ledgerdesk.up", "--data", str(data), "--port", str(port)]
    )


@app.command()
def init() -> None:
    """Prepare the servers named by DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS: roles, schemas, migrations, topics."""
    from ledgerdesk.host import initialise
    from shared.settings import settings
    from shared.telemetry import configure_logging

    configure_logging(settings().log_level)
    asyncio.run(initialise(settings()))


@app.command()
def serve(
    services: Annotated[str, typer.Argument(help="Service, or several separated by commas: intake, routing, workflow, reporting, gateway.")],
    parts: Annotated[str, typer.Option(help="What to run of them: http, relay, projector, reactor.")] = "http,relay,projector,reactor",
    moved: Annotated[str, typer.Option("--except", help="Exceptions: routing.relay adds, -routing.relay takes out.")] = "",
    ready_file: Annotated[Path | None, typer.Option(help="Where a process without HTTP says that it is ready.")] = None,
) -> None:  # fmt: skip
    """Run one or more services against the servers named by DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS."""
    import uvloop

    from ledgerdesk.host import Host, work
    from ledgerdesk.host import serve as serve_http
    from shared.settings import SERVICES, settings
    from shared.telemetry import configure_logging

    names = [name.strip() for name in services.split(",") if name.strip()]
    for name in names:
        if name not in SERVICES:
            raise typer.BadParameter(f"{name!r} is no service; there are {', '.join(SERVICES)}", param_hint="SERVICES")
    configure_logging(settings().log_level)
    host = Host.of(settings(), names, [part.strip() for part in parts.split(",")], moved)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_http(host) if "http" in parts.split(",") else work(host, ready_file))


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


def _fail(message: str, code: int = 1) -> None:
    """Say what is wrong and end."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
