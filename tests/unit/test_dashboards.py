"""Dashboards: what is decided, and what is remembered."""

from uuid import UUID

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st
from pydantic import ValidationError

from services.gateway.pages.charts import chart_of
from services.workflow.dashboards import DashboardBody
from services.workflow.domain.dashboards import (
    REMOVED,
    SAVED,
    Dashboard,
    SaveDashboard,
    change_dashboard,
    evolve_dashboard,
    make_dashboard,
    remove_dashboard,
)
from services.workflow.views.dashboard import DashboardView
from shared.contracts.erasing import DASHBOARD_ERASED
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.given import scenario

PERSON = "00000000-0000-4000-8000-000000000001"
TILE = {"report": "volumes", "filters": {"to": "2026-03-01", "group_by": "day"}, "look": "chart"}
MONDAYS = SaveDashboard("Mondays", [TILE], "nobody", 0)
DATA = {"person_id": PERSON, "share": "nobody", "order": 0}
IT = NewEvent(SAVED, DATA, {"name": "Mondays", "tiles": [{**TILE, "filters": {"group_by": "day", "to": "2026-03-01"}}]})
GONE = NewEvent(REMOVED, {"person_id": PERSON})
BLANK = NewEvent(DASHBOARD_ERASED, {"reason": "asked", "versions": {"saved": [1]}})

dashboards = scenario("workflow", Dashboard, evolve_dashboard)


def test_a_dashboard_is_saved_once():
    dashboards().when(lambda s: make_dashboard(s, PERSON, MONDAYS)).then(IT)
    dashboards(IT).when(lambda s: change_dashboard(s, MONDAYS)).nothing()


def test_what_changes_keeps_its_owner():
    two = SaveDashboard("Both", [TILE, {"report": "backlog", "filters": {}, "look": "table"}], "desk", 1)
    (said,) = dashboards(IT).when(lambda s: change_dashboard(s, two)).then("saved")
    assert said.data == {"person_id": PERSON, "share": "desk", "order": 1}
    assert [tile["report"] for tile in said.personal["tiles"]] == ["volumes", "backlog"], "in their order"


def test_what_is_removed_is_gone():
    dashboards(IT).when(remove_dashboard).then(GONE)
    dashboards(IT, GONE).when(remove_dashboard).nothing()
    dashboards().when(remove_dashboard).nothing()
    dashboards(IT, GONE).when(lambda s: change_dashboard(s, MONDAYS)).refused(404)


@any_of(st.lists(st.sampled_from([IT, GONE, BLANK]), max_size=8))
def test_the_view_and_the_decider_agree(facts):
    view, state = DashboardView(), Dashboard()
    row = view.initial(UUID(PERSON))
    for version, fact in enumerate(facts, 1):
        event = event_of_fact(fact, "workflow", UUID(int=1), version)
        row, state = view.evolve(row, event), evolve_dashboard(state, event)
    there = state.data is not None
    assert there == (row.person_id is not None and not row.removed)
    assert (row.name is not None) == (there and state.personal is not None)


@pytest.mark.parametrize(
    "tile",
    [{"report": "../keys"}, {"report": ""}, {"report": "volumes", "filters": {"limit": "5"}}, {"report": "volumes", "look": "pie"},
     {"report": "volumes", "filters": {"from": ["x"]}}],
)  # fmt: skip
def test_a_tile_is_a_report_and_what_it_takes(tile):
    with pytest.raises(ValidationError):
        DashboardBody.model_validate({"name": "x", "tiles": [tile]})
    with pytest.raises(ValidationError):
        DashboardBody.model_validate({"name": "x", "tiles": [{"report": "volumes"}] * 25})


def test_a_point_of_a_chart_leads_to_the_tickets_of_its_day():
    rows = [
        {"day": "2026-03-02", "kind": "created", "count": 2}, {"day": "2026-03-02", "kind": "closed", "count": 1},
        {"day": "2026-03-03", "kind": "closed", "count": 1},
    ]  # fmt: skip
    drills = ["/queue?tab=all&created_on=2026-03-02", "/queue?tab=all&department=x", None]
    chart = chart_of(rows, drills)
    assert chart is not None
    assert chart.data["drills"] == [drills[0], None], "of a day only what is exact for it"
