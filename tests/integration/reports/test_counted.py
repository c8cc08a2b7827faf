"""What a figure counts, one by one: as many as it says."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from shared.contracts.event import Event, NewEvent
from shared.testing.events import event_of_fact
from tests.integration.reports.told import JOHN, A, B, project, rows, story


async def counted(
    client: httpx.AsyncClient, name: str, figure: str, row: dict[str, Any], **asked: str
) -> list[dict[str, Any]]:
    """Return all that a figure counts, page by page; each page says how many there are."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        said = {**asked, "figure": figure, "row": orjson.dumps(row).decode(), "limit": "2", **cursor}
        answer = await client.get(f"/reports/{name}/counted", params=said)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        items += body["items"]
        if body["next"] is None:
            assert body["count"] == len(items), (name, figure, row)
            assert body["of"] == "events" or len({item["ticket"] for item in items}) == len(items)
            return items
        cursor = {"cursor": body["next"]}


MEASURED = frozenset({"mean", "median", "p90", "p95"})
ASKED: list[dict[str, str]] = [
    {}, {"from": "2026-01-31", "to": "2026-03-06"}, {"from": "2026-01-10T09:30:00Z", "to": "2026-02-10T08:30:00Z"},
    {"department": "support"}, {"agent": "jane"}, {"priority": "high", "topic": "vpn"},
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("name", ["volumes", "activities", "moves", "durations", "backlog", "agents", "reopens"])
async def test_every_figure_leads_to_as_many_as_it_says(client, connection, name, asked):
    await project(connection, [*story(), *merged_away()])
    about = next(item for item in (await client.get("/reports")).json()["items"] if item["name"] == name)
    assert about["listed"] is True
    for keys in ([], *([key] for key in about["group_by"]), about["group_by"]):
        question = {**asked, **({"group_by": ",".join(keys)} if keys else {})}
        for row in await rows(client, name, **question):
            of_row = {key: row[key] for key in {*keys, *about["keys"]}}
            for figure in set(row) - set(of_row):
                found = await counted(client, name, figure, of_row, **question)
                assert len(found) == (row["count"] if figure in MEASURED else row[figure]), (figure, row)


def merged_away() -> list[Event]:
    """A ticket that is merged into another: it is no work any more, however one groups."""
    gone = UUID(int=5)

    def happened(name: str, source: str, day: str, **data: str) -> Event:
        return event_of_fact(
            NewEvent(f"ledgerdesk.ticket.{name}", data), source, gone, 1, occurred_at=datetime.fromisoformat(f"{day}T00:00:00Z"),
            via={"kind": "session", "id": "x"}, actor={"kind": "person", "id": str(JOHN)},
        )  # fmt: skip

    return [
        happened("created", "intake", "2026-01-20", number="5", department="support"), happened("merged", "workflow", "2026-02-20", into=str(A)),
    ]  # fmt: skip


async def test_a_merged_ticket_is_in_no_backlog_however_it_is_grouped(client, connection):
    await project(connection, [*story(), *merged_away()])
    whole = {row["at"]: (row["open"], row["unresolved"]) for row in await rows(client, "backlog")}
    parts: dict[str, tuple[int, int]] = {}
    for row in await rows(client, "backlog", group_by="department"):
        opened, unresolved = parts.get(row["at"], (0, 0))
        parts[row["at"]] = (opened + row["open"], unresolved + row["unresolved"])
    assert (
        whole
        == parts
        == {"2026-02-01T00:00:00Z": (3, 2), "2026-03-01T00:00:00Z": (1, 1), "2026-04-01T00:00:00Z": (1, 1)}
    )


@pytest.mark.usefixtures("told")
async def test_what_a_figure_counts_says_what_it_was_then(client):
    (b,) = await counted(client, "backlog", "on_hold", {"at": "2026-03-01T00:00:00Z"})
    assert (b["ticket"], b["number"], b["event"], b["at"][:10], b["department"]) == (
        str(B),
        "2",
        "held",
        "2026-02-03",
        "sysadmin",
    )
    median = await counted(client, "durations", "median", {"name": "first_event->first_closed"})
    assert [(one["number"], one["seconds"]) for one in median] == [
        ("3", 3600.0),
        ("1", timedelta(days=23).total_seconds()),
    ]
    first, _ = await counted(client, "activities", "rows", {"activity": "Active"})
    assert (first["activity"], first["event"], first["number"]) == ("Active", "noted", "3")
    assert (
        await counted(client, "moves", "count", {"kind": "created", "department": "nowhere"}, group_by="department")
        == []
    )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("moves/counted", "figure"), ('moves/counted?figure=kind&row={"kind":"created"}', "figure"), ("moves/counted?figure=count", "row"),
        ("moves/counted?figure=count&row=nothing", "row"), ("moves/counted?figure=count&row={}", "row"),
        ('moves/counted?figure=count&row={"kind":"created","day":"2026-01-01"}', "row"),
        ('moves/counted?figure=count&row={"kind":7}', "row"), ('moves/counted?figure=count&row={"kind":"a\\u0000"}', "row"),
        ('volumes/counted?figure=count&row={"kind":"created","day":"soon"}', "row"),
        ('volumes/counted?figure=count&row={"kind":"created","day":null}', "row"),
        ('backlog/counted?figure=open&row={"at":"2026-01-01"}', "row"),
        ('backlog/counted?figure=created&row={"at":"0001-01-01T00:00:00Z"}', "row"),
        ('durations/counted?figure=mean&row={"name":"stream_id"}', "row"),
        ('agents/counted?figure=acts&row={"agent":"nobody"}', "row"),
        ('moves/counted?figure=count&row={"kind":"created"}&cursor=x', "cursor"),
        ('moves/counted?figure=count&row={"kind":"created"}&format=csv', "format"),
    ],
)  # fmt: skip
async def test_a_figure_that_there_is_not_is_refused_by_name(client, path, field):
    answer = await client.get(f"/reports/{path}")
    assert answer.status_code in {400, 422}, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
