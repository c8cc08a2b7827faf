"""What each report says of the story, by hand."""

import csv
import io
from datetime import timedelta

import pytest

from tests.integration.reports.told import rows


@pytest.mark.usefixtures("told")
async def test_moves_count_what_changed_something(client):
    assert {row["kind"]: row["count"] for row in await rows(client, "moves")} == {
        "created": 3, "assigned": 2, "started": 2, "replied": 1, "resolved": 2, "closed": 2, "transferred": 1, "held": 1,
        "message_received": 1, "reopened": 1, "noted": 1,
    }  # fmt: skip
    assert await rows(client, "moves", group_by="department", agent="jane") == [
        {"department": "sysadmin", "kind": kind, "count": 1}
        for kind in ("assigned", "held", "message_received", "reopened", "resolved")
    ]


@pytest.mark.usefixtures("told")
async def test_a_range_is_half_open_and_by_the_time_of_occurring(client):
    assert await rows(client, "moves", **{"from": "2026-01-10T09:00:01Z", "to": "2026-01-10T11:00:00Z"}) == [
        {"kind": "assigned", "count": 1}, {"kind": "replied", "count": 1}, {"kind": "started", "count": 1}
    ]  # fmt: skip


@pytest.mark.usefixtures("told")
async def test_volumes_are_by_utc_day(client):
    assert await rows(client, "volumes", **{"from": "2026-01-31", "to": "2026-02-02"}) == [
        {"day": "2026-01-31", "kind": "created", "count": 1},
        {"day": "2026-02-01", "kind": "assigned", "count": 1},
        {"day": "2026-02-01", "kind": "transferred", "count": 1},
    ]


@pytest.mark.usefixtures("told")
async def test_activities_are_rows_of_a_log_and_events_of_our_own(client):
    found = {row["activity"]: (row["rows"], row["cases"]) for row in await rows(client, "activities")}
    assert found["Active"] == (2, 1)
    assert found["-100"] == (1, 1)
    assert found["resolved"] == (3, 2)
    assert found["created"] == (2, 2)


@pytest.mark.usefixtures("told")
async def test_durations_are_in_seconds(client):
    found = {row["name"]: row for row in await rows(client, "durations")}
    a, b, c = timedelta(days=23).total_seconds(), timedelta(days=33, minutes=30, seconds=1).total_seconds(), 3600.0
    assert found["case_duration"]["count"] == 3
    assert found["case_duration"]["mean"] == pytest.approx((a + b + c) / 3)
    assert found["case_duration"]["median"] == a
    assert found["case_duration"]["p90"] == pytest.approx(a + (b - a) * 0.8)
    assert found["first_event->first_closed"]["count"] == 2
    assert found["first_event->first_closed"]["median"] == pytest.approx((a + c) / 2)
    assert found["first_event->first_resolved"]["count"] == 2
    grouped = await rows(client, "durations", group_by="priority", department="support")
    assert [(row["priority"], row["name"], row["count"]) for row in grouped] == [
        ("high", "case_duration", 1), ("high", "first_event->first_closed", 1), ("high", "first_event->first_resolved", 1),
        ("low", "case_duration", 1), ("low", "first_event->first_closed", 1),
    ]  # fmt: skip


@pytest.mark.usefixtures("told")
async def test_backlog_is_as_it_was_at_each_months_end(client):
    assert await rows(client, "backlog") == [
        {
            "at": "2026-02-01T00:00:00Z",
            "open": 2,
            "unresolved": 1,
            "on_hold": 0,
            "created": 2,
            "resolved": 1,
            "closed": 0,
        },
        {
            "at": "2026-03-01T00:00:00Z",
            "open": 1,
            "unresolved": 1,
            "on_hold": 1,
            "created": 1,
            "resolved": 0,
            "closed": 2,
        },
        {
            "at": "2026-04-01T00:00:00Z",
            "open": 1,
            "unresolved": 1,
            "on_hold": 0,
            "created": 0,
            "resolved": 1,
            "closed": 0,
        },
    ]
    assert (await rows(client, "backlog", **{"from": "2026-03-01", "to": "2026-03-06"})) == [
        {
            "at": "2026-03-06T00:00:00Z",
            "open": 1,
            "unresolved": 0,
            "on_hold": 0,
            "created": 0,
            "resolved": 1,
            "closed": 0,
        }
    ]


@pytest.mark.usefixtures("told")
async def test_the_backlog_of_a_department_is_what_it_had_at_that_instant(client):
    found = await rows(client, "backlog", group_by="department")
    assert [(r["department"], r["at"][:7], r["open"], r["created"], r["resolved"], r["closed"]) for r in found] == [
        ("support", "2026-02", 2, 2, 1, 0),
        ("support", "2026-03", 0, 1, 0, 2),
        ("sysadmin", "2026-03", 1, 0, 0, 0),
        ("sysadmin", "2026-04", 1, 0, 1, 0),
    ]
    only = await rows(client, "backlog", department="sysadmin")
    assert [(row["at"][:7], row["open"], row["on_hold"]) for row in only] == [("2026-03", 1, 1), ("2026-04", 1, 0)]
    days = await rows(client, "backlog", group_by="day", **{"from": "2026-01-31", "to": "2026-02-03"})
    assert [(row["day"], row["open"]) for row in days] == [("2026-01-31", 2), ("2026-02-01", 2), ("2026-02-02", 1)]


@pytest.mark.usefixtures("told")
async def test_agents_are_counted_by_command_and_row(client):
    assert await rows(client, "agents") == [
        {"agent": "jane", "acts": 4, "assigned": 1, "resolved": 1, "closed": 1},
        {"agent": "john", "acts": 4, "assigned": 1, "resolved": 1, "closed": 0},
        {"agent": "Updated by 9", "acts": 3, "assigned": 0, "resolved": 0, "closed": 1},
    ]
    assert await rows(client, "agents", agent="john", department="sysadmin") == [
        {"agent": "john", "acts": 2, "assigned": 0, "resolved": 0, "closed": 0}
    ]


@pytest.mark.usefixtures("told")
async def test_reopens_say_from_where(client):
    assert await rows(client, "reopens") == [
        {"from": "closed", "transitions": 0, "cases": 0}, {"from": "resolved", "transitions": 1, "cases": 1}
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["volumes", "activities", "moves", "durations", "backlog", "agents", "reopens"])
@pytest.mark.usefixtures("told")
async def test_every_report_is_the_same_sum_however_it_is_grouped(client, name):
    description = next(item for item in (await client.get("/reports")).json()["items"] if item["name"] == name)
    figure = {"activities": "rows", "agents": "acts", "backlog": "closed", "reopens": "transitions"}.get(name, "count")
    total = sum(row[figure] for row in await rows(client, name))
    for keys in ([], *([key] for key in description["group_by"]), description["group_by"]):
        found = await rows(client, name, group_by=",".join(keys)) if keys else await rows(client, name)
        assert sum(row[figure] for row in found) == total, keys
        assert list(found[0]) == [*(key for key in keys if key not in description["columns"]), *description["columns"]]
    answer = await client.get(f"/reports/{name}", params={"format": "csv"})
    table = list(csv.reader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert table[0] == description["columns"]
    assert len(table) == 1 + len(await rows(client, name))
    assert await rows(client, name, **{"from": "2030-01-01", "group_by": "department"}) == [] or name == "backlog"


async def test_reports_of_an_empty_desk(client):
    for name in ("volumes", "activities", "moves", "backlog", "agents"):
        assert await rows(client, name) == []
    assert [row["count"] for row in await rows(client, "durations")] == [0, 0, 0]
