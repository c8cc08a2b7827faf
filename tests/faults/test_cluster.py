"""Three nodes, three copies, two in step: a broker goes and comes back, then the leader of a partition that is written to."""

import asyncio

from shared.kafka import AIOKafkaAdminClient
from tests.faults.apart import Apart
from tests.faults.trial import Trial, trial

TOPIC = "ledgerdesk.tickets"


def leader_of(desk: Apart, partition: int) -> int:
    """Return the number of the node that leads a partition of the ticket topic."""

    async def ask() -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=desk.brokers)
        await admin.start()
        try:
            (topic,) = await admin.describe_topics([TOPIC])
        finally:
            await admin.close()
        return int(next(p["leader"] for p in topic["partitions"] if p["partition"] == partition))

    return asyncio.run(ask())


def _away_and_back(at: Trial, number: int) -> None:
    node = next(node for node in at.desk.nodes if node.number == number)
    node.process.kill()
    at.killed = True
    at.work(60, timeout=120)
    assert leader_of(at.desk, 0) != number, "another has taken over"
    node.process.start(90)
    at.work(30, timeout=120)


def test_a_broker_goes_and_comes_back_and_then_the_leader(three):
    def follower(at: Trial) -> None:
        leader = leader_of(at.desk, 0)
        _away_and_back(at, next(node.number for node in at.desk.nodes if node.number != leader))

    trial(three, "one of three brokers killed", "outage", follower)
    trial(three, "leader of a partition killed", "outage", lambda at: _away_and_back(at, leader_of(at.desk, 0)))
