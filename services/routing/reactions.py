"""A ticket is created, waits, is reopened, is overdue: rules, department, agent. An agent is forgotten."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from services.routing import domain
from services.routing.config import load_config
from shared.contracts.erasing import AGENT_ERASED, erase
from shared.contracts.event import Actor, Event, NewEvent, Via, rfc3339
from shared.contracts.ids import derived
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Clock, Context, Ledger, utc_now
from shared.forgetting import context_of

MOST_TAKEN_UP = 200
"""Waiting tickets that are looked at in one go, the longest waiting first."""


def _context(what: str, event: Event, actor: Actor | None = None) -> Context:
    return Context(
        command_id=derived(what, event.event_id), actor=actor or Actor("system", "routing"), via=Via("reaction", "routing"),
        cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at, traceparent=event.traceparent,
    )  # fmt: skip


class Routing:
    """Gives tickets to agents. One per service, so that the load it counts with is the load there is.

    The view lags behind the assignments made here by a few milliseconds, in which a burst of tickets would all go to the
    same agent. So assignments made here are remembered until the view shows them, and made one at a time.

    Attributes:
        config: The configuration, looked at once for a batch.
        load: Agent's person id to how many tickets he has.
    """

    def __init__(
        self, pool: Pool, directory: Directory, tickets: Ledger[domain.Handling], clock: Clock = utc_now
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._tickets = tickets
        self._clock = clock
        self.config = domain.Config()
        self.load: dict[str, int] = {}
        self._last: dict[str, str] = {}
        self._unseen: dict[UUID, tuple[str, int | None]] = {}
        self._latest: dict[str, UUID] = {}
        self._one_at_a_time = asyncio.Lock()

    async def before_batch(self) -> None:
        """Look at the configuration and the load once for a batch."""
        async with self._one_at_a_time:
            await self._look()

    async def _look(self) -> None:
        self.config = await load_config(self._pool, self._directory)
        if self._unseen:
            await self._see()
        rows = await self._pool.fetch(
            "SELECT agent, count(*) AS n FROM ticket "
            "WHERE agent IS NOT NULL AND status IN ('new', 'open', 'on_hold') GROUP BY agent"
        )
        self.load = {str(row["agent"]): row["n"] for row in rows}
        for agent, _ in self._unseen.values():
            self.load[agent] = self.load.get(agent, 0) + 1
        agents = [agent["person_id"] for agent in self.config.agents]
        given = agents and await self._pool.fetch(
            "SELECT a, (SELECT assigned_at FROM ticket WHERE agent = a ORDER BY assigned_at DESC NULLS LAST LIMIT 1) AS at "
            "FROM unnest($1::uuid[]) a",
            agents,
        )
        shown = {str(row["a"]): rfc3339(row["at"]) for row in given if row["at"] is not None}
        self._last = {who: max(self._last.get(who, ""), at) for who, at in {**self._last, **shown}.items()}

    async def _see(self) -> None:
        """Forget the assignments that the view shows by now."""
        seen = await self._pool.fetch(
            "SELECT stream_id, (versions ->> 'routing')::int AS version FROM ticket WHERE stream_id = ANY ($1)",
            list(self._unseen),
        )
        for row in seen:
            given_at = self._unseen.get(row["stream_id"], ("", None))[1]
            if given_at is not None and (row["version"] or 0) >= given_at:
                del self._unseen[row["stream_id"]]
        self._latest = {who: ticket for who, ticket in self._latest.items() if ticket in self._unseen}

    async def on_created(self, event: Event) -> None:
        """Decide who gets a new ticket."""
        ticket = domain.new_ticket(event, await self._organisation(event))
        requester = event.data["person_id"]
        before = self._just_given(requester) or await self._had_the_last_of(event)
        await self.give(
            event.stream_id, _context("route", event), event.occurred_at,
            lambda state, now: domain.route(state, ticket, self.config, self.load, now), before, requester,
        )  # fmt: skip

    async def on_reopened(self, event: Event) -> None:
        """Let who had it have it again, if he is there."""
        topic = await self._pool.fetchval("SELECT looks ->> 'topic' FROM ticket WHERE stream_id = $1", event.stream_id)
        await self.give(
            event.stream_id, _context("reopened", event), event.occurred_at,
            lambda state, now: domain.taken_up_again(state, self.config, self.load, now, topic),
        )  # fmt: skip

    async def on_escalated(self, event: Event) -> None:
        """Give it to the next of the team that the plan's ladder names."""
        team, plan = event.data["reassign"], event.data["plan"]
        await self.give(
            event.stream_id, _context("escalated", event), event.occurred_at,
            lambda state, now: domain.reassign(
                state, team=team, plan=plan, config=self.config, load=self.load, now=now
            ),
        )  # fmt: skip

    async def take_up(self) -> None:
        """Give the tickets that wait to who can have them by now: somebody has come on shift, or has room again."""
        rows = await self._pool.fetch(
            "SELECT stream_id FROM ticket WHERE queued_at IS NOT NULL AND status IN ('new', 'open', 'on_hold') "
            "ORDER BY queued_at LIMIT $1",
            MOST_TAKEN_UP,
        )
        if not rows:
            return
        await self.before_batch()
        for row in rows:
            context = Context(uuid4(), Actor("system", "routing"), Via("system", "routing"), fresh=True)
            await self.give(
                row["stream_id"], context, self._clock(),
                lambda state, now: domain.take_up(state, self.config, self.load, now),
            )  # fmt: skip

    async def _organisation(self, event: Event) -> str | None:
        """Return the requester's organisation, where a rule wants to know."""
        email = ((event.personal or {}).get("requester") or {}).get("email")
        if email is None or not any(t["field"] == "organisation" for r in self.config.rules for t in r["tests"]):
            return None
        return await self._directory.organisation_of(email)

    async def _had_the_last_of(self, event: Event) -> str | None:
        """Return who had the requester's last ticket, where a department wants to know."""
        if not any(one.get("strategy") == "sticky" for one in self.config.departments.values()):
            return None
        agent = await self._pool.fetchval(
            "SELECT agent FROM ticket WHERE requester_id = $1 AND stream_id <> $2 AND agent IS NOT NULL "
            "ORDER BY assigned_at DESC NULLS LAST LIMIT 1",
            UUID(event.data["person_id"]), event.stream_id,
        )  # fmt: skip
        return str(agent) if agent else None

    def _just_given(self, requester: str | None) -> str | None:
        """Return who was given a ticket of this requester that the view does not show yet."""
        ticket = self._latest.get(requester) if requester is not None else None
        return self._unseen[ticket][0] if ticket is not None and ticket in self._unseen else None

    async def give(
        self, ticket: UUID, context: Context, at: datetime,
        choose: Callable[[domain.Handling, domain.Moment], list[NewEvent]], before: str | None = None,
        requester: str | None = None,
    ) -> None:  # fmt: skip
        """Decide who gets a ticket, and count what was decided. `before`: who had its requester's last one, as far as the view shows."""
        counted: list[str] = []

        def decide(state: domain.Handling) -> list[NewEvent]:
            for agent in counted:  # decided anew after a conflict: what was counted for it is taken back
                self.load[agent] -= 1
            counted.clear()
            self._unseen.pop(ticket, None)
            events = choose(state, domain.Moment(at, self._last, self._just_given(requester) or before))
            for decided in events:
                if decided.type == domain.ASSIGNED and decided.data["agent"]:
                    agent = decided.data["agent"]
                    self.load[agent] = self.load.get(agent, 0) + 1
                    self._last[agent] = rfc3339(max(at, self._clock()))
                    self._unseen[ticket] = (agent, None)
                    if requester is not None:
                        self._latest[requester] = ticket
                    counted.append(agent)
            return events

        try:
            result = await self._tickets.execute(ticket, decide, context)
        except BaseException:
            if counted:
                self._unseen.pop(ticket, None)
            raise
        for agent in counted:
            self._unseen[ticket] = (agent, result.version)

    async def on_replied(self, event: Event) -> None:
        """An agent answered a ticket that nobody has: it is his, unless the desk's policy says otherwise."""
        if event.actor["kind"] != "person":
            return
        policy = await self._directory.entry("policy", "desk")
        if policy is not None and not policy.get("auto_claim", True):
            return
        if not await self._works_here(UUID(event.actor["id"])):
            return
        context = _context("answered", event, Actor("person", event.actor["id"]))
        await self._tickets.execute(event.stream_id, partial(domain.answered, agent=event.actor["id"]), context)

    async def _works_here(self, person_id: UUID) -> bool:
        """Whether somebody is an agent. That is routing's own to say: its store is asked, since its view may not have heard yet."""
        events, _ = await self._tickets.store.load(person_id)
        works = False
        for event in events:
            works = "new" in event.data and event.data["new"].get("active", True)  # else he was forgotten
        return works


class AgentForgetting:
    """Routing's part in forgetting somebody who was an agent: name and address go, and he gets no more tickets."""

    def __init__(self, eraser: Eraser) -> None:
        self._eraser = eraser

    async def on_forgotten(self, event: Event) -> None:
        """Blank the agent's entry, if there is one."""

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, AGENT_ERASED, event.data["reason"])

        await self._eraser.erase(event.stream_id, decide, context_of(event, "routing", event.stream_id))
