"""One-time codes: set up, asked for, good once, never guessed, and taken off."""

import asyncio

import asyncpg
import httpx
import pyotp

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD
from tests.e2e.sign_in.doors import enrol, next_code, sign_in


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
