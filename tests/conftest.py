"""Servers for tests; see `shared.testing.servers` for where they come from."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.testing.servers import KafkaAt, PostgresAt, database, empty_topics, kafka_server, postgres_server


@pytest.fixture(scope="session")
def postgres_server_at() -> Iterator[PostgresAt]:
    """One PostgreSQL for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture
async def postgres_dsn(postgres_server_at: PostgresAt) -> AsyncIterator[str]:
    """A fresh, empty database for one test."""
    async with database(postgres_server_at) as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def kafka() -> AsyncIterator[KafkaAt]:
    """One broker for the whole run, with the topics. Others write to it too: look for your own streams."""
    with kafka_server() as at:
        yield await empty_topics(at)


@pytest.fixture
async def own_kafka() -> AsyncIterator[KafkaAt]:
    """A broker (or, where it is shared, topics) for one test, with an empty log."""
    with kafka_server() as at:
        yield await empty_topics(at)
