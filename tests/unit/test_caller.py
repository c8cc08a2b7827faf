"""Who calls, from where, by which cookie: without a server."""

from ipaddress import ip_network
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from ledgerdesk.application import server_config
from services.gateway.api.common import give_session
from shared.contracts.event import Via
from shared.http.caller import Caller
from shared.http.cookies import cookie_name, session_cookie
from shared.http.known import Known, address_of
from shared.http.problems import Problem
from shared.http.seen import Seen
from shared.settings import Settings

KEY = Caller(None, None, "key", None, frozenset({"agent"}), Via("key", "key"))


async def seen_address(client: str, forwarded: str, trusted: str) -> str:
    app = FastAPI()

    @app.get("/")
    async def where(request: Request) -> str:
        return address_of(request) or ""

    config = server_config(app, Settings(trusted_proxies=trusted))
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://ledgerdesk") as http:
        return (await http.get("/", headers={"X-Forwarded-For": forwarded})).json()


@pytest.mark.parametrize(
    ("client", "forwarded", "trusted", "address"),
    [
        ("127.0.0.1", "192.0.2.7", "", "127.0.0.1"),  # nobody is believed unless told so, not this machine either
        ("203.0.113.9", "192.0.2.7", "10.0.0.0/8", "203.0.113.9"),
        ("10.1.2.3", "192.0.2.7", "10.0.0.0/8", "192.0.2.7"),
        ("10.1.2.3", "198.51.100.1, 192.0.2.7", "10.0.0.0/8", "192.0.2.7"),  # what a client made up stands before
        ("10.1.2.3", "198.51.100.1, 192.0.2.7, 10.9.9.9", "10.0.0.0/8", "192.0.2.7"),
        ("::1", "2001:db8::7", "127.0.0.1,::1", "2001:db8::7"),
    ],
)
async def test_a_proxy_is_believed_if_it_is_trusted(client, forwarded, trusted, address):
    assert await seen_address(client, forwarded, trusted) == address


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("10.2.0.1", False), ("2001:db8::1", True), ("2001:db9::1", False), (None, False),
        ("testclient", False),
    ],
)  # fmt: skip
def test_a_key_is_good_from_its_networks(address, good):
    known = Known(KEY, 0.0, networks=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")))
    if good:
        known.need_place(address)
    else:
        with pytest.raises(Problem, match="address") as refused:
            known.need_place(address)
        assert refused.value.status == 403
    Known(KEY, 0.0).need_place(address)


def test_over_https_a_cookie_is_ours_alone():
    plain, secure = Settings(public_url=""), Settings(public_url="https://desk.example.org")
    assert session_cookie(plain) == "ledgerdesk_session"
    assert session_cookie(secure) == "__Host-ledgerdesk_session"
    assert cookie_name(secure, "x") == "__Host-x"
    response = Response()
    give_session(response, secure, "token")
    said = response.headers["set-cookie"].lower()
    for part in ("__host-ledgerdesk_session=token", "httponly", "secure", "samesite=lax", "path=/", "max-age=43200"):
        assert part in said
    assert "domain" not in said, "a browser takes no __Host- cookie with one"
    response = Response()
    give_session(response, plain, "token")
    assert "secure" not in response.headers["set-cookie"].lower()


def test_a_use_is_told_once_in_ten_minutes():
    seen, one, other = Seen(lambda: "", lambda: ""), uuid4(), uuid4()
    seen.note("key", one)
    seen.note("key", one)
    seen.note("session", other)
    assert seen._new == {("key", one), ("session", other)}
    seen._new.clear()
    seen.note("key", one)
    assert seen._new == set()
