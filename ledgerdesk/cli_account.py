"""``ledgerdesk account`` at a terminal."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ledgerdesk.options import DataOption

account = typer.Typer(no_args_is_help=True, help="Accounts: invite somebody.")


@account.callback()
def accounts() -> None:
    """Accounts: invite somebody."""


@account.command()
def invite(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="Login or e-mail address of the account.")],
    data: DataOption = Path(".ledgerdesk"),
) -> None:
    """Print a one-time link by which an account's owner sets a password; an earlier link is void. Give it to nobody else.

    For an account that has a password this is a reset. The account itself comes from an organisation file.
    """
    import httpx

    from ledgerdesk.client import NoStackError, checked, find_stack

    try:
        with find_stack(data).client() as client:
            link = checked(client.post(f"/accounts/{quote(login, safe='')}/links"))
    except (NoStackError, RuntimeError, httpx.HTTPError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(link["url"])
    typer.echo(f"{link['purpose']}, good once, until {link['expires_at']}", err=True)
