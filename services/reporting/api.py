"""Reporting by HTTP: the catalogue of reports, and each report."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.reporting.answers import as_csv, ordered, plain
from services.reporting.completeness import Completeness
from services.reporting.queries import REPORTS, Report
from services.reporting.questions import PARAMETERS, question_of, refuse_unknown_parameters
from shared.contracts.event import rfc3339
from shared.contracts.fields import Moment
from shared.db import Pool
from shared.http.caller import Caller, CallerDep
from shared.http.paging import Page
from shared.http.problems import RESPONSES, Problem
from shared.http.versions import wait_until_seen
from shared.service import component


@dataclass(slots=True)
class ReportingApp:
    """What reporting's routes work with."""

    pool: Pool
    completeness: Completeness


ReportingDep = Annotated[ReportingApp, Depends(component("reporting"))]
router = APIRouter(tags=["reporting"], responses={**RESPONSES, 400: {**RESPONSES[422], "description": "Bad request"}})


class ReportDescription(BaseModel):
    """A report of the catalogue."""

    name: str
    title: str
    definition: str = Field(description="What is counted, exactly")
    columns: list[str] = Field(description="Of each row, after the keys of group_by")
    group_by: list[str] = Field(description="Keys that group_by takes, several with commas between")
    filters: list[str] = Field(description="Parameters that narrow the report")


class ReportAnswer(BaseModel):
    """A report's answer."""

    name: str
    definition: str
    filters: dict[str, Any] = Field(description="The range, group_by and filters as they were understood")
    complete_until: Moment | None = Field(
        description="All that had been recorded by then is in these figures; null when that is not known just now"
    )
    rows: list[dict[str, Any]]


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
                group_by=list(report.group_by), filters=["from", "to", *report.filters],
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
    start: Annotated[
        str | None,
        Query(
            alias="from", description="From when on: RFC 3339, or a date for its midnight UTC", examples=["2026-03-01"]
        ),
    ] = None,
    to: Annotated[str | None, Query(description="Up to when, exclusive; as `from`", examples=["2026-04-01"])] = None,
    group_by: Annotated[
        str | None,
        Query(description="Keys with commas between: day, department, topic, agent, priority", examples=["department"]),
    ] = None,
    department: Annotated[str | None, Query(max_length=200, description="Only what was in this department")] = None,
    topic: Annotated[str | None, Query(max_length=200, description="Only tickets of this topic")] = None,
    agent: Annotated[str | None, Query(max_length=500, description="Only this agent's, by login")] = None,
    priority: Annotated[str | None, Query(max_length=200, description="Only what had this priority")] = None,
    format_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    after: Annotated[
        str | None,
        Header(alias="Ledgerdesk-After", max_length=2000, description="Wait for these: values of Ledgerdesk-Version"),
    ] = None,
) -> Response:
    """Answer a report. All its figures are of one moment."""
    _need_reader(caller)
    report = _report(name)
    refuse_unknown_parameters(request, PARAMETERS)
    asked = {"department": department, "topic": topic, "agent": agent, "priority": priority}
    filters = {key: value for key, value in asked.items() if value is not None}
    question = await question_of(reporting.pool, report, start, to, group_by, filters)
    if report.name == "agents" or "agent" in {*question.group_by, *filters}:
        _need_agents(caller, department)
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
        "filters": {"from": question.start, "to": question.end, "group_by": list(question.group_by), **filters},
        "complete_until": until,
        "rows": [{column: row[column] for column in columns} for row in rows],
    }
    return Response(orjson.dumps(plain(body), option=orjson.OPT_UTC_Z), headers=headers, media_type="application/json")
