"""What is tried is what happens: histories of real stores, played again under the rules in force, come to what those rules did."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ledgerdesk.exporting import Entries
from ledgerdesk.trying import Fired, History, TriedDesk, desk_of, play, try_rules
from ledgerdesk.trying.history import history_of
from shared.contracts.event import Actor, NewEvent
from shared.testing.events import created, message
from tests.integration import ruled
from tests.integration.ruled import JANE, JOHN, KEN, NOBODY, WHY, Desk, fact, prioritised

TICKETS = [UUID(int=n) for n in range(1, 6)]


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk


async def tried(desk: Desk) -> tuple[TriedDesk, list[History]]:
    """Return the desk as the stores have it, and its tickets' histories."""
    entries = [
        event for store in desk.stores.values() for event in await store.entries(desk.now + timedelta(days=9999))
    ]
    found = []
    for ticket in TICKETS:
        events = [event for store in desk.stores.values() for event in (await store.load(ticket))[0]]
        if events:
            found.append(history_of(events))
    return desk_of(Entries(entries)), found


async def happened(desk: Desk, ticket: UUID) -> list[tuple[Any, ...]]:
    """Return what rules did to a ticket, as its events say it."""
    return [
        (e.data["rule"], e.data["rule_version"], e.data["why"]["when"], e.data["changes"], e.data["why"]["tests"])
        for e in await desk.applied(ticket)
    ]


def told(fired: Sequence[Fired]) -> list[tuple[Any, ...]]:
    return [(one.rule, one.version, one.when, dict(one.wants), list(one.tests)) for one in fired]


async def with_rules(desk: Desk) -> None:
    api = ("channel", "equals", "api")

    def time(minutes: int, since: str) -> dict:
        return {"when": "time", "after": {"minutes": minutes, "since": since}}

    await desk.rule(
        "urgent", ("subject", "contains", "vpn"), api, when="created", actions={"priority": "high", "add_tags": ["new"]}
    )
    await desk.rule(
        "jane", ("tags", "equals", "hers"), when="created", order=2, actions={"agent": JANE, "severity": "Sev-B"}
    )
    await desk.rule(
        "low", ("priority", "equals", "low"), changes=["priority"], actions={"add_tags": ["low"], "note": "Low."}
    )
    await desk.rule("done", ("status", "equals", "resolved"), ("tags", "equals", "low"), actions={"status": "closed"})
    await desk.rule(
        "john", ("agent", "equals", JOHN), changes=["assignment"], actions={"priority": "normal", "watch": [JOHN]}
    )
    await desk.rule("still", ("body", "contains", "still"), ("status", "not_equals", "closed"), when="message",
                    actions={"priority": "emergency", "escalate": True})  # fmt: skip
    await desk.rule("again", ("body", "matches", r"\bagain\b"), when="replied", actions={"status": "on_hold"})
    await desk.rule("hour", ("status", "equals", "new"), **time(60, "created"), actions={"add_tags": ["hour"]})
    await desk.rule(
        "waits",
        ("priority", "not_equals", "low"),
        **time(45, "unanswered"),
        actions={"priority": "high", "escalate": True},
    )
    await desk.rule(
        "silent", ("organisation", "equals", "example"), **time(90, "replied"), actions={"status": "resolved"}
    )
    await desk.rule(
        "held", ("status", "equals", "on_hold"), **time(30, "status"), actions={"status": "open", "team": "on-call"}
    )
    await desk.timed.lay()


def some_act(rng: random.Random) -> tuple[str, NewEvent]:
    assigned = fact("assigned", agent=rng.choice([JOHN, JANE, None]), team=None, previous=NOBODY, why=WHY)
    return rng.choice([
        ("intake", message(rng.choice(["It still does.", "Thanks"]))), ("workflow", fact("replied", {"body": rng.choice(["Try again", "Hm"])})),
        ("workflow", prioritised(rng.choice(["low", "high"]))), ("workflow", fact(rng.choice(["started", "resolved", "closed", "resumed"]))),
        ("workflow", fact("held", until=None)), ("workflow", fact("reopened", previous="closed")), ("routing", assigned),
        ("workflow", fact("tagged", added=["x"], removed=["low"])),
    ])  # fmt: skip


async def passes(desk: Desk, minutes: float) -> None:
    """Let time pass, and rules on time have theirs, one moment after the other."""
    until = desk.now + timedelta(minutes=minutes)
    while True:
        moment = await desk.pools["routing"].fetchval(
            "SELECT min(at) FROM rule_timer WHERE try_at IS NOT NULL AND at <= $1", until
        )
        if moment is None:
            break
        desk.now = max(moment, desk.now)
        await desk.wakes()
    desk.now = until


async def live(desk: Desk, seed: int, acts: int) -> None:
    """Let people do things to some tickets, and time pass."""
    rng = random.Random(seed)  # noqa: S311 -- it must repeat
    for number, ticket in enumerate(TICKETS):
        tags = rng.choice([[], ["hers"]])
        await desk.happens(
            "intake", created(str(100001 + number), tags=tags), ticket=ticket, by=Actor("person", KEN), after=1
        )
    await desk.happens("intake", message("It still does."), ticket=TICKETS[0], by=Actor("person", KEN), after=1)
    await desk.happens("workflow", fact("replied", {"body": "Try again"}), ticket=TICKETS[1], after=1)
    for _ in range(acts):
        await passes(desk, rng.choice([0, 1, 10, 25, 50]))
        owner, said = some_act(rng)
        by = Actor("person", KEN if owner == "intake" else JOHN)
        await desk.happens(owner, said, ticket=rng.choice(TICKETS), by=by, after=1 / 30)
    await passes(desk, 200)


@pytest.mark.parametrize("seed", range(3))
async def test_trying_the_rules_in_force_comes_to_what_has_happened(desk, seed):
    await with_rules(desk)
    await live(desk, seed, 40)
    world, histories = await tried(desk)
    seen: set[str] = set()
    for history in histories:
        played = play(history, world, desk.now)
        assert told(played.fired) == await happened(desk, history.ticket)
        row = await desk.pools["workflow"].fetchrow(
            "SELECT status, tags, set_priority, agent, team FROM ticket WHERE stream_id = $1", history.ticket
        )
        assert played.row is not None
        assert played.row.status == row["status"]
        assert played.row.looks.get("priority") == row["set_priority"]
        assert (played.row.agent, played.row.team) == (row["agent"], row["team"])
        seen |= {one.when for one in played.fired}
    assert seen == {"created", "updated", "message", "replied", "time"}, "otherwise nothing was shown"


async def test_the_same_events_give_the_same_and_the_same_rules_no_difference(desk):
    await with_rules(desk)
    await live(desk, 7, 25)
    world, histories = await tried(desk)
    again, others = await tried(desk)
    assert [play(h, world, desk.now) for h in histories] == [play(h, again, desk.now) for h in others]
    differing, counts = try_rules(histories, world, again, desk.now)
    assert differing == []
    assert sum(counts.values()) > 0


async def test_other_rules_are_asked_about_what_people_did_and_not_about_what_rules_did(desk):
    await desk.rule("old", ("priority", "equals", "low"), actions={"priority": "high"})
    await desk.happens("intake", created(), ticket=TICKETS[0])
    await desk.happens("workflow", prioritised("low"), ticket=TICKETS[0], after=1)
    await desk.happens("workflow", fact("started"), ticket=TICKETS[0], after=1)
    world, (history,) = await tried(desk)
    assert [event.name for event in history.ruled] == ["rule_applied"]
    assert "high" not in [event.data.get("priority") for event in history.events], "what the old rule did is gone"
    await desk.rule("old", ("priority", "equals", "low"), active=False)
    await desk.rule("new", ("priority", "equals", "low"), changes=["status"], actions={"note": "Still low."})
    other, _ = await tried(desk)
    (differs,), counts = try_rules([history], world, other, desk.now)
    assert [(one.rule, one.when) for one in differs.now.later] == [("old", "updated")]
    assert [(one.rule, one.when, one.wants) for one in differs.then.later] == [("new", "updated", {"note": True})]
    assert counts == {"old": 0, "new": 1}


async def test_a_ticket_that_would_have_been_refused_has_no_later(desk):
    await desk.happens("intake", created(), ticket=TICKETS[0])
    await desk.happens("workflow", fact("started"), ticket=TICKETS[0], after=1)
    now, histories = await tried(desk)
    await desk.rule("no", ("subject", "contains", "vpn"), when="created", actions={"reject": "No."})
    await desk.rule("any", ("channel", "equals", "api"))
    then, _ = await tried(desk)
    (differs,), counts = try_rules(histories, now, then, desk.now)
    assert (differs.then.rejected, differs.then.later, counts) == ("no", (), {"any": 0, "no": 1})


async def test_where_another_rule_would_have_sent_it_it_goes_on_from_there(desk):
    await desk.configure("department", key="night", name="Night", active=True)
    await desk.configure("agent", UUID(JANE), {"login": "jane"}, person_id=JANE, departments=["night"], active=True)
    await desk.configure("topic_route", topic="*", key="*", department="support", skills=[])
    await desk.happens("intake", created(), ticket=TICKETS[0])
    await desk.happens("workflow", prioritised("low"), ticket=TICKETS[0], after=1)
    now, histories = await tried(desk)
    await desk.rule("night", ("subject", "contains", "vpn"), when="created", actions={"department": "night"})
    await desk.rule(
        "hers", ("department", "equals", "night"), ("agent", "equals", JANE), actions={"add_tags": ["hers"]}
    )
    then, _ = await tried(desk)
    (differs,), _ = try_rules(histories, now, then, desk.now)
    assert (differs.now.department, differs.then.department, differs.then.agent) == ("support", "night", "jane")
    assert [one.rule for one in differs.then.later] == ["hers"]
