"""What happens elsewhere and moves a ticket's life: rules, agents' acts in routing, customers' messages."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from services.workflow import domain
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import derived
from shared.db import Pool
from shared.eventstore.ledger import Context, Ledger
from shared.refusal import Refusal

MOST_MERGES = 20
"""Tickets merged into tickets merged into tickets, at most: a ring cannot come about but by a race."""


class Workflow:
    """Reactions of workflow."""

    def __init__(self, pool: Pool, tickets: Ledger[domain.Life]) -> None:
        self._pool = pool
        self._tickets = tickets

    async def on_rule_applied(self, event: Event) -> None:
        """A rule wants another priority or severity: its owner makes it so."""
        row = await self._pool.fetchrow(
            "SELECT asked_priority, asked_severity FROM ticket WHERE stream_id = $1", event.stream_id
        )
        asked = {"priority": row["asked_priority"], "severity": row["asked_severity"]} if row else {}
        changes = event.data["changes"]

        def decide(state: domain.Life) -> Sequence[NewEvent]:
            # What somebody has set meanwhile stands: a rule speaks for a ticket that nobody has looked at.
            priority = changes.get("priority") if state.priority is None else None
            severity = changes.get("severity") if state.severity is None else None
            try:
                return domain.prioritise(
                    state, priority=priority, severity=severity, message=None, asked=asked, by_agent=False
                )
            except Refusal:  # it is so already, or closed meanwhile: the rule has come too late, which is no mistake
                return []

        await self._react(event, decide, Actor("rule", event.data["rule"]))

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
