"""The reports on a real PostgreSQL: a small story computed by hand, over HTTP; the view's tables; the analysts' door."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from services.reporting.analytics import install_analytics
from services.reporting.api import ReportingApp, reports
from services.reporting.completeness import Completeness
from services.reporting.views import ReportView
from shared import db
from shared.contracts.event import Event, NewEvent, Via, rfc3339
from shared.contracts.ids import unique
from shared.contracts.topic_names import PARTITIONS, TICKETS
from shared.http import problems
from shared.http.caller import Caller
from shared.projection import checkpoints
from shared.projection.folding import fold
from shared.settings import Settings
from shared.testing.events import event_of_fact
from shared.testing.stores import SHARED, prepare

ROOT = Path(__file__).parents[2]
FOLDERS = [SHARED / "projection/migrations", SHARED / "directory/migrations", ROOT / "services/reporting/migrations"]
JOHN, JANE, KEN, OLD = (UUID(int=n) for n in (11, 12, 13, 14))
A, B, C, UNBORN = (UUID(int=n) for n in (1, 2, 3, 4))
VIEW = ReportView()
OWNER = {
    "created": "intake", "message_received": "intake", "assigned": "routing", "unassigned": "routing", "transferred": "routing"
}  # fmt: skip


def story() -> list[Event]:
    """Three tickets in 2026: one worked by John and closed, one transferred to Jane and reopened, one of an imported log."""
    events: list[Event] = []

    def happened(ticket, name, moment, actor=None, *, via="session", command=None, row=None, **data):
        source = OWNER.get(name, "workflow")
        version = 1 + sum((e.stream_id, e.source) == (ticket, source) for e in events)
        if row:
            number, activity = row
            data["origin"] = {"log": "old desk", "case": "C", "row": number, "activity": activity, "actor": str(actor)}
        events.append(
            event_of_fact(
                NewEvent(f"ledgerdesk.ticket.{name}", data), source, ticket, version,
                occurred_at=datetime.fromisoformat(f"2026-{moment}Z"), via={"kind": via, "id": "x"},
                actor={"kind": "person", "id": str(actor)} if actor else {"kind": "system", "id": "routing"},
                **({"correlation": UUID(int=command)} if command else {}),
            )
        )  # fmt: skip

    happened(A, "created", "01-10T09:00:00", KEN, number="1", topic="vpn", department="support", priority="high")
    happened(A, "assigned", "01-10T09:00:01", via="reaction", agent=str(JOHN))
    happened(A, "started", "01-10T10:00:00", JOHN, command=1)
    happened(A, "replied", "01-10T10:00:00", JOHN, command=1)
    happened(A, "resolved", "01-10T11:00:00", JOHN)
    happened(A, "resolved", "01-10T12:00:00", JANE)  # so already: an act, and an entry of the timeline, but no move
    happened(A, "closed", "02-02T09:00:00", JANE)
    happened(B, "created", "01-31T23:30:00", KEN, number="2", department="support")
    happened(B, "transferred", "02-01T00:30:00", JOHN, department="sysadmin")
    happened(B, "assigned", "02-01T00:30:00", JOHN, agent=str(JANE))
    happened(B, "held", "02-03T00:00:00", JANE)
    happened(B, "resolved", "03-05T00:00:00", JANE)
    happened(B, "message_received", "03-06T00:00:00", KEN, command=2)
    happened(B, "reopened", "03-06T00:00:01", KEN, via="reaction", command=2)
    happened(
        C,
        "created",
        "02-10T08:00:00",
        OLD,
        via="import",
        number="3",
        row=(1, "Active"),
        department="support",
        priority="low",
    )
    happened(C, "started", "02-10T08:00:00", OLD, via="import", row=(1, "Active"))
    happened(C, "noted", "02-10T09:00:00", OLD, via="import", row=(2, "Active"))
    happened(C, "closed", "02-10T09:00:00", OLD, via="import", row=(3, "-100"))
    happened(UNBORN, "resolved", "01-05T00:00:00", JOHN)  # its creation has not come
    return events


async def project(connection: db.Connection, events: list[Event], *, size: int = 100) -> None:
    """Apply events as the projector does, `size` at a time."""
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        async with connection.transaction():
            states = await VIEW.load(connection, unique(event.stream_id for event in batch))
            done = fold(VIEW, states, batch, set())
            assert not done.parked
            if done.rows:
                await VIEW.save(connection, done.rows, done.applied)


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[db.Connection]:
    await prepare(postgres_dsn, {"reporting": FOLDERS})
    connection = await db.connect(postgres_dsn, "reporting")
    for person, login, agent in (
        (JOHN, "john", {}),
        (JANE, "jane", {}),
        (KEN, "ken", None),
        (OLD, "Updated by 9", {"active": False}),
    ):
        await connection.execute(
            "INSERT INTO person (stream_id, versions, login, agent) VALUES ($1, '{}', $2, $3)", person, login, agent
        )
    yield connection
    await connection.close()


class Heads:
    """The owners' answers: how far their stores are. None: the owner does not answer."""

    def __init__(self) -> None:
        self.position: int | None = 10
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    async def head(self, owner: str) -> dict[str, Any]:
        del owner
        if self.position is None:
            raise httpx.ConnectError("it is down")
        return {"position": self.position, "now": rfc3339(self.now)}


@pytest.fixture
def heads() -> Heads:
    return Heads()


@pytest.fixture
async def client(postgres_dsn: str, connection: db.Connection, heads: Heads) -> AsyncIterator[httpx.AsyncClient]:
    assert not connection.is_closed()  # the tables are there
    pool = await db.create_pool(postgres_dsn, "reporting", maximum=3)

    async def caller(token: str, _: str | None) -> Caller:
        return Caller(None, None, token, None, frozenset({token}), Via("key", token))

    app = FastAPI()
    app.state.settings = Settings()
    completeness = Completeness("reporting.views", heads)  # type: ignore[arg-type] # of a feed it asks for the head alone
    app.state.services = {
        "reporting": SimpleNamespace(
            authenticator=SimpleNamespace(caller=caller), components=ReportingApp(pool, completeness)
        )
    }
    problems.install(app)
    app.include_router(reports.router, prefix="/api/v1")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://reports/api/v1",
        headers={"Authorization": "Bearer analyst"},
    ) as client:
        yield client
    await pool.close()


@pytest.fixture
async def told(connection: db.Connection) -> None:
    await project(connection, story())


async def rows(client: httpx.AsyncClient, name: str, **parameters: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/reports/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


# -- the figures ---------------------------------------------------------------------------------------------------------


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


# -- what a figure counts ------------------------------------------------------------------------------------------------


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


async def test_reports_of_an_empty_desk(client):
    for name in ("volumes", "activities", "moves", "backlog", "agents"):
        assert await rows(client, name) == []
    assert [row["count"] for row in await rows(client, "durations")] == [0, 0, 0]


# -- asking --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/reports/nothing", 404, None),
        ("/reports/moves?at=2026-01-01", 400, "at"),
        ("/reports/moves?as_of=2026-01-01", 400, "as_of"),
        ("/reports?limit=1", 400, "limit"),
        ("/reports/moves?from=soon", 422, "from"),
        ("/reports/moves?to=2026-13-01", 422, "to"),
        ("/reports/moves?from=2026-02-01&to=2026-02-01", 422, "to"),
        ("/reports/moves?from=2026-02-01&from=2026-02-02", 422, "from"),
        ("/reports/moves?group_by=colour", 422, "group_by"),
        ("/reports/agents?group_by=agent", 422, "group_by"),
        ("/reports/moves?agent=nobody", 422, "agent"),
        ("/reports/moves?department=%00", 422, "department"),
        ("/reports/moves?agent=%00", 422, "agent"),
        ("/reports/moves?format=xml", 422, "format"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(client, path, status, field):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


async def test_requesters_read_no_reports(client):
    for role, status in (("requester", 403), ("agent", 200), ("lead", 200), ("administrator", 200), ("system", 200)):
        for path in ("/reports", "/reports/moves"):
            assert (await client.get(path, headers={"Authorization": f"Bearer {role}"})).status_code == status


@pytest.mark.usefixtures("told")
async def test_the_answer_says_what_was_asked(client):
    body = (await client.get("/reports/moves?from=2026-01-01&group_by=topic&priority=high")).json()
    assert list(body) == ["name", "definition", "filters", "complete_until", "rows"]
    assert body["filters"] == {"from": "2026-01-01T00:00:00Z", "to": None, "group_by": ["topic"], "priority": "high"}


@pytest.mark.usefixtures("told")
async def test_one_reads_ones_own_writes_or_is_told(client):
    seen = await client.get("/reports/moves", headers={"Ledgerdesk-After": f"{A}:workflow:5"})
    assert "Ledgerdesk-Stale" not in seen.headers
    early = await client.get("/reports/moves", headers={"Ledgerdesk-After": f"{A}:workflow:6"})
    assert early.headers["Ledgerdesk-Stale"] == "true"


# -- how far it is complete ------------------------------------------------------------------------------------------------


async def _watermark(connection: db.Connection, position: int, time: str) -> None:
    wanted = checkpoints.places([TICKETS], PARTITIONS)
    marks = {owner: {"position": position, "time": time} for owner in ("intake", "routing", "workflow")}
    await checkpoints.begin(connection, "reporting.views", "log-1", wanted, marks)


async def until(client: httpx.AsyncClient) -> str | None:
    return (await client.get("/reports/moves")).json()["complete_until"]


async def test_complete_until_is_unknown_before_any_watermark(client):
    assert await until(client) is None


async def test_complete_until_is_now_where_everything_is_applied(client, connection):
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    assert await until(client) == "2026-05-01T12:00:00Z"


async def test_complete_until_is_the_watermarks_time_where_an_owner_is_ahead(client, connection):
    await _watermark(connection, 9, "2026-05-01T11:00:00+00:00")
    assert await until(client) == "2026-05-01T11:00:00Z"
    csv_answer = await client.get("/reports/moves?format=csv")
    assert csv_answer.headers["Ledgerdesk-Complete-Until"] == "2026-05-01T11:00:00.000000Z"


async def test_complete_until_does_without_an_owner_that_is_down(client, connection, heads):
    heads.position = None
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    assert await until(client) == "2026-05-01T11:00:00Z"


@pytest.mark.usefixtures("told")
async def test_what_is_parked_or_missing_holds_complete_until_back(client, connection):
    await _watermark(connection, 10, "2026-05-01T11:00:00Z")
    await connection.execute(
        "INSERT INTO projection_parked VALUES ('reporting.ticket', $1, 'workflow', 6, $2, 'test')",
        A, {"recorded_at": "2026-04-01T00:00:00Z"},
    )  # fmt: skip
    assert await until(client) == "2026-04-01T00:00:00Z"
    await connection.execute(
        "INSERT INTO projection_gap (view, stream_id, source, have, want) VALUES ('reporting.ticket', $1, 'intake', 0, 2)",
        A,
    )
    assert await until(client) is None


# -- the tables ----------------------------------------------------------------------------------------------------------


async def _tables(connection: db.Connection) -> tuple[list[Any], list[Any]]:
    entries = await connection.fetch("SELECT * FROM entry ORDER BY ticket_id, source, version")
    return entries, await connection.fetch("SELECT * FROM ticket ORDER BY stream_id")


async def test_any_interleaving_and_repetition_gives_the_same_tables(connection):
    await project(connection, story())
    expected = await _tables(connection)
    for seed in range(12):
        random = Random(seed)  # noqa: S311 -- no secret
        parts: dict[Any, list[Event]] = {}
        for event in story():
            parts.setdefault((event.stream_id, event.source), []).append(event)
        left, sent = list(parts.values()), []
        while left:
            part = random.choice(left)
            sent.append(part.pop(0))
            if random.random() < 0.2:
                sent += sent[random.randrange(len(sent)) :]
            left = [part for part in left if part]
        await connection.execute("TRUNCATE ticket, entry, day_sum")
        await project(connection, sent, size=random.choice([1, 2, 5, 100]))
        assert await _tables(connection) == expected
        assert await VIEW.audit(connection, [A, B, C, UNBORN], story()) == []
        assert await VIEW.audit_whole(connection) == []


@pytest.mark.usefixtures("told")
async def test_an_audit_finds_what_differs_both_ways(connection):
    await connection.execute("UPDATE entry SET department = 'elsewhere' WHERE ticket_id = $1 AND name = 'held'", B)
    await connection.execute("UPDATE ticket SET status = 'new' WHERE stream_id = $1", C)
    await connection.execute("DELETE FROM entry WHERE ticket_id = $1 AND name = 'replied'", A)
    differences = await VIEW.audit(connection, [A, B, C], [event for event in story() if event.stream_id != C])
    assert f"entry {B} workflow.1: department is 'elsewhere', should be 'sysadmin'" in differences
    assert f"entry {A} workflow.2: is missing" in differences
    assert f"entry {C} intake.1: is there, should not be" in differences
    assert any(line.startswith(f"ticket {C}: ") for line in differences)


# -- the analysts' door --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("told")
async def test_analysts_read_documented_views_and_nothing_else(postgres_dsn):
    await install_analytics(postgres_dsn)
    await install_analytics(postgres_dsn)  # again: it is so already
    analyst = await asyncpg.connect(postgres_dsn)
    try:
        await analyst.execute("SET ROLE ledgerdesk_analyst")
        counted = {
            v: await analyst.fetchval(f"SELECT count(*) FROM analytics.{v}") for v in ("ticket", "event", "durations")
        }
        assert counted == {"ticket": 3, "event": len(story()), "durations": 3}
        months = await analyst.fetch(
            'SELECT month::text, "open", unresolved, on_hold FROM analytics.backlog_by_month ORDER BY month'
        )
        assert [tuple(row) for row in months] == [
            ("2026-01-01", 2, 1, 0), ("2026-02-01", 1, 1, 1), ("2026-03-01", 1, 1, 0)
        ]  # fmt: skip
        for forbidden in (
            "SELECT * FROM reporting.ticket", "SELECT * FROM reporting.person", "DELETE FROM analytics.ticket",
            "CREATE TABLE analytics.mine (x int)", "CREATE TABLE public.mine (x int)",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await analyst.execute(forbidden)
        undocumented = await analyst.fetch(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = 'analytics'::regnamespace
              AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
            """
        )
        assert undocumented == []
    finally:
        await analyst.close()
