"""The API over HTTP, on a whole stack: once is once, stale is told, bad input is named."""

import asyncio
import json

import httpx
import pytest

from shared.contracts.ids import random_id
from shared.testing.wait import wait_until

NOBODYS = "5f0c9a52-0f0b-4b0e-9c57-6d6f0a6a3f11"
"""An id that no ticket has."""

NEW = {"subject": "Printer on fire", "body": "Third floor.", "requester": {"email": "ken@example.org"}}


def opened(client: httpx.Client, **changes) -> dict:
    answer = client.post("/tickets", json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def settled(client: httpx.Client, ticket: str) -> dict:
    """Return the ticket once routing has given it to somebody: until then its versions still move."""

    def assigned() -> dict | None:
        answer = client.get(f"/tickets/{ticket}")
        return answer.json() if answer.is_success and answer.json()["assignee"] else None

    return wait_until(assigned, message="the ticket to be assigned")


@pytest.fixture(scope="module")
def ticket(stack) -> str:
    with stack.client() as admin:
        return settled(admin, opened(admin)["id"])["id"]


# -- once is once ----------------------------------------------------------------------------------------------------


async def test_two_hundred_times_one_key_is_one_ticket(stack, admin):
    key = {"Idempotency-Key": f"many-{random_id()}"}
    body = {**NEW, "subject": f"Once {random_id()}"}
    async with httpx.AsyncClient(
        base_url=f"{stack.url}/api/v1", headers={**admin.headers, **key}, timeout=60, trust_env=False,
        limits=httpx.Limits(max_connections=50),
    ) as client:  # fmt: skip
        answers = await asyncio.gather(*(client.post("/tickets", json=body) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1, "every repeat gets the first answer"
    assert sum("Ledgerdesk-Repeat" not in answer.headers for answer in answers) == 1
    settled(admin, answers[0].json()["id"])
    found = admin.get("/tickets", params={"q": body["subject"]}).json()["items"]
    assert [item["id"] for item in found] == [answers[0].json()["id"]]


def test_a_client_that_gives_up_and_tries_again(stack, admin):
    tickets = set()
    for patience in (0.001, 0.005, 0.02, 0.3):
        key = {"Idempotency-Key": f"impatient-{random_id()}"}
        with stack.client(timeout=patience) as impatient:
            for _ in range(3):
                try:
                    impatient.post("/tickets", json=NEW, headers=key)
                except httpx.TimeoutException:
                    continue
        first, second = (admin.post("/tickets", json=NEW, headers=key) for _ in range(2))
        assert first.text == second.text
        tickets.add(first.json()["id"])
    assert len(tickets) == 4


def test_every_command_is_done_once_per_key(admin):
    ticket = settled(admin, opened(admin)["id"])["id"]
    for path, body in (
        ("notes", {"body": "psst"}), ("messages", {"body": "hello"}), ("prioritise", {"priority": "high"}),
        ("transfer", {"department": "field-service"}), ("resolve", {"resolution": "done"}),
    ):  # fmt: skip
        key = {"Idempotency-Key": f"{path}-{random_id()}"}
        first, second = (admin.post(f"/tickets/{ticket}/{path}", json=body, headers=key) for _ in range(2))
        assert first.is_success, first.text
        assert second.json()["id"] == first.json()["id"]
        assert second.headers["Ledgerdesk-Repeat"] == "true"
        timeline = admin.get(
            f"/tickets/{ticket}/timeline", headers={"Ledgerdesk-After": first.headers["Ledgerdesk-Version"]}
        )
        kind = {"notes": "noted", "messages": "message_received", "prioritise": "prioritised", "transfer": "transferred",
                "resolve": "resolved"}[path]  # fmt: skip
        mine = [i for i in timeline.json()["items"] if i["type"] == kind and i["via"]["kind"] == "key"]
        assert len(mine) == 1, path


def test_one_key_with_two_bodies_is_refused(admin):
    key = {"Idempotency-Key": f"two-{random_id()}"}
    assert admin.post("/tickets", json=NEW, headers=key).status_code == 201
    refused(admin.post("/tickets", json={**NEW, "subject": "Another"}, headers=key), 422, "Idempotency-Key")


def test_one_key_of_two_callers_is_two_commands(stack, person):
    key = {"Idempotency-Key": "the same"}
    with stack.client() as admin:
        mine = admin.post("/tickets", json=NEW, headers=key).json()["id"]
    assert person("john").post("/tickets", json=NEW, headers=key).json()["id"] != mine


# -- versions --------------------------------------------------------------------------------------------------------


def test_a_stale_command_is_told_what_changed(admin):
    ticket = settled(admin, opened(admin)["id"])["id"]
    etag = admin.get(f"/tickets/{ticket}").headers["ETag"]
    fresh = admin.post(f"/tickets/{ticket}/notes", json={"body": "first"}, headers={"If-Match": etag})
    assert fresh.status_code == 201, fresh.text
    stale = admin.post(f"/tickets/{ticket}/notes", json={"body": "second"}, headers={"If-Match": etag})
    problem = refused(stale, 412, "If-Match")
    assert [event["type"] for event in problem["since"]][-1] == "noted"
    assert problem["version"] == fresh.json()["versions"]["workflow"]
    other_owner = admin.post(f"/tickets/{ticket}/messages", json={"body": "hello"}, headers={"If-Match": etag})
    assert other_owner.status_code == 201, "only the owner's component is looked at"
    refused(
        admin.post(f"/tickets/{ticket}/notes", json={"body": "x"}, headers={"If-Match": "nonsense"}), 422, "If-Match"
    )


def test_people_see_their_own_writes(admin):
    for number in range(20):
        answer = admin.post("/tickets", json={**NEW, "subject": f"Seen {number}"})
        after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
        read = admin.get(f"/tickets/{answer.json()['id']}", headers=after)
        assert read.status_code == 200, read.text
        assert "Ledgerdesk-Stale" not in read.headers
        noted = admin.post(f"/tickets/{answer.json()['id']}/notes", json={"body": f"note {number}"})
        after = {"Ledgerdesk-After": noted.headers["Ledgerdesk-Version"]}
        timeline = admin.get(f"/tickets/{answer.json()['id']}/timeline", headers=after).json()["items"]
        assert "noted" in {item["type"] for item in timeline}


def test_what_never_comes_is_said_to_be_stale(admin, ticket):
    answer = admin.get(f"/tickets/{ticket}", headers={"Ledgerdesk-After": f"{ticket}:intake:999"})
    assert (answer.status_code, answer.headers["Ledgerdesk-Stale"]) == (200, "true")


def test_a_ticket_that_is_not_there_yet_is_told_from_one_that_is_not(admin):
    nobodys = random_id()
    too_early = admin.get(f"/tickets/{nobodys}", headers={"Ledgerdesk-After": f"{nobodys}:intake:1"})
    assert (too_early.status_code, too_early.headers.get("Ledgerdesk-Stale")) == (404, "true")
    missing = admin.get(f"/tickets/{nobodys}")
    assert (missing.status_code, missing.headers.get("Ledgerdesk-Stale")) == (404, None)


def test_a_ticket_says_how_it_came(admin, stack):
    def channel_of(client: httpx.Client) -> str:
        answer = client.post("/tickets", json=NEW)
        after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
        return admin.get(f"/tickets/{answer.json()['id']}", headers=after).json()["channel"]

    with stack.signed_in("john") as john:
        assert (channel_of(admin), channel_of(john)) == ("api", "web")


# -- bad input -------------------------------------------------------------------------------------------------------


def refused(answer: httpx.Response, status: int, field: str | None = None) -> dict:
    """Expect a problem document with this status that names this field."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    return problem


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "s"}, "body"),
        ({"body": "b", "requester": {"email": "k@e.org"}}, "subject"),
        ({**NEW, "subject": 5}, "subject"),
        ({**NEW, "subject": ""}, "subject"),
        ({**NEW, "subject": "   "}, "subject"),
        ({**NEW, "subject": "x" * 501}, "subject"),
        ({**NEW, "subject": None}, "subject"),
        ({**NEW, "subject": ["s"]}, "subject"),
        ({**NEW, "body": "x" * 100_001}, "body"),
        ({**NEW, "body": "a\x00b"}, "body"),
        ({**NEW, "subject": "a\x00b"}, "subject"),
        ({**NEW, "priority": "urgent"}, "priority"),
        ({**NEW, "priority": 1}, "priority"),
        ({**NEW, "severity": "sev-a"}, "severity"),
        ({**NEW, "requester": "ken"}, "requester"),
        ({**NEW, "requester": {}}, "requester.email"),
        ({**NEW, "requester": {"email": "ken"}}, "requester.email"),
        ({**NEW, "requester": {"email": "ken@example.org", "age": 5}}, "requester.age"),
        ({k: v for k, v in NEW.items() if k != "requester"}, "requester"),
        ({**NEW, "topic": "unheard-of"}, "topic"),
        ({**NEW, "tags": "vpn"}, "tags"),
        ({**NEW, "tags": ["ok", 5]}, "tags.1"),
        ({**NEW, "tags": ["t"] * 51}, "tags"),
        ({**NEW, "surprise": True}, "surprise"),
        ([NEW], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
def test_a_bad_field_is_named(admin, body, field):
    refused(admin.post("/tickets", json=body), 422, field)


@pytest.mark.parametrize(
    ("content", "media", "status", "field"),
    [
        (b"{", "application/json", 422, "body"),
        (b"", "application/json", 422, "body"),
        (b'{"subject": "\xff\xfe"}', "application/json", 422, "body"),
        (b'{"subject": "a", "body": "\\ud800", "requester": {"email": "k@e.org"}}', "application/json", 422, "body"),
        (b'{"subject": "\\udfff", "body": "b", "requester": {"email": "k@e.org"}}', "application/json", 422, "subject"),
        (b'{"subject": "a", "body": "b", "requester": {"email": "k@e.org", "name": "\\ud800"}}', "application/json", 422,
         "requester.name"),
        (b'{"subject": "a", "body": "b", "external_id": "\\ud800", "requester": {"email": "k@e.org"}}', "application/json", 422,
         "external_id"),
        (b'{"subject": "a", "body": "b", "tags": ["\\ud800"], "requester": {"email": "k@e.org"}}', "application/json", 422,
         "tags.0"),
        (b'{"subject": "a", "body": "b", "\\ud800": 1, "requester": {"email": "k@e.org"}}', "application/json", 422, None),
        (b"[" * 100_000, "application/json", 422, "body"),
        (b'{"subject": 1e400, "body": "b"}', "application/json", 422, None),
        (json.dumps(NEW).encode(), "text/plain", 415, "Content-Type"),
        (json.dumps(NEW).encode(), "application/x-www-form-urlencoded", 415, "Content-Type"),
        (b'{"body": "' + b"x" * 1_100_000 + b'"}', "application/json", 413, "body"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused(admin, content, media, status, field):
    refused(admin.post("/tickets", content=content, headers={"Content-Type": media}), status, field)


def test_a_body_of_unknown_length_is_refused_when_it_grows_too_long(admin):
    def parts():
        yield b'{"body": "'
        for _ in range(150):
            yield b"x" * 10_000

    refused(admin.post("/tickets", content=parts(), headers={"Content-Type": "application/json"}), 413, "body")


def test_an_event_that_would_be_too_large_is_refused(admin):
    """100,000 characters are allowed, but not any 100,000: an event holds 256 KiB."""
    refused(admin.post("/tickets", json={**NEW, "body": "\U0001f600" * 100_000}), 413)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("assign", {}, 422, None),
        ("assign", {"agent": "nobody"}, 422, "agent"),
        ("assign", {"agent": "ken"}, 422, "agent"),
        ("assign", {"agent": "a\x00b"}, 422, "agent"),
        ("assign", {"team": "nobody"}, 422, "team"),
        ("transfer", {"department": "nowhere"}, 422, "department"),
        ("transfer", {}, 422, "department"),
        ("prioritise", {}, 422, "priority"),
        ("prioritise", {"priority": "normal"}, 409, None),
        ("hold", {"until": "tomorrow"}, 422, "until"),
        ("hold", {"until": "2026-01-01T00:00:00"}, 422, "until"),
        ("hold", {"until": 5e20}, 422, "until"),
        ("hold", {"until": "9999-12-31T23:59:59-12:00"}, 422, "until"),
        ("resolve", {}, 422, "resolution"),
        ("resolve", {"resolution": ""}, 422, "resolution"),
        ("reopen", None, 409, None),
        ("resume", None, 409, None),
        ("notes", {"body": ""}, 422, "body"),
        ("messages", {"body": 5}, 422, "body"),
        ("close", {"message": {"a": 1}}, 422, "message"),
        ("explode", {}, 404, None),
    ],
)
def test_a_bad_command_is_refused(admin, ticket, path, body, status, field):
    answer = (
        admin.post(f"/tickets/{ticket}/{path}", json=body)
        if body is not None
        else admin.post(f"/tickets/{ticket}/{path}")
    )
    refused(answer, status, field)


@pytest.mark.parametrize("ref", ["0", "x" * 201, "%00", "%ff", NOBODYS, "00000000-0000-0000-0000-00000000000g"])
def test_unknown_tickets(admin, ref):
    answer = admin.get(f"/tickets/{ref}")
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "surprise=1", "status=opened", "limit=0", "limit=201", "limit=x", "cursor=nonsense", "cursor=WzFd", "sort=subject",
        "involved=you", "priority=urgent", "q=", "q=%00", "at=2026-01-01T00:00:00Z", "overdue=perhaps", "late=true", "assignee=me",
        "cursor=WyJhIiwiYiJd", "cursor=%ff", "tag=%00", "team=%00",
    ],
)  # fmt: skip
def test_a_bad_query_is_refused(admin, query):
    answer = admin.get(f"/tickets?{query}")
    assert answer.status_code in {400, 422}, answer.text
    name = query.split("=")[0]
    assert name in [error["field"].split(".")[0] for error in answer.json()["errors"]], answer.text


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", "x" * 201), ("Idempotency-Key", "a\tb"), ("If-Match", "x" * 201),
        ("Ledgerdesk-On-Behalf-Of", "nobody"), ("Ledgerdesk-On-Behalf-Of", "x" * 255),
    ],
)  # fmt: skip
def test_a_bad_header_is_named(admin, ticket, header, value):
    answer = admin.post(f"/tickets/{ticket}/notes", json={"body": "b"}, headers={header: value})
    refused(answer, 422, header)


@pytest.mark.parametrize("value", ["x", ",".join(["a:b:c"] * 9), "x" * 2001, f"{NOBODYS}:intake:x"])
def test_a_bad_after_is_named(admin, value):
    refused(admin.get("/tickets", headers={"Ledgerdesk-After": value}), 422, "Ledgerdesk-After")


# -- rights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "nonsense", "ldk_nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_without_a_good_credential_nothing_is_answered(stack, ticket, key):
    with stack.client(None) as client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        for method, path in (("GET", "/tickets"), ("GET", f"/tickets/{ticket}"), ("POST", "/tickets"), ("GET", "/me"),
                             ("GET", "/keys"), ("GET", "/stream"), ("GET", "/internal/intake/events")):  # fmt: skip
            answer = client.request(method, path, headers=headers, json=NEW if method == "POST" else None)
            refused(answer, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_others_tickets_are_as_if_they_were_not_there(admin, person):
    other = settled(admin, opened(admin, requester={"email": "mia@elsewhere.example"})["id"])["id"]
    ken = person("ken")
    unknown = ken.get(f"/tickets/{random_id()}")
    for answer in (
        ken.get(f"/tickets/{other}"), ken.get(f"/tickets/{other}/timeline"), ken.post(f"/tickets/{other}/messages", json={"body": "b"}),
        ken.post(f"/tickets/{other}/close"), ken.post(f"/tickets/{other}/notes", json={"body": "b"}),
    ):  # fmt: skip
        refused(answer, 404)
        assert answer.json()["detail"].split("'")[2] == unknown.json()["detail"].split("'")[2]
    assert other not in {item["id"] for item in ken.get("/tickets", params={"limit": 200}).json()["items"]}


@pytest.mark.parametrize(
    ("login", "method", "path", "body"),
    [
        ("ken", "POST", "notes", {"body": "b"}),
        ("ken", "POST", "assign", {"agent": "john"}),
        ("ken", "POST", "claim", None),
        ("ken", "POST", "transfer", {"department": "support"}),
        ("ken", "POST", "resolve", {"resolution": "r"}),
        ("ken", "POST", "prioritise", {"priority": "high"}),
        ("ana", "POST", "notes", {"body": "b"}),
        ("ana", "POST", "resolve", {"resolution": "r"}),
    ],
)
def test_the_wrong_role_is_refused(person, ticket, login, method, path, body):
    refused(person(login).request(method, f"/tickets/{ticket}/{path}", json=body), 403)


def test_administration_is_for_administrators(person):
    for login in ("ken", "john", "ana", "lea"):
        client = person(login)
        refused(client.get("/keys"), 403)
        refused(client.get("/accounts"), 403)
        refused(client.post("/keys", json={"name": "mine", "roles": ["administrator"]}), 403)
        refused(client.get("/internal/intake/events"), 403)
        refused(client.get("/internal/projections"), 403)
        refused(client.get("/me", headers={"Ledgerdesk-On-Behalf-Of": "ada"}), 403, "Ledgerdesk-On-Behalf-Of")


def test_a_requester_asks_for_himself_alone(person):
    ken = person("ken")
    refused(
        ken.post("/tickets", json={**NEW, "requester": {"email": "ada@ledgerdesk.example"}}), 403, "requester.email"
    )
    mine = ken.post("/tickets", json={"subject": "s", "body": "b"}).json()
    assert mine["requester"] == {"email": "ken@example.org", "name": "Ken Ito"}


def test_acting_for_somebody(admin, ticket):
    answer = admin.post(f"/tickets/{ticket}/notes", json={"body": "b"}, headers={"Ledgerdesk-On-Behalf-Of": "john"})
    assert answer.status_code == 201, answer.text
    after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
    last = [i for i in admin.get(f"/tickets/{ticket}/timeline", headers=after).json()["items"] if i["type"] == "noted"][
        -1
    ]
    assert (last["actor"]["login"], last["via"]) == ("john", {"kind": "key", "id": "admin"})
    refused(
        admin.post(
            f"/tickets/{ticket}/notes", json={"body": "b"}, headers={"Ledgerdesk-On-Behalf-Of": "ken@example.org"}
        ),
        403,
    )


def test_acting_for_somebody_who_was_registered_a_moment_ago(admin):
    new = {"Ledgerdesk-On-Behalf-Of": f"new-{random_id().hex[:8]}@example.org"}
    ticket = admin.post("/tickets", json={"subject": "s", "body": "b"}, headers=new).raise_for_status().json()["id"]
    said = admin.post(f"/tickets/{ticket}/messages", json={"body": "more"}, headers=new)
    assert said.status_code == 201, said.text
    after = {"Ledgerdesk-After": said.headers["Ledgerdesk-Version"]}
    items = admin.get(f"/tickets/{ticket}/timeline", headers=after).json()["items"]
    (actor,) = [item["actor"] for item in items if item["type"] == "message_received"]
    assert (actor["kind"], actor["login"]) == ("person", new["Ledgerdesk-On-Behalf-Of"])


def test_a_key_is_shown_once_and_revoked_everywhere(stack, admin):
    issued = admin.post("/keys", json={"name": "robot", "roles": ["agent"]}).json()
    with stack.client(issued["key"]) as robot:
        for path in ("/tickets", "/me"):
            wait_until(lambda p=path: robot.get(p).status_code == 200, message="the key to be known")
        assert robot.get("/me").json()["roles"] == ["agent"]
        assert issued["key"] not in admin.get("/keys").text
        assert admin.delete(f"/keys/{issued['id']}").status_code == 204
        wait_until(lambda: robot.get("/tickets").status_code == 401, message="the key to be refused")


def test_a_session_ends_when_its_person_says_so(stack):
    with stack.signed_in("lea") as lea:
        wait_until(lambda: lea.get("/tickets").status_code == 200)
        assert lea.delete("/sessions/current").status_code == 204
        wait_until(lambda: lea.get("/tickets").status_code == 401, message="the session to be refused")


def test_a_wrong_password_is_not_told_from_a_wrong_login(stack):
    with stack.client(None) as client:
        answers = [
            client.post("/sessions", json={"login": login, "password": "wrong"})
            for login in ("ada", f"nobody-{random_id()}")
        ]
    assert answers[0].json() == answers[1].json()
    refused(answers[0], 401)
    with stack.client(None) as client:
        for _ in range(10):
            last = client.post("/sessions", json={"login": "somebody", "password": "wrong"})
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) > 0
