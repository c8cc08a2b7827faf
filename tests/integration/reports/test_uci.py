"""A real log, imported and reported: every figure as others computed it from the same log, exactly.

For the log and where it is looked for see ``tests/unit/test_importer_uci.py``.
"""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledgerdesk.importer.derive import derive
from ledgerdesk.importer.facts import Stated
from ledgerdesk.importer.mapping import load_mapping
from ledgerdesk.importer.people import directory
from ledgerdesk.importer.reader import read_log
from services.reporting.answers import ordered
from services.reporting.queries import REPORTS, Question
from services.reporting.views import ReportView
from shared import db
from shared.contracts.event import Event
from shared.contracts.ids import unique
from shared.directory.views import PersonView
from shared.projection.folding import fold
from shared.projection.model import AnyModel
from shared.testing.stores import SHARED, prepare

ROOT = Path(__file__).resolve().parents[3]
LOG = Path(os.environ.get("LEDGERDESK_UCI_LOG") or ROOT.parent / "shared" / "data" / "uci_incident_sample12.csv.gz")
FOLDERS = [SHARED / "projection/migrations", SHARED / "directory/migrations", ROOT / "services/reporting/migrations"]

pytestmark = pytest.mark.skipif(not LOG.exists(), reason=f"the UCI log is not at {LOG}; name it in LEDGERDESK_UCI_LOG")


def as_events(facts: list[Stated]) -> list[Event]:
    """Return facts as their owners' stores would have them."""
    versions: Counter[tuple[str, str]] = Counter()
    events = []
    for position, (owner, _, fact) in enumerate(facts, 1):
        versions[fact["stream_id"], owner] += 1
        event_id = UUID(fact["id"])
        events.append(
            Event(
                event_id, fact["type"], 1, owner, UUID(fact["stream_id"]), versions[fact["stream_id"], owner], position,
                fact["data"], fact["personal"], fact["actor"], {"kind": "import", "id": "log"}, None, event_id,
                datetime.fromisoformat(fact["occurred_at"]), datetime(2026, 1, 1, tzinfo=UTC),
            )
        )  # fmt: skip
    return events


async def project(connection: db.Connection, model: AnyModel, events: list[Event], size: int = 2000) -> None:
    for start in range(0, len(events), size):
        batch = [event for event in events[start : start + size] if model.wants(event.type)]
        if not batch:
            continue
        async with connection.transaction():
            done = fold(model, await model.load(connection, unique(event.stream_id for event in batch)), batch, set())
            assert not done.parked
            assert not done.gaps
            await model.save(connection, done.rows, done.applied)


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[db.Connection]:
    await prepare(postgres_dsn, {"reporting": FOLDERS})
    connection = await db.connect(postgres_dsn, "reporting")
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def uci() -> tuple[list[Event], list[Event], dict[str, Any]]:
    mapping = load_mapping(ROOT / "examples" / "servicenow.yaml")
    log = read_log(LOG, mapping)
    people = as_events(list(directory(log.rows, mapping.log)))
    stem = LOG.name.removesuffix(".gz").removesuffix(".csv")
    return (
        people,
        as_events(list(derive(log.rows, mapping))),
        json.loads((LOG.parent / f"{stem}.truth.json").read_text()),
    )


async def test_every_report_reproduces_the_truth_exactly(connection, uci):
    people, tickets, truth = uci
    await project(connection, PersonView(), people)
    # one owner after the other, the latest first: nothing may depend on it
    await project(connection, ReportView(), sorted(tickets, key=lambda event: event.source, reverse=True))
    assert await ReportView().audit(connection, unique(event.stream_id for event in tickets), tickets) == []
    found = {}
    for name, report in REPORTS.items():
        found[name] = await ordered(connection, report, Question(), await report.rows(connection, Question()))

    assert {row["activity"]: row["rows"] for row in found["activities"]} == truth["events_per_activity"]
    assert {row["activity"]: row["cases"] for row in found["activities"]} == truth["cases_per_activity"]
    assert sum(row["rows"] for row in found["activities"]) == truth["events"]

    kinds, moves = truth["derived_kind_counts"], {row["kind"]: row["count"] for row in found["moves"]}
    for kind in ("created", "assigned", "unassigned", "prioritised", "resolved", "closed", "reopened", "noted"):
        assert moves[kind] == kinds[kind], kind
    assert moves["created"] == truth["cases"]
    assert moves["transferred"] == kinds["transferred"] + kinds["group_cleared"]
    assert moves["started"] + moves["held"] + moves["resumed"] == kinds["status_changed"] + kinds["substatus_changed"]
    volumes: Counter[str] = Counter()
    for row in found["volumes"]:
        volumes[row["kind"]] += row["count"]
    assert volumes == moves

    for row in found["reopens"]:
        assert row["transitions"] == truth["reopen"][f"transitions_from_{row['from']}"]
        assert row["cases"] == truth["reopen"][f"cases_from_{row['from']}"]

    for row in found["durations"]:
        hours = truth["durations"][{"case_duration": "case_duration(last-first event)"}.get(row["name"], row["name"])]
        assert row["count"] == hours["count"]
        for figure in ("mean", "median", "p90", "p95"):
            assert round(row[figure] / 3600, 4) == hours[f"{figure}_h"], (row["name"], figure)

    months = [
        (m["created"], m["to_resolved"], m["to_closed"], m["open_at_end"], m["unresolved_at_end"], m["waiting_at_end"])
        for m in truth["monthly"]
    ]
    columns = ("created", "resolved", "closed", "open", "unresolved", "on_hold")
    assert [tuple(row[column] for column in columns) for row in found["backlog"]] == months
    assert found["backlog"][0]["at"] == datetime(2016, 3, 1, tzinfo=UTC)
    assert found["backlog"][-1]["at"] == datetime(2017, 3, 1, tzinfo=UTC)

    busiest = [(row["agent"], row["acts"]) for row in found["agents"][:10]]
    assert busiest == list(truth["events_per_resource_top10"].items())
    assert sum(row["acts"] > 0 for row in found["agents"]) == truth["resources"]
    assert sum(row["assigned"] for row in found["agents"]) == kinds["assigned"]
    assert sum(row["resolved"] for row in found["agents"]) == kinds["resolved"]
