"""Sessions, throttling, one-time codes, links, keys: what people do with them, and what must not work."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import uuid4

import asyncpg
import httpx
import pyotp
import pytest

from ledgerdesk import organisation
from ledgerdesk.client import Stack as StackAt
from ledgerdesk.organisation import OrganisationFile
from shared.testing.wait import wait_until
from tests.e2e.conftest import KEY, PASSWORD, Stack
from tests.e2e.test_provable import ledgerdesk
from tests.knowing import all_know

NEW_PASSWORD = "orbit-lantern-cobalt-41"


class Closing(Stack):
    """A stack whose clients are closed when the test is over."""

    opened: ClassVar[list[httpx.Client]] = []

    def client(self, key: str | None = KEY, **options) -> httpx.Client:
        self.opened.append(super().client(key, **options))
        return self.opened[-1]


@pytest.fixture
def stack(stack):
    yield Closing(stack.url, stack.data, stack.oidc_port)
    while Closing.opened:
        Closing.opened.pop().close()


@pytest.fixture
def somebody(stack):
    """Return a maker of people with an account: his login."""

    def make(*roles: str, password: str | None = PASSWORD) -> str:
        login = f"visitor-{uuid4().hex[:8]}"
        entry = {
            "email": f"{login}@example.org",
            "login": login,
            "name": "Some Body",
            "roles": list(roles) or ["agent"],
        }
        file = OrganisationFile.model_validate({"people": [entry | {"password": password}]})
        organisation.apply(StackAt(stack.url, KEY), file)
        return login

    return make


@pytest.fixture
def anybody(stack):
    with stack.client(None) as client:
        yield client


def sign_in(client, login, password=PASSWORD, **more):
    return client.post("/sessions", json={"login": login, "password": password, **more})


def refused_soon(client, path="/me"):
    wait_until(lambda: client.get(path).status_code == 401, timeout=5, message="a refusal")


# -- sessions --------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended_one_by_one(stack, somebody, anybody):
    login = somebody()
    here = stack.signed_in(login)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    there = stack.client(
        anybody.post("/sessions", json={"login": login, "password": PASSWORD}, headers={"User-Agent": agent}).json()[
            "token"
        ]
    )
    wait_until(lambda: len(here.get("/sessions").json()["items"]) == 2, message="both sessions")
    newest, oldest = here.get("/sessions").json()["items"]
    assert (oldest["current"], newest["current"]) == (True, False)
    assert (newest["browser"], newest["door"]) == ("Firefox on Linux", "password")
    assert datetime.fromisoformat(newest["last_seen"]).minute % 10 == 0
    assert here.delete(f"/sessions/{newest['id']}").status_code == 204
    assert [item["id"] for item in here.get("/sessions").json()["items"]] == [oldest["id"]]
    refused_soon(there)
    refused_soon(there, "/tickets")
    assert here.get("/me").is_success
    assert here.delete(f"/sessions/{newest['id']}").status_code == 204, "twice is no mistake"


def test_nobody_ends_anothers_session_but_an_administrator(stack, somebody, admin):
    mine, other = stack.signed_in(somebody()), stack.signed_in(somebody())
    wait_until(lambda: mine.get("/sessions").json()["items"], message="the session")
    (session,) = mine.get("/sessions").json()["items"]
    assert other.delete(f"/sessions/{session['id']}").status_code == 404
    assert other.delete(f"/sessions/{uuid4()}").status_code == 404
    login = mine.get("/me").json()["login"]
    assert other.get("/sessions", params={"of": login}).status_code == 403
    assert other.delete("/sessions", params={"of": login}).status_code == 403
    assert mine.get("/me").is_success
    assert [item["id"] for item in admin.get("/sessions", params={"of": login}).json()["items"]] == [session["id"]]
    assert admin.get("/sessions").status_code == 409
    assert mine.get("/sessions", params={"off": "x"}).status_code == 400
    assert admin.delete(f"/sessions/{session['id']}").status_code == 204
    refused_soon(mine)


def test_signing_out_everywhere_and_everywhere_else(stack, somebody):
    login = somebody()
    here, there = stack.signed_in(login), stack.signed_in(login)
    assert here.delete("/sessions", params={"keep_current": "true"}).status_code == 204
    refused_soon(there)
    assert here.get("/me").is_success
    assert len(here.get("/sessions").json()["items"]) == 1
    again = stack.signed_in(login)
    assert again.get("/me").is_success
    assert again.delete("/sessions").status_code == 204
    refused_soon(here)
    refused_soon(again)
    assert stack.signed_in(login).get("/me").is_success


def test_a_session_that_ended_gets_nothing_more_from_the_stream(stack, somebody, admin):
    login = somebody()
    listener = stack.signed_in(login)
    wait_until(lambda: listener.get("/sessions").json()["items"], message="the session")
    got, over, open_ = [], threading.Event(), threading.Event()

    def listen():
        with listener.stream("GET", "/stream", timeout=60) as lines:
            for line in lines.iter_lines():
                open_.set()
                got.append(line)
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    ticket = {"subject": "Before", "body": "x", "requester": {"email": "ken@example.org"}}
    assert admin.post("/tickets", json=ticket).is_success
    wait_until(open_.is_set, message="an event")
    (session,) = listener.get("/sessions").json()["items"]
    assert admin.delete(f"/sessions/{session['id']}").status_code == 204
    with stack.client(listener.headers["Authorization"].removeprefix("Bearer ")) as same:
        refused_soon(same)
    after = admin.post("/tickets", json={**ticket, "subject": "After"}).json()["number"]
    assert over.wait(10), "the stream ends"
    assert not [line for line in got if f'"{after}"' in line]


def test_a_new_password_ends_the_other_sessions(stack, somebody, anybody, admin):
    login = somebody()
    here, there = stack.signed_in(login), stack.signed_in(login)
    path = f"/accounts/{login}/password"
    assert here.put(path, json={"password": NEW_PASSWORD}).status_code == 422
    assert here.put(path, json={"password": NEW_PASSWORD, "current": "wrong"}).json()["errors"][0]["field"] == "current"
    for weak in ("password1", login, "Some Body"):
        answer = here.put(path, json={"password": weak, "current": PASSWORD})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password"), weak
    for _ in range(2):  # the same command again is the same answer
        answer = here.put(
            path, json={"password": NEW_PASSWORD, "current": PASSWORD}, headers={"Idempotency-Key": "new"}
        )
        assert answer.status_code == 204, answer.text
    refused_soon(there)
    assert here.get("/me").is_success
    assert sign_in(anybody, login).status_code == 401
    assert sign_in(anybody, login, NEW_PASSWORD).status_code == 201
    assert admin.put(path, json={"password": NEW_PASSWORD + "-2"}).status_code == 204
    refused_soon(here)


# -- guessing --------------------------------------------------------------------------------------------------------


def test_a_guesser_stops_himself(stack, somebody, anybody):
    login = somebody()
    address = f"{login}@example.org"
    for written in (login, address, address.upper(), address.replace("i", "\u0130"), login):
        assert sign_in(anybody, written, "wrong").status_code == 401
    answer = sign_in(anybody, login)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert sign_in(anybody, address).status_code == 429, "an account's failures count together, however it is written"
    unknown = f"nobody-{uuid4().hex}"
    assert [sign_in(anybody, unknown, "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    assert sign_in(anybody, unknown, "wrong").json() == sign_in(anybody, login, "wrong").json(), (
        "which logins exist is not told"
    )

    # from elsewhere he is let in still: what is believed of the address is tested with a front door that is trusted
    async def moved() -> None:
        connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
        await connection.execute("UPDATE gateway.sign_in_failure SET place = 'elsewhere' WHERE place = place")
        await connection.close()

    asyncio.run(moved())
    assert sign_in(anybody, login).status_code == 201


def test_many_guesses_at_once_are_as_many_as_one_after_the_other(stack, somebody):
    login = somebody()

    async def guess() -> list[int]:
        async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", trust_env=False, timeout=60) as client:
            body = {"login": login, "password": "wrong"}
            answers = await asyncio.gather(*(client.post("/sessions", json=body) for _ in range(12)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(guess()).count(401) <= 5


# -- one-time codes --------------------------------------------------------------------------------------------------


def enrol(client) -> tuple[pyotp.TOTP, list[str]]:
    offered = client.post("/me/totp", json={"current": PASSWORD}).raise_for_status().json()
    totp = pyotp.TOTP(offered["secret"])
    assert pyotp.parse_uri(offered["uri"]).secret == totp.secret
    assert offered["qr"].startswith("<svg")
    codes = client.post("/me/totp/confirm", json={"code": totp.now()}).raise_for_status().json()["recovery_codes"]
    return totp, codes


def next_code(totp: pyotp.TOTP) -> str:
    """A code that was not shown yet: that of the step to come is taken, too."""
    return totp.at(datetime.now(UTC) + timedelta(seconds=30))


def test_signing_in_takes_a_code_once_it_is_set_up(stack, somebody, anybody):
    login = somebody()
    client = stack.signed_in(login)
    assert client.get("/me/totp").json() == {
        "enabled": False, "recovery_codes_left": 0, "has_password": True, "roles_withheld": [],
    }  # fmt: skip
    assert client.post("/me/totp", json={}).status_code == 422, "a session alone is not enough"
    assert client.post("/me/totp/confirm", json={"code": "123456"}).status_code == 409
    offered = client.post("/me/totp", json={"current": PASSWORD}).json()
    assert client.post("/me/totp/confirm", json={"code": "000000"}).json()["errors"][0]["field"] == "code"
    assert sign_in(anybody, login).status_code == 201, "not before it is confirmed"
    totp = pyotp.TOTP(offered["secret"])
    used = totp.now()
    answer = client.post("/me/totp/confirm", json={"code": used}, headers={"Idempotency-Key": "confirm"})
    codes = answer.json()["recovery_codes"]
    again = client.post("/me/totp/confirm", json={"code": used}, headers={"Idempotency-Key": "confirm"})
    assert again.json()["recovery_codes"] == codes
    assert client.get("/me/totp").json()["enabled"]

    wrong = sign_in(anybody, login, "wrong")
    assert (wrong.status_code, "second_factor" in wrong.json()) == (401, False), "the password first"
    needed = sign_in(anybody, login)
    assert needed.status_code == 401
    assert needed.json()["errors"] == [{"field": "code", "message": "is needed"}]
    challenge = needed.json()["second_factor"]["challenge"]
    with stack.client(challenge) as nobody:
        assert nobody.get("/me").status_code == 401, "a challenge is no session"
    replayed = anybody.post("/sessions/code", json={"challenge": challenge, "code": used})
    assert (replayed.status_code, replayed.json()["errors"][0]["field"]) == (401, "code")
    code = next_code(totp)
    first = anybody.post("/sessions/code", json={"challenge": challenge, "code": code})
    assert first.status_code == 201
    assert anybody.post("/sessions/code", json={"challenge": challenge, "code": code}).status_code == 401, "replayed"
    assert sign_in(anybody, login, code=code).status_code == 401, "replayed through the other door"
    with stack.client(first.json()["token"]) as mine:
        wait_until(
            lambda: "password+code" in {item["door"] for item in mine.get("/sessions").json()["items"]},
            message="its door",
        )
    assert sign_in(anybody, login, code=codes[0].upper()).status_code == 201
    assert sign_in(anybody, login, code=codes[0]).status_code == 401, "a recovery code is good once"
    assert client.get("/me/totp").json()["recovery_codes_left"] == 9
    assert anybody.post("/sessions/code", json={"challenge": challenge + "x", "code": codes[1]}).status_code == 401


def test_a_code_is_taken_once_also_by_two_at_once(stack, somebody):
    login = somebody()
    totp, _ = enrol(stack.signed_in(login))
    body = {"login": login, "password": PASSWORD, "code": next_code(totp)}

    async def both() -> list[int]:
        async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", trust_env=False, timeout=60) as client:
            answers = await asyncio.gather(*(client.post("/sessions", json=body) for _ in range(4)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(both()) == [201, 401, 401, 401]


def test_codes_are_not_guessed_and_a_challenge_ends_with_the_sessions(stack, somebody, anybody, admin):
    login = somebody()
    totp, codes = enrol(stack.signed_in(login))
    challenge = sign_in(anybody, login).json()["second_factor"]["challenge"]
    assert admin.delete("/sessions", params={"of": login}).status_code == 204
    assert anybody.post("/sessions/code", json={"challenge": challenge, "code": codes[0]}).status_code == 401
    answers = [sign_in(anybody, login, code=f"{n:06}").status_code for n in range(6)]
    assert answers == [401] * 5 + [429]
    assert sign_in(anybody, login, code=next_code(totp)).status_code == 429


def test_codes_are_switched_off_with_password_and_code_or_by_an_administrator(stack, somebody, anybody, admin):
    login = somebody()
    client = stack.signed_in(login)
    _, codes = enrol(client)
    assert client.post("/me/totp", json={"current": PASSWORD}).status_code == 409
    assert client.post("/me/totp/remove", json={"current": PASSWORD, "code": "000000"}).status_code == 422
    assert client.post("/me/totp/remove", json={"code": codes[0]}).status_code == 422
    made = client.post("/me/totp/recovery-codes", json={"current": PASSWORD, "code": codes[0]}).json()["recovery_codes"]
    assert sign_in(anybody, login, code=codes[1]).status_code == 401, "the earlier ones are void"
    assert client.post("/me/totp/remove", json={"current": PASSWORD, "code": made[0]}).status_code == 204
    assert sign_in(anybody, login).status_code == 201
    enrol(client)
    other = stack.signed_in(somebody())
    assert other.delete(f"/accounts/{login}/totp").status_code == 403
    assert admin.delete(f"/accounts/{login}/totp").status_code == 204
    assert sign_in(anybody, login).status_code == 201
    assert admin.post("/me/totp", json={}).status_code == 409, "a key has no second factor"


def test_a_role_that_takes_a_code_is_withheld_without_one(stack, somebody, anybody):
    login = somebody("system", "agent")
    weak = stack.signed_in(login)
    assert weak.get("/me").json()["roles"] == ["agent"]
    assert weak.get("/me/totp").json()["roles_withheld"] == ["system"]
    assert weak.get("/internal/intake/head").status_code == 403
    _, codes = enrol(weak)
    assert weak.get("/me").json()["roles"] == ["agent"], "a session stays what it was"
    token = sign_in(anybody, login, code=codes[0]).json()["token"]
    strong = stack.client(token)
    assert strong.get("/me").json()["roles"] == ["agent", "system"]
    assert strong.get("/me/totp").json()["roles_withheld"] == []
    only = somebody("system")
    assert stack.signed_in(only).get("/me").json()["roles"] == ["requester"]


async def test_no_secret_stands_in_the_store_or_goes_to_a_topic(stack, somebody):
    client = stack.signed_in(somebody())
    offered = client.post("/me/totp", json={"current": PASSWORD}).json()
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        found = await connection.fetchval(
            "SELECT count(*) FROM gateway.event WHERE data::text LIKE $1", f"%{offered['secret']}%"
        )
        assert found == 0
        assert await connection.fetchval("SELECT count(*) FROM gateway.event WHERE type LIKE '%totp_enrolled'") > 0
    finally:
        await connection.close()


# -- one-time links --------------------------------------------------------------------------------------------------


def test_an_invitation_sets_a_password_once(stack, somebody, anybody, admin):
    login = somebody(password=None)
    assert sign_in(anybody, login).status_code == 401
    issued = admin.post(f"/accounts/{login}/links", headers={"Idempotency-Key": login}).json()
    assert admin.post(f"/accounts/{login}/links", headers={"Idempotency-Key": login}).json() == issued
    assert issued["purpose"] == "invitation"
    assert issued["url"].endswith(f"/set-password?token={issued['token']}")
    weak = anybody.post("/links", json={"token": issued["token"], "password": "password1"})
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    answer = anybody.post("/links", json={"token": issued["token"], "password": NEW_PASSWORD})
    assert answer.status_code == 201, "a weak password does not burn the link"
    assert stack.client(answer.json()["token"]).get("/me").json()["login"] == login
    reused = anybody.post("/links", json={"token": issued["token"], "password": NEW_PASSWORD + "-2"})
    assert (reused.status_code, reused.json()["errors"][0]["field"]) == (410, "token")
    assert sign_in(anybody, login, NEW_PASSWORD).status_code == 201


def test_a_reset_ends_sessions_and_a_newer_link_ends_an_older(stack, somebody, anybody, admin):
    login = somebody()
    before = stack.signed_in(login)
    old = admin.post(f"/accounts/{login}/links").json()
    new = admin.post(f"/accounts/{login}/links").json()
    assert new["purpose"] == "reset"
    assert anybody.post("/links", json={"token": old["token"], "password": NEW_PASSWORD}).status_code == 410
    for wrong in ("ldl_x", "x", new["token"][:-2] + ("BA" if new["token"].endswith("AA") else "AA"), "ldl_" + "A" * 54):
        assert anybody.post("/links", json={"token": wrong, "password": NEW_PASSWORD}).status_code == 410
    assert anybody.post("/links", json={"token": new["token"], "password": NEW_PASSWORD}).status_code == 201
    refused_soon(before)
    other = stack.signed_in(somebody())
    assert other.post(f"/accounts/{login}/links").status_code == 403
    assert admin.post("/accounts/nobody-here/links").status_code == 404


def test_a_reset_does_not_get_past_one_time_codes(stack, somebody, anybody, admin):
    login = somebody()
    _, codes = enrol(stack.signed_in(login))
    link = admin.post(f"/accounts/{login}/links").json()["token"]
    needed = anybody.post("/links", json={"token": link, "password": NEW_PASSWORD})
    assert needed.status_code == 401
    challenge = needed.json()["second_factor"]["challenge"]
    assert anybody.post("/sessions/code", json={"challenge": challenge, "code": codes[0]}).status_code == 201


def test_the_command_line_invites(stack, somebody, anybody):
    login = somebody(password=None)
    answer = ledgerdesk(stack, "account", "invite", login)
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.partition("token=")[2].split()[0]
    assert anybody.post("/links", json={"token": token, "password": NEW_PASSWORD}).status_code == 201
    missing = ledgerdesk(stack, "account", "invite", "nobody-here")
    assert missing.returncode == 1
    assert "no account" in missing.stderr


# -- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_good_from_its_networks_and_for_its_time(stack, admin):
    def issue(**more):
        answer = admin.post("/keys", json={"name": f"key-{uuid4().hex[:6]}", "roles": ["agent"], **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    here, elsewhere = issue(cidrs=["127.0.0.0/8", "::1/128"]), issue(cidrs=["192.0.2.0/24"])
    all_know(admin)
    with stack.client(here["key"]) as client:
        assert client.get("/me").is_success
        assert client.get("/tickets").is_success
    with stack.client(elsewhere["key"]) as client:
        assert client.get("/me").status_code == 403
        assert "address" in client.get("/tickets").json()["detail"]
        claimed = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
        assert client.get("/me", headers=claimed).status_code == 403, "what a client says of itself is not believed"
    soon = issue(expires_at=(datetime.now(UTC) + timedelta(seconds=4)).isoformat())
    with stack.client(soon["key"]) as client:
        wait_until(lambda: client.get("/me").is_success, message="the key")
        wait_until(lambda: client.get("/me").status_code == 401, timeout=10, message="its end")
    for body, field in (
        ({"cidrs": ["10.0.0.1/8"]}, "cidrs"), ({"cidrs": ["x"]}, "cidrs"), ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2090-01-01T00:00:00"}, "expires_at"),
    ):  # fmt: skip
        answer = admin.post("/keys", json={"name": "wrong", "roles": ["agent"], **body})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), body

    def shown(key):
        return next(item for item in admin.get("/keys").json()["items"] if item["id"] == key["id"])

    assert shown(here)["cidrs"] == ["127.0.0.0/8", "::1/128"]
    wait_until(lambda: shown(here)["last_used"] is not None, timeout=30, message="its last use")
    assert shown(elsewhere)["last_used"] is None
