"""Rules on time: set for all tickets under way when they are configured, and asked when their time has come.

A rule is asked about a ticket only when routing's view has all that its owners have written of it: an answer that is on its way
must not come too late for a rule on what is unanswered, nor a view that fills in its past be taken for the present.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx
import structlog

from services.routing import domain
from services.routing.domain.moments import UNDER_WAY, moment_of
from services.routing.domain.rules import OF_ROUTING, come_true
from services.routing.ruling import Ruling
from services.routing.views import TicketRow, TicketView, values_of
from services.routing.views.timers import LOCK, TIMED_RULES, set_all
from shared.contracts.event import Actor, Via, rfc3339
from shared.contracts.ids import derived
from shared.contracts.topic_names import TICKETS
from shared.db import LOST_CONNECTION, Pool
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import Clock, ContentionError, Context, Ledger, utc_now
from shared.projection.checkpoints import publishers
from shared.projection.feed import Feed
from shared.projection.whole import BehindError, whole
from shared.rules import Held, Rule, matching
from shared.timers import BATCH, GRACE, LEASE

AT_ONCE = 64
TAKE = """
UPDATE rule_timer SET try_at = clock_timestamp() + $1::interval
WHERE (ticket_id, rule) IN (SELECT ticket_id, rule FROM rule_timer WHERE try_at <= clock_timestamp() - $2::interval ORDER BY try_at
                            LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING ticket_id, rule, anchor, at
"""
_ASKED = "jsonb_build_object('after', entry -> 'after', 'tests', entry -> 'tests', 'match', entry -> 'match')"
_CHANGED = f"""
SELECT coalesce(w.key, l.rule) AS rule, w.asked FROM (SELECT key, {_ASKED} AS asked FROM directory_entry WHERE {TIMED_RULES}) w
FULL JOIN rule_laid l ON l.rule = w.key WHERE w.asked IS DISTINCT FROM l.asked
"""
log = structlog.get_logger("rules")


@dataclass(frozen=True, slots=True)
class Due:
    """A rule whose time has come with a ticket, at `at`; `anchor` is from when it counted."""

    ticket: UUID
    rule: str
    anchor: datetime
    at: datetime


class TimedRules:
    """Asks rules on time: each at most once for each moment, also over crashes."""

    def __init__(
        self, pool: Pool, tickets: Ledger[domain.Handling], ruling: Ruling, feed: Feed, clock: Clock = utc_now
    ) -> None:
        self._pool = pool
        self._feed = feed
        self._tickets = tickets
        self._ruling = ruling
        self._clock = clock

    async def lay(self) -> None:
        """Set the timers of rules that are new or ask something else, for all tickets under way; take away those of rules that are off."""
        for row in await self._pool.fetch(_CHANGED):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                if row["asked"] is None:
                    await connection.execute("DELETE FROM rule_timer WHERE rule = $1", row["rule"])
                    await connection.execute("DELETE FROM rule_laid WHERE rule = $1", row["rule"])
                    continue
                await set_all(connection, row["rule"])
                await connection.execute(
                    f"INSERT INTO rule_laid (rule, asked, laid_at) SELECT key, {_ASKED}, $2 FROM directory_entry "
                    f"WHERE key = $1 AND {TIMED_RULES} "
                    "ON CONFLICT (rule) DO UPDATE SET asked = excluded.asked, laid_at = excluded.laid_at",
                    row["rule"],
                    self._clock(),
                )

    async def drain(self) -> None:
        """Ask all whose time has come."""
        while rows := await self._pool.fetch(TAKE, LEASE, GRACE, BATCH):
            await self.wake([Due(*row) for row in rows])

    async def wake(self, due: Sequence[Due]) -> None:
        """Ask these rules about their tickets as they are now."""
        config = await self._ruling.refresh()
        rules = {rule["key"]: rule for rule in config.rules if rule.get("when") == "time" and rule["active"]}
        laid = {row["rule"]: row["laid_at"] for row in await self._pool.fetch("SELECT rule, laid_at FROM rule_laid")}
        try:
            rows = await self._whole({one.ticket for one in due})
        except httpx.HTTPError as error:  # their leases end soon, and they are asked again
            await log.awarning("rules wait", reason=repr(error))
            return
        gate = asyncio.Semaphore(AT_ONCE)
        by_ticket: dict[UUID, list[Due]] = {}
        for one in sorted(due, key=lambda one: (one.at, one.rule)):
            by_ticket.setdefault(one.ticket, []).append(one)

        async def ask(ticket: UUID) -> list[tuple[Due, bool]]:
            row = rows.get(ticket)
            if row is None:
                return []  # its row is not what the stores say, which it is soon
            async with gate:
                return [
                    (one, fired)
                    for one in by_ticket[ticket]
                    if one.rule in rules  # else it is off, and its timers go
                    and (fired := await self._ask_about(rules[one.rule], row, one, laid)) is not None
                ]

        answers = await asyncio.gather(*map(ask, by_ticket), return_exceptions=True)
        await self._dealt_with([one for answer in answers if not isinstance(answer, BaseException) for one in answer])
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _ask_about(self, rule: Rule, row: TicketRow, due: Due, laid: Mapping[str, datetime]) -> bool | None:
        """Ask a rule; None: it is asked again, when its lease ends."""
        try:
            return await self._ask(rule, row, due, laid)
        except (ContentionError, BehindError) as error:
            await log.ainfo("asked again later", rule=due.rule, ticket=row.number, reason=repr(error))
        except (StoreUnavailableError, *LOST_CONNECTION):
            raise
        except Exception:  # whatever is wrong with one, the others have their time
            await log.aexception("rule on time failed", rule=due.rule, ticket=row.number)
        return None

    async def _ask(self, rule: Rule, row: TicketRow, due: Due, laid: Mapping[str, datetime]) -> bool | None:
        moment = moment_of(rule, row.looks)
        if moment is None or moment[0] != due.anchor or row.status not in UNDER_WAY:
            return False  # the ticket has gone on, and so has the timer
        if moment[1] > self._clock():
            return None  # the rule waits longer by now: its timers are about to be set anew
        seen = await self._ruling.seen(values_of(row), row.looks.get("subject"), row.requester_id, [rule], None)
        held = matching([rule], seen)
        if not held:
            return False
        await self._apply(held[0], row, moment, laid.get(rule["key"]))
        return True

    async def _apply(
        self, held: Held, row: TicketRow, moment: tuple[datetime, datetime], laid: datetime | None
    ) -> None:
        """Let a rule apply, dated when its time came; one that was made after that, now."""
        anchor, at = moment
        key, since = held.rule["key"], held.rule["after"]["since"]
        name = ("rule on time", key, held.rule["version"], row.stream_id, since, rfc3339(anchor))
        why = {
            "when": "time", "seen": row.versions, "moment": {"since": since, "anchor": rfc3339(anchor), "at": rfc3339(at)},
        }  # fmt: skip
        dated = at if laid is None or laid <= at else None
        result = await self._tickets.execute(
            row.stream_id, lambda state: come_true(state, held, why, dated), _context(key, derived(*name), anchor)
        )
        if result.events and any(held.rule["actions"].get(action) for action in OF_ROUTING):
            context = _context(key, derived(*name, "who"), result.occurred_at or at)
            await self._ruling.hand_over(row.stream_id, [held], row.status, context, at)

    async def _dealt_with(self, asked: Sequence[tuple[Due, bool]]) -> None:
        """Note that these have had their time, and whether the rule applied; not where they count from another moment by now."""
        await self._pool.execute(
            "UPDATE rule_timer t SET try_at = NULL, fired = n.fired "
            "FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bool[]) AS n (ticket_id, rule, anchor, fired) "
            "WHERE (t.ticket_id, t.rule, t.anchor) = (n.ticket_id, n.rule, n.anchor)",
            [due.ticket for due, _ in asked], [due.rule for due, _ in asked], [due.anchor for due, _ in asked],
            [fired for _, fired in asked],
        )  # fmt: skip

    async def _whole(self, tickets: set[UUID]) -> dict[UUID, TicketRow]:
        """Return those of these tickets of which the view has all that their owners have written."""
        async with self._pool.acquire() as connection:
            rows = await TicketView().load(connection, list(tickets))
        found = await whole(self._feed, publishers([TICKETS]), {ticket: row.versions for ticket, row in rows.items()})
        return {ticket: rows[ticket] for ticket in found}


def _context(rule: str, command_id: UUID, not_before: datetime) -> Context:
    return Context(command_id, Actor("rule", rule), Via("system", "routing"), not_before=not_before)
