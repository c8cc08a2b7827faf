"""Links for guests on real stores, where a ticket's requester may be heard of after the ticket."""

from uuid import UUID

import pytest
from fastapi import Response

from services.gateway import guests as access
from services.gateway.domain import guests as domain
from shared.contracts.event import Via
from shared.contracts.ids import random_id
from shared.directory.people import Directory
from shared.eventstore.ledger import Ledger
from shared.http.caller import Caller
from shared.http.commands import CommandRequest
from shared.http.problems import Problem
from shared.settings import Settings
from shared.tokens import Tokens
from tests.integration import ruled
from tests.integration.ruled import JOHN, TICKET, HearsLater

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


async def test_who_is_not_heard_of_is_not_said_to_have_an_account(desk, monkeypatch):
    monkeypatch.setattr("shared.http.versions.wait_for.__defaults__", (0.05,))
    with pytest.raises(Problem, match="Nothing is known") as caught:
        await guests(desk, Directory(desk.pools["gateway"])).issue(TICKET, LEA, command())
    assert caught.value.status == 503
