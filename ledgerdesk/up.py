"""The embedded stack: PostgreSQL, a broker, one process for HTTP and relays, one for projectors and reactions; supervised.

This module is the supervisor's whole program. It is run by itself (`python -m ledgerdesk.up`) and imports little, because it
stays in memory as long as the stack does.
"""

import argparse
import json
import logging
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

from shared import service_names
from shared.contracts.topic_names import PARTITIONS
from shared.embedded import (
    AlreadyRunningError,
    ChildSpec,
    EmbeddedBroker,
    EmbeddedPostgres,
    ForkServer,
    Supervisor,
    free_port,
    read_state,
)

DATABASE = "ledgerdesk"
SERVICES = ",".join(service_names.SERVICES)


def kept_secret(path: Path, prefix: str = "") -> str:
    """Return the secret in a file that only we may read, making it the first time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(prefix + secrets.token_hex(32) + "\n")
    return path.read_text().strip()


def answers(url: str) -> bool:
    """Whether a URL answers 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 -- our own loopback address
            return bool(response.status == 200)  # noqa: PLR2004 -- HTTP's own number
    except (urllib.error.URLError, OSError):
        return False


def _said(data: Path) -> str:
    """Return what the worker says of itself; see `Host.state`."""
    file = data / "run" / "ready" / "worker"
    return file.read_text().rpartition(" ")[0] if file.exists() else ""


def worker_progress(data: Path) -> str:
    """Return how far a worker has come that catches up before it is ready; empty where it does not."""
    said = _said(data)
    return f"is {said}" if said.startswith("catching up") else ""


def environment(data: Path, port: int, postgres: EmbeddedPostgres, broker: EmbeddedBroker) -> dict[str, str]:
    """Return the environment of the stack's processes; also how other commands reach it (run/environment.json)."""
    return {
        **os.environ,
        "LEDGERDESK_DATA": str(data),
        "LEDGERDESK_PORT": str(port),
        "DATABASE_URL": postgres.dsn(DATABASE),
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "LEDGERDESK_KAFKA_IDEMPOTENCE": "false",  # the embedded broker knows no idempotent producer
        "LEDGERDESK_KAFKA_REPUBLISH": "false",  # its log is empty after every start: consumers are filled in by the owners' feeds
        "LEDGERDESK_SECRET_KEY_FILE": str(data / "secret.key"),
        "LEDGERDESK_AUDIT_KEY_FILE": os.environ.get("LEDGERDESK_AUDIT_KEY_FILE") or str(data / "audit.key"),
        "LEDGERDESK_ADMIN_API_KEY": os.environ.get("LEDGERDESK_ADMIN_API_KEY")
        or kept_secret(data / "admin.key", "ldk_"),
        "PYTHONUNBUFFERED": "1",
    }


def build(data: Path, port: int) -> Supervisor:
    """Return the supervisor of a stack that keeps its data in `data` and serves on `port`."""
    data.mkdir(parents=True, exist_ok=True)
    kept_secret(data / "secret.key")
    postgres = EmbeddedPostgres(data / "postgres")
    broker = EmbeddedBroker(data / "broker", free_port(), PARTITIONS)
    env = environment(data, port, postgres, broker)
    url = f"http://127.0.0.1:{port}"
    ready_file = data / "run" / "ready" / "worker"
    prepared = data / "run" / "prepared"  # http and worker load while the servers start, and wait for this
    forks = ForkServer()

    def prepare() -> None:
        _remember(data, env)
        prepared.unlink(missing_ok=True)
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        # Before anybody asks: no file would mean that there is no worker to wait for.
        ready_file.write_text("starting 0")

    def initialised() -> bool:
        prepared.touch()
        return True

    def database_ready() -> bool:
        if not postgres.ready():
            return False
        postgres.ensure_database(DATABASE)
        return True

    server = postgres.child()

    def server_argv() -> list[str]:
        postgres.initialise()  # under the supervisor's lock; does nothing once there is a cluster
        return server.argv()

    children = [
        ChildSpec(
            name="forks", argv=lambda: [sys.executable, "-m", "ledgerdesk.forks"], env=env, early=True, fork_server=forks,
            ready=lambda: forks.loaded, stop_timeout=5,
        ),
        replace(server, argv=server_argv, ready=database_ready),
        broker.child(),
        ChildSpec(  # the log's part of it alone after every later start of the broker, whose log is another then
            name="init", argv=lambda: ["init", *(["--only-log"] if prepared.exists() else [])], forked_by=forks,
            task_of="broker", ready=initialised, stop_timeout=5,
        ),
        ChildSpec(
            name="http",
            argv=lambda: [
                "serve", SERVICES, "--parts", "http,relay", "--except", "-routing.relay", "--after", str(prepared),
            ],
            forked_by=forks, early=True, ready=lambda: answers(f"{url}/healthz"), services=tuple(SERVICES.split(",")), stop_timeout=10,
        ),
        ChildSpec(
            name="worker",
            argv=lambda: [
                "serve", SERVICES, "--parts", "projector,reactor", "--except", "routing.relay", "--ready-file", str(ready_file),
                "--after", str(prepared),
            ],
            forked_by=forks, early=True, ready=lambda: _said(data) == "ready" and answers(f"{url}/readyz"),
            progress=lambda: worker_progress(data), services=tuple(SERVICES.split(",")), stop_timeout=10,
        ),
    ]  # fmt: skip
    return Supervisor(
        data,
        children,
        prepare=prepare,
        url=url,
        ports={"http": port, "broker": int(broker.bootstrap_servers.rsplit(":", 1)[1])},
    )


def _remember(data: Path, env: dict[str, str]) -> None:
    """Keep what another command on this machine needs to reach the stack's servers; readable by us alone."""
    path = data / "run" / "environment.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        k: v for k, v in env.items() if k.startswith("LEDGERDESK_") or k in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}
    }
    kept.pop("LEDGERDESK_DEMO_PASSWORD", None)
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, indent=1))


def is_free(port: int) -> bool:
    """Whether a port can be served on: another's answers there would be taken for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_running(data: Path) -> bool:
    """Whether processes of this very directory hold the port: left-overs that the supervisor ends, or a stack it names."""
    return read_state(data) is not None


def main() -> int:
    """Run the stack until told to stop."""
    parser = argparse.ArgumentParser(prog="ledgerdesk up")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    data = arguments.data.resolve()

    def say() -> None:
        print(f"Ledgerdesk is at http://127.0.0.1:{arguments.port}   (data in {data}; stop with Ctrl-C)", flush=True)  # noqa: T201 -- the command's output
        print(f"Administrator's API key: {data / 'admin.key'}   (the first visit in a browser asks for it)", flush=True)  # noqa: T201 -- the command's output

    if not is_free(arguments.port) and not is_running(data):
        print(  # noqa: T201 -- the command's output
            f"port {arguments.port} is in use: choose another with --port or LEDGERDESK_PORT", file=sys.stderr
        )
        return 1
    try:
        return build(data, arguments.port).run(say)
    except AlreadyRunningError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the command's output
        return 1


if __name__ == "__main__":
    sys.exit(main())
