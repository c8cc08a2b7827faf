"""Who asks: credentials that are none, roles, acting for somebody, keys and sessions that end."""

import pytest

from shared.contracts.ids import random_id
from shared.testing.wait import wait_until
from tests.e2e.http.asked import NEW, opened, refused, settled


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
