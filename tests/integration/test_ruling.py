"""Rules on real stores and views: asked as the ticket was, once for each cause, and never by each other."""

from uuid import UUID

import pytest

from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import verify
from services.routing.ruling import Ruling
from shared.contracts.event import Actor
from shared.testing.events import created, message
from tests.integration import ruled
from tests.integration.ruled import JANE, JOHN, KEN, NOBODY, OTHER, TICKET, WHY, HearsLater, fact, prioritised


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk
        verdict = await verify(postgres_dsn, wait=0)
        assert not verdict.differences


async def test_each_kind_of_event_asks_its_rules(desk):
    await desk.rule("new", ("channel", "equals", "api"), when="created")
    await desk.rule("changed", ("priority", "equals", "high"))
    await desk.rule("wrote", ("body", "contains", "still"), when="message")
    await desk.rule("answered", ("body", "contains", "again"), when="replied")
    await desk.happens("intake", created())
    assert await desk.rules() == ["new"]
    await desk.happens("intake", message("It still does."))
    assert await desk.rules() == ["new", "wrote"]
    await desk.happens("workflow", fact("replied", {"body": "Try again"}))
    assert await desk.rules() == ["new", "wrote", "answered"]
    await desk.happens("workflow", prioritised("low"))
    await desk.happens("workflow", prioritised("high"))
    assert await desk.rules() == ["new", "wrote", "answered", "changed"]
    assert await desk.tags() == ["new", "wrote", "answered", "changed"]
    changed = (await desk.applied())[-1]
    assert (changed.actor, changed.via["kind"]) == ({"kind": "rule", "id": "changed"}, "reaction")
    assert changed.data["changes"] == {"add_tags": ["changed"]}
    assert changed.data["why"]["when"] == "updated"
    assert changed.data["why"]["tests"] == [{"test": 1, "field": "priority", "op": "equals"}]
    assert set(changed.data["why"]["seen"]) == {"intake", "routing", "workflow"}


async def test_rules_look_at_the_ticket_as_it_was_just_after_their_event(desk):
    """Two changes are read in one go, before anybody reacts: each asks about its own moment."""
    await desk.rule("urgent", ("priority", "equals", "emergency"), ("status", "equals", "new"))
    await desk.happens("intake", created())
    await desk.does("workflow", prioritised("emergency"), fact("started"), prioritised("low"))
    await desk.react()
    (applied,) = await desk.applied()
    assert applied.data["why"]["seen"]["workflow"] == 1


async def test_only_the_changes_that_a_rule_names_ask_it(desk):
    await desk.rule("status", ("channel", "equals", "api"), changes=["status"])
    await desk.happens("intake", created())
    await desk.happens("workflow", prioritised("high"))
    assert await desk.rules() == []
    await desk.happens("workflow", fact("started"))
    assert await desk.rules() == ["status"]


async def test_two_rules_do_not_keep_each_other_going(desk):
    await desk.rule("up", ("priority", "equals", "low"), actions={"priority": "high"})
    await desk.rule("down", ("priority", "equals", "high"), actions={"priority": "low"})
    await desk.happens("intake", created())
    await desk.happens("workflow", prioritised("low"))
    assert await desk.rules() == ["up"]
    assert await desk.pools["workflow"].fetchval("SELECT set_priority FROM ticket") == "high"


async def test_a_message_asks_again_when_it_reopens_and_what_a_rule_reopens_asks_nothing(desk):
    await desk.rule("back", ("status", "equals", "open"), changes=["status"])
    await desk.rule("reopener", ("status", "equals", "resolved"), changes=["status"], actions={"status": "open"})
    await desk.happens("intake", created())
    await desk.happens("workflow", fact("resolved"))
    assert await desk.rules() == ["reopener"], "and its reopening is nobody's act"
    await desk.happens("workflow", fact("resolved"))
    await desk.does("workflow", fact("closed"))
    await desk.happens("intake", message(), after=1)
    assert await desk.rules() == ["reopener", "reopener", "back"], "the customer's message has opened it, in his name"


async def test_a_reaction_that_is_made_again_adds_nothing(desk):
    await desk.rule("changed", ("priority", "equals", "high"), actions={"agent": JANE, "note": "Look!"})
    await desk.happens("intake", created())
    await desk.does("workflow", prioritised("high"))
    (event,) = [e for e in await desk.inbox("routing") if e.name == "prioritised"]
    await desk.react()
    await desk.ruling.on_event(event)
    await desk.rule("changed", ("priority", "equals", "high"), actions={"agent": JOHN}, version=2)
    await desk.routing.before_batch()
    await desk.ruling.on_event(event)
    events, _ = await desk.stores["routing"].load(TICKET)
    assert [e.name for e in events] == ["rule_applied", "assigned"], "also by another version of the rule"
    assert (events[0].personal, events[0].data["changes"]) == ({"note": "Look!"}, {"agent": JANE, "note": True})
    assert (events[1].data["agent"], events[1].actor["id"]) == (JANE, "changed")


async def test_who_asks_is_looked_at(desk):
    await desk.rule(
        "ours", ("organisation", "equals", "example"), ("email", "ends", "@example.org"), ("subject", "contains", "vpn")
    )
    await desk.rule("theirs", ("organisation", "equals", "other"))
    await desk.happens("intake", created())
    await desk.happens("workflow", prioritised("high"))
    assert await desk.rules() == ["ours"]


async def test_who_asks_may_be_heard_of_after_his_ticket(desk):
    lea = UUID(int=8)
    desk.ruling = Ruling(
        desk.pools["routing"], HearsLater(desk.pools["routing"], lambda: desk.register(lea, "Lea")), desk.handling, desk.routing
    )  # fmt: skip
    await desk.rule("ours", ("organisation", "equals", "example"), ("email", "equals", "lea@example.org"))
    await desk.happens("intake", created(person_id=str(lea)))
    await desk.happens("workflow", prioritised("high"))
    assert await desk.rules() == ["ours"]


async def test_routing_by_a_rule_on_a_ticket_under_way(desk):
    await desk.configure("department", key="night", name="Night", active=True)
    await desk.configure("agent", UUID(JANE), {"login": "jane"}, person_id=JANE, departments=["night"], active=True)
    await desk.rule("night", ("priority", "equals", "emergency"), actions={"department": "night"})
    await desk.happens("intake", created())
    await desk.happens("routing", fact("assigned", agent=JOHN, team=None, previous=NOBODY, why=WHY))
    await desk.happens("workflow", prioritised("emergency"))
    row = await desk.pools["routing"].fetchrow("SELECT department, agent FROM ticket")
    assert (row["department"], str(row["agent"])) == ("night", JANE)
    assert await desk.rules() == ["night"]
    await desk.happens("workflow", fact("closed"))
    await desk.rule("late", ("channel", "equals", "api"), when="message", actions={"department": "support"})
    await desk.happens("intake", message(), by=Actor("person", KEN))
    events, _ = await desk.stores["routing"].load(TICKET)
    assert [e.name for e in events][-1] == "rule_applied", "a closed ticket is given to nobody"


async def test_a_desk_without_such_rules_asks_nothing(desk):
    await desk.rule("new", ("channel", "equals", "api"), when="created")
    await desk.rule("off", ("channel", "equals", "api"), active=False)
    await desk.happens("intake", created())
    await desk.does("workflow", prioritised("high"))
    assert [e.name for e in await desk.inbox("routing")] == []


async def test_merged_tickets_and_imported_events_ask_nothing(desk):
    await desk.rule("any", ("channel", "equals", "api"))
    await desk.happens("intake", created())
    await desk.happens("workflow", fact("merged", into=str(OTHER), previous="new"))
    await desk.happens("workflow", prioritised("high"))
    origin = {"log": "old", "case": "1", "row": 1, "activity": "a", "actor": None}
    await desk.happens("intake", created("100002"), ticket=OTHER)
    await desk.happens("workflow", fact("resolved", origin=origin), ticket=OTHER)
    assert await desk.rules() + await desk.rules(OTHER) == []


async def test_a_rebuilt_view_asks_nothing_again(desk):
    await desk.rule("changed", ("priority", "equals", "high"))
    await desk.happens("intake", created())
    await desk.happens("workflow", prioritised("high"))
    await rebuild(desk.dsn, "routing.ticket")
    assert await desk.inbox("routing") == []
    assert await desk.rules() == ["changed"]


async def test_nothing_personal_is_kept_beside_the_event(desk):
    await desk.rule("any", ("channel", "equals", "api"), when="message")
    await desk.happens("intake", created())
    await desk.does("intake", message("secret words"))
    (event,) = [e for e in await desk.inbox("routing") if e.name == "message_received"]
    assert "vpn" not in str(event.data).lower()
    assert "ken" not in str(event.data)
    assert "secret" not in str(event.data)
