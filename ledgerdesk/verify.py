"""`ledgerdesk verify`: every row of every view is what a fresh fold of the stores gives, and every chain of hashes holds.

It notes each store's end, waits until the views are past it, then reads stores and views in one snapshot with a role that
may do nothing else. A row is held against the fold of its events up to the row's own versions, so the check is exact
under load; and counted both ways, so that neither a lost nor an invented row escapes.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from ledgerdesk.chains import chained
from ledgerdesk.host import module_of
from shared import db
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Event
from shared.contracts.upcast import upcast
from shared.directory import views as directory_views
from shared.eventstore.store import COLUMNS, event_of
from shared.projection import checkpoints
from shared.projection.discarded import Given, pass_over, set_aside
from shared.projection.model import AnyModel, concerns
from shared.settings import SERVICES

CHUNK = 1000
CLEAN, DIFFERENT, BEHIND, PARKED = 0, 2, 3, 4
"""Exit codes."""


@dataclass(slots=True)
class Verdict:
    """What was found."""

    differences: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    """What somebody has given up: no fault, but no secret either."""
    events: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Return the code that tells a script what was found; the worst wins."""
        if self.differences:
            return DIFFERENT
        if self.parked:
            return PARKED
        return BEHIND if self.behind else CLEAN


def models_of(service: str) -> list[AnyModel]:
    """Return the read models a service keeps."""
    return [*directory_views.models(reacts=service in OWNERS), *module_of(service).VIEWS]


class Auditor(Protocol):
    """Checks the stores against something more than their own chains; see `ledgerdesk.audit.check`."""

    async def begin(self, connection: db.OwnConnection) -> None:
        """Do what must be done before the snapshot is taken."""

    async def check(self, connection: db.OwnConnection, verdict: Verdict, say: Callable[[str], None]) -> int:
        """Check stores and chains, in the snapshot. Returns how many events there are."""


async def verify(
    dsn: str, wait: float = 60.0, say: Callable[[str], None] = lambda _: None, auditor: Auditor | None = None
) -> Verdict:
    """Check everything. `wait` is how many seconds the views are given to catch up; 0 for a stack that is stopped."""
    started = time.monotonic()
    verdict = Verdict()
    connection = await asyncpg.connect(  # no cached statements: the same text means another table in another schema
        dsn, server_settings={"role": db.role_of("verify"), "timezone": "UTC"}, statement_cache_size=0
    )
    try:
        await db.prepare_connection(connection)
        ends = {owner: await _end(connection, owner) for owner in OWNERS}
        say("waiting for the views")
        await _wait(connection, ends, wait)
        if auditor is not None:
            await auditor.begin(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await lock_views(connection)
            if auditor is not None:
                verdict.events = await auditor.check(connection, verdict, say)
            else:
                for owner in OWNERS:
                    say(f"chains of {owner}")
                    verdict.events += await _check_chains(connection, owner, verdict)
            for service in SERVICES:
                await _note_parked(connection, service, verdict)
                for model in models_of(service):
                    say(f"{service}: {model.name}")
                    await _check_view(connection, service, model, ends, verdict)
    finally:
        await connection.close()
    verdict.seconds = time.monotonic() - started
    return verdict


async def lock_views(connection: db.Connection) -> None:
    """Keep the views' tables from being replaced by a rebuild until the transaction ends.

    Before the first query, which takes the snapshot: tables put in place after it would look empty.
    """
    tables = ", ".join(
        f'"{service}".{table}' for service in SERVICES for model in models_of(service) for table in model.tables
    )
    await connection.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")


async def _end(connection: db.Connection, owner: str) -> int:
    position: int | None = await connection.fetchval(f'SELECT max(position) FROM "{owner}".event')
    return position or 0


async def _wait(connection: db.Connection, ends: dict[str, int], seconds: float) -> None:
    """Wait until every projection's watermarks are past the stores' ends, or time is up: the rows then tell."""
    deadline = time.monotonic() + seconds
    for service in SERVICES:
        await connection.execute(f'SET search_path = "{service}"')
        topics = {topic for model in models_of(service) for topic in model.topics}
        while time.monotonic() < deadline:
            known = await checkpoints.load(connection, f"{service}.views")
            floors = [checkpoints.floor(rows, topics) for rows in known.values()]
            floor = floors[0] if floors else {}
            if all(
                floor.get(owner, {"position": 0})["position"] >= ends[owner] for owner in checkpoints.publishers(topics)
            ):
                break
            await asyncio.sleep(0.1)


# -- the stores ------------------------------------------------------------------------------------------------------


async def _check_chains(connection: db.Connection, owner: str, verdict: Verdict) -> int:
    """Check a store. Returns how many events it has."""
    count = 0
    async for _ in chained(connection, owner, verdict):
        count += 1
    return count


# -- the views -------------------------------------------------------------------------------------------------------


async def _note_parked(connection: db.Connection, service: str, verdict: Verdict) -> None:
    for row in await connection.fetch(
        f'SELECT view, stream_id, source, version, reason FROM "{service}".projection_parked ORDER BY parked_at'
    ):
        verdict.parked.append(
            f"{service}: {row['view']}: {row['source']} {row['version']} of {row['stream_id']} is parked: {row['reason']}"
        )
    for row in await connection.fetch(f'SELECT view, stream_id, source, have, want FROM "{service}".projection_gap'):
        verdict.parked.append(
            f"{service}: {row['view']}: {row['source']} of {row['stream_id']} has {row['have']} and misses up to {row['want']}"
        )
    for row in await connection.fetch(f'SELECT id, reason FROM "{service}".reaction_parked ORDER BY id'):
        verdict.parked.append(f"{service}: reaction {row['id']} is parked: {row['reason']}")
    for row in await connection.fetch(
        f'SELECT view, stream_id, source, version, why FROM "{service}".projection_discarded UNION ALL '
        f"SELECT 'reaction', stream_id, source, version, why FROM \"{service}\".reaction_discarded"
    ):
        verdict.discarded.append(
            f"{service}: {row['view']}: {row['source']} {row['version']} of {row['stream_id']} was discarded: {row['why']}"
        )


async def _check_view(
    connection: db.Connection, service: str, model: AnyModel, ends: dict[str, int], verdict: Verdict
) -> None:
    owners = checkpoints.publishers(model.topics)
    wanted: dict[str, list[str]] = {}
    streams: set[UUID] = set()
    for owner in owners:
        types = [r["type"] for r in await connection.fetch(f'SELECT DISTINCT type FROM "{owner}".event')]
        wanted[owner] = [t for t in types if concerns(model, t, owner)]
        rows = await connection.fetch(
            f'SELECT DISTINCT stream_id FROM "{owner}".event WHERE type = ANY ($1)', wanted[owner]
        )
        streams.update(row["stream_id"] for row in rows)
    await connection.execute(f'SET search_path = "{service}"')
    present = {row["stream_id"] for row in await connection.fetch(f'SELECT stream_id FROM "{model.table}"')}
    name = f"{service}: {model.name}"
    verdict.rows[name] = len(present)
    verdict.differences += [f"{name}: {stream} has a row and no event" for stream in sorted(present - streams, key=str)]
    ordered = sorted(streams, key=str)
    for start in range(0, len(ordered), CHUNK):
        ids = ordered[start : start + CHUNK]
        events = await _events(connection, wanted, ids)
        await _check_rows(connection, name, model, ids, events, ends, verdict)
    whole = getattr(model, "audit_whole", None)
    if whole is not None:
        verdict.differences += [f"{name}: {text}" for text in await whole(connection)]


async def _events(
    connection: db.Connection, wanted: dict[str, list[str]], ids: Sequence[UUID]
) -> dict[UUID, list[Event]]:
    found: dict[UUID, list[Event]] = {stream: [] for stream in ids}
    for owner, types in wanted.items():
        rows = await connection.fetch(
            f'SELECT {COLUMNS} FROM "{owner}".event WHERE stream_id = ANY ($1) AND type = ANY ($2) ORDER BY stream_id, version',
            ids, types,
        )  # fmt: skip
        for row in rows:
            found[row["stream_id"]].append(event_of(row, owner))
    return found


async def _check_rows(
    connection: db.Connection, name: str, model: AnyModel, ids: Sequence[UUID], events: dict[UUID, list[Event]],
    ends: dict[str, int], verdict: Verdict,
) -> None:  # fmt: skip
    states = await model.load(connection, ids)
    _, given = (await set_aside(connection)).get(model.name, (set(), set()))
    held: dict[UUID, list[Event]] = {}
    for stream in ids:
        state = states.get(stream)
        versions = state.versions if state is not None else {}
        missing = [e for e in events[stream] if e.version > versions.get(e.source, 0) and e.position <= ends[e.source]]
        if missing:
            first = missing[0]
            verdict.behind.append(
                f"{name}: {stream} lacks {len(missing)} events, the first {first.source} {first.version}"
            )
        if state is None:
            continue
        folded, held[stream] = _fold(
            model, stream, [e for e in events[stream] if e.version <= versions.get(e.source, 0)], given
        )
        if folded != state:
            verdict.differences.append(f"{name}: {stream} differs from its events: {_where(folded, state)}")
    audit = getattr(model, "audit", None)
    if audit is not None:
        flat = [event for stream in held for event in held[stream]]
        verdict.differences += [f"{name}: {text}" for text in await audit(connection, list(held), flat)]


def _fold(model: AnyModel, stream: UUID, events: Iterable[Event], given: Given) -> tuple[Any, list[Event]]:
    """Fold a stream afresh; returns the state, and the events as the view must have seen them."""
    state = model.initial(stream)
    seen: list[Event] = []
    for event in events:
        if (event.stream_id, event.source, event.version) in given:
            state, left = pass_over(model, state, event)
            seen += [left] if left is not None else []
        else:
            seen.append(upcast(event))
            state = model.evolve(state, seen[-1])
    return state, seen


def _where(folded: Any, state: Any) -> str:
    """Name the slots that differ, without their contents: they may be personal."""
    names = [n for n in folded._fields if getattr(folded, n) != getattr(state, n)]
    return ", ".join(names)
