"""A ticket is created: rules, department, agent. An agent is forgotten."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from services.routing import domain
from services.routing.config import load_config
from shared.contracts.erasing import AGENT_ERASED, erase
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import derived
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context, Ledger
from shared.forgetting import context_of


class Routing:
    """Routes new tickets. One per service, so that the load it counts with is the load there is.

    The view lags behind the assignments made here by a few milliseconds, in which a burst of tickets would all go to the
    same agent. So assignments made here are remembered until the view shows them.
    """

    def __init__(self, pool: Pool, directory: Directory, tickets: Ledger[domain.Handling]) -> None:
        self._pool = pool
        self._directory = directory
        self._tickets = tickets
        self._config = domain.Config()
        self._load: dict[str, int] = {}
        self._unseen: dict[UUID, tuple[str, int]] = {}

    async def before_batch(self) -> None:
        """Look at the configuration and the load once for a batch of new tickets."""
        self._config = await load_config(self._pool, self._directory)
        seen = await self._pool.fetch(
            "SELECT stream_id, (versions ->> 'routing')::int AS version FROM ticket WHERE stream_id = ANY ($1)",
            list(self._unseen),
        )
        for row in seen:
            if (row["version"] or 0) >= self._unseen[row["stream_id"]][1]:
                del self._unseen[row["stream_id"]]
        rows = await self._pool.fetch(
            "SELECT agent, count(*) AS n FROM ticket "
            "WHERE agent IS NOT NULL AND status IN ('new', 'open', 'on_hold') GROUP BY agent"
        )
        self._load = {str(row["agent"]): row["n"] for row in rows}
        for agent, _ in self._unseen.values():
            self._load[agent] = self._load.get(agent, 0) + 1

    async def on_created(self, event: Event) -> None:
        """Decide who gets a new ticket."""
        personal = event.personal or {}
        ticket = domain.NewTicket(
            subject=personal.get("subject", ""), body=personal.get("body", ""), topic=event.data.get("topic"),
            priority=event.data.get("priority"), severity=event.data.get("severity"), channel=event.data["channel"],
            email=(personal.get("requester") or {}).get("email"), tags=event.data.get("tags", []),
        )  # fmt: skip
        context = Context(
            command_id=derived("route", event.event_id), actor=Actor("system", "routing"), via=Via("reaction", "routing"),
            cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at,
            traceparent=event.traceparent,
        )  # fmt: skip
        counted: list[str] = []

        def decide(state: domain.Handling) -> list[NewEvent]:
            for agent in counted:  # decided anew after a conflict: what was counted for it is taken back
                self._load[agent] -= 1
            counted.clear()
            events = domain.route(state, ticket, self._config, self._load)
            for decided in events:
                if decided.type == domain.ASSIGNED and decided.data["agent"]:
                    self._load[decided.data["agent"]] = self._load.get(decided.data["agent"], 0) + 1
                    counted.append(decided.data["agent"])
            return events

        result = await self._tickets.execute(event.stream_id, decide, context)
        for agent in counted:
            self._unseen[event.stream_id] = (agent, result.version)

    async def on_replied(self, event: Event) -> None:
        """An agent answered a ticket that nobody has: it is his, unless the desk's policy says otherwise."""
        if event.actor["kind"] != "person":
            return
        policy = await self._directory.entry("policy", "desk")
        if policy is not None and not policy.get("auto_claim", True):
            return
        person = await self._directory.by_id(UUID(event.actor["id"]))
        if person is None or person.agent is None or not person.agent.get("active", True):
            return
        context = Context(
            command_id=derived("answered", event.event_id), actor=Actor("person", event.actor["id"]),
            via=Via("reaction", "routing"), cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at,
            traceparent=event.traceparent,
        )  # fmt: skip
        await self._tickets.execute(event.stream_id, partial(domain.answered, agent=event.actor["id"]), context)


class AgentForgetting:
    """Routing's part in forgetting somebody who was an agent: name and address go, and he gets no more tickets."""

    def __init__(self, eraser: Eraser) -> None:
        self._eraser = eraser

    async def on_forgotten(self, event: Event) -> None:
        """Blank the agent's entry, if there is one."""

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, AGENT_ERASED, event.data["reason"])

        await self._eraser.erase(event.stream_id, decide, context_of(event, "routing", event.stream_id))
