"""A ticket is opened by somebody of whom the gateway has not heard: his colleagues are told when it has, once, and nobody else is."""

from uuid import UUID, uuid4

import pytest

from services.gateway import stream
from services.gateway.place import MOST_OWED
from shared.contracts.event import Via
from shared.http.caller import Caller
from shared.testing.wait import wait_until_async
from tests.integration.listening import listeners, two_processes

KIM, LEA, TOM, JANE = (UUID(int=n) for n in (1, 2, 3, 4))
"""Who opens tickets; her colleague; somebody of another organisation; an agent."""
NEW, OLD = UUID(int=11), UUID(int=12)
ACTOR = {"kind": "person", "id": str(KIM)}


def requester(person: UUID, organisation: str | None) -> Caller:
    roles = frozenset({"requester"})
    return Caller(person, "x", "X", None, roles, Via("session", "s"), organisation=organisation)


COLLEAGUE, OUTSIDER, ALONE = requester(LEA, "acme"), requester(TOM, "other"), requester(TOM, None)
AGENT = Caller(JANE, "jane", "Jane", None, frozenset({"agent"}), Via("session", "s"), is_agent=True)


@pytest.fixture
async def pools(postgres_server_at):
    async with two_processes(postgres_server_at) as pools:
        await is_heard_of(pools[0], LEA, "acme")
        await opens(pools[0], OLD, LEA)
        yield pools


@pytest.fixture
async def listen(pools):
    async with listeners(pools) as listen:
        yield listen


async def is_heard_of(pool, person: UUID, organisation: str | None) -> None:
    registered = {"organisation": organisation}
    await pool.execute(
        "INSERT INTO person (stream_id, versions, registered) VALUES ($1, '{}', $2) "
        "ON CONFLICT (stream_id) DO UPDATE SET registered = excluded.registered",
        person, registered,
    )  # fmt: skip


async def opens(pool, ticket: UUID, person: UUID) -> int:
    await pool.execute(
        "INSERT INTO ticket (stream_id, versions, number, requester_id, access) VALUES ($1, '{}', $2, $3, '{}')",
        ticket, f"{ticket.int}", person,
    )  # fmt: skip
    return await happens(pool, ticket, "created")


async def happens(pool, ticket: UUID, kind: str, *, public: bool = True) -> int:
    """Have the feed tell of something; returns its id."""
    return await pool.fetchval(
        "INSERT INTO feed (ticket_id, source, version, type, at, actor, public) "
        "SELECT $1, 'workflow', count(*) + 1, $2, now(), $3, $4 FROM feed WHERE ticket_id = $1 RETURNING id",
        ticket, kind, ACTOR, public,
    )  # fmt: skip


def told(heard) -> list[tuple[str, int]]:
    """What somebody was told, and of which ticket."""
    return [(one["event"], UUID(one["ticket"]).int if "ticket" in one else 0) for one in heard]


async def until(heard, count: int) -> None:
    await wait_until_async(lambda: len(heard) >= count, message=f"{count} events")


async def test_a_colleague_is_told_when_she_is_heard_of_and_nobody_else(pools, listen):
    here, there, outsider, alone, agent, own = [
        (await listen(who, process))[0]
        for who, process in (
            (COLLEAGUE, 0), (COLLEAGUE, 1), (OUTSIDER, 0), (ALONE, 0), (AGENT, 0), (requester(KIM, None), 0),
        )
    ]  # fmt: skip
    await opens(pools[0], NEW, KIM)
    await happens(pools[0], NEW, "assigned", public=False)
    await happens(pools[0], NEW, "replied")
    await until(agent, 3)
    await until(own, 2)
    assert told(agent) == [("created", NEW.int), ("assigned", NEW.int), ("replied", NEW.int)], (
        "who sees it anyway does not wait"
    )
    assert told(own) == [("created", NEW.int), ("replied", NEW.int)]
    await is_heard_of(pools[1], KIM, "acme")
    for heard in (here, there):
        await until(heard, 2)
    await happens(pools[0], NEW, "held")
    await happens(pools[0], OLD, "replied")
    for heard in (here, there):
        await until(heard, 4)
        assert told(heard) == [("created", NEW.int), ("replied", NEW.int), ("held", NEW.int), ("replied", OLD.int)]
    assert outsider == alone == []


async def test_of_a_ticket_nothing_later_is_told_first(pools, listen, monkeypatch):
    """What is read after she was heard of is not told before what was read earlier."""
    heard, _ = await listen(COLLEAGUE)
    monkeypatch.setattr(stream, "ASKED_AGAIN", 60.0)
    for n in range(20):
        ticket, person = UUID(int=100 + n), uuid4()
        await opens(pools[0], ticket, person)
        await is_heard_of(pools[0], person, "acme")
        await happens(pools[0], ticket, "replied")
    await until(heard, 40)
    for n in range(20):
        assert [kind for kind, ticket in told(heard) if ticket == 100 + n] == ["created", "replied"]


async def test_what_is_known_does_not_wait_and_who_comes_again_is_told_the_rest_once(pools, listen):
    heard, task = await listen(COLLEAGUE)
    owed = [await opens(pools[0], NEW, KIM), await happens(pools[0], NEW, "replied")]
    known = await happens(pools[0], OLD, "replied")
    await until(heard, 1)
    assert told(heard) == [("replied", OLD.int)]
    assert heard[0]["id"] == f"{known}-{owed[0]}-{owed[1]}"
    task.cancel()
    await is_heard_of(pools[0], KIM, "acme")
    again, task = await listen(COLLEAGUE, last=heard[0]["id"])
    await until(again, 2)
    assert told(again) == [("created", NEW.int), ("replied", NEW.int)]
    assert [one["id"] for one in again] == [f"{known}-{owed[1]}", f"{known}"]
    task.cancel()
    last_of_all = await happens(pools[0], OLD, "held")
    for last, rest in ((again[0]["id"], [("replied", NEW.int)]), (again[1]["id"], [])):
        later, task = await listen(COLLEAGUE, last=last)
        await until(later, len(rest) + 1)
        assert told(later) == [*rest, ("held", OLD.int)]
        assert later[-1]["id"] == str(last_of_all)
        task.cancel()


async def test_who_comes_again_before_she_is_heard_of_waits_on(pools, listen):
    first = await pools[0].fetchval("SELECT max(id) FROM feed")
    await opens(pools[0], NEW, KIM)
    await happens(pools[0], OLD, "replied")
    heard, task = await listen(COLLEAGUE, last=str(first))
    await until(heard, 1)
    task.cancel()
    again, _ = await listen(COLLEAGUE, last=heard[0]["id"])
    stranger, _ = await listen(OUTSIDER, last=heard[0]["id"])
    await is_heard_of(pools[0], KIM, "acme")
    await until(again, 1)
    assert told(heard + again) == [("replied", OLD.int), ("created", NEW.int)]
    assert stranger == [], "an id names rows, and gives no right to them"


async def test_who_is_of_another_organisation_is_owed_nothing_more(pools, listen):
    heard, _ = await listen(COLLEAGUE)
    await opens(pools[0], NEW, KIM)
    await is_heard_of(pools[0], KIM, None)
    await happens(pools[0], NEW, "replied")
    last = await happens(pools[0], OLD, "held")
    await wait_until_async(lambda: heard and heard[-1]["id"] == str(last), message="nothing owed")
    assert told(heard) == [("held", OLD.int)]


async def test_whose_organisation_shares_no_more_is_told_no_more(pools, listen):
    now = COLLEAGUE

    async def again() -> Caller:
        return now

    heard, _ = await listen(COLLEAGUE, again=again)
    await opens(pools[0], NEW, KIM)
    await happens(pools[0], OLD, "replied")
    await until(heard, 1)
    assert heard[0]["id"].count("-") == 1
    now = requester(LEA, None)
    await is_heard_of(pools[0], KIM, "acme")
    last = await happens(pools[0], OLD, "held")
    await wait_until_async(lambda: heard[-1]["id"] == str(last), message="his own")
    assert told(heard) == [("replied", OLD.int), ("held", OLD.int)]


async def test_who_is_owed_too_much_is_told_to_read_anew(pools, listen):
    heard, _ = await listen(COLLEAGUE)
    first = await opens(pools[0], NEW, KIM)
    for _ in range(MOST_OWED):
        last = await happens(pools[0], NEW, "replied")
    await until(heard, 1)
    assert told(heard) == [("reset", 0)]
    await is_heard_of(pools[0], KIM, "acme")
    await until(heard, 1 + MOST_OWED)
    assert {kind for kind, _ in told(heard[1:])} == {"replied"}, "the oldest was given up"
    assert heard[-1]["id"] == str(last)
    assert first < last


async def test_what_was_owed_and_is_kept_no_more_is_told_of(pools, listen):
    heard, _ = await listen(COLLEAGUE)
    owed = await opens(pools[0], NEW, KIM)
    await happens(pools[0], OLD, "replied")
    await until(heard, 1)
    await pools[0].execute("DELETE FROM feed WHERE id = $1", owed)
    await until(heard, 2)
    last = await happens(pools[0], OLD, "held")
    await until(heard, 3)
    assert told(heard) == [("replied", OLD.int), ("reset", 0), ("held", OLD.int)]
    assert heard[-1]["id"] == str(last)


@pytest.mark.parametrize("swept", [False, True])
async def test_who_comes_with_an_id_that_is_yet_to_be_hears_what_comes(pools, listen, swept):
    """The database was restored as it had been before."""
    if swept:
        await pools[0].execute("DELETE FROM feed")
    heard, _ = await listen(COLLEAGUE, last="999999-999998")
    await wait_until_async(lambda: heard, message="reset")
    assert {kind for kind, _ in told(heard)} == {"reset"}
    last = await happens(pools[0], OLD, "held")
    await wait_until_async(lambda: told(heard)[-1] == ("held", OLD.int), message="what comes")
    assert heard[-1]["id"] == str(last)
