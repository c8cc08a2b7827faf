"""Rules on tickets that are under way: asked after what people and other systems do to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.routing import domain
from services.routing.domain.causes import kinds_of, when_of
from services.routing.domain.looks import with_words
from services.routing.domain.rules import OF_ROUTING, applied
from services.routing.reactions import Routing
from services.routing.views import AS_IT_WAS
from shared.contracts.event import Actor, Event, Via
from shared.contracts.ids import derived
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.rules import Held, Rule, Seen, asked, matching

OVER = frozenset({"closed", "merged"})
"""Statuses in which nobody is given a ticket."""

log = structlog.get_logger("rules")


class Ruling:
    """Asks the rules, and does what those that hold say: each at most once for each cause."""

    def __init__(self, pool: Pool, directory: Directory, tickets: Ledger[domain.Handling], routing: Routing) -> None:
        self._pool = pool
        self._directory = directory
        self._tickets = tickets
        self._routing = routing

    async def on_event(self, event: Event) -> None:
        """Ask the rules about a ticket as it was just after this event."""
        then, when = event.data.get(AS_IT_WAS), when_of(event)
        if then is None or when is None:
            return
        rules = asked(self._routing.config.rules, when, kinds_of(event))
        if not rules:
            return
        row = await self._pool.fetchrow(
            "SELECT requester_id, looks ->> 'subject' AS subject FROM ticket WHERE stream_id = $1", event.stream_id
        )
        subject, requester = (row["subject"], row["requester_id"]) if row is not None else (None, None)
        seen = await self.seen(then["values"], subject, requester, rules, (event.personal or {}).get("body"))
        why = {"when": when, "seen": then["versions"]}
        held = matching(rules, seen)
        for one in held:
            context = _context(one, derived("rule", event.event_id, one.rule["key"]), event)
            await self._tickets.execute(event.stream_id, lambda _, one=one: [applied(one, why)], context)  # type: ignore[misc] # mypy cannot infer a lambda's defaults
        naming = [one for one in held if any(one.rule["actions"].get(name) for name in OF_ROUTING)]
        if naming:
            context = _context(naming[0], derived("rule", event.event_id), event)
            await self.hand_over(event.stream_id, naming, seen["status"], context, event.occurred_at)

    async def hand_over(
        self, ticket: UUID, naming: Sequence[Held], status: str, context: Context, at: datetime
    ) -> None:
        """Give a ticket to whom rules name that name somebody."""
        if status in OVER:
            await log.ainfo("rule came too late", rule=naming[0].rule["key"], ticket=str(ticket), status=status)
            return
        routing = self._routing
        await routing.give(
            ticket, context, at, lambda state, now: domain.handle(state, naming, routing.config, routing.load, now)
        )

    async def refresh(self) -> domain.Config:
        """Look at the configuration and the load, once for a batch."""
        await self._routing.before_batch()
        return self._routing.config

    async def seen(
        self, values: Mapping[str, Any], subject: str | None, requester: UUID | None, rules: Sequence[Rule], body: str | None
    ) -> Seen:  # fmt: skip
        """Return what rules look at: these values and words, and what the directory says of the requester, if they ask.

        Raises:
            BehindError: They ask, and he is not known yet: a rule on who he is holds neither nor not.
        """
        tested = {test["field"] for rule in rules for test in rule["tests"]}
        asks = bool(tested & {"email", "organisation"})
        person = await self._directory.expected(requester) if asks and requester is not None else None
        return with_words(
            values, subject=subject, body=body, email=person.email if person else None,
            organisation=person.organisation if person else None,
        )  # fmt: skip


def _context(held: Held, command_id: UUID, event: Event) -> Context:
    return Context(
        command_id, Actor("rule", held.rule["key"]), Via("reaction", "routing"), cause=event.event_id,
        correlation=event.correlation, not_before=event.occurred_at, traceparent=event.traceparent,
    )  # fmt: skip
