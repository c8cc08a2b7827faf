"""Intake on real stores, where its own view has not heard yet of what its store has: a ticket, or who somebody is."""

from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import Response

from services.intake import domain
from services.intake.api import Intake, words
from services.intake.door import Door
from services.intake.opening import Opening
from services.intake.people import People
from services.intake.reactions import BadIngressError, CloudEvent, take
from shared.contracts.event import Actor, Via
from shared.contracts.ids import random_id
from shared.directory.people import Directory
from shared.eventstore.ledger import Context, Ledger
from shared.http.caller import Caller
from shared.http.commands import CommandRequest
from tests.integration import ruled
from tests.integration.ruled import JOHN, KEN, TICKET, fact


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        words = {"subject": "s", "body": "b", "requester": {"email": "ken@example.org", "name": "Ken"}}
        await desk.write("intake", TICKET, fact("created", words, number="100", person_id=KEN, channel="api"))
        yield desk


@pytest.fixture
def intake(desk) -> Intake:
    pool, store, appender = desk.pools["intake"], desk.stores["intake"], desk.appenders["intake"]
    directory, unused = Directory(pool), cast("Any", None)
    return Intake(
        pool, directory, Ledger(store, appender, domain.Door, domain.evolve), unused, People(store, appender, pool, b"k" * 32),
        unused, unused, Opening(pool), Door(directory), unused,
    )  # fmt: skip


def message(ticket: str) -> CloudEvent:
    data = {"ticket": ticket, "body": "more smoke", "author": {"email": "sensor@example.org"}}
    return CloudEvent(str(random_id()), "/sensors/7", "org.example.message", data)


async def said(desk: ruled.Desk) -> list[str]:
    events, _ = await desk.stores["intake"].load(TICKET)
    return [event.name for event in events]


@pytest.mark.parametrize("ticket", ["100", str(TICKET)])
async def test_the_ticket_is_found_in_the_store(desk, intake, ticket):
    await take(intake, message(ticket))
    assert await said(desk) == ["created", "message_received"]


async def test_a_ticket_that_the_view_knows_is_found_there(desk, intake):
    await desk.told("intake", TICKET)
    await take(intake, message("100"))
    assert await said(desk) == ["created", "message_received"]


@pytest.mark.parametrize("ticket", ["1", "100 ", str(UUID(int=99)), KEN, "1\N{NULL}00"])
async def test_what_is_no_ticket_in_the_store_either_is_refused(desk, intake, ticket):
    with pytest.raises(BadIngressError, match="ticket"):
        await take(intake, message(ticket))
    assert await said(desk) == ["created"]


LEAD = Caller(UUID(JOHN), "john", "John", None, frozenset({"lead"}), Via("session", "s"), is_agent=True)


async def cora(intake: Intake) -> str:
    """Register somebody of whom no directory hears."""
    context = Context(random_id(), Actor("person", JOHN), Via("session", "s"))
    return str(await intake.people.person("cora@example.org", "Cora", context))


async def test_who_is_let_in_is_listed_before_the_directory_has_heard_of_him(desk, intake):
    who, unknown = await cora(intake), str(random_id())
    for one in (who, KEN, unknown):
        await desk.write("intake", TICKET, fact("collaborator_added", {"email": None, "name": None}, person_id=one))
    await desk.told("intake", TICKET)
    shown = (await words.list_collaborators(str(TICKET), LEAD, intake))["items"]
    assert {(str(one.person_id), one.email, one.name) for one in shown} == {
        (who, "cora@example.org", "Cora"), (KEN, "ken@example.org", "Ken"), (unknown, None, None),
    }  # fmt: skip


async def test_a_message_is_split_off_for_whom_the_directory_has_not_heard_of(desk, intake):
    said = fact(
        "message_received",
        {"body": "mine", "author": {"name": "Cora"}},
        person_id=await cora(intake),
        channel="ingress",
    )
    (event,) = await desk.write("intake", TICKET, said)
    await desk.told("intake", TICKET)
    command = CommandRequest(LEAD, random_id(), None, None, None, Response())
    body = words.SplitBody(messages=[str(event.event_id)], subject="Cora's own")
    made = await words.split(str(TICKET), body, command, intake)
    assert made.requester.email == "cora@example.org"
