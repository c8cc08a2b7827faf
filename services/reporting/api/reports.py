"""Reporting by HTTP: the catalogue of reports, and each report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.reporting.answers import as_csv, ordered, plain
from services.reporting.api.common import ReportingDep
from services.reporting.queries import REPORTS, Question, Report
from services.reporting.queries.counting import Place, count_one_by_one
from services.reporting.questions import (
    OF_A_FIGURE,
    PARAMETERS,
    figure_of,
    question_of,
    refuse_unknown_parameters,
    row_of,
)
from shared.contracts.event import rfc3339
from shared.contracts.fields import Moment
from shared.db import Pool
from shared.http.caller import Caller, CallerDep
from shared.http.paging import CursorParameter, LimitParameter, Page, decode_cursor, encode_cursor, no_cursor
from shared.http.problems import RESPONSES, Problem
from shared.http.versions import wait_until_seen

MOST_VERSIONS = 2**31

FromParameter = Annotated[
    str | None,
    Query(alias="from", description="From when on: RFC 3339, or a date for its midnight UTC", examples=["2026-03-01"]),
]
ToParameter = Annotated[str | None, Query(description="Up to when, exclusive; as `from`", examples=["2026-04-01"])]
GroupParameter = Annotated[
    str | None,
    Query(description="Keys with commas between: day, department, topic, agent, priority", examples=["department"]),
]
DepartmentParameter = Annotated[str | None, Query(max_length=200, description="Only what was in this department")]
TopicParameter = Annotated[str | None, Query(max_length=200, description="Only tickets of this topic")]
AgentParameter = Annotated[str | None, Query(max_length=500, description="Only this agent's, by login")]
PriorityParameter = Annotated[str | None, Query(max_length=200, description="Only what had this priority")]
AfterHeader = Annotated[
    str | None,
    Header(alias="Ledgerdesk-After", max_length=2000, description="Wait for these: values of Ledgerdesk-Version"),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a report: of the report itself, or of what its figures count."""

    start: str | None
    to: str | None
    group_by: str | None
    filters: Mapping[str, str]

    async def of(self, pool: Pool, report: Report) -> Question:
        """Return the question.

        Raises:
            Problem: 422, the report does not take it.
        """
        return await question_of(pool, report, self.start, self.to, self.group_by, self.filters)


async def _asked(
    start: FromParameter = None, to: ToParameter = None, group_by: GroupParameter = None,
    department: DepartmentParameter = None, topic: TopicParameter = None, agent: AgentParameter = None,
    priority: PriorityParameter = None,
) -> Asked:  # fmt: skip
    filters = {"department": department, "topic": topic, "agent": agent, "priority": priority}
    return Asked(start, to, group_by, {key: value for key, value in filters.items() if value is not None})


AskedDep = Annotated[Asked, Depends(_asked)]
router = APIRouter(tags=["reporting"], responses={**RESPONSES, 400: {**RESPONSES[422], "description": "Bad request"}})


class ReportDescription(BaseModel):
    """A report of the catalogue."""

    name: str
    title: str
    definition: str = Field(description="What is counted, exactly")
    columns: list[str] = Field(description="Of each row, after the keys of group_by")
    group_by: list[str] = Field(description="Keys that group_by takes, several with commas between")
    filters: list[str] = Field(description="Parameters that narrow the report")
    keys: list[str] = Field(description="Those columns that say what a row is of; the others are figures")
    listed: bool = Field(description="Whether you may list what a figure counts: GET /reports/{name}/counted")


class ReportAnswer(BaseModel):
    """A report's answer."""

    name: str
    definition: str
    filters: dict[str, Any] = Field(description="The range, group_by and filters as they were understood")
    complete_until: Moment | None = Field(
        description="All that had been recorded by then is in these figures; null when that is not known just now"
    )
    rows: list[dict[str, Any]]


class CountedOne(BaseModel):
    """An event that a figure counts, or a ticket. Of an event and of a past instant, all is as it was just after that event."""

    ticket: UUID
    number: str | None
    at: datetime = Field(description="When the event occurred; of a ticket that is measured, when it was created")
    event: str | None = Field(description="The event's name; null of a ticket that is measured")
    kind: str | None = Field(description="What the event counts as; null: as nothing but what is in its report")
    activity: str | None = Field(description="What was done, in the words of those who did it")
    department: str | None
    topic: str | None
    priority: str
    seconds: float | None = Field(description="What is measured of the ticket")


class Counted(Page[CountedOne]):
    """What a figure counts, newest first."""

    name: str
    figure: str
    row: dict[str, Any] = Field(description="The row's keys, as they were understood")
    of: Literal["events", "tickets"] = Field(description="What the items are")
    count: int = Field(description="How many there are on all pages: of a figure that counts, the figure")
    complete_until: Moment | None = Field(description="As of the report")


def _need_reader(caller: Caller) -> None:
    caller.need("agent", "lead", "analyst", "administrator", "system")


@router.get("/reports")
async def list_reports(request: Request, caller: CallerDep) -> Page[ReportDescription]:
    """List the reports there are, each with its definition."""
    _need_reader(caller)
    refuse_unknown_parameters(request, frozenset())
    return Page(
        items=[
            ReportDescription(
                name=report.name, title=report.title, definition=report.definition, columns=list(report.columns),
                group_by=list(report.group_by), filters=["from", "to", *report.filters], keys=list(report.keys),
                listed=caller.sees_all,
            )
            for report in REPORTS.values()
        ]
    )  # fmt: skip


def _need_agents(caller: Caller, department: str | None) -> None:
    """What agents have done is for who may know that of the department; without one, it is of all of them."""
    if department is not None:
        caller.need_permission_in("report.agents", department)
    else:
        caller.need_permission_everywhere("report.agents")


def _need_question(caller: Caller, report: Report, question: Question, department: str | None) -> None:
    """See to it that the caller may ask this of this report."""
    if report.name == "agents" or "agent" in {*question.group_by, *question.filters}:
        _need_agents(caller, department)


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise Problem(404, f"There is no report {name!r}; there are {', '.join(REPORTS)}.")
    return REPORTS[name]


@router.get(
    "/reports/{name}",
    response_model=ReportAnswer,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The report"}},
)
async def read_report(
    name: Annotated[str, Path(examples=list(REPORTS))],
    request: Request,
    response: Response,
    caller: CallerDep,
    reporting: ReportingDep,
    asked: AskedDep,
    format_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    after: AfterHeader = None,
) -> Response:
    """Answer a report. All its figures are of one moment."""
    _need_reader(caller)
    report = _report(name)
    refuse_unknown_parameters(request, PARAMETERS)
    question = await asked.of(reporting.pool, report)
    _need_question(caller, report, question, asked.filters.get("department"))
    await wait_until_seen(reporting.pool, after, request, response)
    heads = await reporting.completeness.heads()
    async with (
        reporting.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        # Before the first query, which takes the snapshot: a rebuild that puts new tables in place waits for us, or we see them whole.
        await connection.execute("LOCK TABLE ticket, entry, day_sum IN ACCESS SHARE MODE")
        rows = await ordered(connection, report, question, await report.rows(connection, question))
        until = await reporting.completeness.until(connection, heads)
    headers = dict(response.headers)
    columns = [*(key for key in question.group_by if key not in report.columns), *report.columns]
    if format_ == "csv":
        headers["Ledgerdesk-Complete-Until"] = rfc3339(until) if until else "unknown"
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return Response(as_csv(columns, rows), headers=headers, media_type="text/csv; charset=utf-8")
    body = {
        "name": report.name,
        "definition": report.definition,
        "filters": {"from": question.start, "to": question.end, "group_by": list(question.group_by), **asked.filters},
        "complete_until": until,
        "rows": [{column: row[column] for column in columns} for row in rows],
    }
    return Response(orjson.dumps(plain(body), option=orjson.OPT_UTC_Z), headers=headers, media_type="application/json")


@router.get("/reports/{name}/counted")
async def read_counted(
    name: Annotated[str, Path(examples=list(REPORTS))],
    request: Request,
    response: Response,
    caller: CallerDep,
    reporting: ReportingDep,
    figure: Annotated[
        str, Query(max_length=40, description="A column of the report that is a figure", examples=["count"])
    ],
    row: Annotated[
        str,
        Query(
            max_length=2000,
            description="The row's keys as the report answered them, as JSON: those of `group_by` and the report's own",
            examples=['{"kind": "created"}'],
        ),
    ],
    asked: AskedDep,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
    after: AfterHeader = None,
) -> Counted:
    """List what a figure of a report counts, asked as the report was: exactly as many events or tickets, for who sees every ticket.

    A figure that is computed (a median) leads to what it is computed from.
    """
    _need_reader(caller)
    report = _report(name)
    refuse_unknown_parameters(request, OF_A_FIGURE)
    question = await asked.of(reporting.pool, report)
    _need_question(caller, report, question, asked.filters.get("department"))
    if not caller.sees_all:
        raise Problem(
            403, "What a figure counts is listed for who sees every ticket; you see those of your departments."
        )
    counting = report.counted(question, await row_of(reporting.pool, report, question, row), figure_of(report, figure))
    place = _place(cursor)
    await wait_until_seen(reporting.pool, after, request, response)
    heads = await reporting.completeness.heads()
    async with (
        reporting.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute("LOCK TABLE ticket, entry IN ACCESS SHARE MODE")  # as for the report
        count, rows = await count_one_by_one(connection, counting, place, limit)
        until = await reporting.completeness.until(connection, heads)
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        last = page[-1]
        following = encode_cursor([rfc3339(last["moment"]), str(last["ticket_id"]), last["source"], last["version"]])
    return Counted(
        name=report.name, figure=figure, row=orjson.loads(row), of=counting.of, count=count, complete_until=until,
        items=[
            CountedOne(
                ticket=one["ticket_id"], number=one["number"], at=one["moment"], event=one["name"],
                **{key: one[key] for key in ("kind", "activity", "department", "topic", "priority", "seconds")},
            )
            for one in page
        ],
        next=following,
    )  # fmt: skip


def _place(cursor: str | None) -> Place | None:
    """Return where the page before ended.

    Raises:
        Problem: 422, the cursor is none of this list's.
    """
    if cursor is None:
        return None
    moment, ticket, source, version = decode_cursor(cursor, 4)
    try:
        place = (datetime.fromisoformat(moment).astimezone(UTC), UUID(ticket), str(source), int(version))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise no_cursor() from None
    if "\x00" in place[2] or not 0 <= place[3] < MOST_VERSIONS:
        raise no_cursor()
    return place
