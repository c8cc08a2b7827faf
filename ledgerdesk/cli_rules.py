"""``ledgerdesk rules`` at a terminal."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerdesk.options import DataOption

if TYPE_CHECKING:
    from ledgerdesk.trying import Outcome

SHOWN = 50

rules = typer.Typer(no_args_is_help=True, help="Routing rules: try new ones on past tickets.")


@rules.callback()
def trial() -> None:
    """Routing rules: try new ones on past tickets."""


@rules.command("try")
def try_rules(
    file: Annotated[Path, typer.Option("--rules", help="A file with `rules:`, as in an organisation file.")],
    data: DataOption = Path(".ledgerdesk"),
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC; from the first ticket on, unless given.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC, not included; up to now, unless given.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: every ticket that differs.")] = False,
) -> None:  # fmt: skip
    """Show what past tickets would have got under these rules, beside what they get under the rules in force.

    Nothing is changed. Each ticket's history is played again under both; what people did stays as it was. Rules alone are compared:
    everybody is taken to have nothing to do.
    """
    import httpx

    from ledgerdesk import trying
    from ledgerdesk.client import NoStackError, find_stack
    from ledgerdesk.exporting import entries_of
    from ledgerdesk.organisation import OrganisationFileError, read

    try:
        new = read(file).rules
        with find_stack(data).client(patience=60) as client:
            found, last = trying.histories(client, *(t.replace(tzinfo=UTC) if t else None for t in (since, until)))
            desk = trying.desk_of(entries_of(client))
            differing, counts = trying.try_rules(found, desk, desk.under(new), last or datetime.now(UTC))
    except (NoStackError, RuntimeError, httpx.HTTPError, OrganisationFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        answer = {"tickets": len(found), "applied": counts, "differing": [asdict(one) for one in differing]}
        typer.echo(json.dumps(answer, indent=1))
        return
    for one in differing[:SHOWN]:
        typer.echo(f"{one.number}  {one.subject[:50]!r}: {_said(one.now)} -> {_said(one.then)}")
    if len(differing) > SHOWN:
        typer.echo(f"… and {len(differing) - SHOWN} more (--json has all)")
    for key, count in counts.items():
        typer.echo(f"rule {key}: {count} tickets")
    typer.echo(f"{len(found)} tickets looked at, {len(differing)} would be handled otherwise")


def _said(outcome: "Outcome") -> str:
    if outcome.rejected is not None:
        return f"refused by {outcome.rejected}"
    where = [w for w in (outcome.department, outcome.team, outcome.agent, outcome.priority, outcome.severity) if w]
    later = [f"then {one.rule} ({one.when})" for one in outcome.later]
    return ", ".join([*(where or ["nowhere"]), *later])
