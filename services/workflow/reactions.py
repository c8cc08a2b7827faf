"""What happens elsewhere and moves a ticket's life: rules, agents' acts in routing, customers' messages."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from services.workflow import domain
from services.workflow.canned import automatic
from services.workflow.fields import sheet_for
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import derived
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.projection.whole import BehindError
from shared.refusal import Refusal

MOST_MERGES = 20
"""Tickets merged into tickets merged into tickets, at most: a ring cannot come about but by a race."""

log = structlog.get_logger("workflow")


class Workflow:
    """Reactions of workflow."""

    def __init__(self, pool: Pool, tickets: Ledger[domain.Life], directory: Directory) -> None:
        self._pool = pool
        self._tickets = tickets
        self._directory = directory

    async def on_rule_applied(self, event: Event) -> None:
        """A rule wants something of what workflow owns: its owner makes it so."""
        row = await self._pool.fetchrow("SELECT * FROM ticket WHERE stream_id = $1", event.stream_id)
        closes = event.data["changes"].get("status") == "closed"
        sheet = await sheet_for(self._directory, row) if closes and row is not None else domain.Sheet()
        asked = {name: row[f"asked_{name}"] for name in ("priority", "severity", "tags")} if row else {}
        note = (event.personal or {}).get("note")
        fresh = (event.data.get("why") or {}).get("when", "created") == "created"
        left: dict[str, str] = {}
        answer, unsaid = await self._answer(row, event.data["changes"].get("reply"))

        def decide(state: domain.Life) -> Sequence[NewEvent]:
            found = domain.ruled(
                state, event.data["changes"], note=note, asked=asked, fresh=fresh, sheet=sheet, answer=answer
            )
            left.clear()
            left.update({**unsaid, **found.left})
            return found.events

        await self._react(event, decide, Actor("rule", event.data["rule"]))
        if left:
            number = row["number"] if row else None
            await log.ainfo("rule came too late", rule=event.data["rule"], ticket=number, left=left)

    async def _answer(
        self, row: asyncpg.Record | None, reply: str | None
    ) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """Return what a rule's canned reply comes to on a ticket; or why nothing is said.

        Raises:
            BehindError: The ticket's beginning, or whom the reply names, is not known here yet.
        """
        if reply is None:
            return None, {}
        if row is None or row["number"] is None:
            raise BehindError("the beginning of the ticket is not known to workflow yet")
        try:
            said = await automatic(self._directory, row, reply)
        except Refusal as refusal:
            return None, {"reply": refusal.detail}
        return {"body": said.text, "canned": said.made_from}, {}

    async def on_agent_acted(self, event: Event) -> None:
        """A person assigned, released or transferred it: an agent's act, and the first makes the ticket open."""
        if event.actor["kind"] == "person":
            await self._react(event, domain.start, Actor(event.actor["kind"], event.actor["id"]))

    async def on_message_received(self, event: Event) -> None:
        """The customer wrote. On a merged ticket, he wrote on the one that stands for it."""
        ticket_id: UUID | None = None
        for _ in range(MOST_MERGES):
            state, _ = await self._tickets.state(ticket_id or event.stream_id)
            if state.merged_into is None:
                break
            ticket_id = UUID(state.merged_into)
        await self._react(
            event,
            partial(domain.customer_wrote, at=event.occurred_at),
            Actor(event.actor["kind"], event.actor["id"]),
            ticket_id,
        )

    async def on_created(self, event: Event) -> None:
        """A ticket that follows another is linked to it; the other says what was split off it."""
        if not event.data.get("follows"):
            return
        follows, actor = event.data["follows"], Actor(event.actor["kind"], event.actor["id"])
        me, other = str(event.stream_id), follows["ticket"]
        await self._react(event, partial(domain.link, kind="related", ticket=me, other=other), actor)
        if follows["kind"] == "split":
            await self._react(event, partial(domain.split_off, other=me, events=follows["events"]), actor, UUID(other))

    async def _react(
        self,
        event: Event,
        decide: Callable[[domain.Life], Sequence[NewEvent]],
        actor: Actor,
        ticket_id: UUID | None = None,
    ) -> None:
        part = [str(ticket_id)] if ticket_id is not None else []
        context = Context(
            command_id=derived("react", event.event_id, *part), actor=actor, via=Via("reaction", "workflow"),
            cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at,
            traceparent=event.traceparent,
        )  # fmt: skip
        await self._tickets.execute(ticket_id or event.stream_id, decide, context)
