"""Records that fold, and that no database takes: they are set aside, alone, and the rest of their batch flows."""

from dataclasses import replace

import pytest

from ledgerdesk.parked import parked
from shared.contracts.ids import random_id
from shared.contracts.topic_names import TICKETS
from shared.eventstore.store import EMPTY
from shared.testing.events import command, created, message
from tests.integration.test_discard import desk  # noqa: F401 -- a fixture

WRONG = {
    "a number that is none": lambda event: replace(event, data={**event.data, "number": 7}),
    "an actor that is none": lambda event: replace(event, actor={"kind": "person", "id": {"a": 1}}),
    "a time without a zone": lambda event: replace(event, occurred_at=event.occurred_at.replace(tzinfo=None)),
    "data that is none": lambda event: replace(event, data=[]),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_cannot_be_saved_is_parked_and_the_others_flow(desk, what):  # noqa: F811 -- the fixture
    bad, other = random_id(), random_id()
    store = desk.stores["intake"]
    for ticket, number in ((bad, "1"), (other, "2")):
        await store.append([command("intake", ticket, EMPTY, [created(number), message()])[0]])
    first, second = (await store.load(bad))[0]
    await desk.take(TICKETS, [WRONG[what](first), second, *(await store.load(other))[0]])
    for service, pool in desk.pools.items():
        rows = await pool.fetch("SELECT versions FROM ticket WHERE stream_id = $1", other)
        assert [row["versions"] for row in rows] == [{"intake": 2}], service
    assert {one.event["stream_id"] for one in await parked(desk.dsn)} == {str(bad)}
