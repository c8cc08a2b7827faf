"""The topics, created by one init step and by nobody else: a client that created one would give it the wrong partitions.

The init step also writes a marker into the database: which making of the topics, on which cluster, is the log that is
followed. Clients reconnect by themselves, and send to a broker that starts empty as soon as it has topics; when somebody
deletes a topic, what was sent there is lost. Consumers therefore take a log for one only once its marker stands, and fill in
from the owners' feeds after that: whatever went astray before, the stores have it.
"""

import asyncio
from uuid import uuid4

import asyncpg
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from shared.contracts.topic_names import PARTITIONS
from shared.kafka import AIOKafkaAdminClient

RETENTION_MS = 30 * 24 * 3600 * 1000
NO_ERROR = 0

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS ledgerdesk;
CREATE TABLE IF NOT EXISTS ledgerdesk.log (
    cluster_id text PRIMARY KEY, marker uuid NOT NULL, made_at timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA ledgerdesk TO PUBLIC;
GRANT SELECT ON ledgerdesk.log TO PUBLIC;
"""


class TopicsError(RuntimeError):
    """The cluster's topics are not as they must be; the message says what to do."""


async def prepare_log(dsn: str, bootstrap_servers: str, replication: int = 1) -> None:
    """Create the topics that are missing and, if any was, mark that a new log begins.

    Args:
        dsn: The database, as a user that may create a schema.
        bootstrap_servers: The cluster.
        replication: Copies of each partition.

    Raises:
        TopicsError: A topic has the wrong number of partitions.
        KafkaError: The brokers did not answer within a minute, or refused.
    """
    cluster_id, created = await create_topics(bootstrap_servers, replication)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledgerdesk.log', 0))")
            await connection.execute(SCHEMA)
            await connection.execute("DELETE FROM ledgerdesk.log WHERE $1 OR cluster_id <> $2", created, cluster_id)
            await connection.execute(
                "INSERT INTO ledgerdesk.log (cluster_id, marker) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                cluster_id,
                uuid4(),
            )
    finally:
        await connection.close()


async def create_topics(bootstrap_servers: str, replication: int = 1) -> tuple[str, bool]:
    """Make the topics be there; return the cluster's id and whether any had to be made."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 60
    created = False
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
        try:
            await admin.start()
            while not await _right(admin):
                created = True
                await _make(admin, replication)
            return str((await admin.describe_cluster())["cluster_id"]), created
        except (KafkaError, OSError):
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.1)
        finally:
            await admin.close()


async def _counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Return topic -> partitions. Asks for all: asking for one by name makes some brokers create it."""
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _right(admin: AIOKafkaAdminClient) -> bool:
    counts = await _counts(admin)
    return all(counts.get(name) == count for name, count in PARTITIONS.items())


async def _make(admin: AIOKafkaAdminClient, replication: int) -> None:
    counts = await _counts(admin)
    wrong = [name for name, count in PARTITIONS.items() if name in counts and counts[name] != count]
    if wrong:
        raise TopicsError(
            "; ".join(f"topic {n} has {counts[n]} partitions and must have {PARTITIONS[n]}" for n in wrong)
            + ": the count is frozen, because the order of a ticket depends on it. Delete the topic (nothing is lost: the "
            "stores are the history) and run `ledgerdesk init`; and switch off automatic topic creation on the brokers."
        )
    topics = [
        NewTopic(name, count, replication, topic_configs={"retention.ms": str(RETENTION_MS)})
        for name, count in PARTITIONS.items()
        if name not in counts
    ]
    answer = await admin.create_topics(topics)
    for name, code, *rest in answer.topic_errors:
        if code not in (NO_ERROR, TopicAlreadyExistsError.errno):
            raise KafkaError(f"topic {name} could not be created: error {code} {rest}")


async def marker_of(connection: asyncpg.Connection | asyncpg.Pool, cluster_id: str) -> str | None:
    """Return the marker of the log on this cluster; None while the init step has not made it."""
    try:
        marker = await connection.fetchval("SELECT marker FROM ledgerdesk.log WHERE cluster_id = $1", cluster_id)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return None
    return str(marker) if marker else None
