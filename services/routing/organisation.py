"""Routing's part of an organisation file: departments, teams, agents, topic routes, rules. Used by `ledgerdesk org apply`."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.routing import domain
from services.routing.api import RoutingApp
from shared.configuration import Entry
from shared.contracts.directory import Away, Strategy
from shared.contracts.event import Event, NewEvent
from shared.contracts.fields import Email, Id, Key, Line, Strict
from shared.contracts.hours import OpenHours
from shared.contracts.ids import directory_id, random_id
from shared.contracts.rules import Rule, RuleActions, RuleAfter, RuleChange, RuleTest, RuleWhen
from shared.eventstore.ledger import ATTEMPTS, ContentionError, Context, StaleError
from shared.forms import WORDED
from shared.hours import hours_of
from shared.http.caller import Caller, CallerDep
from shared.http.configured import EntryVersion, need_one_entry
from shared.http.named import Kind, Known, Names, in_use
from shared.http.problems import Problem
from shared.rules import faults
from shared.service import component


class DepartmentEntry(Strict):
    """A department; the manager by person id."""

    key: Key
    name: Line
    parent: Key | None = None
    public: bool = True
    manager: Id | None = None
    strategy: Strategy = "least_loaded"
    active: bool = True


class AgentEntry(Strict):
    """An agent; `person_id` is what intake answered for the address."""

    person_id: Id
    login: Line
    name: Line | None = None
    email: Email | None = None
    departments: list[Key] = []
    roles: Annotated[dict[Key, Key], Field(max_length=200)] = {}
    skills: list[Key] = []
    capacity: Annotated[int, Field(ge=0)] = 0
    zone: Key = "UTC"
    shifts: Annotated[list[OpenHours], Field(max_length=50)] = []
    away: Annotated[list[Away], Field(max_length=200)] = []
    on_call: bool = False
    sees: Literal["all", "departments", "own"] = "all"
    active: bool = True


class TeamEntry(Strict):
    """A team; members by person id."""

    key: Key
    name: Line
    members: list[Id] = []
    active: bool = True


class TopicRouteEntry(Strict):
    """Where a topic's tickets go; topic ``*`` is for those that no other route covers."""

    topic: Key
    department: Key | None = None
    skills: list[Key] = []


class RuleEntry(Strict):
    """A routing rule, without the version that is given to it."""

    key: Key
    name: Line
    order: int
    when: RuleWhen = "created"
    changes: list[RuleChange] = []
    after: RuleAfter | None = None
    match: Literal["all", "any"] = "all"
    tests: Annotated[list[RuleTest], Field(max_length=100)]
    actions: RuleActions
    stop: bool = True
    active: bool = True


class RoutingSection(Strict):
    """What routing owns of an organisation file."""

    departments: list[DepartmentEntry] = []
    teams: list[TeamEntry] = []
    agents: list[AgentEntry] = []
    known: Known = Known()
    topic_routes: list[TopicRouteEntry] = []
    rules: list[RuleEntry] = []


class Applied(BaseModel):
    """How many entries changed, and the position of the store that holds them."""

    changed: int
    position: int


internal = APIRouter(prefix="/internal/routing", tags=["routing"], include_in_schema=False)
RoutingDep = Annotated[RoutingApp, Depends(component("routing"))]


class _Applier:
    """Makes entries say what a section says."""

    def __init__(self, routing: RoutingApp, caller: Caller, if_version: int | None) -> None:
        self._routing = routing
        self._caller = caller
        self._if_version = if_version
        self.changed = 0

    async def apply(self, stream_id: UUID, decide: Callable[[list[Event]], list[NewEvent]]) -> None:
        """Configure one entry, decided on its own history; an entry that says so already is left alone."""
        entries, given = self._routing.entries, self._if_version
        for _ in range(ATTEMPTS):
            events, head = await entries.store.load(stream_id)
            if given is not None and head.version != given:  # though nothing would change
                raise StaleError(given, head.version, [event for event in events if event.version > given])
            decided = decide(events)
            if not decided:
                return
            # A name of its own each time: of two who say different things at once, none is the other's repeat. Whoever comes
            # second decides again, or, with a version, is told that it has changed.
            context = Context(random_id(), self._caller.actor, self._caller.via, fresh=True)
            try:
                await entries.execute(stream_id, partial(_as_decided, decided), context, head.version)
            except StaleError:
                if given is not None:
                    raise
            else:
                self.changed += 1
                return
        raise ContentionError(f"stream {stream_id} is changing too fast; send it again")

    async def plain(self, kind: str, key: str, new: dict[str, Any]) -> None:
        """Configure an entry without personal parts."""
        await self.apply(directory_id(kind, key), lambda events: domain.configure(kind, new, _last(events)))

    async def topic_route(self, route: TopicRouteEntry) -> None:
        """Configure where a topic's tickets go. One that goes nowhere in particular needs no entry, if it has none."""
        nowhere = route.department is None and not route.skills
        new = route.model_dump(mode="json")

        def decide(events: list[Event]) -> list[NewEvent]:
            return [] if nowhere and not events else domain.configure("topic_route", new, _last(events))

        await self.apply(directory_id("topic_route", route.topic), decide)

    async def rule(self, entry: RuleEntry) -> None:
        """Configure a rule; each change is a new version of it, which its assignments name."""

        def decide(events: list[Event]) -> list[NewEvent]:
            old = _last(events)
            before = old["version"] if old else 0
            new = Rule(**entry.model_dump(), version=before)
            if old is not None and new == Rule.model_validate(
                old
            ):  # which may be from before all that rules can do now
                return []
            return domain.configure("rule", new.model_dump(mode="json") | {"version": before + 1}, old)

        await self.apply(directory_id("rule", entry.key), decide)

    async def agent(self, entry: AgentEntry) -> None:
        """Configure an agent; login, name and address are personal."""
        personal = entry.model_dump(mode="json", include={"login", "name", "email"}, exclude_none=True)
        new = entry.model_dump(mode="json", exclude={"login", "name", "email"})

        def decide(events: list[Event]) -> list[NewEvent]:
            events = [event for event in events if "new" in event.data]  # and not that he was forgotten
            old_personal = events[-1].personal if events else None
            return domain.configure("agent", new, _last(events), personal, old_personal)

        await self.apply(UUID(entry.person_id), decide)


def _as_decided(decided: list[NewEvent], state: Entry) -> list[NewEvent]:
    del state  # it was decided on the version that is held against the stream
    return decided


def _last(events: list[Event]) -> dict[str, Any] | None:
    if not events:
        return None
    new: dict[str, Any] = events[-1].data["new"]
    return new


def _names(body: RoutingSection, routing: RoutingApp) -> Names:
    """Return what the section names, each with its place in it."""
    departments, teams = ([one.key for one in part] for part in (body.departments, body.teams))
    given: Mapping[Kind, list[str]] = {
        "department": departments,
        "team": teams,
        "agent": [a.person_id for a in body.agents],
    }
    names = Names(routing.directory, routing.entries.store, body.known, given)
    for department in in_use(body.departments):
        names.need("departments.parent", "department", department.parent, of=f"department {department.key}")
        names.need(f"departments.{department.key}.manager", "person", department.manager)
    for team in in_use(body.teams):
        names.need(f"teams.{team.key}.members", "person", *team.members)
    for agent in in_use(body.agents):
        who = f"agent {agent.login}"
        names.need("agents.departments", "department", *agent.departments, of=who)
        names.need("agents.roles", "department", *agent.roles, of=who)
        names.need("agents.roles", "role", *agent.roles.values(), of=who)
    for route in body.topic_routes:
        names.need(f"topic_routes.{route.topic}.department", "department", route.department)
        names.need(f"topic_routes.{route.topic}.topic", "topic", *{route.topic} - {domain.EVERY_TOPIC})
    for rule in in_use(body.rules):
        does, place = rule.actions, f"rules.{rule.key}.actions"
        names.need(f"{place}.department", "department", does.department)
        names.need(f"{place}.team", "team", does.team)
        names.need(f"{place}.sla", "sla_plan", does.sla)
        names.need(f"{place}.reply", "canned_reply", does.reply)
        names.need(f"{place}.agent", "agent", does.agent)
        names.need(f"{place}.notify", "person", *does.notify)
        names.need(f"{place}.watch", "person", *does.watch)
    return names


def _check_absences(agent: AgentEntry) -> None:
    for days in agent.away:
        try:
            backwards = date.fromisoformat(days.end) < date.fromisoformat(days.start)
        except ValueError as error:
            wrong = f"{days.start} to {days.end}: must be days that there are ({error})"
        else:
            if not backwards:
                continue
            wrong = f"{days.start} to {days.end}: must not end before it begins"
        raise Problem(422, f"agent {agent.login}: away {wrong}.", fields={"agents.away": wrong})


def _check(body: RoutingSection, worded: set[str]) -> None:
    """See to it that shifts can be computed with, that no department is its own parent, and that rules can hold.

    `worded` are the custom fields that hold words.

    Raises:
        Problem: 422.
    """
    for agent in body.agents:
        _check_absences(agent)
        try:
            hours_of({"zone": agent.zone, "hours": [span.model_dump() for span in agent.shifts]})
        except ValueError as error:
            raise Problem(422, f"agent {agent.login}: {error}.", fields={"agents.shifts": str(error)}) from error
    for department in body.departments:
        if department.parent == department.key:
            raise Problem(
                422, f"department {department.key}: it cannot be within itself.",
                fields={"departments.parent": f"{department.parent!r} must be another department's key"},
            )  # fmt: skip
    for rule in body.rules:
        if wrong := faults(rule.model_dump(), worded):
            said = "; ".join(f"{where} {what}" for where, what in wrong.items())
            raise Problem(
                422, f"rule {rule.key}: {said}.", fields={f"rules.{rule.key}.{where}": what for where, what in wrong.items()}
            )  # fmt: skip


@internal.put("/organisation")
async def apply_section(
    body: RoutingSection, caller: CallerDep, routing: RoutingDep, if_version: EntryVersion
) -> Applied:
    """Make the configuration say what this section says."""
    caller.need("system", "administrator")
    need_one_entry(body, if_version, "known")
    worded = {key for key, field in (await routing.directory.fields()).items() if field["type"] in WORDED}
    _check(body, worded)
    await _names(body, routing).check()
    applier = _Applier(routing, caller, if_version)
    for department in body.departments:
        await applier.plain("department", department.key, department.model_dump(mode="json"))
    for team in body.teams:
        await applier.plain("team", team.key, team.model_dump(mode="json"))
    for agent in body.agents:
        await applier.agent(agent)
    for route in body.topic_routes:
        await applier.topic_route(route)
    for rule in body.rules:
        await applier.rule(rule)
    return Applied(changed=applier.changed, position=await routing.entries.store.last_position())
