"""Read models of people, configuration, keys, sessions and guests' links: the same in every service, each with its own tables."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.erasing import ACCOUNT_ERASED, AGENT_ERASED, PERSON_FORGOTTEN
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY, IDENTITY
from shared.db import Connection
from shared.projection.model import AnyModel, Versions, advanced, told_apart
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable

NOBODY = UUID(int=0)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class PersonRow(NamedTuple):
    """A person: slots of intake (address, name), routing (agent) and the gateway (account)."""

    stream_id: UUID
    versions: Versions
    registered: dict[str, Any] | None = None
    agent: dict[str, Any] | None = None
    account: dict[str, Any] | None = None

    def first(self, what: str) -> str | None:
        """Return `what` as the account says, else the agent's entry, else the registration: whoever is asked first."""
        for part in (self.account, self.agent, self.registered):
            if part and part.get(what):
                return str(part[what])
        return None


PERSONS = RowTable(
    "person",
    {
        "stream_id": "uuid", "versions": "jsonb", "registered": "jsonb", "agent": "jsonb", "account": "jsonb", "email": "text",
        "name": "text", "login": "text",
    },
)  # fmt: skip
ENTRIES = RowTable(
    "directory_entry", {"stream_id": "uuid", "versions": "jsonb", "kind": "text", "key": "text", "entry": "jsonb"}
)
KEYS = RowTable(
    "api_key",
    {
        "stream_id": "uuid", "versions": "jsonb", "hash": "text", "name": "text", "roles": "jsonb", "person_id": "uuid",
        "revoked": "bool", "cidrs": "jsonb", "expires_at": "timestamptz",
    },
)  # fmt: skip
SESSIONS = RowTable(
    "session",
    {
        "stream_id": "uuid", "versions": "jsonb", "person_id": "uuid", "expires_at": "timestamptz", "revoked": "bool",
        "started_at": "timestamptz", "door": "text", "generation": "int",
    },
)  # fmt: skip
GUESTS = RowTable(
    "guest", {"stream_id": "uuid", "versions": "jsonb", "ticket_id": "uuid", "person_id": "uuid", "revoked": "jsonb"}
)
_NAMES = frozenset({"email", "name", "login"})
_OF_SESSIONS = ("generation", "kept")
"""Which of an account's sessions are over."""


def _nameless(part: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """Return a part of a person without what was personal in it."""
    return {key: value for key, value in (part or {}).items() if key not in _NAMES} | changes


def _account_after(account: dict[str, Any], event: Event) -> dict[str, Any]:
    """Return an account after it was configured, or its sessions ended: each leaves what the other said."""
    if event.name == "signed_out":
        return {**account, **event.data}
    return {**event.data, **(event.personal or {}), **{name: account[name] for name in _OF_SESSIONS if name in account}}


class PersonView:
    """Table `person`. In a service that `reacts`, a person who is forgotten is put into its inbox."""

    name = "directory.person"
    topics = frozenset({DIRECTORY, IDENTITY})
    table = "person"
    tables = ("person",)

    def __init__(self, *, reacts: bool = True) -> None:
        self.effects = ("reaction_inbox",) if reacts else ()

    def wants(self, event_type: str) -> bool:
        return event_type in {
            "ledgerdesk.person.registered", "ledgerdesk.agent.configured", "ledgerdesk.account.configured", PERSON_FORGOTTEN,
            AGENT_ERASED, ACCOUNT_ERASED, "ledgerdesk.account.signed_out",
        }  # fmt: skip

    def initial(self, stream_id: UUID) -> PersonRow:
        return PersonRow(stream_id, {})

    def evolve(self, state: PersonRow, event: Event) -> PersonRow:
        versions = advanced(state.versions, event)
        personal = event.personal or {}
        match event.type:
            case "ledgerdesk.person.registered":
                return state._replace(versions=versions, registered={**personal, **event.data})
            case "ledgerdesk.agent.configured":
                return state._replace(versions=versions, agent={**event.data["new"], **personal})
            case "ledgerdesk.person.forgotten":
                return state._replace(versions=versions, registered=_nameless(state.registered, forgotten=True))
            case "ledgerdesk.agent.personal_erased":
                return state._replace(versions=versions, agent=_nameless(state.agent, active=False))
            case "ledgerdesk.account.personal_erased":
                return state._replace(versions=versions, account=_nameless(state.account, roles=[], active=False))
            case _:
                return state._replace(versions=versions, account=_account_after(state.account or {}, event))

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, PersonRow]:
        rows = await connection.fetch(
            "SELECT stream_id, versions, registered, agent, account FROM person WHERE stream_id = ANY ($1)", ids
        )
        return {row["stream_id"]: PersonRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, PersonRow], applied: Sequence[Event]) -> None:
        new, changed = told_apart(rows, applied)
        await PERSONS.write(
            connection,
            *([(*s, s.first("email"), s.first("name"), s.first("login")) for s in part] for part in (new, changed)),
        )
        if self.effects:
            await enqueue_always(connection, [event for event in applied if event.type == PERSON_FORGOTTEN])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class EntryRow(NamedTuple):
    """A configured thing: organisation, topic, department, team, role, topic route, rule or category, as it is now."""

    stream_id: UUID
    versions: Versions
    kind: str = ""
    key: str = ""
    entry: dict[str, Any] | None = None


_KINDS = (
    "organisation", "topic", "department", "team", "topic_route", "rule", "policy", "calendar", "sla_plan", "role",
    "canned_reply", "category", "field", "lifecycle", "branding",
)  # fmt: skip
_ENTRIES = {f"ledgerdesk.{kind}.configured": kind for kind in _KINDS}


class EntryView:
    """Table `directory_entry`."""

    name = "directory.entry"
    topics = frozenset({DIRECTORY})
    table = "directory_entry"
    tables = ("directory_entry",)
    effects = ()

    def wants(self, event_type: str) -> bool:
        return event_type in _ENTRIES

    def initial(self, stream_id: UUID) -> EntryRow:
        return EntryRow(stream_id, {})

    def evolve(self, state: EntryRow, event: Event) -> EntryRow:
        new = event.data["new"]
        kind = _ENTRIES[event.type]
        key = new["topic"] if kind == "topic_route" else new["key"]
        return state._replace(versions=advanced(state.versions, event), kind=kind, key=key, entry=new)

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, EntryRow]:
        rows = await connection.fetch(
            "SELECT stream_id, versions, kind, key, entry FROM directory_entry WHERE stream_id = ANY ($1)", ids
        )
        return {row["stream_id"]: EntryRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, EntryRow], applied: Sequence[Event]) -> None:
        await ENTRIES.save(connection, rows, applied)


class ApiKeyRow(NamedTuple):
    """A key, by its keyed hash."""

    stream_id: UUID
    versions: Versions
    hash: str = ""
    name: str = ""
    roles: Sequence[str] = ()
    person_id: UUID | None = None
    revoked: bool = False
    cidrs: Sequence[str] = ()
    expires_at: datetime | None = None


class ApiKeyView:
    """Table `api_key`."""

    name = "directory.api_key"
    topics = frozenset({IDENTITY})
    table = "api_key"
    tables = ("api_key",)
    effects = ()

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.api_key.")

    def initial(self, stream_id: UUID) -> ApiKeyRow:
        return ApiKeyRow(stream_id, {}, cidrs=[])

    def evolve(self, state: ApiKeyRow, event: Event) -> ApiKeyRow:
        versions = advanced(state.versions, event)
        if event.name == "revoked":
            return state._replace(versions=versions, revoked=True)
        person = event.data.get("person_id")
        return state._replace(versions=versions, hash=event.data["hash"], name=event.data["name"],
            roles=list(event.data["roles"]), person_id=UUID(person) if person else None,
            cidrs=list(event.data.get("cidrs", ())), expires_at=_moment(event.data.get("expires_at")),
        )  # fmt: skip

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, ApiKeyRow]:
        rows = await connection.fetch("SELECT * FROM api_key WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: ApiKeyRow(**dict(row)) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, ApiKeyRow], applied: Sequence[Event]) -> None:
        await KEYS.save(connection, rows, applied)


class SessionRow(NamedTuple):
    """A signed-in browser or client. What one of old did not say is not known."""

    stream_id: UUID
    versions: Versions
    person_id: UUID = NOBODY
    expires_at: datetime = NEVER
    revoked: bool = False
    started_at: datetime | None = None
    door: str | None = None
    generation: int = 0


class SessionView:
    """Table `session`."""

    name = "directory.session"
    topics = frozenset({IDENTITY})
    table = "session"
    tables = ("session",)
    effects = ()

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.session.")

    def initial(self, stream_id: UUID) -> SessionRow:
        return SessionRow(stream_id, {})

    def evolve(self, state: SessionRow, event: Event) -> SessionRow:
        known = state._replace(versions=advanced(state.versions, event), person_id=UUID(event.data["person_id"]),
            expires_at=datetime.fromisoformat(event.data["expires_at"]), revoked=event.name == "revoked",
        )  # fmt: skip
        if event.name == "revoked":
            return known
        return known._replace(
            started_at=_moment(event.data.get("started_at")), door=event.data.get("door"), generation=event.data.get("generation", 0),
        )  # fmt: skip

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, SessionRow]:
        rows = await connection.fetch("SELECT * FROM session WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: SessionRow(**dict(row)) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, SessionRow], applied: Sequence[Event]) -> None:
        await SESSIONS.save(connection, rows, applied)


class GuestRow(NamedTuple):
    """A ticket's guest access: whose it is, and which of its links are good no more."""

    stream_id: UUID
    versions: Versions
    ticket_id: UUID = NOBODY
    person_id: UUID = NOBODY
    revoked: Sequence[str] = ()


class GuestView:
    """Table `guest`."""

    name = "directory.guest"
    topics = frozenset({IDENTITY})
    table = "guest"
    tables = ("guest",)
    effects = ()

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.guest.")

    def initial(self, stream_id: UUID) -> GuestRow:
        return GuestRow(stream_id, {}, revoked=[])

    def evolve(self, state: GuestRow, event: Event) -> GuestRow:
        known = state._replace(
            versions=advanced(state.versions, event), ticket_id=UUID(event.data["ticket_id"]), person_id=UUID(event.data["person_id"])
        )  # fmt: skip
        if event.name != "link_revoked":
            return known
        return known._replace(
            revoked=[*state.revoked, *(one for one in event.data["links"] if one not in state.revoked)]
        )

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, GuestRow]:
        rows = await connection.fetch("SELECT * FROM guest WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: GuestRow(**dict(row)) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, GuestRow], applied: Sequence[Event]) -> None:
        await GUESTS.save(connection, rows, applied)


def models(*, reacts: bool = True) -> list[AnyModel]:
    """Return the read models that every service keeps. One that owns no events reacts to none."""
    return [PersonView(reacts=reacts), EntryView(), ApiKeyView(), SessionView(), GuestView()]
