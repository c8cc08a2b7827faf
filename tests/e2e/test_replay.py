"""A ticket's events, or all, go to the topic again: once more there, and nowhere else."""

from collections import Counter

from shared.contracts.topic_names import TICKETS
from shared.testing.topic import events_of, read_topic
from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk


async def counted(stack) -> Counter:
    records = await read_topic(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], TICKETS)
    return Counter(e.event_id for owner in ("intake", "routing", "workflow") for e in events_of(records, owner))


async def test_a_ticket_is_sent_again_and_nothing_happens_twice(stack, admin):
    body = {"subject": "Again", "body": "x", "requester": {"email": "ken@example.org"}}
    ticket = admin.post("/tickets", json=body).json()
    wait_until(lambda: admin.get(f"/tickets/{ticket['id']}").json().get("assignee"), message="an assignee")
    before = await counted(stack)
    timeline = admin.get(f"/tickets/{ticket['id']}/timeline").json()["items"]
    done = ledgerdesk(stack, "replay", "--ticket", ticket["number"])
    assert done.returncode == 0, done.stderr
    assert f"{len(timeline)} events sent" in done.stdout
    again = await counted(stack) - before
    assert sum(again.values()) == len(timeline)
    assert ledgerdesk(stack, "verify").returncode == 0
    assert admin.get(f"/tickets/{ticket['id']}/timeline").json()["items"] == timeline


async def test_all_is_sent_again_in_each_owners_order(stack):
    before = await counted(stack)
    done = ledgerdesk(stack, "replay", "--all")
    assert done.returncode == 0, done.stderr
    assert set((await counted(stack) - before).values()) == {1}
    assert ledgerdesk(stack, "verify").returncode == 0


def test_what_cannot_be_replayed_says_why(stack):
    assert ledgerdesk(stack, "replay").returncode == 2
    assert ledgerdesk(stack, "replay", "--all", "--ticket", "1").returncode == 2
    unknown = ledgerdesk(stack, "replay", "--ticket", "999999999")
    assert (unknown.returncode, "999999999" in unknown.stderr) == (1, True)
    nowhere = ledgerdesk(stack, "replay", "--all", "--topic", "no.such.topic")
    assert (nowhere.returncode, "no.such.topic" in nowhere.stderr) == (1, True)
