"""deploy/routes.yaml, the services' routes, the pages' own idea of owners, and the front door's map say the same.

Where an nginx is installed it is asked, too, with a server in each service's place.
"""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi import FastAPI

from deploy.generate import CONF, KEEPALIVE_SECONDS, Routes, conf
from ledgerdesk.application import API, create_app
from ledgerdesk.host import Host, routes_of
from ledgerdesk.switchboard import Switchboard
from services.gateway.pages.client import owner_of
from shared.embedded import free_port
from shared.http.limits import MOST_BYTES, MOST_FACT_BYTES, MOST_FORM_BYTES
from shared.settings import SERVICES, Settings
from shared.testing.wait import wait_until

NGINX_CONF = CONF.with_name("nginx.conf")
TABLE = Routes.read()
Key = tuple[str, str]
"""(method, path)"""


def keys_of(routes: Iterable[object]) -> Iterator[Key]:
    """Every (method, path), also of routers within routers."""
    for route in routes:
        if hasattr(route, "effective_route_contexts"):
            yield from keys_of(route.effective_route_contexts())
        elif isinstance(route, Switchboard):
            yield from keys_of(route.routes)
        else:
            plain = getattr(route, "starlette_route", None) or route
            yield from ((method, plain.path) for method in (plain.methods or ()) if method != "HEAD")


def routes_of_service(name: str) -> set[Key]:
    module = routes_of(name)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for router in module.ROUTERS:
        app.include_router(router, prefix=API)
    for router in getattr(module, "PAGES", ()):
        app.include_router(router)
    return set(keys_of(app.routes))


def routes_of_every_process() -> set[Key]:
    return set(keys_of(create_app(Host(Settings(), (), {})).routes))


def in_yaml(routes: Iterable[tuple[Key, str]]) -> str:
    paths: dict[str, dict[str, str]] = {}
    for (method, path), owner in sorted(routes, key=lambda item: (item[0][1], item[0][0])):
        paths.setdefault(path, {})[method] = owner
    return "\n".join(
        f"  {path}: {{{', '.join(f'{m}: {o}' for m, o in owners.items())}}}" for path, owners in paths.items()
    )


def in_table() -> dict[Key, str]:
    return {(method, path): owner for path, owners in TABLE.owners.items() for method, owner in owners.items()}


def sample(path: str) -> str:
    """A path that the pattern stands for, with something in it that a pattern must not trip over."""
    return re.sub(r"\{\w+(:path)?\}", lambda found: "a/b.c" if found[1] else "a.b-1", path)


# The table and the code


def test_every_route_is_in_the_table_with_its_owner_and_nothing_else_is():
    built = {key: name for name in SERVICES for key in routes_of_service(name)}
    built |= dict.fromkeys(
        (key for key in routes_of_every_process() if key[1] not in TABLE.front_door), TABLE.otherwise
    )
    table = in_table()
    missing, gone = built.items() - table.items(), table.items() - built.items()
    assert not missing, f"add to deploy/routes.yaml, then run `python -m deploy.generate`:\n{in_yaml(missing)}"
    assert not gone, f"no service has these, take them out of deploy/routes.yaml:\n{in_yaml(gone)}"


def test_no_two_services_claim_the_same_route():
    owners: dict[Key, list[str]] = {}
    for name in SERVICES:
        for key in routes_of_service(name):
            owners.setdefault(key, []).append(name)
    assert {key: names for key, names in owners.items() if len(names) > 1} == {}


def test_what_the_front_door_answers_is_what_every_process_has_for_itself():
    assert {path for _, path in routes_of_every_process()} >= TABLE.front_door


def test_the_pages_ask_the_owner_that_the_table_names():
    wrong = {
        (method, path): owner_of(method, sample(path).removeprefix(API))
        for (method, path), owner in in_table().items()
        if path.startswith(f"{API}/")
        and "/internal/" not in path
        and owner_of(method, sample(path).removeprefix(API)) != owner
    }
    assert wrong == {}


def test_a_path_that_is_there_twice_is_refused(tmp_path):
    twice = tmp_path / "routes.yaml"
    twice.write_text("otherwise: gateway\nfront_door: []\npaths:\n  /a: {GET: intake}\n  /a: {GET: workflow}\n")
    with pytest.raises(ValueError, match="/a"):
        Routes.read(twice)


# The table and nginx's configuration


def test_the_committed_configuration_is_what_the_table_says():
    assert CONF.read_text() == conf(TABLE), "run `python -m deploy.generate`"


def mapped(method: str, path: str) -> str:
    """Evaluate the map as nginx does: the first expression that matches, else the default."""
    block = re.search(r'map "\$request_method \$uri" \$ledgerdesk_owner \{(.*?)\n\}', CONF.read_text(), re.DOTALL)
    assert block
    default = re.search(r"default (\w+);", block[1])
    assert default
    for expression, owner in re.findall(r'"~(\S+ \S+)" (\w+);', block[1]):
        if re.search(expression, f"{method} {path}"):
            return owner
    return default[1]


def test_the_map_sends_every_route_to_its_owner():
    assert {key: mapped(key[0], sample(key[1])) for key in in_table()} == in_table()


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("HEAD", f"{API}/tickets/1", "workflow"),
        ("DELETE", f"{API}/tickets/1/assign", "routing"),  # answered 405 by whose path it is
        ("OPTIONS", f"{API}/reports", "reporting"),
        ("POST", f"{API}/tickets/1/assign/", "gateway"),
        ("POST", f"{API}/tickets//assign", "gateway"),
        ("GET", f"{API}/ticketsx", "gateway"),
        ("GET", f"x{API}/tickets", "gateway"),
        ("GET", "/nothing/at/all", "gateway"),
        ("GET", "/tickets/new", "gateway"),
        ("GET", f"{API}/openapixjson", "gateway"),
    ],
)
def test_what_no_route_is_goes_where_it_is_refused(method, path, owner):
    assert mapped(method, path) == owner


def test_the_front_door_s_limits_are_the_services():
    sizes = dict.fromkeys(re.findall(r"client_max_body_size (\d+)m;", NGINX_CONF.read_text()))
    assert [int(size) * 1024 * 1024 for size in sizes] == [MOST_BYTES, MOST_FORM_BYTES, MOST_FACT_BYTES]


def test_idle_connections_are_dropped_before_the_services_drop_them():
    import uvicorn

    assert uvicorn.Config(lambda: None).timeout_keep_alive > KEEPALIVE_SECONDS


# A real nginx


class Echo(BaseHTTPRequestHandler):
    """Answers with who it is and what it was asked."""

    protocol_version = "HTTP/1.1"
    name = ""

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        text = json.dumps({
            "service": self.name, "method": self.command, "path": self.path, "bytes": len(body),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815 -- the base class's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echo_server(name: str) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(f"Echo_{name}", (Echo,), {"name": name}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FrontDoor:
    """The real nginx, before echoes of the services."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder

    def logs(self) -> str:
        return (self._folder / "access.log").read_text() + (self._folder / "error.log").read_text()

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def asked(self, method: str, path: str, body: bytes | None = None, **headers: str) -> dict[str, object]:
        status, _, text = self.ask(method, path, body, **headers)
        assert status == 200, text
        found: dict[str, object] = json.loads(text)
        return found


@pytest.fixture(scope="module")
def front_door(tmp_path_factory) -> Iterator[FrontDoor]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("no nginx on this machine")
    folder: Path = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with (
        echo_server("intake") as a,
        echo_server("routing") as b,
        echo_server("workflow") as c,
        echo_server("gateway") as d,
    ):
        ports = {
            "intake": a,
            "routing": b,
            "workflow": c,
            "gateway": d,
            "reporting": free_port(),  # nobody is there
        }
        (folder / "ledgerdesk.conf").write_text(conf(TABLE, {name: f"127.0.0.1:{p}" for name, p in ports.items()}))
        text = NGINX_CONF.read_text().replace("listen 8080", f"listen 127.0.0.1:{port}")
        text = re.sub("/tmp/nginx", str(folder), text)
        text = text.replace("error_log stderr", f"error_log {folder / 'error.log'}")
        (folder / "nginx.conf").write_text(text.replace("/dev/stdout", str(folder / "access.log")))
        command = [nginx, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            door = FrontDoor(port, folder)

            def answers() -> bool:
                try:
                    return door.ask("GET", "/healthz")[0] == 200
                except OSError:
                    return False

            wait_until(answers, message="nginx")
            yield door
        finally:
            process.terminate()
            process.wait(10)


def test_nginx_sends_every_route_to_its_owner(front_door):
    there = {key: owner for key, owner in in_table().items() if owner != "reporting" and key[1] != "/readyz/stack"}
    assert {key: front_door.asked(key[0], sample(key[1]) + "?q=1")["service"] for key in there} == there


def test_nginx_passes_the_path_as_it_came(front_door):
    asked = front_door.asked("GET", f"{API}/tickets/a%20b?q=x%2Fy&at=1")
    assert (asked["service"], asked["path"]) == ("workflow", f"{API}/tickets/a%20b?q=x%2Fy&at=1")


def test_nginx_tells_services_who_asks_and_passes_what_clients_say(front_door):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = front_door.asked(
        "POST", f"{API}/tickets", b"{}", traceparent=trace, Idempotency_Key="k", If_Match="v", Ledgerdesk_After="w",
        Authorization="Bearer x", X_Forwarded_For="10.9.8.7", X_Request_ID="my-own-request-1", Content_Type="application/json",
    )["headers"]  # fmt: skip
    assert isinstance(headers, dict)
    kept = {
        "traceparent": trace,
        "idempotency-key": "k",
        "if-match": "v",
        "ledgerdesk-after": "w",
        "authorization": "Bearer x",
    }
    assert headers.items() >= kept.items()
    assert headers["x-forwarded-for"] == "127.0.0.1", "what a client says of its own address is not believed"
    assert headers["host"] == f"127.0.0.1:{front_door.port}"
    assert headers["x-request-id"] == "my-own-request-1"
    assert headers["x-forwarded-proto"] == "http"


def test_nginx_keeps_the_services_headers_and_names_the_request(front_door):
    _, headers, _ = front_door.ask("GET", "/queue")
    assert headers["content-security-policy"] == "default-src 'self'"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers["server"] == "nginx", "the version is nobody's business"


def test_nginx_limits_bodies_as_the_services_do(front_door):
    status, headers, text = front_door.ask("POST", f"{API}/tickets", b"x" * (MOST_BYTES + 1))
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(text)["errors"][0]["field"] == "body"
    assert front_door.asked("POST", f"{API}/tickets", b"x" * MOST_BYTES)["bytes"] == MOST_BYTES
    big = 8 * MOST_BYTES
    assert front_door.asked("POST", f"{API}/internal/intake/facts", b"x" * big)["bytes"] == big
    assert front_door.ask("POST", f"{API}/internal/intake/facts", b"x" * (MOST_FACT_BYTES + 1))[0] == 413


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?x=1"])
def test_metrics_stay_inside(front_door, path):
    status, headers, _ = front_door.ask("GET", path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


def test_health_and_readiness_of_the_origin(front_door):
    assert json.loads(front_door.ask("GET", "/healthz")[2]) == {"status": "ok"}
    asked = front_door.asked("GET", "/readyz")
    assert (asked["service"], asked["path"]) == ("gateway", "/readyz/stack")


def test_a_service_that_is_down_takes_nothing_else_with_it(front_door):
    status, headers, text = front_door.ask("GET", f"{API}/reports")
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "1")
    assert json.loads(text)["status"] == 503
    assert front_door.ask("GET", f"{API}/tickets")[0] == 200


def test_the_logs_hold_neither_queries_nor_names(front_door):
    front_door.ask("PUT", f"{API}/accounts/somebody/password?secret=1", b"{}")
    front_door.ask("GET", f"{API}/reports?requester=somebody@example.org")  # fails: nobody is there
    front_door.ask("POST", f"{API}/tickets?requester=somebody", b"x" * (MOST_BYTES + 1))
    wait_until(lambda: f'"route":"{API}/accounts/{{login}}/password"' in front_door.logs(), message="the log's line")
    assert "somebody" not in front_door.logs()
    assert "secret" not in front_door.logs()
