"""A log that was made anew is published to again, from what it would still hold."""

import asyncio
from collections import Counter
from datetime import timedelta

import shared.relay
from shared.incarnation import LogNotReadyError
from shared.relay import Relay
from shared.testing.topic import ends_of, events_of, read_topic
from shared.testing.wait import wait_until_async
from tests.integration.test_relay import TICKETS, Tap, append, caught_up, producers, running


class Watch:
    """Says which log there is."""

    def __init__(self, name: str) -> None:
        self.name: str | None = name

    async def current(self) -> str:
        if self.name is None:
            raise LogNotReadyError("it is being made")
        return self.name

    async def close(self) -> None:
        self.name = None


async def sent(kafka, after) -> Counter:
    return Counter(
        event.event_id for event in events_of(await read_topic(kafka.bootstrap_servers, TICKETS, after), "intake")
    )


async def test_another_log_gets_everything_again_and_the_same_log_does_not(stores, kafka, monkeypatch):
    monkeypatch.setattr(shared.relay, "LOOK_AT_LOG_EVERY", 0.05)
    store = await stores.open()
    begin = await ends_of(kafka.bootstrap_servers, TICKETS)
    watch = Watch("first")

    def relay() -> Relay:
        return Relay(
            "intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), asyncio.Event(), watch
        )

    async with running(relay()) as one:
        await append(store, 10, 3)
        await caught_up(one, store)
    watch.name = "first"
    async with running(relay()) as one:
        await append(store, 10, 3)
        await caught_up(one, store)
        assert set((await sent(kafka, begin)).values()) == {1}, "a relay that starts again on the same log goes on"
        watch.name = None  # deleted; the init step has not made it yet
        await wait_until_async(lambda: not one.active, message="the relay to notice")
        await append(store, 5, 1)
        watch.name = "second"

        async def again() -> bool:
            counted = await sent(kafka, begin)
            return len(counted) == 65 and sorted(Counter(counted.values()).items()) == [(1, 5), (2, 60)]

        await wait_until_async(again, timeout=20, message="everything to be there again")


async def test_what_the_retention_has_dropped_is_not_sent_again(stores, kafka, monkeypatch):
    store = await stores.open()
    watch = Watch("first")
    relay = Relay("intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), asyncio.Event(), watch)
    async with running(relay):
        await append(store, 10, 2)
        await caught_up(relay, store)
    begin = await ends_of(kafka.bootstrap_servers, TICKETS)
    monkeypatch.setattr(shared.relay, "RETENTION", timedelta(0))
    watch.name = "second"
    relay = Relay("intake", Tap(stores), producers(kafka.bootstrap_servers, kafka.idempotent), asyncio.Event(), watch)
    async with running(relay):
        await wait_until_async(lambda: relay.active, message="the relay")
        await append(store, 3, 1)
        await caught_up(relay, store)
    assert len(await sent(kafka, begin)) == 3, "the topic keeps nothing as old as the others"
