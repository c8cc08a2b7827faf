"""Forgetting who was let in on others' tickets: what she said there as a requester does, and wherever that was told again."""

from uuid import UUID

import pytest

from ledgerdesk.rebuild import rebuild
from shared.contracts.event import Actor, NewEvent
from shared.contracts.ids import random_id
from shared.contracts.topic_names import DIRECTORY, TICKETS
from shared.settings import SERVICES
from shared.testing.events import SYSTEM, created, message
from tests.integration import desk as desks
from tests.integration.forgetting import OTHER, REGISTERED, STARTED, WANDA, Desk, differences


@pytest.fixture
async def desk(postgres_dsn):
    async with desks.opened(Desk, postgres_dsn) as desk:
        await desk.take(DIRECTORY, await desk.write("intake", WANDA, REGISTERED))
        yield desk


async def let_in_and_said(desk: Desk, *, let_in: bool) -> UUID:
    """On another's ticket she is let in, closes it and fills a field in; the desk replaces that, and reopens the ticket."""
    ticket, marks = random_id(), {"let_in": True} if let_in else {}
    her = Actor("person", str(WANDA))
    kim = NewEvent("ledgerdesk.ticket.collaborator_added", {"person_id": str(WANDA)}, {"email": "wanda@example.org"})
    await desk.take(TICKETS, await desk.write("intake", ticket, created(person_id=str(OTHER)), kim))

    def filled_in(new: str, old: str | None, **more: object) -> NewEvent:
        said = {"new": {"place": new}, "old": {"place": old} if old else {}}
        data = {"new": {}, "old": {}, "worded": {"place": True}, **more}
        return NewEvent("ledgerdesk.ticket.fields_changed", data, said)

    closed = NewEvent("ledgerdesk.ticket.closed", marks, {"message": "Wanda is done"})
    reopened = NewEvent("ledgerdesk.ticket.reopened", {"previous": "closed"}, {"message": "the desk's"})
    for facts, actor in (
        ((STARTED,), SYSTEM), ((closed, filled_in("beside Wanda", None, **marks)), her),
        ((reopened, filled_in("room 7", "beside Wanda")), SYSTEM),
    ):  # fmt: skip
        await desk.take(TICKETS, await desk.write("workflow", ticket, *facts, actor=actor))
    return ticket


@pytest.mark.parametrize("let_in", [True, False], ids=["marked", "from before events said so"])
async def test_what_she_said_where_she_was_let_in_goes_and_what_the_desk_said_stays(desk, let_in):
    ticket = await let_in_and_said(desk, let_in=let_in)
    assert "workflow.timeline" in await desk.left()
    await desk.forget()
    await desk.react()
    assert await desk.left() == []
    events, _ = await desk.stores["workflow"].load(ticket)
    assert [(event.name, event.personal is not None) for event in events] == [
        ("started", False), ("closed", False), ("fields_changed", False), ("reopened", True), ("fields_changed", False),
        ("personal_erased", False), ("fields_changed", True),
    ]  # fmt: skip
    assert events[5].data == {
        "reason": "asked", "person_id": str(WANDA), "versions": {"closed": [2], "fields_changed": [3, 5]},
    }  # fmt: skip
    fields = "SELECT fields -> 'place' ->> 'words' FROM ticket WHERE stream_id = $1"
    assert await desk.pools["workflow"].fetchval(fields, ticket) == "room 7"
    assert await differences(desk) == []
    for service in SERVICES:
        await rebuild(desk.dsn, service)
    assert await desk.pools["workflow"].fetchval(fields, ticket) == "room 7"
    assert await differences(desk) == []
    assert await desk.left() == []


async def test_what_an_agent_said_before_events_told_the_two_apart_stays(desk):
    agent = NewEvent(
        "ledgerdesk.agent.configured",
        {"new": {"person_id": str(WANDA), "active": True}},
        {"login": "w"},
    )
    await desk.take(DIRECTORY, await desk.write("routing", WANDA, agent))
    await let_in_and_said(desk, let_in=False)
    await desk.forget()
    await desk.react()
    assert "workflow.timeline" in await desk.left()


async def test_what_who_was_let_in_says_just_after_goes_too(desk):
    ticket = random_id()
    await desk.take(TICKETS, await desk.write("intake", ticket, created(person_id=str(OTHER))))
    await desk.forget()
    await desk.react()
    her = Actor("person", str(WANDA))
    closed = NewEvent("ledgerdesk.ticket.closed", {"let_in": True}, {"message": "Wanda is done"})
    as_agent = NewEvent("ledgerdesk.ticket.reopened", {"previous": "closed"}, {"message": "the desk's"})
    await desk.take(TICKETS, await desk.write("workflow", ticket, closed, as_agent, actor=her))
    assert "workflow.timeline" in await desk.left()
    await desk.react()
    events, _ = await desk.stores["workflow"].load(ticket)
    assert [(event.name, event.personal is not None) for event in events] == [
        ("closed", False), ("reopened", True), ("personal_erased", False),
    ]  # fmt: skip
    assert events[-1].data == {"reason": "other", "person_id": str(WANDA), "versions": {"closed": [1]}}
    assert await desk.left() == []
    assert await differences(desk) == []


async def test_a_correction_of_her_message_goes_with_it_whoever_made_it(desk):
    ticket = random_id()
    await desk.take(
        TICKETS, await desk.write("intake", ticket, created(person_id=str(OTHER)), message("Wanda too", str(WANDA)))
    )
    events, _ = await desk.stores["intake"].load(ticket)
    said = {"body": "Wanda, too", "previous": "Wanda too"}
    edited = NewEvent("ledgerdesk.ticket.message_edited", {"event": str(events[1].event_id)}, said)
    await desk.take(TICKETS, await desk.write("intake", ticket, edited))
    await desk.forget()
    await desk.react()
    assert await desk.left() == []
    assert await differences(desk) == []
