"""When rules on time have their time with which tickets: table `rule_timer`, which follows what rules look at in the tickets' rows.

A timer stands for a rule and a ticket under way, from the moment there is something to count from. It stays when its time has come
(`try_at` is null then), so that a rule does not come again for the same moment; with the ticket's end it goes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.routing.domain.causes import CAUSING
from services.routing.domain.moments import SETTING, UNDER_WAY, moment_of
from services.routing.views.row import TicketRow
from shared.contracts.event import Event
from shared.db import Connection
from shared.rules import Rule

LOCK = "hashtextextended('ledgerdesk.routing.rules', 0)"
"""Whoever sets timers by the rules of now holds it shared; who sets those of a rule that has changed, alone: no ticket is forgotten."""
TIMED_RULES = "kind = 'rule' AND entry ->> 'when' = 'time' AND entry -> 'active' = 'true'"
_SET = """
INSERT INTO rule_timer (ticket_id, rule, anchor, at, try_at)
SELECT n.ticket_id, n.rule, n.anchor, n.at, CASE WHEN n.past THEN NULL ELSE n.at END
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bool[]) AS n (ticket_id, rule, anchor, at, past)
ON CONFLICT (ticket_id, rule) DO UPDATE SET anchor = excluded.anchor, at = excluded.at, try_at = excluded.try_at, fired = false
WHERE rule_timer.anchor <> excluded.anchor OR (rule_timer.try_at IS NOT NULL AND rule_timer.at <> excluded.at)
"""
_SET_ALL = """
INSERT INTO rule_timer (ticket_id, rule, anchor, at, try_at)
SELECT n.ticket_id, $2, n.anchor, n.at, n.at FROM unnest($1::uuid[], $3::timestamptz[], $4::timestamptz[]) AS n (ticket_id, anchor, at)
ON CONFLICT (ticket_id, rule) DO UPDATE SET anchor = excluded.anchor, at = excluded.at, try_at = excluded.try_at, fired = false
WHERE NOT rule_timer.fired OR rule_timer.anchor <> excluded.anchor
"""
"""What is past already comes at once; what a rule has applied for stays so."""
_UNDER_WAY = "SELECT stream_id, looks FROM ticket WHERE status IN ('new', 'open', 'on_hold', 'resolved')"
_LAID = f"""
SELECT entry FROM directory_entry JOIN rule_laid ON rule = key
WHERE {TIMED_RULES} AND entry -> 'after' = asked -> 'after'
"""
_LATER = "SELECT entry FROM directory_entry WHERE kind = 'rule' AND entry ->> 'when' <> 'created' AND entry -> 'active' = 'true'"
_CONCERNING = SETTING | CAUSING
PAGE = 2000


async def later_rules(connection: Connection, applied: Sequence[Event]) -> list[Rule]:
    """Return the rules on what comes after a ticket's opening, if these events may concern one.

    Their times stay those of now until the transaction ends.
    """
    if not any(event.type in _CONCERNING for event in applied):
        return []
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({LOCK})")
    # A statement of its own: one snapshot for both would be from before the lock, and might not know a rule that has just been laid.
    return [row["entry"] for row in await connection.fetch(_LATER)]


async def follow(
    connection: Connection, rules: Sequence[Rule], before: Mapping[UUID, TicketRow], rows: Mapping[UUID, TicketRow],
    applied: Sequence[Event],
) -> None:  # fmt: skip
    """Set, move and take away the timers of the tickets that these events have changed."""
    latest: dict[UUID, datetime] = {}
    for event in applied:
        if event.type in SETTING:
            latest[event.stream_id] = max(event.occurred_at, latest.get(event.stream_id, event.occurred_at))
    over = [ticket for ticket in latest if rows[ticket].status not in UNDER_WAY]
    if over:
        await connection.execute("DELETE FROM rule_timer WHERE ticket_id = ANY ($1)", over)
    gone: list[tuple[UUID, str]] = []
    sets: list[tuple[UUID, str, datetime, datetime, bool]] = []
    for ticket in latest.keys() - set(over):
        for rule in rules:
            change = _change(rule, before.get(ticket), rows[ticket], latest[ticket])
            if change is None:
                gone.append((ticket, rule["key"]))
            elif change:
                sets.append((ticket, rule["key"], *change))
    if gone:
        await connection.execute(
            "DELETE FROM rule_timer t USING unnest($1::uuid[], $2::text[]) AS n (ticket_id, rule) "
            "WHERE (t.ticket_id, t.rule) = (n.ticket_id, n.rule) AND t.try_at IS NOT NULL",
            *map(list, zip(*gone, strict=True)),
        )
    if sets:
        await connection.execute(_SET, *map(list, zip(*sets, strict=True)))


def _change(
    rule: Rule, before: TicketRow | None, row: TicketRow, at: datetime
) -> tuple[datetime, datetime, bool] | tuple[()] | None:
    """Return from when a rule counts, when its time comes, and whether that is past already. Empty: as it was; None: no more.

    A ticket that is under way again has missed what came meanwhile.
    """
    now = moment_of(rule, row.looks)
    back = before is not None and before.status not in UNDER_WAY
    if now is not None and back:
        return (*now, now[1] <= at)
    was = moment_of(rule, before.looks) if before is not None else None
    if now == was:
        return ()
    return (*now, False) if now is not None else None


async def set_all(connection: Connection, key: str) -> None:
    """Set the timers of a rule for all tickets under way; inside a transaction that holds `LOCK` alone."""
    rule: Rule | None = await connection.fetchval(
        f"SELECT entry FROM directory_entry WHERE key = $1 AND {TIMED_RULES}", key
    )
    if rule is None:
        return
    cursor = await connection.cursor(_UNDER_WAY)
    while rows := await cursor.fetch(PAGE):
        found = [(row["stream_id"], *moment) for row in rows if (moment := moment_of(rule, row["looks"])) is not None]
        if found:
            tickets, anchors, moments = map(list, zip(*found, strict=True))
            await connection.execute(_SET_ALL, tickets, key, anchors, moments)


async def audit_timers(connection: Connection, rows: Mapping[UUID, TicketRow]) -> list[str]:
    """Hold the timers of these tickets against their rows; returns what differs."""
    rules: list[Rule] = [row["entry"] for row in await connection.fetch(_LAID)]
    if not rules:
        return []
    timers = await connection.fetch(
        "SELECT ticket_id, rule, anchor FROM rule_timer WHERE ticket_id = ANY ($1)", list(rows)
    )
    anchors = {(timer["ticket_id"], timer["rule"]): timer["anchor"] for timer in timers}
    return [
        f"the timer of rule {rule['key']} for {ticket} is not set as it should be"
        for ticket, row in rows.items()
        for rule in rules
        if row.status in UNDER_WAY
        and (moment := moment_of(rule, row.looks)) is not None
        and anchors.get((ticket, rule["key"])) != moment[0]
    ]
