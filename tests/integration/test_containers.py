"""The stack on the servers' own images, as docker-compose.yml has them: init, a ticket, its reaction, its views, twice.

Runs where a container engine answers and has the images; nothing is pulled.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import httpx
import pytest

from shared.contracts.topic_names import PARTITIONS, TICKETS
from shared.embedded import free_port
from shared.settings import SERVICES
from shared.testing.servers import KAFKA_IMAGE, POSTGRES_IMAGE, images, kafka_server, postgres_server
from shared.testing.topic import ends_of
from shared.testing.wait import wait_until

pytestmark = pytest.mark.containers
KEY = "ldk_" + "k" * 32
TICKET = {"subject": "Printer", "body": "It burns", "requester": {"email": "ken@example.org", "name": "Ken"}}


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The environment of a stack on fresh containers."""
    missing = [image for image in (POSTGRES_IMAGE, KAFKA_IMAGE) if image not in images()]
    if missing:
        pytest.skip(f"no container engine answers that has {' and '.join(missing)}")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LEDGERDESK_TEST_DATABASE_URL", raising=False)
        patch.delenv("LEDGERDESK_TEST_KAFKA_BOOTSTRAP_SERVERS", raising=False)
        with postgres_server() as postgres, kafka_server() as kafka:
            assert (postgres.kind, kafka.kind) == ("container", "container")
            yield {
                **os.environ, "DATABASE_URL": postgres.url, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "LEDGERDESK_SECRET_KEY": "s" * 32, "LEDGERDESK_ADMIN_API_KEY": KEY, "LEDGERDESK_PORT": str(free_port()),
            }  # fmt: skip


def ledgerdesk(environment: dict[str, str], *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


@contextmanager
def serving(environment: dict[str, str], *, groups: bool) -> Iterator[httpx.Client]:
    """All services in one process, on these servers."""
    command = [sys.executable, "-m", "ledgerdesk.cli", "serve", ",".join(SERVICES)]
    with subprocess.Popen(command, env={**environment, "LEDGERDESK_CONSUMER_GROUPS": str(groups)}) as process:
        try:
            url = f"http://127.0.0.1:{environment['LEDGERDESK_PORT']}"
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:

                def ready() -> bool:
                    try:
                        return client.get("/readyz").is_success
                    except httpx.HTTPError:
                        assert process.poll() is None, "it ended"
                        return False

                wait_until(ready, timeout=60, message="the services")
                yield client
        finally:
            process.terminate()
            process.wait(20)


def test_the_image_is_the_server_we_ask_for(environment):
    async def version() -> str:
        connection = await asyncpg.connect(environment["DATABASE_URL"])
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    assert asyncio.run(version()).startswith("18")


def test_init_may_be_repeated(environment):
    ledgerdesk(environment, "init")
    assert not [line for line in ledgerdesk(environment, "init") if "migrated" in line]


@pytest.mark.parametrize("groups", [False, True], ids=["partitions", "groups"])
def test_a_ticket_comes_through_kafka_into_every_view_and_is_kept(environment, groups):
    ledgerdesk(environment, "init")
    with serving(environment, groups=groups) as client:
        opened = client.post("/api/v1/tickets", json=TICKET)
        assert opened.status_code == 201, opened.text
        path = f"/api/v1/tickets/{opened.json()['id']}"
        after = {"Ledgerdesk-After": opened.headers["ledgerdesk-version"]}
        wait_until(lambda: client.get(path, headers=after).is_success, timeout=30, message="workflow's view")
        wait_until(
            lambda: sum(row["count"] for row in client.get("/api/v1/reports/volumes").json()["rows"] if row["kind"] == "created")
            == int(opened.json()["number"]) - 100_000,
            timeout=30, message="the report",
        )  # fmt: skip
    with serving(environment, groups=groups) as client:
        assert client.get(path).json()["subject"] == "Printer"


async def test_the_topics_are_the_ones_init_made(environment):
    ends = await ends_of(environment["KAFKA_BOOTSTRAP_SERVERS"], TICKETS)
    assert len(ends) == PARTITIONS[TICKETS]
    assert sum(ends.values()) > 0
