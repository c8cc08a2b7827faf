"""A command that was decided on an old version is refused, by every owner, and told what has happened since."""

import json
from uuid import uuid4

import pytest

from services.gateway.pages.client import owner_of
from shared.testing.wait import wait_until
from tests.e2e.desk import did, opened, seen
from tests.e2e.rights.table import NOBODY, TICKET_OPERATIONS

OLD = "intake.1-routing.1-workflow.1"
VERSIONLESS = ("/presence", "/guest-links")
"""What is no part of a ticket's versions."""
COMMANDS = {
    key: body for key, (body, *_) in TICKET_OPERATIONS.items() if key[0] != "GET" and not key[1].startswith(VERSIONLESS)
}
CROSSED = {
    "intake": {"message_received"}, "routing": {"assigned", "transferred", "unassigned", "queued"}, "workflow": {"noted", "replied"},
}  # fmt: skip


@pytest.fixture(scope="module")
def lea(person):
    return person("lea")


@pytest.fixture(scope="module")
def ticket(lea, person):
    """A ticket that each owner has said several things about."""
    made = opened(person("ken"), topic="network")
    wait_until(lambda: lea.get(f"/tickets/{made}").is_success, message="the ticket")
    for path, body in (
        ("/assign", {"agent": "john"}), ("/assign", {"agent": "jane"}), ("/messages", {"body": "words"}), ("/notes", {"body": "secret"}),
        ("/replies", {"body": "words"}),
    ):  # fmt: skip
        wait_until(lambda path=path, body=body: lea.post(f"/tickets/{made}{path}", json=body).is_success, message=path)
    return made


@pytest.mark.parametrize(("method", "path"), COMMANDS, ids=lambda one: one.replace(NOBODY, "id"))
def test_every_command(method, path, ticket, lea, person):
    body = json.loads(json.dumps(COMMANDS[method, path]).replace('"self"', json.dumps(ticket)))
    if path == "/transfer":
        body = {"department": "field-service"}
    client = person("ken") if path == "/rating" else lea
    owner = owner_of(method, f"/tickets/{ticket}{path}")
    stale = client.request(method, f"/tickets/{ticket}{path}", json=body, headers={"If-Match": f'"{OLD}"'})
    assert stale.status_code == 412, stale.text
    problem = stale.json()
    assert problem["errors"][0]["field"] == "If-Match"
    found = [event["version"] for event in problem["since"]]
    everything = list(range(2, problem["version"] + 1))
    assert everything
    assert found == everything if client is lea else set(found) < set(everything)
    assert {event["type"] for event in problem["since"]} & CROSSED[owner]


def test_what_has_happened_is_told_with_who_and_what(ticket, lea):
    answer = lea.post(f"/tickets/{ticket}/release", headers={"If-Match": OLD})
    assigned = [event for event in answer.json()["since"] if event["type"] == "assigned"]
    assert assigned[-1]["actor"] == {
        "kind": "person",
        "id": assigned[-1]["actor"]["id"],
        "login": "lea",
        "name": "Lea Lindt",
    }
    assert (assigned[-1]["data"]["agent"], assigned[-1]["data"]["previous"]["agent"]) == ("jane", "john")


def test_a_requester_is_told_what_he_may_see(ticket, person, lea):
    answer = person("ken").post(f"/tickets/{ticket}/close", headers={"If-Match": OLD})
    assert answer.status_code == 412
    (since,) = answer.json()["since"]
    assert (since["type"], since["actor"]) == ("replied", {"kind": "person", "name": "Lea Lindt"})
    assert "data" not in since
    agent = lea.get("/me").json()["email"]
    assert agent not in answer.text


def test_a_link_is_ended_from_its_other_end(ticket, lea, person):
    other = opened(person("ken"))
    made = did(lea, "POST", f"/tickets/{other}/links", {"kind": "parent", "ticket": ticket})
    seen(lea, made, f"/tickets/{ticket}/links")
    body = {"kind": "child", "ticket": other}
    assert lea.post(f"/tickets/{ticket}/unlink", json=body, headers={"If-Match": OLD}).status_code == 412
    etag = lea.get(f"/tickets/{ticket}").headers["ETag"]
    assert lea.post(f"/tickets/{ticket}/unlink", json=body, headers={"If-Match": etag}).status_code == 200


def test_a_split_is_held_against_its_ticket_once(lea, ticket):
    """Repeating a split gives the first answer, whatever its ticket is at by then."""
    key = {"Idempotency-Key": uuid4().hex}
    items = lea.get(f"/tickets/{ticket}/timeline").json()["items"]
    said = next(item["id"] for item in items if item["type"] == "message_received")
    body = {"messages": [said], "subject": "Split"}
    etag = lea.get(f"/tickets/{ticket}").headers["ETag"]
    first = lea.post(f"/tickets/{ticket}/split", json=body, headers={**key, "If-Match": etag})
    assert first.status_code == 201, first.text
    did(lea, "POST", f"/tickets/{ticket}/messages", {"body": "more"})
    again = lea.post(f"/tickets/{ticket}/split", json=body, headers={**key, "If-Match": etag})
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert lea.post(f"/tickets/{ticket}/split", json=body, headers={"If-Match": etag}).status_code == 412


def test_a_move_on_many_takes_no_version(lea, ticket):
    body = {"tickets": [ticket], "body": {"priority": "low"}}
    for path, said in (("/bulk/prioritise", body), (f"/bulk/workflow/{NOBODY}/undo", None)):
        answer = lea.post(path, json=said, headers={"If-Match": OLD})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "If-Match")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("DELETE", ""), ("DELETE", f"/{NOBODY}")], ids=["make", "revoke all", "revoke"]
)
def test_guest_links_take_no_version(lea, ticket, method, path):
    answer = lea.request(method, f"/tickets/{ticket}/guest-links{path}", headers={"If-Match": OLD})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "If-Match")
