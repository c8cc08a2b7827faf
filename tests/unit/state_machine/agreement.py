"""What must be so after every command: the ledger's state, routing's and the view's row say what the model says."""

from collections.abc import Mapping
from typing import Any

from services.routing import domain as routing
from services.workflow import domain as workflow
from services.workflow.views import row as rows
from shared import forms
from tests.unit.state_machine.model import Ticket


def of_the_ledger(model: Ticket, life: workflow.Life, handling: routing.Handling) -> None:
    assert (life.status, life.state, life.merged_into) == (model.status, model.state, model.into)
    assert (life.level, life.acknowledged) == (model.level, model.seen)
    assert {key: {"blocks": t.blocks, "done": t.done} for key, t in life.tasks.items()} == model.tasks
    assert life.watchers == model.watchers
    assert (handling.agent, handling.team, handling.department) == (model.agent, model.team, model.department)
    assert set(handling.referrals) == model.sight


def of_the_row(model: Ticket, row: rows.TicketRow, held: Mapping[str, Any]) -> None:
    """`held`: what the ledger says that the fields hold."""
    assert (row.status, row.state) == (model.status, model.state)
    assert (row.set_priority or row.asked_priority or "normal") == model.priority
    assert set(row.tags) == model.tags
    assert len(row.tags) == len(model.tags)
    filled = {key: value for key, value in (("cause", model.cause), ("note", model.note)) if value is not None}
    assert forms.plain(row.fields) == held == filled
    assert set(row.watchers) == model.watchers
    assert (str(row.agent) if row.agent else None, row.team) == (model.agent, model.team)
    assert (row.moved_department if row.moved else row.stated_department) == model.department
    assert {(r["agent"], r["team"], r["department"]) for r in row.referrals} == model.sight
    assert sum(not task["done"] for task in row.tasks) == sum(not task["done"] for task in model.tasks.values())
    assert row.versions == {owner: version for owner, version in model.versions.items() if version}
