"""What is decided before everybody has heard of everything: of an agent, of who asks, of whose ticket it was before."""

import asyncio
from types import SimpleNamespace
from uuid import UUID

import pytest
from fastapi import Request, Response

from ledgerdesk.verify import verify
from services.workflow import canned, reads
from services.workflow.reactions import Workflow
from shared import db, waiting
from shared.contracts.erasing import AGENT_ERASED
from shared.contracts.event import Actor, NewEvent, Via
from shared.contracts.ids import directory_id
from shared.contracts.topic_names import DIRECTORY
from shared.directory import people
from shared.directory.people import Directory
from shared.http.problems import STALE
from shared.http.rights import Caller
from shared.projection.reactor import ATTEMPTS, Reactor
from shared.projection.whole import BehindError
from shared.refusal import Refusal
from shared.testing.events import created
from shared.testing.wait import wait_until_async
from tests.integration import ruled
from tests.integration.ruled import JANE, JOHN, KEN, OTHER, TICKET, Desk, HearsLater, fact, prioritised

LEA, TOM = UUID(int=8), UUID(int=13)
REPLIED = fact("replied", {"body": "Try again"})
GREETING = {
    "key": "greeting", "name": "Greeting", "body": "Welcome, {{organisation.name}}.", "departments": [], "active": True, "version": 1,
}  # fmt: skip


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk
        verdict = await verify(postgres_dsn, wait=0)
        assert not verdict.differences


async def holder(desk: Desk, ticket: UUID = TICKET) -> str | None:
    agent = await desk.pools["routing"].fetchval("SELECT agent FROM ticket WHERE stream_id = $1", ticket)
    return str(agent) if agent else None


def tom(*, active: bool = True) -> NewEvent:
    new = {"person_id": str(TOM), "departments": ["support"], "active": active}
    return NewEvent("ledgerdesk.agent.configured", {"new": new, "old": None}, {"login": "tom"})


# -- agents ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "has"),
    [
        ([tom()], str(TOM)), ([tom(), tom(active=False)], None), ([], None),
        ([tom(), NewEvent(AGENT_ERASED, {"reason": "forgotten", "versions": {}})], None),
    ],
)  # fmt: skip
async def test_who_answers_has_it_though_routings_view_has_not_heard_that_he_works_here(desk, said, has):
    await desk.happens("intake", created())
    if said:
        await desk.write("routing", TOM, *said)
    await desk.happens("workflow", REPLIED, by=Actor("person", str(TOM)))
    assert await holder(desk) == has
    await desk.told("routing", TOM, DIRECTORY)


# -- a requester's tickets ---------------------------------------------------------------------------------------------


async def test_two_tickets_of_one_requester_at_once_go_to_one_agent(desk):
    await desk.configure("department", key="support", name="Support", active=True, strategy="sticky")
    await desk.configure("topic_route", directory_id("topic_route", "*"), topic="*", department="support", active=True)
    third = UUID(int=3)
    await desk.does("intake", created("100001"))
    await desk.does("intake", created("100002"), ticket=OTHER)
    await desk.does("intake", created("100003", person_id=str(LEA)), ticket=third)
    await desk.routing.before_batch()
    events = [event for event in await desk.inbox("routing") if event.name == "created"]
    known = await desk.ends()
    await asyncio.gather(*map(desk.routing.on_created, events))
    assert set(desk.routing._latest) == {KEN, str(LEA)}, "the view shows none of it yet"
    await desk.read_on(known)
    assert await holder(desk) == await holder(desk, OTHER)
    assert {await holder(desk), await holder(desk, third)} == {JOHN, JANE}, "and hers to who has least to do"
    await desk.routing.before_batch()
    assert desk.routing._latest == {}, "the view shows it by now"


# -- who asks ----------------------------------------------------------------------------------------------------------


async def test_a_rule_on_who_asks_is_parked_if_he_is_never_heard_of_and_not_passed_over(desk, monkeypatch):
    tried: list[bool] = []

    async def look(look_up):
        tried.append(await look_up() is not None)

    monkeypatch.setattr(people, "wait_for", look)
    await desk.rule("hers", ("email", "equals", "lea@example.org"))
    await desk.happens("intake", created(person_id=str(LEA)))
    await desk.does("workflow", prioritised("high"))
    (event,) = [one for one in await desk.inbox("routing") if one.name == "prioritised"]
    pool = desk.pools["routing"]
    react = {"prioritised": desk.ruling.on_event}
    reactor = Reactor("routing", lambda: db.connect(desk.dsn, "routing"), pool, react, desk.routing.before_batch)
    reactor.start()

    async def parked() -> str | None:
        return await pool.fetchval("SELECT reason FROM reaction_parked")

    try:
        reason = await wait_until_async(parked, message="the reaction to be parked")
    finally:
        await reactor.stop()
    assert "Nothing is known here yet" in reason
    assert (tried, await desk.rules()) == ([False] * ATTEMPTS, [])
    await desk.register(LEA, "Lea")
    monkeypatch.undo()
    await desk.ruling.on_event(event)
    assert await desk.rules() == ["hers"]


# -- canned replies ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def greeting(desk):
    """A desk with a canned reply that names the requester's organisation, and a ticket of somebody not known yet."""
    await desk.configure("organisation", key="example", name="Example Ltd", domains=[], active=True)
    await desk.configure("canned_reply", **GREETING)
    await desk.rule("greet", ("channel", "equals", "api"), when="created", actions={"reply": "greeting"})
    return desk


def hearing_later(desk: Desk) -> HearsLater:
    return HearsLater(desk.pools["workflow"], lambda: desk.register(LEA, "Lea"))


async def said(desk: Desk) -> list[str]:
    events, _ = await desk.stores["workflow"].load(TICKET)
    return [event.personal["body"] for event in events if event.name == "auto_replied"]


async def test_an_automatic_reply_waits_for_who_it_greets(greeting):
    greeting.workflow = Workflow(greeting.pools["workflow"], greeting.lives, hearing_later(greeting))
    await greeting.happens("intake", created(person_id=str(LEA)))
    assert await said(greeting) == ["Welcome, Example Ltd."]


async def test_an_automatic_reply_to_somebody_never_heard_of_is_tried_again(greeting, monkeypatch):
    monkeypatch.setattr(waiting.wait_for, "__defaults__", (0,))
    await greeting.does("intake", created(person_id=str(LEA)))
    await greeting.routing.before_batch()
    for event in await greeting.inbox("routing"):
        await greeting.handlers["routing", event.name](event)
    known = {**await greeting.ends(), "routing": 0}
    (applied,) = [event for event in await greeting.read_on(known) if event.name == "rule_applied"]
    with pytest.raises(BehindError, match="Nothing is known"):
        await greeting.workflow.on_rule_applied(applied)
    await greeting.register(LEA, "Lea")
    await greeting.workflow.on_rule_applied(applied)
    assert await said(greeting) == ["Welcome, Example Ltd."]


async def test_a_rules_reply_waits_for_the_beginning_of_the_ticket(greeting):
    (applied,) = await greeting.write(
        "routing", TICKET, fact("rule_applied", rule="greet", rule_version=1, changes={"reply": "greeting"})
    )
    with pytest.raises(BehindError, match="the beginning"):
        await greeting.workflow.on_rule_applied(applied)
    await greeting.take("ledgerdesk.tickets", [applied])
    with pytest.raises(BehindError, match="the beginning"):
        await greeting.workflow.on_rule_applied(applied)


async def test_by_hand_it_waits_for_who_is_named_and_is_not_refused_for_what_is_not_heard_of(greeting, monkeypatch):
    pool = greeting.pools["workflow"]
    administrator = Caller(None, None, "key", None, frozenset({"administrator"}), Via("key", "key"))
    await greeting.does("intake", created(person_id=str(LEA)))
    row = await pool.fetchrow("SELECT * FROM ticket")
    with monkeypatch.context() as patched:
        patched.setattr(waiting.wait_for, "__defaults__", (0,))
        with pytest.raises(BehindError, match="Send the same request again"):
            await canned.answer(Directory(pool), row, "greeting", administrator)
    found = await canned.answer(hearing_later(greeting), row, "greeting", administrator)
    assert found.text == "Welcome, Example Ltd."


async def test_a_reply_that_names_nobody_waits_for_nobody(greeting):
    await greeting.configure("canned_reply", **{**GREETING, "body": "Hello, {{agent.name}}."})
    directory = hearing_later(greeting)
    greeting.workflow = Workflow(greeting.pools["workflow"], greeting.lives, directory)
    await greeting.happens("intake", created(person_id=str(LEA)))
    assert await said(greeting) == [], "nobody has it"
    row = await greeting.pools["workflow"].fetchrow("SELECT * FROM ticket")
    with pytest.raises(Refusal, match="agent"):
        await canned.automatic(Directory(greeting.pools["workflow"]), row, "greeting")


# -- whose ticket a colleague's list shows -----------------------------------------------------------------------------


async def listed(desk: Desk, caller: Caller) -> tuple[list[str], str | None]:
    """Return what somebody's list shows who has been told that the ticket was opened, and whether it is stale."""
    pool = desk.pools["workflow"]
    request, response = Request({"type": "http", "query_string": b"", "headers": []}), Response()
    workflow = SimpleNamespace(pool=pool, directory=Directory(pool))
    page = await reads.read_tickets(request, response, caller, workflow, reads.ListParameters(), f"{TICKET}:intake:1")
    return [item.number for item in page.items], response.headers.get(STALE)


async def test_a_colleagues_list_waits_for_whose_ticket_it_is(desk, monkeypatch):
    def requester(organisation: str | None) -> Caller:
        return Caller(TOM, "tom", "Tom", None, frozenset({"requester"}), Via("key", "k"), organisation=organisation)

    await desk.does("intake", created(person_id=str(LEA)))
    with monkeypatch.context() as patched:
        patched.setattr(waiting.wait_for, "__defaults__", (0,))
        assert await listed(desk, requester("example")) == ([], "true"), "it says that it cannot show it yet"
        assert await listed(desk, requester(None)) == ([], None), "who sees nobody's but his own does not wait"
        boss = Caller(None, None, "key", None, frozenset({"administrator"}), Via("key", "key"))
        assert await listed(desk, boss) == (["100001"], None)
    coming = asyncio.create_task(listed(desk, requester("example")))
    await desk.register(LEA, "Lea")
    assert await coming == (["100001"], None)
    assert await listed(desk, requester("other")) == ([], None)
