"""The live stream over HTTP: steps, resumption, who is viewing or typing, and its end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import yaml

from shared.contracts.ids import random_id
from shared.settings import Settings
from shared.testing.wait import wait_until, wait_until_async
from shared.tokens import SessionToken, Tokens
from tests.e2e.conftest import PASSWORD
from tests.e2e.desk import did, ledgerdesk, opened


class Heard:
    """What a stream has sent; `done` when it has ended by itself."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.done = False

    def of(self, kind: str, ticket: str) -> list[dict]:
        return [e for e in self.events if e["event"] == kind and e["ticket"] == ticket]

    async def read(self, client: httpx.AsyncClient, headers: dict[str, str], opened: asyncio.Event) -> None:
        async with client.stream("GET", "stream", headers=headers) as response:
            assert response.status_code == 200, response.status_code
            opened.set()
            event: dict[str, str] = {}
            async for line in response.aiter_lines():
                name, _, value = line.partition(":")
                if name:  # a comment has none
                    event[name] = value.strip()
                if not line:
                    if "data" in event:
                        self.events.append(
                            {"id": event.get("id"), "event": event["event"], **json.loads(event["data"])}
                        )
                    event = {}
        self.done = True


@asynccontextmanager
async def listening(client: httpx.Client, **headers: str) -> AsyncIterator[Heard]:
    """Listen as this client; the stream is open when this returns."""
    heard, opened = Heard(), asyncio.Event()
    said = {"Authorization": client.headers["Authorization"], **headers}
    async with httpx.AsyncClient(base_url=client.base_url, timeout=60, trust_env=False) as apart:
        task = asyncio.create_task(heard.read(apart, said, opened))
        await asyncio.wait_for(opened.wait(), 20)
        try:
            yield heard
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def john(person):
    return person("john")


@pytest.fixture
def ticket(john, person) -> str:
    made = opened(person("ken"))
    for client in (john, person("ken")):
        wait_until(lambda client=client: client.get(f"/tickets/{made}").is_success, message="the ticket")
    wait_until(lambda: john.get(f"/tickets/{made}/presence").is_success, message="the gateway's view")
    return made


def there(answer: httpx.Response | dict) -> list[tuple[str, str]]:
    found = answer if isinstance(answer, dict) else answer.raise_for_status().json()
    return [(one["login"], one["doing"]) for one in found["people"]]


async def test_who_is_viewing_or_typing(john, person, ticket, admin):
    jane, ken = person("jane"), person("ken")
    async with listening(jane) as desk, listening(ken) as requester:
        answer = did(john, "POST", f"/tickets/{ticket}/presence", {"doing": "viewing"})
        assert there(answer) == [("john", "viewing")]
        await wait_until_async(lambda: desk.of("presence", ticket), message="viewing")
        assert desk.of("presence", ticket)[0]["id"] is None
        assert desk.of("presence", ticket)[0]["number"] == answer.json()["number"]
        did(jane, "POST", f"/tickets/{ticket}/presence", {"doing": "typing"})
        assert there(john.get(f"/tickets/{ticket}/presence")) == [("jane", "typing"), ("john", "viewing")]
        did(john, "POST", f"/tickets/{ticket}/presence", {"doing": "gone"})
        await wait_until_async(
            lambda: there(desk.of("presence", ticket)[-1]) == [("jane", "typing")], message="one left"
        )
        did(john, "POST", f"/tickets/{ticket}/replies", {"body": "words"})
        await wait_until_async(lambda: requester.of("replied", ticket), message="the reply")
        assert not [event for event in requester.events if event["event"] == "presence"]
    assert ken.get(f"/tickets/{ticket}/presence").status_code == 403
    assert ken.post(f"/tickets/{ticket}/presence", json={"doing": "viewing"}).status_code == 403
    refused = admin.post(f"/tickets/{ticket}/presence", json={"doing": "viewing"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "doing")
    assert john.post(f"/tickets/{ticket}/presence", json={"doing": "sleeping"}).status_code == 422
    assert john.get(f"/tickets/{ticket}/presence", params={"at": "2026-01-01T00:00:00Z"}).status_code == 400
    assert [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if "presence" in i["type"]] == []


async def test_a_stream_is_resumed_where_it_was(john, ticket):
    async with listening(john) as heard:
        did(john, "POST", f"/tickets/{ticket}/notes", {"body": "one"})
        await wait_until_async(lambda: heard.of("noted", ticket), message="a note")
        did(john, "POST", f"/tickets/{ticket}/presence", {"doing": "viewing"})
        await wait_until_async(lambda: heard.of("presence", ticket), message="presence")
    last = heard.of("noted", ticket)[0]["id"]
    answer = did(john, "POST", f"/tickets/{ticket}/notes", {"body": "two"})
    version = answer.headers["Ledgerdesk-Version"]
    async with listening(john, **{"Last-Event-ID": last}) as heard:
        await wait_until_async(lambda: heard.of("noted", ticket), message="the missed note")
        assert [event["version"] for event in heard.of("noted", ticket)] == [version]


async def test_who_signs_out_hears_no_more(stack):
    with stack.signed_in("john") as john:
        async with listening(john) as heard:
            assert john.delete("/sessions/current").status_code == 204
            await wait_until_async(lambda: heard.done, message="the end of the stream")


async def test_a_session_that_expires_ends_its_stream(stack, admin):
    tokens = Tokens(Settings(secret_key_file=stack.environment["LEDGERDESK_SECRET_KEY_FILE"]))
    accounts = admin.get("/accounts").json()["items"]
    john = next(one["person_id"] for one in accounts if one["login"] == "john")
    token = tokens.session(SessionToken(john, random_id(), datetime.now(UTC) + timedelta(seconds=2)))
    with stack.client(token) as client:
        async with listening(client) as heard:
            await wait_until_async(lambda: heard.done, message="the end of the stream")


async def test_who_may_no_more_hears_no_more(stack, tmp_path, admin):
    def applied(**changes) -> None:
        who = {
            "email": f"{login}@example.org",
            "login": login,
            "name": "Short",
            "roles": ["agent"],
            "password": PASSWORD,
        }
        path = tmp_path / "short.yaml"
        path.write_text(yaml.safe_dump({"people": [{**who, **changes}]}))
        answer = ledgerdesk(stack, "org", "apply", str(path))
        assert answer.returncode == 0, answer.stderr

    login = f"short-{uuid4().hex[:6]}"
    await asyncio.to_thread(applied)
    with stack.signed_in(login) as client:
        async with listening(client) as heard:
            ticket = opened(admin)
            await wait_until_async(lambda: heard.of("created", ticket), message="he sees all")
            await asyncio.to_thread(applied, sees="own")
            await wait_until_async(lambda: client.get(f"/tickets/{ticket}").status_code == 404, message="his sight")

            async def unheard() -> bool:
                """Whether a ticket opened now is not heard of, though a later one of his own would be."""
                other, mine = opened(admin), opened(client, requester={"email": f"{login}@example.org"})
                await wait_until_async(lambda: heard.of("created", mine), message="his own")
                return not heard.of("created", other)

            await wait_until_async(unheard, message="other rights")
            await asyncio.to_thread(applied, active=False)
            await wait_until_async(lambda: heard.done, message="the end of the stream")


async def test_a_requester_is_told_of_corrections_of_what_he_reads_and_of_no_others(john, person, ticket):
    ken = person("ken")
    note = did(john, "POST", f"/tickets/{ticket}/notes", {"body": "inside"})
    reply = did(john, "POST", f"/tickets/{ticket}/replies", {"body": "outside"})
    after = {"Ledgerdesk-After": reply.headers["ledgerdesk-version"]}
    items = john.get(f"/tickets/{ticket}/timeline", headers=after).raise_for_status().json()["items"]
    ids = {item["type"]: item["id"] for item in items}
    assert note.is_success
    async with listening(ken) as requester, listening(john) as desk:
        for path in (f"notes/{ids['noted']}", f"replies/{ids['replied']}"):
            assert did(john, "PUT", f"/tickets/{ticket}/{path}", {"body": "corrected"}).is_success
            assert did(john, "DELETE", f"/tickets/{ticket}/{path}", None).is_success
        for kind in ("edited", "personal_erased"):
            await wait_until_async(lambda kind=kind: len(desk.of(kind, ticket)) == 2, message=f"both, {kind}")
            await wait_until_async(lambda kind=kind: requester.of(kind, ticket), message=f"his own, {kind}")
            assert len(requester.of(kind, ticket)) == 1


async def test_a_colleague_is_told_of_the_ticket_of_somebody_new_and_a_stranger_is_not(stack, person, tmp_path, admin):
    key = f"acme-{uuid4().hex[:6]}"
    who = {"email": f"lea@{key}.example", "login": key, "name": "Lea", "roles": ["requester"], "password": PASSWORD}
    path = tmp_path / "acme.yaml"
    shared = {"key": key, "name": "Acme", "domains": [f"{key}.example"], "shared": True}
    path.write_text(yaml.safe_dump({"organisations": [shared], "people": [who]}))
    answer = await asyncio.to_thread(ledgerdesk, stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    with stack.signed_in(key) as lea:
        async with listening(lea) as heard, listening(person("ken")) as stranger:
            tickets = [opened(admin, requester={"email": f"new{n}@{key}.example"}) for n in range(5)]
            for ticket in tickets:
                await wait_until_async(lambda t=ticket: heard.of("created", t), message="a newcomer's ticket")
            mine = opened(lea, requester={"email": who["email"]})
            await wait_until_async(lambda: heard.of("created", mine), message="her own")
        last = next(one["id"] for one in heard.events if one["event"] == "created" and one["ticket"] == tickets[0])
        async with listening(lea, **{"Last-Event-ID": last}) as again:
            await wait_until_async(lambda: again.of("created", mine), message="her own, again")
    assert [len(heard.of("created", ticket)) for ticket in tickets] == [1] * 5
    assert not [event for event in stranger.events if event["ticket"] in tickets]
    assert again.of("created", tickets[0]) == []
