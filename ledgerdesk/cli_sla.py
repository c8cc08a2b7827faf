"""``ledgerdesk sla`` at a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from ledgerdesk.options import DataOption

sla = typer.Typer(no_args_is_help=True, help="Service levels: what a changed plan or calendar changes.")


@sla.callback()
def levels() -> None:
    """Service levels: what a changed plan or calendar changes."""


@sla.command()
def recompute(
    data: DataOption = Path(".ledgerdesk"),
    plan: Annotated[str | None, typer.Option("--plan", help="Only tickets of this plan.")] = None,
    calendar: Annotated[str | None, typer.Option("--calendar", help="Only tickets of this calendar.")] = None,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Let it be so; without, it is only shown.")] = False,
) -> None:
    """Compute open tickets' promises by the plans and calendars as they are now, and show the difference.

    A changed plan or calendar holds for new tickets; what was promised before stays promised until this is run with --apply.
    """
    import httpx

    from ledgerdesk.client import NoStackError, checked, find_stack

    try:
        with find_stack(data).client(patience=60) as client:
            body = {"plan": plan, "calendar": calendar, "apply": apply}
            found = checked(client.post("/sla/recompute", json=body, timeout=600))
    except (NoStackError, RuntimeError, httpx.HTTPError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for change in found["changes"]:
        typer.echo(f"{change['ticket']}  {change['target']}: {change['was'] or 'none'} -> {change['due'] or 'none'}")
    done = "changed" if found["applied"] else "would change (--apply lets it)"
    typer.echo(f"{found['tickets']} open tickets looked at, {found['changed']} promises {done}")
