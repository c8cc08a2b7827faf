"""What a stale command is told: what has happened since, and nothing that its sender may not see."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from fastapi import Response

from shared.contracts.event import NewEvent, Via
from shared.directory.people import Person
from shared.eventstore.ledger import StaleError
from shared.http.commands import CommandRequest
from shared.http.problems import Problem
from shared.http.rights import Caller
from shared.testing.events import event_of_fact

TICKET, JANE, KEN = UUID(int=10), UUID(int=2), UUID(int=7)
ROW = {"stream_id": TICKET, "requester_id": KEN, "collaborators": [], "access": {}}


def fact(name: str, personal: dict | None = None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


SINCE = [
    event_of_fact(said, "workflow", TICKET, version, actor={"kind": "person", "id": str(JANE)})
    for version, said in enumerate(
        [
            fact("fields_changed", {"new": {"pin": "1234"}}, new={"budget": "7"}, old={"budget": None}, worded={"pin": True}),
            fact("noted", {"body": "secret"}), fact("replied", {"body": "words"}), fact("prioritised", priority="high", previous={"priority": "low"}),
        ], 2,
    )
]  # fmt: skip


class Owner:
    """An owner on whose ticket all that has happened."""

    class Directory:
        async def people(self, ids: set[UUID]):
            return {one: Person(one, "jane@x.example", "Jane", "jane", {}, None) for one in ids}

        async def fields(self):
            hidden = {"agent": {"visible": False}, "customer": {"visible": True}, "active": True}
            return {key: {**hidden, "key": key} for key in ("budget", "pin")}

    class Tickets:
        async def execute(self, *_):
            raise StaleError(1, 5, SINCE)

    directory, tickets = Directory(), Tickets()


async def told(*roles: str) -> Problem:
    caller = Caller(KEN, "ken", "Ken", "ken@x.example", frozenset(roles), Via("session", "s"))
    command = CommandRequest(caller, UUID(int=99), None, '"workflow.1"', None, Response())
    with pytest.raises(Problem) as refused:
        await command.run("workflow", Owner(), ROW, lambda _: [])
    return refused.value


async def test_an_agent_is_told_who_and_what():
    problem = await told("agent")
    assert (problem.status, problem.extra["version"]) == (412, 5)
    since = problem.extra["since"]
    assert [one["type"] for one in since] == ["fields_changed", "noted", "replied", "prioritised"]
    assert since[3]["data"] == {"priority": "high", "previous": {"priority": "low"}}
    assert since[3]["actor"] == {"kind": "person", "id": str(JANE), "login": "jane", "name": "Jane"}


async def test_no_field_is_told_of_that_may_be_hidden_and_no_words():
    answer = SimpleNamespace(text=(await told("agent")).response().body.decode())
    for hidden in ("budget", "pin", "1234", "secret", "words"):
        assert hidden not in answer.text


async def test_a_requester_is_told_what_he_may_see():
    (one,) = (await told("requester")).extra["since"]
    assert (one["type"], one["version"], one["actor"]) == ("replied", 4, {"kind": "person", "name": "Jane"})
    assert "data" not in one
