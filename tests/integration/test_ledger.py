"""Commands through a ledger: repeated, contended, stale, and the times they are given."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.intake import domain
from shared.contracts.event import Actor, NewEvent, Via
from shared.contracts.ids import derived, random_id
from shared.eventstore.appender import Appender
from shared.eventstore.ledger import (
    ContentionError,
    Context,
    EventTooLargeError,
    KeyReusedError,
    Ledger,
    StaleError,
)
from shared.eventstore.store import EMPTY
from shared.refusal import Refusal
from shared.testing.events import created, message


def context(command_id=None, **more) -> Context:
    return Context(command_id or random_id(), Actor("system", "tests"), Via("system", "tests"), **more)


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def appender(stores):
    appender = Appender(await stores.open())
    appender.start()
    yield appender
    await appender.stop()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(appender, clock):
    return Ledger(appender._store, appender, domain.Door, domain.evolve, clock)


def opening(state):
    if state.number is not None:
        raise Refusal("is open already")
    return [created()]


def always(_):
    return [message()]


async def test_the_first_answer_is_the_answer_to_every_repeat(ledger):
    stream, command = random_id(), random_id()
    first = await ledger.execute(stream, opening, context(command))
    await ledger.execute(stream, always, context())
    again = await ledger.execute(stream, opening, context(command))
    assert (first.repeat, first.version) == (False, 1)
    assert (again.repeat, again.version, again.occurred_at) == (True, 1, first.occurred_at)
    assert again.events == list(first.events)


async def test_a_repeat_of_a_command_of_several_events_names_the_last_of_them(ledger):
    stream, command = random_id(), random_id()
    first = await ledger.execute(stream, lambda _: [created(), message(), message()], context(command))
    await ledger.execute(stream, always, context())
    again = await ledger.execute(stream, opening, context(command))
    assert (first.version, again.version, again.repeat) == (3, 3, True)


async def test_one_command_sent_by_many_at_once_is_refused_to_nobody(ledger):
    """The decider refuses a second opening; whoever loses the race must be told "repeat" all the same."""
    for _ in range(20):
        stream, command = random_id(), random_id()
        results = await asyncio.gather(*(ledger.execute(stream, opening, context(command)) for _ in range(20)))
        assert {result.version for result in results} == {1}
        assert sum(not result.repeat for result in results) == 1


async def test_the_same_between_the_look_and_the_load(ledger, monkeypatch):
    """The race, made certain: the other's append lands after this one has looked for it."""
    stream, command = random_id(), random_id()
    load = ledger.store.load

    async def late(stream_id, after=0):
        monkeypatch.setattr(ledger.store, "load", load)
        await ledger.execute(stream, opening, context(command))
        return await load(stream_id, after)

    monkeypatch.setattr(ledger.store, "load", late)
    result = await ledger.execute(stream, opening, context(command), if_version=0)
    assert (result.repeat, result.version) == (True, 1)


async def test_a_key_with_another_body_is_refused(ledger):
    stream, command = random_id(), random_id()
    await ledger.execute(stream, opening, context(command, request="a"))
    assert (await ledger.execute(stream, opening, context(command, request="a"))).repeat
    with pytest.raises(KeyReusedError):
        await ledger.execute(stream, opening, context(command, request="b"))


async def test_contenders_decide_anew(ledger):
    stream = random_id()
    await ledger.execute(stream, opening, context())
    results = await asyncio.gather(*(ledger.execute(stream, always, context()) for _ in range(4)))
    assert sorted(result.version for result in results) == [2, 3, 4, 5]


async def test_five_losses_are_the_end(ledger):
    stream = random_id()
    rival = Ledger(ledger.store, ledger.appender, domain.Door, domain.evolve)
    decided = []
    load = ledger.store.load

    async def interrupted(stream_id, after=0):
        found = await load(stream_id, after)
        await rival.appender.append((await _message(rival, stream_id))[0])
        return found

    class Slow:
        owner = "intake"
        pool = ledger.store.pool
        load = staticmethod(interrupted)
        find_one = staticmethod(ledger.store.find_one)

    ledger.store = Slow()

    def decide(_):
        decided.append(1)
        return [message()]

    with pytest.raises(ContentionError):
        await ledger.execute(stream, decide, context())
    assert len(decided) == 5


async def _message(ledger, stream_id):
    from shared.testing.events import command

    head = (await ledger.store.heads([stream_id])).get(stream_id, EMPTY)
    return command("intake", stream_id, head, [message()])


async def test_a_stale_version_is_told_what_came_since(ledger):
    stream = random_id()
    await ledger.execute(stream, opening, context())
    await ledger.execute(stream, always, context(), if_version=1)
    with pytest.raises(StaleError) as caught:
        await ledger.execute(stream, always, context(), if_version=1)
    assert (caught.value.given, caught.value.actual) == (1, 2)
    assert [event.name for event in caught.value.since] == ["message_received"]


async def test_deciding_nothing_appends_nothing(ledger):
    stream = random_id()
    result = await ledger.execute(stream, lambda _: [], context())
    assert (result.version, result.repeat, list(result.events)) == (0, False, [])


async def test_an_event_over_the_limit_is_refused_and_its_command_with_it(ledger):
    stream = random_id()
    with pytest.raises(EventTooLargeError):
        await ledger.execute(stream, lambda _: [created(), message("\U0001f600" * 70_000)], context())
    assert await ledger.store.heads([stream]) == {}


async def test_time_never_goes_back_in_a_stream_nor_before_a_cause(ledger, clock):
    stream = random_id()
    first = await ledger.execute(stream, opening, context())
    clock.now -= timedelta(hours=1)
    second = await ledger.execute(stream, always, context())
    assert second.occurred_at == first.occurred_at
    cause = first.occurred_at + timedelta(hours=5)
    effect = await ledger.execute(stream, always, context(not_before=cause))
    assert effect.occurred_at == cause + timedelta(microseconds=1)


async def test_events_of_one_command_are_linked(ledger):
    stream, command = random_id(), random_id()
    await ledger.execute(stream, lambda _: [created(), message(), message()], context(command, cause=derived("cause")))
    events, _ = await ledger.store.load(stream)
    assert [event.version for event in events] == [1, 2, 3]
    assert {event.correlation for event in events} == {command}
    assert {event.cause for event in events} == {derived("cause")}
    assert len({event.event_id for event in events}) == 3


async def test_another_owner_s_event_is_refused(ledger):
    with pytest.raises(ValueError, match="belongs to workflow"):
        await ledger.execute(random_id(), lambda _: [NewEvent("ledgerdesk.ticket.started", {})], context())
