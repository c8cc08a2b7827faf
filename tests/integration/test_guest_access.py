"""Links for guests on real stores, where a ticket's requester may be heard of after the ticket."""

import asyncio
from types import SimpleNamespace
from uuid import UUID

import pytest
from fastapi import Request, Response

from services.gateway import guests as access
from services.gateway.api.guests import list_guest_links
from services.gateway.domain import guests as domain
from services.workflow.reads import visible
from shared.contracts.event import Via
from shared.contracts.ids import random_id
from shared.directory.people import Directory
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import Ledger
from shared.http.caller import Caller
from shared.http.commands import CommandRequest
from shared.http.guests import guest_stream
from shared.http.problems import Problem
from shared.projection.whole import BehindError
from shared.refusal import Refusal
from shared.settings import Settings
from shared.tokens import Tokens
from tests.integration import ruled
from tests.integration.ruled import JOHN, KEN, TICKET, HearsLater, fact

LEA = UUID(int=8)


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk


def guests(desk: ruled.Desk, directory: Directory) -> access.GuestAccess:
    settings = Settings(secret_key="0" * 32)
    ledger = Ledger(desk.stores["gateway"], desk.appenders["gateway"], domain.Guests, domain.evolve)
    return access.GuestAccess(settings, desk.pools["gateway"], directory, Tokens(settings), ledger)


def command() -> CommandRequest:
    john = Caller(UUID(JOHN), "john", "John", None, frozenset({"agent"}), Via("session", "s"), is_agent=True)
    return CommandRequest(john, random_id(), None, None, None, Response())


async def test_a_link_is_made_for_who_is_heard_of_after_his_ticket(desk):
    pool = desk.pools["gateway"]
    directory = HearsLater(pool, lambda: desk.register(LEA, "Lea"))
    made = await guests(desk, directory).issue(TICKET, LEA, command())
    assert made.token.startswith(access.PREFIX)
    assert directory.looks > 1


async def test_no_link_is_made_for_who_is_not_heard_of(desk, monkeypatch):
    monkeypatch.setattr("shared.waiting.wait_for.__defaults__", (0.05,))
    with pytest.raises(BehindError, match="Nothing is known"):
        await guests(desk, Directory(desk.pools["gateway"])).issue(TICKET, LEA, command())


async def opens(desk: ruled.Desk, person: UUID | str = LEA) -> None:
    """Open a ticket of which nobody has heard yet."""
    words = {"subject": "s", "body": "b", "requester": {"email": "lea@example.org", "name": "Lea"}}
    await desk.write("intake", TICKET, fact("created", words, number="100", person_id=str(person), channel="api"))


async def heard(desk: ruled.Desk) -> None:
    """Let everybody hear of the ticket, and of its requester after it."""
    await desk.told("intake", TICKET)
    await desk.register(LEA, "Lea")


@pytest.fixture
async def gate(desk):
    return guests(desk, Directory(desk.pools["gateway"]))


async def asked_at(gate: access.GuestAccess) -> object:
    return (await gate.ledger.state(guest_stream(TICKET)))[0].asked_at


async def test_who_asks_before_the_gateway_has_heard_of_his_ticket_is_noted(desk, gate):
    await opens(desk)
    await gate.ask("100", "lea@example.org", None)
    assert gate._noting, "nobody is told how long it takes"
    await heard(desk)
    await gate.stop()
    assert await asked_at(gate) is not None
    assert not gate._noting


async def test_what_he_was_told_is_noted_holds_when_the_store_is_away_for_a_moment(desk, gate, monkeypatch):
    await opens(desk)
    await heard(desk)
    note, failures = gate._note, [StoreUnavailableError("away"), ConnectionResetError()]

    async def noting(number: str, email: str) -> None:
        if failures:
            raise failures.pop()
        await note(number, email)

    monkeypatch.setattr(gate, "_note", noting)
    await gate.ask("100", "lea@example.org", None)
    await gate.stop()
    assert await asked_at(gate) is not None


async def test_who_asks_with_another_address_is_not_noted(desk, gate):
    await opens(desk)
    await heard(desk)
    await gate.ask("100", "ken@example.org", None)
    await gate.stop()
    assert await asked_at(gate) is None


async def test_what_is_still_noted_when_the_time_is_up_is_ended(gate, monkeypatch):
    monkeypatch.setattr(access, "_STOPS_WITHIN", 0.0)
    await gate.ask("no-such-ticket", "lea@example.org", None)
    (task,) = gate._noting
    await gate.stop()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_many_who_ask_at_once_not_all_are_waited_for(desk, gate, monkeypatch):
    monkeypatch.setattr(access, "_MOST_WAITED_FOR", 0)
    await gate.ask("no-such-ticket", "lea@example.org", None)
    assert not gate._noting
    await opens(desk)
    await heard(desk)
    await gate.ask("100", "lea@example.org", None)
    await gate.stop()
    assert await asked_at(gate) is not None


@pytest.fixture
async def link(desk):
    """A link that was made by a gateway which had heard of everything."""
    pool = desk.pools["gateway"]
    return await guests(desk, HearsLater(pool, lambda: desk.register(LEA, "Lea"))).issue(TICKET, LEA, command())


async def test_a_link_that_is_good_opens_when_its_ticket_is_heard_of(desk, gate, link):
    await opens(desk)
    opening = asyncio.create_task(gate.open(link.token))
    await asyncio.sleep(0)  # it has begun to look
    await desk.told("intake", TICKET)
    assert (await opening).ticket_id == TICKET


async def test_a_link_is_not_said_to_be_gone_while_its_ticket_is_not_heard_of(gate, link, monkeypatch):
    monkeypatch.setattr(access.GuestAccess._heard, "__defaults__", (None, 0.05))
    with pytest.raises(Problem, match="not known here yet") as caught:
        await gate.open(link.token)
    assert caught.value.status == 503


async def test_the_store_says_whether_a_visit_may_go_on(desk, gate, link):
    assert await gate.stands(TICKET, link.link_id), "what nobody has heard of is no reason against it"
    assert not await gate.stands(TICKET, random_id())
    await opens(desk)
    await desk.told("intake", TICKET)
    assert await gate.stands(TICKET, link.link_id)
    await gate.ledger.execute(guest_stream(TICKET), lambda s: domain.revoke(s, TICKET), command().context())
    assert not await gate.stands(TICKET, link.link_id), "of which no view has heard"


async def test_a_visit_ends_when_the_ticket_is_anothers(desk, gate, link):
    await opens(desk, KEN)
    await desk.told("intake", TICKET)
    assert not await gate.stands(TICKET, link.link_id)
    with pytest.raises(Refusal):
        await gate.open(link.token)


async def test_a_guests_ticket_is_waited_for_and_nobody_elses(desk):
    await opens(desk)
    workflow = SimpleNamespace(pool=desk.pools["workflow"])
    lea = Caller(LEA, None, "Lea", None, frozenset({"requester"}), Via("link", "l"), ticket=TICKET)
    with pytest.raises(Problem, match="There is no ticket"):
        await asyncio.wait_for(visible(workflow, str(TICKET), command().caller), 1)
    looking = asyncio.create_task(visible(workflow, str(TICKET), lea))
    await asyncio.sleep(0)  # it has begun to look
    await heard(desk)
    assert (await looking)["number"] == "100"


async def possible(desk: ruled.Desk, directory: Directory) -> bool:
    gateway = SimpleNamespace(pool=desk.pools["gateway"], directory=directory, guests=guests(desk, directory))
    request = Request({"type": "http", "query_string": b"", "headers": []})
    lead = Caller(UUID(JOHN), "john", "John", None, frozenset({"lead"}), Via("session", "s"), is_agent=True)
    return (await list_guest_links(str(TICKET), request, lead, gateway)).possible


async def test_who_is_not_heard_of_is_not_said_to_have_an_account(desk, monkeypatch):
    await opens(desk)
    await desk.told("intake", TICKET)
    monkeypatch.setattr("shared.waiting.wait_for.__defaults__", (0.05,))
    assert await possible(desk, Directory(desk.pools["gateway"]))


async def test_what_is_heard_of_a_requester_is_waited_for(desk):
    await opens(desk)
    await desk.told("intake", TICKET)

    async def hear() -> None:
        await desk.configure("agent", LEA, {"login": "lea"}, person_id=str(LEA), departments=[], active=True)

    directory = HearsLater(desk.pools["gateway"], hear)
    assert not await possible(desk, directory), "she is an agent"
    assert directory.looks > 1
