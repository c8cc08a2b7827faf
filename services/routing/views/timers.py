"""When rules on time have their time with which tickets: table `rule_timer`, which follows `moments` of the tickets' rows.

A timer stands for a rule and a ticket under way, from the moment there is something to count from. It stays when its time has come
(`try_at` is null then), so that a rule does not come again for the same moment; with the ticket's end it goes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

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
_AUDIT = """
SELECT t.stream_id, l.rule FROM ticket t CROSS JOIN rule_laid l
JOIN directory_entry e ON e.key = l.rule AND e.kind = 'rule' AND e.entry -> 'after' = l.asked -> 'after'
LEFT JOIN rule_timer r ON r.ticket_id = t.stream_id AND r.rule = l.rule
WHERE t.stream_id = ANY ($1) AND t.status = ANY ($2) AND t.moments ? (l.asked -> 'after' ->> 'since')
  AND r.anchor IS DISTINCT FROM (t.moments ->> (l.asked -> 'after' ->> 'since'))::timestamptz
"""


async def rules_on_time(connection: Connection, applied: Sequence[Event]) -> list[Rule]:
    """Return the rules whose timers these events may set or take away; they stay those of now until the transaction ends."""
    if not any(event.name in SETTING for event in applied):
        return []
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({LOCK})")
    # A statement of its own: one snapshot for both would be from before the lock, and might not know a rule that has just been laid.
    return [row["entry"] for row in await connection.fetch(f"SELECT entry FROM directory_entry WHERE {TIMED_RULES}")]


async def follow(
    connection: Connection, rules: Sequence[Rule], before: Mapping[UUID, TicketRow], rows: Mapping[UUID, TicketRow],
    applied: Sequence[Event],
) -> None:  # fmt: skip
    """Set, move and take away the timers of the tickets that these events have changed."""
    latest: dict[UUID, datetime] = {}
    for event in applied:
        if event.name in SETTING:
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
    now = moment_of(rule, row.moments)
    back = before is not None and before.status not in UNDER_WAY
    if now is not None and back:
        return (*now, now[1] <= at)
    was = moment_of(rule, before.moments) if before is not None else None
    if now == was:
        return ()
    return (*now, False) if now is not None else None


async def audit_timers(connection: Connection, ids: Sequence[UUID]) -> list[str]:
    """Hold the timers of these tickets against their rows; returns what differs."""
    rows: list[Any] = await connection.fetch(_AUDIT, ids, list(UNDER_WAY))
    return [f"the timer of rule {row['rule']} for {row['stream_id']} is not set as it should be" for row in rows]
