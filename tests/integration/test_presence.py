"""Who is viewing or typing: in every process of the gateway, to who works the ticket, as long as it is said again."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services.gateway import presence, stream
from services.gateway.stream import FeedTail
from shared.contracts.event import Via
from shared.http.caller import Caller, unauthenticated
from shared.http.problems import Problem
from shared.http.sight import Sight
from shared.testing.wait import wait_until_async
from tests.integration.listening import listeners, two_processes

ONE, TWO = UUID(int=1), UUID(int=2)
JOHN, JANE, KEN = UUID(int=11), UUID(int=12), UUID(int=13)


def agent(person: UUID, *roles: str, sight: Sight | None = None) -> Caller:
    return Caller(
        person,
        "x",
        "X",
        None,
        frozenset(roles or {"agent"}),
        Via("session", "s"),
        is_agent=True,
        sight=sight or Sight(),
    )


@pytest.fixture
async def pools(postgres_server_at):
    async with two_processes(postgres_server_at) as both:
        for ticket, number in ((ONE, "100001"), (TWO, "100002")):
            await both[0].execute(
                "INSERT INTO ticket (stream_id, versions, number, requester_id, access) VALUES ($1, $2, $3, $4, $5)",
                ticket, {"intake": 1}, number, KEN, {"agent": str(JOHN)},
            )  # fmt: skip
        for person, login in ((JOHN, "john"), (JANE, "jane"), (KEN, "ken")):
            await both[0].execute(
                "INSERT INTO person (stream_id, versions, login, name) VALUES ($1, '{}', $2, $3)",
                person, login, login.title(),
            )  # fmt: skip
        yield both


@pytest.fixture
async def listen(pools):
    async with listeners(pools) as listen:
        yield listen


def people(event: dict) -> list[tuple[str, str]]:
    return [(one["login"], one["doing"]) for one in event["people"]]


async def test_every_process_hears_of_it_without_an_id(pools, listen):
    here, _ = await listen(agent(JANE), 0)
    there, _ = await listen(agent(JANE), 1)
    await presence.say(pools[0], ONE, JOHN, "typing")
    for heard in (here, there):
        await wait_until_async(lambda heard=heard: heard, message="typing")
        assert heard == [
            {"event": "presence", "id": None, "ticket": str(ONE), "number": "100001",
             "people": [{"login": "john", "name": "John", "doing": "typing"}]}
        ]  # fmt: skip
    await presence.say(pools[1], ONE, JANE, "viewing")
    await wait_until_async(lambda: len(here) == 2, message="two")
    assert people(here[1]) == [("jane", "viewing"), ("john", "typing")]
    await presence.say(pools[1], ONE, JOHN, "gone")
    await wait_until_async(lambda: len(here) == 3, message="one")
    assert people(here[2]) == [("jane", "viewing")]


async def test_it_ends_by_itself(pools, listen):
    heard, _ = await listen(agent(JANE))
    await presence.say(pools[0], ONE, JOHN, "viewing")
    await wait_until_async(lambda: heard, message="viewing")
    left = await pools[0].fetchval("SELECT until - now() FROM presence")
    assert presence.LASTS / 2 < left <= presence.LASTS
    await pools[0].execute("UPDATE presence SET until = now()")
    await wait_until_async(lambda: len(heard) == 2, message="nobody")
    assert people(heard[1]) == []
    assert await presence.everywhere(pools[0]) == {}


async def test_who_comes_later_is_told_who_is_there(pools, listen):
    await presence.say(pools[0], ONE, JOHN, "viewing")
    await pools[0].execute("INSERT INTO presence VALUES ($1, $2, 'typing', now())", TWO, JOHN)
    heard, _ = await listen(agent(JANE))
    await wait_until_async(lambda: heard, message="who is there")
    await presence.say(pools[0], ONE, JOHN, "typing")
    await wait_until_async(lambda: len(heard) == 2, message="the change")
    assert [people(event) for event in heard] == [[("john", "viewing")], [("john", "typing")]]


async def test_only_who_works_the_ticket_is_told(pools, listen):
    requester = Caller(KEN, "ken", "Ken", None, frozenset({"requester"}), Via("session", "k"))
    own = agent(JANE, sight=Sight("own", str(JANE)))  # not with her
    asking = agent(KEN, sight=Sight("own", str(KEN)))  # an agent whose own request it is
    others = [await listen(who) for who in (requester, own, asking, agent(JANE, "analyst"))]
    heard, _ = await listen(agent(JOHN, sight=Sight("own", str(JOHN))))
    await presence.say(pools[0], ONE, JOHN, "typing")
    await wait_until_async(lambda: heard, message="who has it")
    row = await pools[0].fetchrow("INSERT INTO feed (ticket_id, source, version, type, at, actor, public) VALUES ($1, 'workflow', 1, "
                                  "'replied', now(), $2, true) RETURNING id", ONE, {"kind": "person", "id": str(JOHN)})  # fmt: skip
    await wait_until_async(lambda: others[0][0] and others[2][0], message="the step")
    for found, _ in others:
        assert "presence" not in {event["event"] for event in found}
    assert others[0][0][0]["id"] == str(row["id"])


async def test_said_again_it_costs_no_write(pools):
    await presence.say(pools[0], ONE, JOHN, "typing")
    before = await pools[0].fetchrow("SELECT ctid::text, until FROM presence")
    await presence.say(pools[0], ONE, JOHN, "typing")
    assert await pools[0].fetchrow("SELECT ctid::text, until FROM presence") == before
    await pools[0].execute("UPDATE presence SET until = until - $1::interval", presence.RENEWED)
    await presence.say(pools[0], ONE, JOHN, "typing")
    assert await pools[0].fetchval("SELECT until FROM presence") > before["until"]
    await presence.say(pools[0], ONE, JOHN, "viewing")
    assert await pools[0].fetchval("SELECT doing FROM presence") == "viewing"


async def test_one_person_is_on_so_many_tickets_and_no_more(pools):
    for _ in range(presence.MOST - 1):
        await presence.say(pools[0], uuid4(), JOHN, "viewing")
    await presence.say(pools[0], ONE, JOHN, "viewing")
    with pytest.raises(Problem, match="already"):
        await presence.say(pools[0], TWO, JOHN, "viewing")
    await presence.say(pools[0], ONE, JOHN, "typing")  # he is on that one
    await presence.say(pools[0], TWO, JANE, "viewing")  # she is somebody else
    await presence.say(pools[0], ONE, JOHN, "gone")
    await presence.say(pools[0], TWO, JOHN, "viewing")
    await pools[0].execute("UPDATE presence SET until = now() WHERE person_id = $1", JOHN)
    await presence.say(pools[0], ONE, JOHN, "viewing")
    assert await pools[0].fetchval("SELECT count(*) FROM presence WHERE person_id = $1", JOHN) == 1, (
        "what is over is swept"
    )


async def test_two_windows_that_wake_up_at_once(pools):
    tickets = [UUID(int=n) for n in range(1, presence.MOST)]
    for _ in range(5):
        for ticket in tickets:
            await presence.say(pools[0], ticket, JOHN, "viewing")
        await pools[0].execute("UPDATE presence SET until = now()")
        await asyncio.gather(*(presence.say(pools[n % 2], t, JOHN, "viewing") for n, t in enumerate(tickets)))
        assert len(await presence.everywhere(pools[0])) == len(tickets)
    await pools[0].execute("UPDATE presence SET until = now()")
    await asyncio.gather(*(presence.sweep(pool) for pool in pools))
    assert await pools[0].fetchval("SELECT count(*) FROM presence") == 0


async def test_two_who_come_at_once_share_one_tail(pools):
    tail = FeedTail(pools[0])
    await asyncio.gather(tail.open(), tail.open())
    assert [task.get_name() for task in asyncio.all_tasks()].count("feed-tail") == 1, "else both are told twice"
    await tail.stop()


async def test_a_stream_ends_with_its_session(pools, listen, monkeypatch):
    monkeypatch.setattr(stream, "ASKED_AGAIN", 0.05)
    ended = False

    async def again() -> Caller:
        if ended:
            raise unauthenticated()
        return agent(JANE)

    heard, task = await listen(agent(JANE), again=again)
    await presence.say(pools[0], ONE, JOHN, "typing")
    await wait_until_async(lambda: heard, message="typing")
    ended = True
    await wait_until_async(task.done, message="the end")
    task.result()


async def test_what_came_while_a_session_ended_is_not_shown(pools, listen, monkeypatch):
    monkeypatch.setattr(stream, "ASKED_AGAIN", 0.0)

    async def again() -> Caller:
        raise unauthenticated()

    await presence.say(pools[0], ONE, JOHN, "typing")
    heard, task = await listen(agent(JANE), again=again, last="0")
    await wait_until_async(task.done, message="the end")
    assert heard == []


async def test_other_rights_are_other_rights_at_once(pools, listen, monkeypatch):
    monkeypatch.setattr(stream, "ASKED_AGAIN", 0.05)
    now, asked = agent(JANE), 0

    async def again() -> Caller:
        nonlocal asked
        asked += 1
        return now

    heard, _ = await listen(agent(JANE), again=again)
    await presence.say(pools[0], ONE, JOHN, "typing")
    await wait_until_async(lambda: heard, message="typing")
    both, _ = await listen(agent(JANE))
    now, before = replace(now, sight=Sight("own", str(JANE))), asked
    await wait_until_async(lambda: asked > before + 1, message="asked again")
    await presence.say(pools[0], ONE, JOHN, "viewing")
    await wait_until_async(lambda: people(both[-1]) == [("john", "viewing")] if both else None, message="the other")
    assert len(heard) == 1


async def test_a_database_that_is_away_ends_no_stream(pools, listen, monkeypatch):
    monkeypatch.setattr(stream, "ASKED_AGAIN", 0.05)

    async def again() -> Caller:
        raise ConnectionError("away")

    heard, task = await listen(agent(JANE), again=again)
    await presence.say(pools[0], ONE, JOHN, "typing")
    await wait_until_async(lambda: heard, message="typing")
    assert not task.done()
