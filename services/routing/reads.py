"""Who works where: agents with what they have to do, departments, teams."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.routing.api import RoutingDep
from services.routing.config import load_config
from services.routing.domain import Config, whereabouts
from shared.contracts.fields import Key, Line
from shared.directory.people import Person
from shared.eventstore.ledger import utc_now
from shared.http.caller import CallerDep
from shared.http.paging import PAGING, CursorParameter, LimitParameter, Page, page_of
from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import RESPONSES

router = APIRouter(tags=["routing"], responses=RESPONSES)


class AgentNamed(BaseModel):
    """An agent, as he is named."""

    login: str | None
    name: str | None


class AgentShown(AgentNamed):
    """An agent who can have tickets."""

    email: str | None
    departments: list[str]
    teams: list[str]
    skills: list[str]
    capacity: int = Field(description="The most open tickets that routing gives; 0: no limit")
    load: int = Field(description="Tickets he has that are still work")
    on_call: bool
    on_shift: bool = Field(description="He is there now")
    away_until: date | None = Field(description="The last day on which he is not, by his zone")
    next_shift: datetime | None = Field(description="When his next shift begins, if he is off")


class DepartmentShown(BaseModel):
    """A department; requesters are told key and name of those that are public."""

    key: str
    name: str
    parent: str | None = None
    public: bool | None = None
    manager: AgentNamed | None = None
    strategy: str | None = None


class TeamShown(BaseModel):
    """A team and its active agents."""

    key: str
    name: str
    members: list[AgentNamed]


def _active(agent: dict[str, Any]) -> bool:
    return bool(agent.get("active", True))


def _named(person: Person) -> AgentNamed:
    return AgentNamed(**person.shown)


async def _agents(routing: RoutingDep) -> tuple[Config, dict[str, Person]]:
    """Return the configuration, and the active agents by person id."""
    config = await load_config(routing.pool, routing.directory)
    people = await routing.directory.people({UUID(a["person_id"]) for a in config.agents if _active(dict(a))})
    return config, {str(person_id): person for person_id, person in people.items()}


@router.get("/agents")
async def read_agents(
    request: Request, caller: CallerDep, routing: RoutingDep,
    department: Annotated[Key | None, Query(description="Of this department")] = None,
    team: Annotated[Key | None, Query(description="Of this team")] = None,
    q: Annotated[Line | None, Query(description="Part of the login, name or address")] = None,
    cursor: CursorParameter = None, limit: LimitParameter = 50,
) -> Page[AgentShown]:  # fmt: skip
    """List active agents by login: where they work, whether they are there, what they have."""
    refuse_unknown_parameters(request, PAGING | {"department", "team", "q"})
    caller.need_staff()
    config, people = await _agents(routing)
    teams = {key: set(entry["members"]) for key, entry in config.teams.items() if entry.get("active", True)}
    now, found = utc_now(), []
    for agent in config.agents:
        person = people.get(agent["person_id"])
        his = sorted(key for key, members in teams.items() if agent["person_id"] in members)
        if person is None or (team is not None and team not in his):
            continue
        if department is not None and department not in agent["departments"]:
            continue
        if q is not None and q.lower() not in f"{person.login} {person.name} {person.email}".lower():
            continue
        found.append((agent, person, his))
    page, following = page_of(found, lambda one: [one[1].login or "", one[0]["person_id"]], cursor, limit)
    rows = await routing.pool.fetch(
        "SELECT agent, count(*) AS n FROM ticket WHERE agent = ANY ($1) AND status IN ('new', 'open', 'on_hold') GROUP BY agent",
        [UUID(agent["person_id"]) for agent, _, _ in page],
    )
    load = {str(row["agent"]): row["n"] for row in rows}
    items = []
    for agent, person, his in page:
        where = whereabouts(agent, config, now)
        items.append(
            AgentShown(
                **person.shown, email=person.email, departments=agent["departments"], teams=his, skills=agent.get("skills", []),
                capacity=agent.get("capacity", 0), load=load.get(agent["person_id"], 0), on_call=agent.get("on_call", False),
                on_shift=where.on_shift, away_until=date.fromisoformat(where.away_until) if where.away_until else None,
                next_shift=where.next_shift,
            )
        )  # fmt: skip
    return Page(items=items, next=following)


@router.get("/departments", response_model_exclude_unset=True)
async def read_departments(
    request: Request, caller: CallerDep, routing: RoutingDep, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[DepartmentShown]:
    """List departments by key: to requesters those that are public."""
    refuse_unknown_parameters(request, PAGING)
    entries = [entry for entry in await routing.directory.entries("department") if entry.get("active", True)]
    if not caller.is_desk:
        entries = [entry for entry in entries if entry.get("public", True)]
    page, following = page_of(entries, lambda entry: [entry["key"], ""], cursor, limit)
    if not caller.is_desk:
        return Page(items=[DepartmentShown(key=entry["key"], name=entry["name"]) for entry in page], next=following)
    people = await routing.directory.people({UUID(entry["manager"]) for entry in page if entry.get("manager")})
    items = []
    for entry in page:
        manager = people.get(UUID(entry["manager"])) if entry.get("manager") else None
        items.append(
            DepartmentShown(
                key=entry["key"], name=entry["name"], parent=entry.get("parent"), public=entry.get("public", True),
                manager=_named(manager) if manager else None, strategy=entry.get("strategy", "least_loaded"),
            )
        )  # fmt: skip
    return Page(items=items, next=following)


@router.get("/teams")
async def read_teams(
    request: Request, caller: CallerDep, routing: RoutingDep, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[TeamShown]:
    """List teams by key, with their agents."""
    refuse_unknown_parameters(request, PAGING)
    caller.need_staff()
    config, people = await _agents(routing)
    teams = [entry for entry in config.teams.values() if entry.get("active", True)]
    page, following = page_of(teams, lambda entry: [entry["key"], ""], cursor, limit)
    items = [
        TeamShown(key=t["key"], name=t["name"], members=[_named(people[m]) for m in t["members"] if m in people])
        for t in page
    ]
    return Page(items=items, next=following)
