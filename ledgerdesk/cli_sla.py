"""``ledgerdesk sla`` at a terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ledgerdesk.options import DataOption

BEHIND = 3
"""Exit code: not all that was acknowledged had been heard of."""

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

    What was acknowledged before is in it. If that has not been heard of within ten seconds, it is said what has not, with exit code 3.

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
    for line in not_heard_of(found):
        typer.echo(line, err=True)
    if found["unheard"] or found["unreacted"]:
        typer.echo("What is missing may change more: run it again.", err=True)
        raise typer.Exit(BEHIND)


def not_heard_of(found: Mapping[str, Any]) -> list[str]:
    """Return what workflow had not heard of when it answered, a line each. Pure."""
    lines = [
        f"not heard of yet: {one['owner']}'s events after {one['heard']}, up to {one['written']}"
        if one["written"] is not None
        else f"not known: whether {one['owner']} has written more than {one['heard']} events; it does not answer"
        for one in found["unheard"]
    ]
    waiting = [f"not reacted to yet: {found['unreacted']} events"] if found["unreacted"] else []
    return [*lines, *waiting]
