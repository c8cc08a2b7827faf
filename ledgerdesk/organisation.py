"""`ledgerdesk org apply FILE`: an organisation file, split among its owners, who turn it into events.

Applying the same file again changes nothing. An entry that is left out of the file is left alone; to retire it, say
`active: false`.
"""

from pathlib import Path
from typing import Any, Literal

import httpx
import yaml
from pydantic import Field, ValidationError

from ledgerdesk import waiting
from ledgerdesk.client import PATIENCE, Stack, checked
from ledgerdesk.rule_entries import RuleEntry, stated
from shared.contracts.articles import Visibility
from shared.contracts.branding import BrandLink
from shared.contracts.custom_fields import FieldChoice, FieldCondition, FieldRights, FieldType
from shared.contracts.directory import Away, Strategy
from shared.contracts.fields import Body, Email, FieldKey, Key, Line, Priority, Role, Severity, Strict, Text
from shared.contracts.hours import Day, OpenHours, SpecialHours
from shared.contracts.lifecycle import LifecycleMove, LifecycleState
from shared.contracts.permissions import Permission, RoleKey
from shared.contracts.service_levels import SlaTargets
from shared.forms import WORDED
from shared.rules import faults

WAIT_SECONDS = 30.0


class OrganisationFileError(ValueError):
    """The file cannot be used; the message names the entry and the remedy."""


class PersonEntry(Strict):
    """Somebody with an account, an agent's entry, or both."""

    email: Email
    name: Line | None = None
    login: Line | None = None
    roles: list[Role] = []
    password: Text | None = Field(None, description="Only for try-outs: leave it out and set one later")
    departments: list[Key] = []
    roles_in: dict[Key, Key] = Field(
        {}, description="Department to the role he has there (and in those within it), in place of `agent`"
    )
    skills: list[Key] = []
    capacity: int = Field(0, ge=0, description="Most open tickets given by routing; 0: no limit")
    zone: Key = Field("UTC", description="Of the shifts, such as Europe/Berlin")
    shifts: list[OpenHours] = Field([], description="When he is there; none: always")
    away: list[Away] = Field([], description="When he is not, all the same")
    on_call: bool = False
    sees: Literal["all", "departments", "own"] = Field(
        "all", description="Which tickets; leads and administrators see all"
    )
    active: bool = True


class NamedEntry(Strict):
    """A department or team's key and name."""

    key: Key
    name: Line
    active: bool = True


class DepartmentEntry(NamedEntry):
    """A department, perhaps within another."""

    parent: Key | None = None
    public: bool = Field(True, description="false: for the desk alone")
    manager: Line | None = Field(None, description="By login")
    strategy: Strategy = Field("least_loaded", description="How it is chosen who gets a ticket")


class RoleEntry(NamedEntry):
    """What an agent may do in a department where he has this role."""

    key: RoleKey
    permissions: list[Permission]


class TeamEntry(NamedEntry):
    """A team; members by login."""

    members: list[Line] = []


class TopicEntry(NamedEntry):
    """A topic, and where its tickets go."""

    department: Key | None = None
    skills: list[Key] = []


class FieldEntry(Strict):
    """A custom field of tickets' forms."""

    key: FieldKey
    name: Line
    help: Body | None = None
    type: FieldType
    choices: list[FieldChoice] = Field([], description="Of a choice or choices: {key, name, active?}")
    topics: list[Key] = Field([], description="Whose forms have it; none: every ticket's")
    order: int | None = Field(None, description="Its place on a form; left out: that in the file, from 1")
    customer: FieldRights = Field(FieldRights(), description="visible, editable, required")
    agent: FieldRights = Field(FieldRights(), description="visible, editable, required")
    required_to_close: bool = False
    shown_when: list[FieldCondition] = Field(
        [],
        description="All must hold: {field: topic, priority, severity or field.KEY, op: is, is_not, filled or empty, values}",
    )
    active: bool = True


class CustomerEntry(NamedEntry):
    """A customer organisation; addresses of these domains belong to it."""

    domains: list[Key] = []
    shared: bool = Field(False, description="Its people see each other's tickets")


class PolicyEntry(Strict):
    """How the desk works."""

    reopen_days: int | None = Field(
        None, ge=0, le=3650, description="A later message makes a new ticket; none: it reopens for ever"
    )
    auto_claim: bool = Field(True, description="Who answers a ticket that nobody has, has it")
    close_days: int | None = Field(
        None, ge=1, le=3650, description="An answered ticket is closed after this many days of silence; none: never"
    )
    close_warning_days: int = Field(2, ge=0, le=365, description="So many days before, a warning")
    guests_read: bool = Field(True, description="Public articles are read without signing in")


class LifecycleEntry(Strict):
    """The desk's own states, and who may make which move, and when; see docs/lifecycle.md."""

    states: list[LifecycleState] = []
    moves: list[LifecycleMove] = Field([], description="Of a verb that is not named, what is usual")


class StepEntry(Strict):
    """A step of the ladder that a breach begins, until somebody acknowledges."""

    after: int = Field(ge=0, description="Minutes since the breach, by the clock")
    notify: list[Line] = Field([], description="Agents who are called, by login")
    raise_priority: bool = False
    reassign: Key | None = Field(None, description="A team: the next of its agents who is on shift gets it")


class PlanEntry(Strict):
    """What is promised for which tickets. The first plan whose conditions hold is a ticket's."""

    key: Key
    name: Line
    order: int | None = Field(None, description="Plans are looked at by it; none: the place in the file, from 1")
    calendar: Key | None = Field(None, description="Whose hours count; none: round the clock")
    priorities: list[Priority] = []
    severities: list[Severity] = []
    departments: list[Key] = []
    topics: list[Key] = []
    targets: SlaTargets
    warn_percent: int = Field(80, ge=0, le=99)
    pause_on_hold: bool = True
    ladder: list[StepEntry] = []
    active: bool = True


class CalendarEntry(NamedEntry):
    """When is worked."""

    zone: Key
    hours: list[OpenHours]
    closed: list[Day] = []
    special: list[SpecialHours] = []
    country: Key | None = Field(None, description="Its public holidays are not worked: ISO 3166, such as DE")
    subdivision: Key | None = Field(None, description="With those of this part of it, such as BY")


class CategoryEntry(NamedEntry):
    """A category of the knowledge base, perhaps within another."""

    parent: Key | None = None
    order: int = Field(0, description="Among its siblings")
    visibility: Visibility = Field("public", description="internal: what is in it is for the desk alone")
    departments: list[Key] = Field([], description="Whose it is, if not the whole desk's")


class CannedEntry(NamedEntry):
    """A text to answer with."""

    body: Text = Field(description="With variables such as {{ticket.number}}")
    departments: list[Key] = Field([], description="For whom, with those within them; none: for everybody")


class BrandingEntry(Strict):
    """How the desk shows itself; images as data URLs, so that one file carries all of it."""

    name: Line
    logo: Text | None = Field(None, description="data:image/png;base64,…; PNG, JPEG, WebP or SVG, at most 256 KiB")
    icon: Text | None = Field(None, description="Likewise: a square PNG of 192 to 1024 pixels, for the home screen")
    accent: Text | None = Field(None, description="#rrggbb; tones that can be read are made of it")
    support: Body | None = Field(None, description="Words on the sign-in page")
    links: list[BrandLink] = Field([], description="In the footers: {label, url}, six at most")


class OrganisationFile(Strict):
    """An organisation file."""

    default_department: Key | None = Field(None, description="Where tickets go whose topic says nothing")
    organisations: list[CustomerEntry] = []
    departments: list[DepartmentEntry] = []
    roles: list[RoleEntry] = Field([], description="Besides those that accounts have")
    topics: list[TopicEntry] = []
    fields: list[FieldEntry] = []
    people: list[PersonEntry] = []
    teams: list[TeamEntry] = []
    rules: list[RuleEntry] = []
    branding: BrandingEntry | None = None
    policy: PolicyEntry | None = None
    lifecycle: LifecycleEntry | None = None
    calendars: list[CalendarEntry] = []
    sla_plans: list[PlanEntry] = []
    categories: list[CategoryEntry] = []
    canned_replies: list[CannedEntry] = []


def read(path: Path) -> OrganisationFile:
    """Read an organisation file.

    Raises:
        OrganisationFileError: It cannot be used.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OrganisationFileError(f"{path}: {error}") from error
    return parsed(text, str(path))


def parsed(text: str, path: str) -> OrganisationFile:
    """Return the organisation file that a text is; `path` is what messages call it.

    Raises:
        OrganisationFileError: It cannot be used.
    """
    try:
        file = OrganisationFile.model_validate(yaml.safe_load(text) or {})
    except (yaml.YAMLError, RecursionError) as error:
        raise OrganisationFileError(f"{path}: {error}") from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise OrganisationFileError(f"{path}:\n  " + "\n  ".join(lines)) from error
    worded = {field.key for field in file.fields if field.type in WORDED}
    if wrong := [
        f"rule {r.key}: {at} {what}" for r in file.rules for at, what in faults(r.model_dump(), worded).items()
    ]:
        raise OrganisationFileError(f"{path}:\n  " + "\n  ".join(wrong))
    return file


def _agents(file: OrganisationFile) -> list[PersonEntry]:
    return [p for p in file.people if p.departments or p.roles_in or set(p.roles) & {"agent", "lead"}]


def _id_of(file: OrganisationFile, ids: dict[str, str], login: str, where: str) -> str:
    for person in file.people:
        if login in {person.login, person.email}:
            return ids[person.email]
    raise OrganisationFileError(f"{where}: {login!r} is not among the file's people")


def apply(stack: Stack, file: OrganisationFile, demo_password: str | None = None) -> dict[str, int]:
    """Apply a file and return, when every service knows the result, how many entries changed per owner.

    Raises:
        OrganisationFileError, RuntimeError: It cannot be used, or a service refused it.
    """
    with stack.client(patience=PATIENCE) as client:
        return apply_with(client, file, demo_password)


def apply_with(client: httpx.Client, file: OrganisationFile, demo_password: str | None = None) -> dict[str, int]:
    """Apply a file through a client; see `apply`.

    Raises:
        OrganisationFileError, RuntimeError: It cannot be used, or a service refused it.
    """
    intake = checked(client.put("/internal/intake/organisation", json={
        "people": [{"email": p.email, "name": p.name} for p in file.people],
        "topics": [{"key": t.key, "name": t.name, "active": t.active} for t in file.topics],
        "organisations": [o.model_dump() for o in file.organisations],
        "fields": [{**f.model_dump(), "order": place if f.order is None else f.order} for place, f in enumerate(file.fields, 1)],
    }))  # fmt: skip
    ids: dict[str, str] = intake["people"]
    routing = checked(client.put("/internal/routing/organisation", json=_routing(file, ids)))
    gateway = checked(client.put("/internal/gateway/organisation", json=_gateway(file, ids, demo_password)))
    workflow = checked(client.put("/internal/workflow/organisation", json=_workflow(file, ids)))
    categories = {"categories": [category.model_dump() for category in file.categories], "known": _known(file, ids)}
    knowledge = checked(client.put("/internal/knowledge/organisation", json=categories))
    answers = {
        "intake": intake, "routing": routing, "workflow": workflow, "knowledge": knowledge, "gateway": gateway,
    }  # fmt: skip
    positions = {owner: int(answer["position"]) for owner, answer in answers.items()}
    if behind := waiting.until_known(client, positions, WAIT_SECONDS):
        raise RuntimeError(
            f"the organisation is applied, but after {WAIT_SECONDS:.0f} s these do not know it: {', '.join(behind)}"
        )
    return {owner: int(answer["changed"]) for owner, answer in answers.items()}


def _known(file: OrganisationFile, ids: dict[str, str]) -> dict[str, list[str]]:
    """Return what the file holds besides an owner's own section; see `shared.http.named.Known`."""
    return {
        "role": [role.key for role in file.roles], "department": [one.key for one in file.departments],
        "team": [team.key for team in file.teams], "topic": [topic.key for topic in file.topics],
        "sla_plan": [plan.key for plan in file.sla_plans], "canned_reply": [reply.key for reply in file.canned_replies],
        "person": [*ids.values()],
    }  # fmt: skip


def _routing(file: OrganisationFile, ids: dict[str, str]) -> dict[str, Any]:
    routes = [{"topic": t.key, "department": t.department, "skills": t.skills} for t in file.topics]
    if file.default_department is not None:
        routes.append({"topic": "*", "department": file.default_department, "skills": []})
    return {
        "departments": [
            d.model_dump() | {"manager": _id_of(file, ids, d.manager, f"department {d.key}") if d.manager else None}
            for d in file.departments
        ],
        "teams": [
            {**t.model_dump(), "members": [_id_of(file, ids, m, f"team {t.key}") for m in t.members]} for t in file.teams
        ],
        "agents": [
            {
                "person_id": ids[p.email], "login": p.login or p.email, "name": p.name, "email": p.email,
                "departments": p.departments, "roles": p.roles_in, "skills": p.skills, "capacity": p.capacity, "zone": p.zone,
                "shifts": [span.model_dump() for span in p.shifts], "away": [days.model_dump() for days in p.away],
                "on_call": p.on_call, "sees": p.sees, "active": p.active,
            }
            for p in _agents(file)
        ],
        "known": _known(file, ids),
        "topic_routes": routes,
        "rules": stated(file.rules, lambda who, where: _id_of(file, ids, who, where)),
    }  # fmt: skip


def _workflow(file: OrganisationFile, ids: dict[str, str]) -> dict[str, Any]:
    plans = []
    for place, plan in enumerate(file.sla_plans, 1):
        where = f"SLA plan {plan.key}"
        ladder = [
            {**s.model_dump(), "notify": [_id_of(file, ids, who, where) for who in s.notify]} for s in plan.ladder
        ]
        plans.append({**plan.model_dump(), "order": place if plan.order is None else plan.order, "ladder": ladder})
    return {
        "policy": file.policy.model_dump() if file.policy else None,
        "lifecycle": file.lifecycle.model_dump() if file.lifecycle else None,
        "known": _known(file, ids),
        "calendars": [calendar.model_dump() for calendar in file.calendars],
        "sla_plans": plans,
        "canned_replies": [reply.model_dump() for reply in file.canned_replies],
    }


def _gateway(file: OrganisationFile, ids: dict[str, str], demo_password: str | None) -> dict[str, Any]:
    return {
        "roles": [role.model_dump() for role in file.roles],
        "branding": file.branding.model_dump() if file.branding else None,
        "accounts": [
            {
                "person_id": ids[p.email], "login": p.login or p.email, "name": p.name, "email": p.email,
                "roles": list(p.roles) or ["requester"], "active": p.active, "password": p.password or demo_password,
            }
            for p in file.people
            if p.roles or p.login
        ]
    }  # fmt: skip
