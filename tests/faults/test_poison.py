"""Bad records on the topic of a running stack, and mistakes of ours: one ticket waits, at most; the others flow; all of it heals."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.catalogue import CATALOGUE, EventSpec
from shared.contracts.event import NewEvent
from shared.contracts.ids import random_id
from shared.contracts.ticket_life import Started
from shared.contracts.topic_names import DEADLETTER, TICKETS
from shared.testing.wait import wait_until
from tests.faults.apart import ROOT, Apart
from tests.faults.by_hand import appended, gauge, noted, nothing_relayed, opened, post, settle, verified
from tests.faults.poison import SPOILT, put, raw

MISTAKE = """
import services.routing.reactions as reactions
import services.workflow.views as views

whole, routed = views.evolve, reactions.Routing.on_created


def evolve(state, event):
    if "poison" in str(event.personal) and event.name == "message_received":
        raise KeyError("a mistake of ours")
    return whole(state, event)


async def on_created(self, event):
    if "poison" in str(event.personal):
        raise KeyError("a mistake of ours")
    await routed(self, event)


views.TicketView.evolve = staticmethod(evolve)
reactions.Routing.on_created = on_created
"""


@contextmanager
def mistaken(desk: Apart) -> Iterator[str]:
    """Let the worker run with a mistake in it; afterwards without."""
    folder = desk.folder / "mistake"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(MISTAKE)
    worker = desk.processes["worker"]
    worker.end()
    worker.start(PYTHONPATH=str(folder))
    try:
        yield str(folder)
    finally:
        worker.end()
        worker.start()


def parked_of(desk: Apart, stream: UUID) -> list[tuple[str, str, int]]:
    listed = json.loads(desk.run("parked", "list", "--json").stdout)
    return [
        (one["service"], one["view"], one["event"]["version"])
        for one in listed
        if one["event"]["stream_id"] == str(stream)
    ]


async def _dead_letters(brokers: str) -> dict[bytes, list[str]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    partition = TopicPartition(DEADLETTER, 0)
    consumer.assign([partition])
    await consumer.start()
    try:
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: dict[bytes, list[str]] = {}
        while await consumer.position(partition) < end:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for one in batch:
                    found.setdefault(one.key or b"", []).append(dict(one.headers)["ledgerdesk_reason"].decode())
        return found
    finally:
        await consumer.stop()


def test_an_event_whose_record_is_spoilt_comes_from_its_store_though_nothing_follows_it(one):
    tickets = {name: opened(one, name) for name in SPOILT}
    other = opened(one, "other")
    settle(one)
    with noted(one, "spoilt records", "poison", len(SPOILT)):
        with nothing_relayed(one):
            events = dict(zip(SPOILT, appended(one, list(tickets.values())), strict=True))
            for name, spoil in SPOILT.items():
                asyncio.run(put(one.brokers, str(tickets[name]).encode(), [spoil(raw(events[name]))]))
        post(one, f"/tickets/{other}/messages", {"body": "others flow"})
        settle(one)
        verified(one)
        buried = asyncio.run(_dead_letters(one.brokers))
        for name, ticket in tickets.items():
            key = b"" if "null key" in name else str(ticket).encode()
            assert buried.get(key), f"{name}: no dead letter"
    assert one.run("parked", "list").returncode == 0


def test_a_type_that_nobody_knows_is_skipped_and_counted(one, monkeypatch):
    """A newer program has written it, and its relay has sent it."""
    ticket = opened(one, "unknown")
    settle(one)
    newer = EventSpec("ledgerdesk.ticket.sparkled", "intake", TICKETS, Started)
    with noted(one, "unknown type", "poison", 1):
        with nothing_relayed(one):
            monkeypatch.setitem(CATALOGUE, newer.type, newer)
            (event,) = appended(one, [ticket], lambda: NewEvent(newer.type, {}))
            asyncio.run(put(one.brokers, str(ticket).encode(), [raw(event)]))
        post(one, f"/tickets/{ticket}/messages", {"body": "it goes on"})
        settle(one)
        for service in ("intake", "workflow", "reporting"):
            assert gauge(one, "ledgerdesk_unknown_records", service) == 1, service
        verified(one)


def test_a_version_from_the_future_is_asked_for_once_and_struck(one):
    ticket = opened(one, "future")
    settle(one)
    with nothing_relayed(one):
        (event,) = appended(one, [ticket])
        records = [raw(replace(event, version=40)), raw(replace(event, source="nobody", version=3))]
        asyncio.run(put(one.brokers, str(ticket).encode(), records))
    settle(one)
    wait_until(lambda: gauge(one, "ledgerdesk_gaps", "workflow") == 0, timeout=60)
    verified(one)


def test_a_mistake_parks_one_ticket_and_a_fix_heals_it(one):
    ticket, other = opened(one, "mistake"), opened(one, "other")
    settle(one)
    with noted(one, "a fold that raises", "poison", 3):
        with mistaken(one) as folder:
            for words in ("this is poison", "and this is behind it"):
                post(one, f"/tickets/{ticket}/messages", {"body": words})
            post(one, f"/tickets/{other}/messages", {"body": "others flow"})
            wait_until(lambda: len(parked_of(one, ticket)) == 2, timeout=60, message="two parked events")
            assert {place[:2] for place in parked_of(one, ticket)} == {("workflow", "workflow.ticket")}
            assert parked_of(one, other) == []
            assert gauge(one, "ledgerdesk_parked_events", "workflow") == 2
            assert one.run("parked", "list").returncode == 4
            shown = json.loads(one.run("parked", "show", str(ticket)).stdout)
            assert "a mistake of ours" in shown[0]["reason"]
            assert str(ticket) in verified(one, 4)
            again = subprocess.run(
                [sys.executable, "-m", "ledgerdesk.cli", "parked", "retry", str(ticket)], cwd=ROOT, text=True,
                env={**one.env, "PYTHONPATH": os.pathsep.join([folder])}, capture_output=True, check=False,
            )  # fmt: skip
            assert (again.returncode, again.stdout.splitlines()[-1]) == (
                4,
                "0 healed, 0 to be reacted to again, 2 left",
            )
        healed = one.run("parked", "retry", str(ticket))
        assert (healed.returncode, healed.stdout.splitlines()[-1]) == (0, "2 healed, 0 to be reacted to again, 0 left")
        settle(one)
        assert gauge(one, "ledgerdesk_parked_events", "workflow") == 0
        verified(one)


def test_what_is_discarded_is_passed_over_and_what_is_behind_it_folded(one):
    ticket = opened(one, "given up")
    settle(one)
    with mistaken(one):
        for words in ("this is poison", "and this is behind it"):
            post(one, f"/tickets/{ticket}/messages", {"body": words})
        wait_until(lambda: len(parked_of(one, ticket)) == 2, timeout=60, message="two parked events")
        done = one.run("parked", "discard", str(ticket), "--reason", "a trial", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 discarded, 1 folded behind" in done.stdout
        assert gauge(one, "ledgerdesk_parked_events", "workflow") == 0
    settle(one)
    assert "was discarded" in " ".join(verified(one).split())
    assert "a trial" in one.run("parked", "discarded").stdout


def test_a_reaction_that_raises_is_parked_and_made_after_a_fix_or_given_up(one):
    with mistaken(one):
        tickets = [opened(one, f"poison {n}") for n in range(2)]
        for ticket in tickets:
            wait_until(
                lambda ticket=ticket: parked_of(one, ticket) == [("routing", "reaction", 1)], timeout=60,
                message="a parked reaction",
            )  # fmt: skip
    given = one.run("parked", "discard", str(tickets[1]), "--reason", "a trial", "--yes")
    assert "1 reactions discarded, 0 left" in given.stdout
    again = one.run("parked", "retry", str(tickets[0]))
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "0 healed, 1 to be reacted to again, 0 left")
    settle(one)
    verified(one)


def repair_all(desk: Apart) -> None:
    """Make every service's views anew from the stores."""
    done = desk.run("rebuild", "all")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_forged_record_shows_in_verify_and_is_gone_after_a_rebuild(one):
    ticket = opened(one, "forged")
    settle(one)
    with nothing_relayed(one):
        (event,) = appended(one, [ticket])
        forged = replace(event, event_id=random_id(), personal={"body": "never said"})
        asyncio.run(put(one.brokers, str(ticket).encode(), [raw(forged), raw(event)]))
    settle(one)
    assert "says something else" in " ".join(verified(one, 2).split())
    repair_all(one)
    verified(one)
