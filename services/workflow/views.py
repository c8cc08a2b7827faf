"""Workflow's views: the current state of every ticket, and its timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.erasing import blanks, erased, named
from shared.contracts.event import Event
from shared.contracts.topic_names import TICKETS
from shared.db import Connection, jsonb_lists
from shared.projection.model import Versions, advanced, told_apart
from shared.projection.reactor import enqueue, enqueue_always

_STATUS = {
    "started": "open", "held": "on_hold", "resumed": "open", "resolved": "resolved", "closed": "closed",
    "reopened": "open",
}  # fmt: skip
PUBLIC = frozenset(
    {"created", "message_received", "replied", "resolved", "closed", "reopened", "held", "resumed", "started"}
)
"""What a requester may see of a timeline: never notes, routing or its reasons."""
REACTED_TO = frozenset({"rule_applied", "assigned", "unassigned", "transferred", "message_received"})
_SPOKEN = {"created": "body", "message_received": "body", "noted": "body", "replied": "body", "resolved": "resolution"}


class TicketRow(NamedTuple):
    """A ticket now. Each slot has one owner; what mixes owners is derived when it is read."""

    stream_id: UUID
    versions: Versions
    number: str | None = None
    subject: str | None = None
    requester_id: UUID | None = None
    requester_email: str | None = None
    requester_name: str | None = None
    topic: str | None = None
    channel: str | None = None
    external_id: str | None = None
    tags: Sequence[str] = ()
    asked_priority: str | None = None
    asked_severity: str | None = None
    stated_department: str | None = None
    created_at: datetime | None = None
    last_message_at: datetime | None = None
    moved: bool = False
    moved_department: str | None = None
    team: str | None = None
    agent: UUID | None = None
    involved: Sequence[str] = ()
    status: str = "new"
    set_priority: str | None = None
    set_severity: str | None = None
    hold_until: datetime | None = None
    last_reply_at: datetime | None = None
    updated_at: datetime | None = None


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other > one else one


def evolve(state: TicketRow, event: Event) -> TicketRow:  # noqa: C901, PLR0911 -- one return per fact is how it reads
    """Fold an event of any owner. Total, and the order of owners does not matter."""
    data, name, at = event.data, event.name, event.occurred_at
    base: dict[str, Any] = {"versions": advanced(state.versions, event), "updated_at": _later(state.updated_at, at)}
    if name in _STATUS:
        status = state.status if name == "started" and state.status != "new" else _STATUS[name]
        until = data.get("until") if name == "held" else None
        return state._replace(**base, status=status, hold_until=datetime.fromisoformat(until) if until else None)
    match name:
        case "created":
            return _created(state, event, base)
        case "message_received":
            return state._replace(**base, last_message_at=_later(state.last_message_at, at))
        case "assigned":
            agent = data.get("agent")
            involved = [*state.involved, agent] if agent and agent not in state.involved else list(state.involved)
            return state._replace(**base, agent=UUID(agent) if agent else None, team=data.get("team") or state.team,
                involved=involved,
            )  # fmt: skip
        case "unassigned":
            return state._replace(**base, agent=None, team=None)
        case "transferred":
            return state._replace(**base, moved=True, moved_department=data.get("department"))
        case "personal_erased":  # nobody worked on it: it stays where it is in every list
            if not blanks(event, "created"):
                return state._replace(versions=base["versions"])
            return state._replace(versions=base["versions"], subject=None, requester_email=None, requester_name=None)
        case "replied":
            return state._replace(**base, last_reply_at=_later(state.last_reply_at, at))
        case "prioritised":
            return state._replace(**base, set_priority=data.get("priority") or state.set_priority,
                set_severity=data.get("severity") or state.set_severity,
            )  # fmt: skip
        case _:
            return state._replace(**base)


def _created(state: TicketRow, event: Event, base: dict[str, Any]) -> TicketRow:
    data, personal = event.data, event.personal or {}
    requester = personal.get("requester") or {}
    return state._replace(**base, number=data["number"], subject=personal.get("subject"), requester_id=UUID(data["person_id"]),
        requester_email=requester.get("email"), requester_name=requester.get("name"), topic=data.get("topic"),
        channel=data.get("channel"), external_id=data.get("external_id"), tags=list(data.get("tags", [])),
        asked_priority=data.get("priority"), asked_severity=data.get("severity"),
        stated_department=data.get("department"), created_at=event.occurred_at,
        last_message_at=_later(state.last_message_at, event.occurred_at),
    )  # fmt: skip


_COLUMNS = ", ".join(TicketRow._fields)


class TicketView:
    """Tables `ticket` and `timeline`."""

    name = "workflow.ticket"
    topics = frozenset({TICKETS})
    table = "ticket"
    tables = ("ticket", "timeline")
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    async def audit(self, connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
        return await audit_timeline(connection, ids, events)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.ticket.")

    def initial(self, stream_id: UUID) -> TicketRow:
        return TicketRow(stream_id, {}, tags=[], involved=[])

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, TicketRow]:
        rows = await connection.fetch(f"SELECT {_COLUMNS} FROM ticket WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: TicketRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, TicketRow], applied: Sequence[Event]) -> None:
        new, changed = told_apart(rows, applied)
        if new:
            await connection.copy_records_to_table("ticket", columns=TicketRow._fields, records=new)
        if changed:
            await _update(connection, changed)
        await _add_to_timeline(connection, applied)
        await _blank_timeline(connection, applied)
        await enqueue(connection, [event for event in applied if event.name in REACTED_TO])
        await enqueue_always(connection, [event for event in applied if blanks(event, "created")])


async def _update(connection: Connection, states: Sequence[TicketRow]) -> None:
    await connection.execute(
        f"""
        INSERT INTO ticket ({_COLUMNS})
        SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
            $16::timestamptz[], $17::bool[], $18::text[], $19::text[], $20::uuid[], $21::jsonb[], $22::text[], $23::text[],
            $24::text[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[])
        ON CONFLICT (stream_id) DO UPDATE SET versions = excluded.versions, number = excluded.number,
            subject = excluded.subject, requester_id = excluded.requester_id, requester_email = excluded.requester_email,
            requester_name = excluded.requester_name, topic = excluded.topic, channel = excluded.channel,
            external_id = excluded.external_id, tags = excluded.tags, asked_priority = excluded.asked_priority,
            asked_severity = excluded.asked_severity, stated_department = excluded.stated_department,
            created_at = excluded.created_at, last_message_at = excluded.last_message_at, moved = excluded.moved,
            moved_department = excluded.moved_department, team = excluded.team, agent = excluded.agent,
            involved = excluded.involved, status = excluded.status, set_priority = excluded.set_priority,
            set_severity = excluded.set_severity, hold_until = excluded.hold_until,
            last_reply_at = excluded.last_reply_at, updated_at = excluded.updated_at
        """,
        [s.stream_id for s in states], [s.versions for s in states], [s.number for s in states],
        [s.subject for s in states], [s.requester_id for s in states], [s.requester_email for s in states],
        [s.requester_name for s in states], [s.topic for s in states], [s.channel for s in states],
        [s.external_id for s in states], jsonb_lists(s.tags for s in states), [s.asked_priority for s in states],
        [s.asked_severity for s in states], [s.stated_department for s in states], [s.created_at for s in states],
        [s.last_message_at for s in states], [s.moved for s in states], [s.moved_department for s in states],
        [s.team for s in states], [s.agent for s in states], jsonb_lists(s.involved for s in states),
        [s.status for s in states], [s.set_priority for s in states], [s.set_severity for s in states],
        [s.hold_until for s in states], [s.last_reply_at for s in states], [s.updated_at for s in states],
    )  # fmt: skip


async def audit_timeline(connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
    """Hold the timeline of these tickets against their events, both ways; returns what differs."""
    rows = await connection.fetch(
        "SELECT ticket_id, source, version, event_id, type, at, data, personal FROM timeline WHERE ticket_id = ANY ($1)",
        ids,
    )
    stored = {(r["ticket_id"], r["source"], r["version"]): r for r in rows}
    blank = {(event.stream_id, *place) for event in events for place in erased([event])}
    found = []
    for event in events:
        personal = None if (event.stream_id, event.source, event.version) in blank else event.personal
        row = stored.pop((event.stream_id, event.source, event.version), None)
        if row is None:
            found.append(f"the timeline of {event.stream_id} lacks {event.source} {event.version}")
        elif (row["event_id"], row["type"], row["at"], row["data"], row["personal"]) != (
            event.event_id, event.name, event.occurred_at, event.data, personal,
        ):  # fmt: skip
            found.append(f"the timeline of {event.stream_id} says something else of {event.source} {event.version}")
    return found + [f"the timeline of {t} has {s} {v}, which no store holds" for t, s, v in stored]


def _words(event: Event) -> str | None:
    """Return what was said, for the search."""
    said = (event.personal or {}).get(_SPOKEN.get(event.name, ""))
    return said[:20_000] if said else None


_TIMELINE = (
    "ticket_id", "source", "version", "event_id", "type", "at", "recorded_at", "row_number", "actor", "via", "cause", "data",
    "personal", "public",
)  # fmt: skip


async def _add_to_timeline(connection: Connection, events: Sequence[Event]) -> None:
    """Write entries. Those without words are copied, which costs a third; a text-search vector cannot be."""
    said = [event for event in events if event.name in _SPOKEN and _words(event)]
    if said:
        await _add_with_words(connection, said)
        events = [event for event in events if not (event.name in _SPOKEN and _words(event))]
    await connection.copy_records_to_table(
        "timeline", columns=_TIMELINE,
        records=[
            (e.stream_id, e.source, e.version, e.event_id, e.name, e.occurred_at, e.recorded_at,
             (e.origin or {}).get("row"), e.actor, e.via, e.cause, e.data, e.personal, e.name in PUBLIC)
            for e in events
        ],
    )  # fmt: skip


async def _blank_timeline(connection: Connection, events: Sequence[Event]) -> None:
    places = [(event.stream_id, event.source, version) for event in events for version in named(event)]
    if places:
        await connection.execute(
            """
            UPDATE timeline t SET personal = NULL, words = NULL
            FROM unnest($1::uuid[], $2::text[], $3::int[]) AS n (ticket_id, source, version)
            WHERE (t.ticket_id, t.source, t.version) = (n.ticket_id, n.source, n.version)
            """,
            *([place[n] for place in places] for n in range(3)),
        )


async def _add_with_words(connection: Connection, events: Sequence[Event]) -> None:
    await connection.execute(
        """
        INSERT INTO timeline (ticket_id, source, version, event_id, type, at, recorded_at, row_number, actor, via, cause, data,
                              personal, words, public)
        SELECT ticket_id, source, version, event_id, type, at, recorded_at, row_number, actor, via, cause, data, personal,
               to_tsvector('simple', words), public
        FROM unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::int[],
                    $9::jsonb[], $10::jsonb[], $11::uuid[], $12::jsonb[], $13::jsonb[], $14::text[], $15::bool[])
            AS n (ticket_id, source, version, event_id, type, at, recorded_at, row_number, actor, via, cause, data, personal,
                  words, public)
        """,
        [e.stream_id for e in events], [e.source for e in events], [e.version for e in events],
        [e.event_id for e in events], [e.name for e in events], [e.occurred_at for e in events],
        [e.recorded_at for e in events], [(e.origin or {}).get("row") for e in events], [e.actor for e in events],
        [e.via for e in events], [e.cause for e in events], [e.data for e in events], [e.personal for e in events],
        [_words(e) for e in events], [e.name in PUBLIC for e in events],
    )  # fmt: skip
