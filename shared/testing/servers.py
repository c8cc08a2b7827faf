"""The servers of tests, in this order: the environment's, Apache Kafka from its jars if asked for, containers, embedded ones.

=====================================  ===============================================================================
LEDGERDESK_TEST_DATABASE_URL           a PostgreSQL to use; its user may create databases and roles
LEDGERDESK_TEST_KAFKA_BOOTSTRAP_SERVERS  a cluster to use: its `ledgerdesk.*` topics are deleted and made anew
LEDGERDESK_TEST_KAFKA=apache           Apache Kafka from Maven Central's jars instead of the embedded broker
LEDGERDESK_TEST_SERVERS=embedded       the embedded ones, also where a container engine answers
=====================================  ===============================================================================
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.contracts.topic_names import PARTITIONS
from shared.embedded import free_port, temporary_broker, temporary_postgres
from shared.kafka import AIOKafkaAdminClient
from shared.testing import apache_kafka
from shared.testing.wait import wait_until, wait_until_async
from shared.topics import create_topics

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.1.0"


@dataclass(frozen=True, slots=True)
class PostgresAt:
    """A PostgreSQL server. `kind` says where it is from."""

    kind: str
    url: str

    def dsn(self, database: str) -> str:
        """Return the connection string of one of its databases."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{database}"))


@dataclass(frozen=True, slots=True)
class KafkaAt:
    """A broker or cluster.

    Attributes:
        kind: Where it is from: environment, container, apache or embedded.
        bootstrap_servers: Where clients connect.
        idempotent: Whether it knows idempotent producers.
        quick_groups: Whether joining a group takes less than a second (the embedded broker takes about 18).
        shared: Whether others may have written to it: its topics are made anew for a test that wants an empty log.
    """

    kind: str
    bootstrap_servers: str
    idempotent: bool = True
    quick_groups: bool = True
    shared: bool = False


@lru_cache(maxsize=1)
def images() -> frozenset[str]:
    """Return the images a container engine has on this machine; none where no engine answers. Nothing is ever pulled."""
    if os.environ.get("LEDGERDESK_TEST_SERVERS") == "embedded" or shutil.which("docker") is None:
        return frozenset()
    try:
        done = subprocess.run(
            ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"],
            capture_output=True,
            text=True,
            timeout=3,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(done.stdout.split()) if done.returncode == 0 else frozenset()


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresAt]:
    """Give the PostgreSQL that this machine has for tests."""
    url = os.environ.get("LEDGERDESK_TEST_DATABASE_URL")
    if url:
        yield PostgresAt("environment", url)
    elif POSTGRES_IMAGE in images():
        from testcontainers.community.postgres import PostgresContainer

        _without_reaper()
        with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
            yield PostgresAt("container", container.get_connection_url())
    else:
        with temporary_postgres() as server:
            yield PostgresAt("embedded", server.dsn())


@contextlib.asynccontextmanager
async def database(server: PostgresAt, template: str = "template0") -> AsyncIterator[str]:
    """Give the DSN of a database of its own, a copy of `template`, dropped at the end."""
    name = f"ledgerdesk_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server.url, timeout=10)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield server.dsn(name)
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def kind_of_kafka() -> str:
    """Say where the broker comes from here: environment, container, apache or embedded."""
    if os.environ.get("LEDGERDESK_TEST_KAFKA_BOOTSTRAP_SERVERS"):
        return "environment"
    if os.environ.get("LEDGERDESK_TEST_KAFKA") == "apache" and apache_kafka.available():
        return "apache"
    return "container" if KAFKA_IMAGE in images() else "embedded"


@contextlib.contextmanager
def kafka_server() -> Iterator[KafkaAt]:
    """Give a broker, by the same order. A log that others wrote to is `shared`."""
    kind = kind_of_kafka()
    if kind == "environment":
        yield KafkaAt(kind, os.environ["LEDGERDESK_TEST_KAFKA_BOOTSTRAP_SERVERS"], shared=True)
    elif kind == "container":
        with _kafka_container() as at:
            yield at
    elif kind == "apache":
        with apache_kafka.apache_kafka() as nodes:
            yield KafkaAt(kind, f"127.0.0.1:{nodes[0].port}")
    else:
        with temporary_broker() as broker:
            yield KafkaAt(kind, broker.bootstrap_servers, idempotent=False, quick_groups=False)


def _without_reaper() -> None:
    """Do without testcontainers' own clean-up container: its image would be pulled, and each of ours is stopped anyway."""
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True


@contextlib.contextmanager
def _kafka_container() -> Iterator[KafkaAt]:
    from testcontainers.core.container import DockerContainer

    _without_reaper()
    port = free_port()
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    for name, value in {
        "KAFKA_NODE_ID": "1", "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}", "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1", "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0", "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }.items():  # fmt: skip
        container = container.with_env(name, value)
    with container:
        wait_until(lambda: b"Kafka Server started" in container.get_logs()[0], timeout=60, message="Kafka's container")
        yield KafkaAt("container", f"127.0.0.1:{port}", shared=True)


async def empty_topics(at: KafkaAt) -> KafkaAt:
    """Make the topics, or make them anew where somebody may have written to them."""
    if at.shared:
        admin = AIOKafkaAdminClient(bootstrap_servers=at.bootstrap_servers)
        await admin.start()
        try:
            old = [name for name in await admin.list_topics() if name in PARTITIONS]
            if old:
                await admin.delete_topics(old)

                async def gone() -> bool:
                    return not set(old) & set(await admin.list_topics())

                await wait_until_async(gone, timeout=30, message="topics to be deleted")
        finally:
            await admin.close()
    await create_topics(at.bootstrap_servers)
    return at


def query(dsn: str, sql: str) -> Any:
    """Ask a database for one value, on a connection of its own."""

    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())
