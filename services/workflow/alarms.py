"""Service levels and alarms at work: after what happens, when a moment has come, and when the configuration changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import structlog

from services.workflow import catching_up, domain
from services.workflow.domain import sla
from services.workflow.domain.sla import Contract, Story
from services.workflow.fields import sheet_of
from shared.configuration import Entry
from shared.contracts.event import Actor, Event, NewEvent, Via
from shared.contracts.ids import derived, directory_id
from shared.contracts.topic_names import TICKETS
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Clock, ContentionError, Context, Ledger, utc_now
from shared.hours import ALWAYS, Hours, hours_of
from shared.projection.checkpoints import publishers
from shared.projection.feed import Feed
from shared.projection.whole import BehindError, whole
from shared.timers import BATCH

AT_ONCE = 64
SWEPT = 2000
"""Tickets that one sweep warns of their closing, at most; the next takes more."""
OTHERS = tuple(owner for owner in publishers([TICKETS]) if owner != "workflow")
"""Who else writes of a ticket."""
_CHOOSING = frozenset({"created", "prioritised", "transferred", "rule_applied"})
"""Events after which another plan may be the ticket's."""

log = structlog.get_logger("alarms")


@dataclass(frozen=True, slots=True)
class Looked:
    """A ticket as the view shows it: its row, and its story."""

    row: asyncpg.Record
    story: Story


class Alarms:
    """Says what is to be said, when it is time."""

    def __init__(
        self, pool: Pool, directory: Directory, tickets: Ledger[domain.Life], entries: Ledger[Entry], feed: Feed,
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._feed = feed
        self._pool = pool
        self._directory = directory
        self._tickets = tickets
        self._entries = entries
        self._plans: Sequence[Mapping[str, Any]] = ()
        self._calendars: Mapping[str, Mapping[str, Any]] = {}
        self._fields: Mapping[str, Mapping[str, Any]] = {}
        self._hours: dict[tuple[str, int], Hours] = {}
        self._pinned: dict[tuple[str, int], Mapping[str, Any]] = {}

    async def refresh(self) -> None:
        """Look at the configuration, once for a batch."""
        self._plans = await self._directory.entries("sla_plan")
        self._calendars = {entry["key"]: entry for entry in await self._directory.entries("calendar")}
        self._fields = await self._directory.fields()

    async def on_event(self, event: Event) -> None:
        """Look at a ticket's promises after something has happened to it.

        The view need not have heard of everything: what a review says of what it knows (a promise begins, stands still, is kept) the
        next review mends, since each event that a story is made of is reviewed when it comes. What could not be unsaid comes true by the
        clock, and is left to the promise's timer, which looks at the whole. So a review never waits, and nothing is lost.
        """
        if not self._plans or (event.name == "rule_applied" and not event.data["changes"].get("sla")):
            return
        looked = (await self._look([event.stream_id])).get(event.stream_id)
        if looked is None:
            return
        context = Context(
            command_id=derived("sla", event.event_id), actor=Actor("system", "sla"), via=Via("reaction", "workflow"),
            cause=event.event_id, correlation=event.correlation, not_before=event.occurred_at, traceparent=event.traceparent,
        )  # fmt: skip
        await self._review(looked, context, event.name, choosing=event.name in _CHOOSING)

    async def wake(self, ids: Sequence[UUID]) -> None:
        """Let come true what has come for these tickets."""
        await self.refresh()
        looked = await self._look_at_whole(ids)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(ticket: Looked) -> None:
            async with gate:
                try:
                    await self._wake(ticket)
                except (BehindError, ContentionError) as error:  # its lease ends soon, and it is woken again
                    await log.ainfo("woken again later", ticket=ticket.row["number"], reason=repr(error))

        await asyncio.gather(*map(one, looked.values()))

    async def sweep(self) -> None:
        """Warn of what the requesters' silence is going to close."""
        policy = await self._directory.entry("policy", "desk") or {}
        waits = domain.patience(policy)
        if waits is None:
            return
        silence, warning = waits
        rows = await self._pool.fetch(
            "SELECT stream_id FROM ticket WHERE silent_since <= $1 AND closes_at IS NULL ORDER BY silent_since LIMIT $2",
            self._clock() - (silence - warning), SWEPT,
        )  # fmt: skip
        ids = [row["stream_id"] for row in rows]
        for begin in range(0, len(ids), BATCH):
            await self._warn(ids[begin : begin + BATCH], policy)

    async def _warn(self, ids: Sequence[UUID], policy: Mapping[str, Any]) -> None:
        for ticket in (await self._look_at_whole(ids)).values():

            def decide(
                life: domain.Life, story: Story = ticket.story, row: asyncpg.Record = ticket.row
            ) -> Sequence[NewEvent]:
                if life.version > row["versions"].get("workflow", 0):
                    return []  # something has just happened: the next sweep looks again
                return domain.warn_of_closing(life, story, policy, self._clock())

            await self._tickets.execute(ticket.row["stream_id"], decide, _by_itself("silence"))

    async def missing(self) -> catching_up.Missing:
        """Wait, not for ever, until the view shows all that had been acknowledged when this was asked; returns what is missing still."""
        return await catching_up.missing(self._pool, self._feed)

    async def recompute(self, ids: Sequence[UUID], context: Context | None) -> list[dict[str, Any]]:
        """Look at the promises of these tickets under the plans and calendars as they are now.

        With a context, they are under these versions from then on: also where no moment changes, but a step of the ladder does.

        Args:
            ids: Tickets; those without a plan are left alone.
            context: For whom; None: nothing is said, only what would change is returned.

        Returns:
            For each promise whose moment changes, or that is made no more: `ticket` (number), `target`, `due` and `was`, RFC 3339
            or None.
        """
        await self.refresh()
        changes: list[dict[str, Any]] = []
        for ticket in (await self._look(ids)).values():
            pins = ticket.row["sla"]
            plan = next((one for one in self._plans if one["key"] == pins.get("plan")), None)
            if plan is None:
                continue
            contract = await self._contract(plan["key"], plan["version"], None)
            found = _changes(ticket, contract)
            renewed = any(pins.get(pin) != value for pin, value in contract.pins.items())
            if (found or renewed) and context is not None:
                own = Context(
                    derived("recompute", context.command_id, ticket.row["stream_id"]), context.actor, context.via
                )
                await self._review(ticket, own, "recomputed", choosing=False, contract=contract)
            changes += found
        return changes

    async def _wake(self, ticket: Looked) -> None:
        pins = ticket.row["sla"]
        contract = await self._pinned_contract(pins)
        now = self._clock()

        def decide(life: domain.Life) -> Sequence[NewEvent]:
            _see_whole(life, ticket.row)
            closing = life.closes_at is not None
            unfinished = closing and domain.unfinished(life, sheet_of(ticket.row, self._fields))
            come_true = domain.come_true(life, ticket.story, now, unfinished=unfinished)
            return come_true or sla.review(
                life, ticket.story, contract, now, priority=ticket.row["priority"], reason="time"
            )

        await self._tickets.execute(ticket.row["stream_id"], decide, _by_itself("timer"))

    async def _review(
        self, ticket: Looked, context: Context, reason: str, *, choosing: bool, contract: Contract | None = None
    ) -> None:
        row = ticket.row
        contract = contract or await self._pinned_contract(row["sla"])
        if choosing and ticket.story.created is not None:
            chosen = sla.choose(self._plans, dict(row))
            if chosen is None:
                contract = None
            elif contract is None or contract.plan["key"] != chosen["key"]:
                contract = await self._contract(chosen["key"], chosen["version"], None)
        if contract is None and not row["sla"].get("plan"):
            return
        now = max(self._clock(), context.not_before) if context.not_before else self._clock()

        def decide(life: domain.Life) -> Sequence[NewEvent]:
            return sla.review(life, ticket.story, contract, now, priority=row["priority"], reason=reason, timer=False)

        await self._tickets.execute(row["stream_id"], decide, context)

    async def _look_at_whole(self, ids: Sequence[UUID]) -> dict[UUID, Looked]:
        """Return those of these tickets of which all is known that others had written, and has been reacted to: a change may bring another plan.

        Workflow's own part is held against the view when it is decided: see `_see_whole`.
        """
        looked = await self._look(ids)
        waiting = await self._pool.fetch(
            "SELECT event ->> 'stream_id' AS ticket FROM reaction_inbox WHERE event ->> 'stream_id' = ANY ($1)",
            list(map(str, looked)),
        )
        try:
            found = await whole(self._feed, OTHERS, {ticket: one.row["versions"] for ticket, one in looked.items()})
        except httpx.HTTPError as error:  # they are looked at again soon, as those that are left out
            await log.awarning("alarms wait", tickets=len(looked), reason=repr(error))
            return {}
        found -= {UUID(row["ticket"]) for row in waiting}
        if len(found) < len(looked):
            await log.ainfo("looked at again later", tickets=len(looked) - len(found), reason="more has been written")
        return {ticket: one for ticket, one in looked.items() if ticket in found}

    async def _look(self, ids: Sequence[UUID]) -> dict[UUID, Looked]:
        """Return tickets that are there, with their stories."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch("SELECT * FROM ticket WHERE stream_id = ANY ($1) AND number IS NOT NULL", ids)
            steps = await connection.fetch(
                "SELECT ticket_id, type, at, data FROM timeline WHERE ticket_id = ANY ($1) AND type = ANY ($2) "
                "ORDER BY ticket_id, at, source, version",
                ids, list(sla.TOLD),
            )  # fmt: skip
        told: dict[UUID, list[tuple[str, datetime, Mapping[str, Any]]]] = {}
        for step in steps:
            told.setdefault(step["ticket_id"], []).append((step["type"], step["at"], step["data"]))
        return {row["stream_id"]: Looked(row, sla.story_of(told.get(row["stream_id"], []))) for row in rows}

    async def _pinned_contract(self, pins: Mapping[str, Any]) -> Contract | None:
        if not pins.get("plan"):
            return None
        return await self._contract(pins["plan"], pins["plan_version"], pins)

    async def _contract(self, plan: str, version: int, pins: Mapping[str, Any] | None) -> Contract:
        """Return a plan's version with the calendar it is pinned to, or the calendar as it is now."""
        entry = await self._version_of("sla_plan", plan, version)
        calendar = pins["calendar"] if pins is not None else entry["calendar"]
        if calendar is None:
            return Contract(entry, ALWAYS)
        known = pins["calendar_version"] if pins is not None else self._calendars[calendar]["version"]
        if (calendar, known) not in self._hours:
            self._hours[calendar, known] = hours_of(await self._version_of("calendar", calendar, known))
        return Contract(entry, self._hours[calendar, known], calendar, known)

    async def _version_of(self, kind: str, key: str, version: int) -> Mapping[str, Any]:
        """Return an entry as it was in a version, from the store that has all of them."""
        if (f"{kind}:{key}", version) not in self._pinned:
            events, _ = await self._entries.store.load(directory_id(kind, key))
            for event in events:
                self._pinned[f"{kind}:{key}", event.data["new"]["version"]] = event.data["new"]
        return self._pinned[f"{kind}:{key}", version]


def _see_whole(life: domain.Life, row: asyncpg.Record) -> None:
    """Refuse to decide on a story that lacks what the store has already.

    Raises:
        BehindError: It does.
    """
    if life.version > row["versions"].get("workflow", 0):
        raise BehindError(f"the view has {row['versions'].get('workflow', 0)} of {life.version}")


def _by_itself(what: str) -> Context:
    return Context(command_id=uuid4(), actor=Actor("system", what), via=Via("system", "workflow"), fresh=True)


def _changes(ticket: Looked, contract: Contract) -> list[dict[str, Any]]:
    """Return what changes for a ticket under a contract."""
    clocks: Mapping[str, Any] = ticket.row["sla"].get("clocks", {})
    running = {target: clock.get("due") for target, clock in clocks.items() if not clock.get("met")}
    promised = sla.promises(ticket.story, contract.plan, contract.hours)
    then = {promise.target: sla.moment(promise.due) for promise in promised if promise.met is None}
    gone = dict.fromkeys(running.keys() - then.keys() - {promise.target for promise in promised})
    return [
        {"ticket": ticket.row["number"], "target": target, "due": due, "was": running.get(target)}
        for target, due in sorted((then | gone).items())
        if target in gone or due != running.get(target)
    ]
