"""``ledgerdesk person`` at a terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ledgerdesk.options import DataOption
from shared.contracts.fields import Forgotten

if TYPE_CHECKING:
    import httpx

WAIT_SECONDS = 600.0
REASONS = ", ".join(get_args(Forgotten))

person = typer.Typer(no_args_is_help=True, help="People: forget somebody.")


@person.callback()
def people() -> None:
    """People: forget somebody."""


@person.command()
def forget(
    who: Annotated[str, typer.Argument(metavar="WHO", help="E-mail address, login or person id.")],
    reason: Annotated[str, typer.Option("--reason", help=f"Why; kept for ever, so one of: {REASONS}.")],
    data: DataOption = Path(".ledgerdesk"),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be erased, and erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase what is personal of somebody, in every store, view and inbox, for ever. See docs/privacy.md.

    Name, address, login, account, sessions and keys go; of tickets opened for the person every word, of others' tickets the
    person's messages. What happened and when stays, and history still verifies. Returns when all services are done.
    """
    import httpx

    from ledgerdesk.client import NoStackError, find_stack

    if reason not in get_args(Forgotten):
        raise typer.BadParameter(f"must be one of: {REASONS}", param_hint="--reason")
    try:
        with find_stack(data).client(patience=60) as client:
            body = {"who": who, "reason": reason}
            _say_what(_send(client, {**body, "dry_run": True})["persons"])
            if dry_run:
                return
            if not yes:
                typer.confirm("Erase this for ever?", abort=True)
            _wait_for(client, _send(client, body))
    except (NoStackError, RuntimeError, httpx.HTTPError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _send(client: "httpx.Client", body: dict[str, Any]) -> dict[str, Any]:
    from ledgerdesk.client import checked

    found: dict[str, Any] = checked(client.post("/internal/intake/forget", json=body))
    return found


def _say_what(persons: list[dict[str, Any]]) -> None:
    for one in persons:
        also = [word for word, so in (("an agent", one["is_agent"]), ("an account", one["has_account"])) if so]
        typer.echo(
            f"person {one['id']}: {one['tickets']} tickets, messages on {one['elsewhere']} tickets of others"
            + (f", {' and '.join(also)}" if also else "") + (" (forgotten already)" if one["forgotten"] else "")
        )  # fmt: skip


def _wait_for(client: "httpx.Client", forgot: dict[str, Any]) -> None:
    from rich.console import Console

    from ledgerdesk.waiting import until_erased

    with Console(stderr=True).status("views") as status:
        left = until_erased(client, WAIT_SECONDS, status.update)
    if left:
        typer.echo(
            f"forgotten, and it will be erased everywhere; but after {WAIT_SECONDS:.0f} s these are not done: "
            f"{', '.join(left)}. See `ledgerdesk doctor`; the same command waits on.", err=True,
        )  # fmt: skip
        raise typer.Exit(3)
    typer.echo(f"forgotten in every store and view: {', '.join(one['id'] for one in forgot['persons'])}")
    typer.echo(
        "Not in reach: the broker keeps its records for their time, and backups keep what they hold (docs/privacy.md)."
    )
