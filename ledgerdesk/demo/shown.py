"""What the demo prints when it is ready: where to look, as whom, and a few figures."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from ledgerdesk.client import PATIENCE, Stack, checked
from ledgerdesk.demo.story import Told

_LOGINS: Final = (
    ("john", "agent, support; dispatches emergencies"), ("jane", "agent, system administration"), ("lea", "lead, field service"),
    ("ana", "analyst"), ("ada", "administrator"), ("ken", "requester"),
)  # fmt: skip
_UNAUTHORIZED: Final = 401


def what_to_look_at(stack: Stack, data: Path, console: Console, told: Told, password: str, *, new: bool) -> None:
    """Print addresses, logins, commands and figures.

    Args:
        stack: The stack.
        data: Its directory, if it is embedded.
        console: Where to.
        told: The story that was played.
        password: Of the demo's accounts.
        new: The password was made just now: this is the one time it is shown.
    """
    console.print(_figures(stack))
    console.print(f"[bold]Look at[/bold] {stack.url}   sign in as one of:", highlight=False)
    for login, role in _LOGINS:
        console.print(f"  [bold cyan]{login:<5}[/bold cyan] {role}", highlight=False)
    _say_password(stack, data, console, password, new=new)
    key = data / "admin.key"
    console.print("\n[bold]Or ask the API[/bold]", highlight=False)
    secret = f"$(cat {key})" if key.exists() else "$LEDGERDESK_ADMIN_API_KEY"
    api = f"{stack.url}/api/v1"
    for line in (
        f"KEY={secret}",
        f'curl -sH "Authorization: Bearer $KEY" {api}/tickets/{told.number}/timeline',
        f'curl -sH "Authorization: Bearer $KEY" -H "Ledgerdesk-On-Behalf-Of: john" "{api}/tickets?involved=me"',
        f'curl -sH "Authorization: Bearer $KEY" "{api}/tickets?status=open&department=support&sort=created_at"',
        f'curl -sH "Authorization: Bearer $KEY" "{api}/reports/volumes?group_by=department&format=csv"',
    ):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _say_password(stack: Stack, data: Path, console: Console, password: str, *, new: bool) -> None:
    """Say what the password is, or where; and if it is another: accounts keep the one they were given first."""
    answer = httpx.post(
        f"{stack.url}/api/v1/sessions", json={"login": "john", "password": password}, timeout=30, trust_env=False
    )
    if answer.status_code == _UNAUTHORIZED:
        console.print(
            "  password: the one these accounts were given first; an administrator can set another", style="yellow"
        )
    elif new:
        console.print(f"  password: [bold]{password}[/bold]   (kept in {data / 'demo.password'})", highlight=False)
    else:
        console.print(f"  password: as in LEDGERDESK_DEMO_PASSWORD or {data / 'demo.password'}", highlight=False)


def _figures(stack: Stack) -> Table:
    """Return a small table out of the reports."""
    with stack.client(patience=PATIENCE) as client:
        moves = {row["kind"]: row["count"] for row in _rows(client, "moves")}
        times = {row["name"]: row for row in _rows(client, "durations")}
        backlog = _rows(client, "backlog")[-1:]
        reopens = sum(row["transitions"] for row in _rows(client, "reopens"))
        agents = sorted(_rows(client, "agents"), key=lambda row: -int(row["acts"]))[:3]
    table = Table(title="From the reports", title_justify="left", show_header=False)
    for kind in ("created", "replied", "resolved", "closed"):
        table.add_row(kind, f"{moves.get(kind, 0):,}")
    table.add_row("reopened", f"{reopens:,}")
    for name, row in times.items():
        if row["count"]:
            table.add_row(f"{name}, median and 90%", f"{_hours(row['median'])}, {_hours(row['p90'])}")
    for row in backlog:
        table.add_row(
            "not closed, unresolved, on hold now", f"{row['open']:,}, {row['unresolved']:,}, {row['on_hold']:,}"
        )
    table.add_row("most acts", ", ".join(f"{row['agent']} {row['acts']:,}" for row in agents))
    return table


def _rows(client: httpx.Client, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = checked(client.get(f"/reports/{name}"))["rows"]
    return rows


def _hours(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
