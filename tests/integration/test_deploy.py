"""docker-compose.yml: what it promises, and, with LEDGERDESK_TEST_COMPOSE=1 and an engine that has the images, the thing itself."""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiokafka import TopicPartition

from ledgerdesk import peers
from shared.embedded import free_port
from shared.http.problems import Problem
from shared.projection.checkpoints import Place
from shared.projection.subscription import LogChangedError, Subscription
from shared.settings import SERVICES, Settings
from shared.testing.servers import KAFKA_IMAGE, POSTGRES_IMAGE, images
from shared.testing.wait import wait_until

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
BASE_IMAGE, NGINX_IMAGE = "python:3.12-slim-bookworm", "nginx:1.29"


# What the file says


def test_there_is_one_container_per_service():
    for name in SERVICES:
        assert COMPOSE["services"][name]["command"] == ["serve", name]
    assert set(COMPOSE["services"]) == {*SERVICES, "init", "nginx", "kafka", "postgres"}


def test_only_the_front_door_is_published_and_only_on_loopback():
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"nginx": ["127.0.0.1:${LEDGERDESK_PORT:-8080}:8080"]}
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert COMPOSE["services"]["nginx"]["networks"] == ["front"], "it has no business with the database"


def test_every_container_has_no_more_rights_than_it_needs():
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "kafka", name


def test_every_service_knows_where_the_others_are():
    urls = COMPOSE["services"]["gateway"]["environment"]["LEDGERDESK_SERVICE_URLS"]
    settings = Settings(service_urls=urls)
    assert {name: settings.url_of(name) for name in SERVICES} == {name: f"http://{name}:8080" for name in SERVICES}


def test_secrets_are_asked_for_with_the_way_to_make_them():
    environment = COMPOSE["services"]["gateway"]["environment"]
    for value in (environment["PGPASSWORD"], environment["LEDGERDESK_SECRET_KEY"]):
        assert re.fullmatch(r"\$\{\w+:\?Set \w+ in \.env; make one with: openssl rand -hex \d+\}", value)


def test_the_images_are_those_that_tests_run_on():
    assert COMPOSE["services"]["postgres"]["image"] == POSTGRES_IMAGE
    assert COMPOSE["services"]["kafka"]["image"] == KAFKA_IMAGE
    assert COMPOSE["services"]["nginx"]["image"] == NGINX_IMAGE
    assert f"ARG BASE_IMAGE={BASE_IMAGE}" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "deploying.md").read_text()
    for name, field in Settings.model_fields.items():
        alias = getattr(field.validation_alias, "choices", [f"LEDGERDESK_{name.upper()}"])[0]
        assert f"| `{alias}` |" in text, f"docs/deploying.md does not tell of {alias}"


# What one process says of the others


class Answers:
    """HTTP, as it would answer: origin -> what it says, or nothing."""

    def __init__(self, said: dict[str, dict[str, list[str]] | None]) -> None:
        self.said = said

    async def __call__(self, client: httpx.AsyncClient, url: str, token: str | None = None) -> httpx.Response | None:
        del client, token
        found = self.said[httpx.URL(url).host]
        return None if found is None else httpx.Response(200, json=found)


APART = Settings(service_urls=",".join(f"{name}=http://{name}:8080" for name in SERVICES))


async def test_the_stack_is_ready_when_every_service_is(monkeypatch):
    said: dict[str, dict[str, list[str]] | None] = {name: {} for name in SERVICES}
    monkeypatch.setattr(peers, "_ask", Answers(said))
    assert await peers.not_ready(APART, ["gateway"]) == []
    said["routing"] = None
    assert await peers.not_ready(APART, ["gateway"]) == ["routing"]


async def test_where_all_run_in_one_process_nobody_is_asked():
    assert await peers.not_ready(Settings(service_urls=""), ["gateway"]) == []
    assert await peers.projections(Settings(service_urls=""), ["gateway"], "token") == {"projections": [], "owners": []}
    assert await peers.not_ready(APART, SERVICES) == []


async def test_projections_of_all_services_or_none(monkeypatch):
    said: dict[str, dict[str, list[str]] | None] = {n: {"projections": [f"{n}.views"], "owners": [n]} for n in SERVICES}
    monkeypatch.setattr(peers, "_ask", Answers(said))
    found = await peers.projections(APART, ["gateway"], "token")
    assert found == {"projections": [f"{n}.views" for n in SERVICES[:-1]], "owners": list(SERVICES[:-1])}
    said["reporting"] = None
    with pytest.raises(Problem, match="reporting"):
        await peers.projections(APART, ["gateway"], "token")


# Consumer groups: what goes wrong while partitions are taken over


class Consumer:
    """Enough of a consumer to be told where to go on."""

    def __init__(self) -> None:
        self.paused: set[object] = set()
        self.at: dict[object, int] = {}

    consumer = property(lambda self: self)

    def pause(self, *partitions: object) -> None:
        self.paused |= set(partitions)

    def resume(self, *partitions: object) -> None:
        self.paused -= set(partitions)

    def seek(self, partition: object, offset: int) -> None:
        self.at[partition] = offset


class Watch:
    """Says which log there is."""

    name = "the log"

    async def current(self) -> str:
        return self.name


def followed_by(consumer: Consumer, watch: Watch) -> Subscription:
    """A subscription to `the log`, in a group, in the middle of a rebalance."""
    subscription = Subscription("tests", "127.0.0.1:1", None, [], group=True)
    subscription._subscriber = consumer
    subscription._watch = watch
    subscription.incarnation = Watch.name
    return subscription


async def test_no_error_leaves_an_assignment_paused_for_ever(monkeypatch):
    """An owner's feed that does not answer is no Kafka error and no lost connection; the client would swallow it."""
    consumer = Consumer()
    subscription = followed_by(consumer, Watch())
    failures = [httpx.ConnectError("nobody is there"), ConnectionError("reset")]

    async def offsets() -> dict[Place, int]:
        if failures:
            raise failures.pop(0)
        return {("ledgerdesk.ingress", 0): 7}

    monkeypatch.setattr(subscription, "_checked_offsets", offsets)
    partition = TopicPartition("ledgerdesk.ingress", 0)
    await subscription.on_assigned({partition})
    assert (consumer.paused, consumer.at) == (set(), {partition: 7})
    assert subscription.ready.is_set()


async def test_no_assignment_is_taken_from_another_log(monkeypatch):
    """Its offsets would be looked up under the old log's name, and its records skipped."""
    watch, consumer = Watch(), Consumer()
    subscription = followed_by(consumer, watch)

    async def offsets() -> dict[Place, int]:
        pytest.fail("the checkpoints are those of another log")

    monkeypatch.setattr(subscription, "_checked_offsets", offsets)
    watch.name = "another"
    await subscription.on_assigned({TopicPartition("ledgerdesk.ingress", 0)})
    assert not subscription.ready.is_set()
    assert consumer.at == {}


async def test_a_log_that_changed_during_an_assignment_ends_it(monkeypatch):
    subscription = followed_by(Consumer(), Watch())

    async def offsets() -> dict[Place, int]:
        subscription._broken.set()
        raise LogChangedError("it is another")

    monkeypatch.setattr(subscription, "_checked_offsets", offsets)
    await subscription.on_assigned({TopicPartition("ledgerdesk.ingress", 0)})
    assert not subscription.ready.is_set()


# The thing itself


Run = Callable[..., str]


@pytest.fixture(scope="module")
def compose() -> Iterator[tuple[Run, str, dict[str, str]]]:
    """`docker compose` for a project of its own, up and ready; taken down with its data at the end."""
    if os.environ.get("LEDGERDESK_TEST_COMPOSE") != "1":
        pytest.skip("builds an image and starts nine containers: set LEDGERDESK_TEST_COMPOSE=1")
    missing = [image for image in (BASE_IMAGE, NGINX_IMAGE, POSTGRES_IMAGE, KAFKA_IMAGE) if image not in images()]
    if missing:
        pytest.skip(f"no container engine answers that has {', '.join(missing)}")
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    if not plugin and shutil.which("docker-compose") is None:
        pytest.skip("neither `docker compose` nor docker-compose is installed")
    environment = {
        "LEDGERDESK_SECRET_KEY": secrets.token_hex(32), "POSTGRES_PASSWORD": secrets.token_urlsafe(24) + "'\"%:@/ $$",
        "LEDGERDESK_ADMIN_API_KEY": f"ldk_{secrets.token_hex(32)}", "LEDGERDESK_PORT": str(free_port()),
        "COMPOSE_PROJECT_NAME": f"ledgerdesktest{secrets.token_hex(4)}", "LEDGERDESK_VERSION": "test",
    }  # fmt: skip

    def run(*arguments: str) -> str:
        command = ["docker", "compose"] if plugin else ["docker-compose"]
        done = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    try:
        run("up", "--build", "--detach")
        yield run, f"http://127.0.0.1:{environment['LEDGERDESK_PORT']}", environment
    finally:
        run("down", "--volumes", "--timeout", "20")


def health(run: Run) -> dict[str, str]:
    ids = run("ps", "--quiet").split()
    text = '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
    done = subprocess.run(["docker", "inspect", "--format", text, *ids], capture_output=True, text=True, check=True)
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}


@pytest.mark.containers
def test_compose_keeps_tickets_over_restarts_and_brings_back_what_dies(compose):
    run, url, environment = compose
    up = {name: "running healthy" for name in COMPOSE["services"] if name != "init"}
    headers = {"Authorization": f"Bearer {environment['LEDGERDESK_ADMIN_API_KEY']}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:

        def ready() -> bool:
            try:
                return client.get("/readyz").is_success
            except httpx.HTTPError:
                return False

        def all_healthy() -> bool:
            return {name: state for name, state in health(run).items() if name != "init"} == up

        wait_until(ready, timeout=120, message="the stack")
        wait_until(all_healthy, timeout=120, message="every health check")
        body = {"subject": "Kept", "body": "x", "requester": {"email": "ken@example.org"}}
        opened = client.post("/api/v1/tickets", json=body).raise_for_status().json()
        path = f"/api/v1/tickets/{opened['id']}"
        wait_until(lambda: client.get(path).is_success, timeout=30, message="the ticket")

        run("exec", "-T", "routing", "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
        wait_until(lambda: not ready(), timeout=30, message="its end to be noticed")
        wait_until(ready, timeout=60, message="the one that died")

        run("down", "--timeout", "60")
        run("up", "--detach")
        wait_until(ready, timeout=120, message="the stack again")
        assert client.get(path).json()["subject"] == "Kept"
        wait_until(
            lambda: [r["count"] for r in client.get("/api/v1/reports/volumes").json()["rows"] if r["kind"] == "created"] == [1],
            timeout=30, message="the report",
        )  # fmt: skip
        wait_until(all_healthy, timeout=120, message="every health check again")
