"""A whole embedded stack, as `ledgerdesk up` starts it, with the example organisation."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ledgerdesk import organisation
from ledgerdesk.client import Stack as StackAt
from ledgerdesk.client import environment_of
from shared.embedded import free_port
from shared.testing.wait import wait_until

ROOT = Path(__file__).parents[2]
KEY = "ldk_a_key_of_a_stack_that_lives_for_one_test"
PASSWORD = "a password for one test"


def providers_at(port: int) -> list[dict[str, object]]:
    """Providers to sign in with: several ways to configure the one that test_oidc.py starts at this port."""
    one = {"issuer": f"http://127.0.0.1:{port}", "client_id": "ledgerdesk", "client_secret": "a secret of a test"}
    return [
        {**one, "key": "corp", "name": "Corp"},
        {**one, "key": "open", "name": "Open", "create": True, "second_factor": True, "domains": ["example.org"]},
        {**one, "key": "wrong", "name": "Wrong", "issuer": f"{one['issuer']}/"},
        {**one, "key": "away", "name": "Away", "issuer": f"http://127.0.0.1:{free_port()}"},
    ]


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack and the ways to talk to it."""

    url: str
    data: Path
    oidc_port: int = 0

    def client(self, key: str | None = KEY, **options) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers=headers, trust_env=False, **{"timeout": 30, **options}
        )

    def signed_in(self, login: str) -> httpx.Client:
        """Return a client with a session of this person."""
        with self.client(None) as anybody:
            answer = anybody.post("/sessions", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return self.client(answer.json()["token"])

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.data)

    def logs(self) -> str:
        return "".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.data.rglob("*.log")))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack for the whole run."""
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-e2e-", ignore_cleanup_errors=True) as folder:
        data, port, oidc_port = Path(folder) / "data", free_port(), free_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEDGERDESK_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "ledgerdesk.up", "--data", str(data), "--port", str(port)], cwd=ROOT,
            env={**environment, "LEDGERDESK_ADMIN_API_KEY": KEY, "LEDGERDESK_OIDC_PROVIDERS": json.dumps(providers_at(oidc_port)),
                 "LEDGERDESK_SECOND_FACTOR_ROLES": "system"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        running = Stack(f"http://127.0.0.1:{port}", data, oidc_port)

        def ready() -> bool:
            assert process.poll() is None, running.logs()
            try:
                return httpx.get(f"{running.url}/readyz", timeout=2, trust_env=False).is_success
            except httpx.HTTPError:
                return False

        try:
            wait_until(ready, timeout=120, message="the stack")
            organisation.apply(StackAt(running.url, KEY), organisation.read(ROOT / "examples" / "org.yaml"), PASSWORD)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


Person = Callable[[str], httpx.Client]


@pytest.fixture(scope="session")
def person(stack: Stack) -> Iterator[Person]:
    """Return a signed-in client per login; signed in once."""
    clients: dict[str, httpx.Client] = {}

    def of(login: str) -> httpx.Client:
        if login not in clients:
            clients[login] = stack.signed_in(login)
        return clients[login]

    yield of
    for client in clients.values():
        client.close()


@pytest.fixture
def admin(stack: Stack) -> Iterator[httpx.Client]:
    """A client with the administrator's key."""
    with stack.client() as client:
        yield client
