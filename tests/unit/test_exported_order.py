"""What has an order of its own keeps it through export and import."""

from typing import Any

from ledgerdesk import organisation
from ledgerdesk.exporting import Entries, file_of
from shared.contracts.event import NewEvent
from shared.contracts.ids import directory_id
from shared.testing.events import event_of_fact


def plan(key: str, order: int) -> dict[str, Any]:
    return {
        "key": key, "name": key, "order": order, "calendar": None, "priorities": [], "severities": [], "departments": [], "topics": [],
        "targets": {"own": 5, "first_response": None, "next_update": None, "resolution": None}, "warn_percent": 80,
        "pause_on_hold": True, "ladder": [], "active": True, "version": 1,
    }  # fmt: skip


def entries(*plans: dict[str, Any]) -> Entries:
    return Entries(
        event_of_fact(
            NewEvent("ledgerdesk.sla_plan.configured", {"new": one, "old": None}), "workflow", directory_id("sla_plan", one["key"]), 1
        )
        for one in plans
    )  # fmt: skip


def told(file: organisation.OrganisationFile) -> dict[str, int]:
    """Return the plans' orders as workflow is told them when the file is applied."""
    return {one["key"]: one["order"] for one in organisation._workflow(file, {})["sla_plans"]}


def test_plans_that_were_given_an_order_keep_it():
    orders = {"silver": 10, "gold": 20, "bronze": 20, "iron": 5}
    file = file_of(entries(*(plan(key, order) for key, order in orders.items())))
    assert [one.key for one in file.sla_plans] == ["iron", "silver", "bronze", "gold"], "as they are looked at"
    assert told(file) == orders, "and applied, it changes nothing"


def test_plans_in_the_file_s_order_say_none():
    file = file_of(entries(plan("gold", 1), plan("silver", 2)))
    assert [one.order for one in file.sla_plans] == [None, None]
    assert told(file) == {"gold": 1, "silver": 2}
    swapped = file.model_copy(update={"sla_plans": file.sla_plans[::-1]})
    assert told(swapped) == {"silver": 1, "gold": 2}
