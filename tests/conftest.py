"""Servers for tests; see `shared.testing.servers` for where they come from."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from hypothesis import settings

from shared.testing.servers import (
    KafkaAt,
    PostgresAt,
    database,
    empty_topics,
    kafka_server,
    kind_of_kafka,
    postgres_server,
)

settings.register_profile("untimed", deadline=None)  # what an example takes depends on what else the machine does
settings.load_profile("untimed")


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
async def own_kafka(request: pytest.FixtureRequest) -> AsyncIterator[KafkaAt]:
    """An empty log for one test: a broker of its own where that costs nothing, else topics made anew."""
    if kind_of_kafka() == "embedded":
        with kafka_server() as at:
            yield await empty_topics(at)
    else:
        session: KafkaAt = request.getfixturevalue("kafka")
        yield await empty_topics(replace(session, shared=True))
