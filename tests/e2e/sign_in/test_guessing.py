"""Who guesses passwords stops himself."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx

from tests.e2e.sign_in.doors import sign_in


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
