"""One move on many tickets: each is answered for itself, and the move can be taken back."""

from uuid import uuid4

import pytest

from shared.testing.wait import wait_until
from tests.e2e.desk import opened


@pytest.fixture
def john(person):
    return person("john")


@pytest.fixture
def three(john) -> list[str]:
    tickets = [opened(john) for _ in range(3)]
    for ticket in tickets:
        wait_until(lambda t=ticket: john.get(f"/tickets/{t}").json().get("assignee"), message="routing")
    return tickets


def told(answer) -> dict[str, int]:
    assert answer.status_code == 200, answer.text
    return {item["ticket"]: item["status"] for item in answer.json()["results"]}


def status(client, ticket: str) -> str:
    return client.get(f"/tickets/{ticket}").json()["status"]


def test_what_can_be_done_is_done_and_what_cannot_is_told(john, three):
    assert john.post(f"/tickets/{three[0]}/resolve", json={"resolution": "done"}).is_success
    answer = john.post("/bulk/resolve", json={"tickets": [*three, "999999999"], "body": {"resolution": "all of them"}})
    assert told(answer) == {three[0]: 409, three[1]: 200, three[2]: 200, "999999999": 404}
    assert (answer.json()["done"], answer.json()["failed"]) == (2, 2)
    wait_until(lambda: {status(john, t) for t in three} == {"resolved"}, message="resolved")
    undone = john.post(f"/bulk/workflow/{answer.json()['bulk']}/undo")
    assert told(undone) == {three[1]: 200, three[2]: 200}
    wait_until(lambda: [status(john, t) for t in three] == ["resolved", "open", "open"], message="as it was")
    assert set(told(john.post(f"/bulk/workflow/{answer.json()['bulk']}/undo")).values()) == {409}, "once is enough"


def test_sent_again_it_is_done_once(john, three):
    key = {"Idempotency-Key": uuid4().hex}
    body = {"tickets": three, "body": {"add": ["bulk"]}}
    first, again = (john.post("/bulk/tags", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    for ticket in three:
        wait_until(lambda t=ticket: "bulk" in john.get(f"/tickets/{t}").json()["tags"], message="the tag")
        items = john.get(f"/tickets/{ticket}/timeline").json()["items"]
        assert [item["type"] for item in items].count("tagged") == 1
    undo = {"Idempotency-Key": uuid4().hex}
    path = f"/bulk/workflow/{first.json()['bulk']}/undo"
    assert john.post(path, headers=undo).json() == john.post(path, headers=undo).json()
    wait_until(lambda: all(john.get(f"/tickets/{t}").json()["tags"] == [] for t in three), message="no tag")


def test_what_succeeded_only_when_it_was_sent_again_is_taken_back_too(john, three):
    key = {"Idempotency-Key": uuid4().hex}
    assert john.post(f"/tickets/{three[0]}/resolve", json={"resolution": "before"}).is_success
    body = {"tickets": three, "body": {"resolution": "all of them"}}
    assert told(john.post("/bulk/resolve", json=body, headers=key))[three[0]] == 409
    assert john.post(f"/tickets/{three[0]}/reopen").is_success
    again = john.post("/bulk/resolve", json=body, headers=key)
    assert set(told(again).values()) == {200}
    undone = john.post(f"/bulk/workflow/{again.json()['bulk']}/undo")
    assert told(undone) == dict.fromkeys(three, 200)
    wait_until(lambda: {status(john, t) for t in three} == {"open"}, message="as it was")


def test_handed_over_and_back(john, three, person):
    answer = john.post("/bulk/assign", json={"tickets": three, "body": {"agent": "jane"}})
    assert set(told(answer).values()) == {200}
    assignee = lambda t: john.get(f"/tickets/{t}").json()["assignee"]["login"]  # noqa: E731 -- said three times
    wait_until(lambda: {assignee(t) for t in three} == {"jane"}, message="jane")
    assert person("jane").post(f"/tickets/{three[0]}/assign", json={"agent": "lea"}).is_success
    assert person("jane").post(f"/bulk/routing/{answer.json()['bulk']}/undo").status_code == 403, "not hers to undo"
    undone = john.post(f"/bulk/routing/{answer.json()['bulk']}/undo")
    assert told(undone) == {three[0]: 409, three[1]: 200, three[2]: 200}
    assert "changed since" in next(i["detail"] for i in undone.json()["results"] if i["ticket"] == three[0])
    wait_until(lambda: [assignee(t) for t in three] == ["lea", "john", "john"], message="back")


def test_moved_and_back(john, three):
    answer = john.post("/bulk/transfer", json={"tickets": three, "body": {"department": "field-service"}})
    assert set(told(answer).values()) == {200}
    seen = lambda t: john.get(f"/tickets/{t}").json()  # noqa: E731 -- said twice
    wait_until(lambda: all(seen(t)["department"] == "field-service" for t in three), message="moved")
    assert set(told(john.post(f"/bulk/routing/{answer.json()['bulk']}/undo")).values()) == {200}
    wait_until(lambda: all(seen(t)["department"] == "support" and seen(t)["assignee"] for t in three), message="back")


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("resolve", {"tickets": ["1"]}, "body.resolution"), ("resolve", {"tickets": ["1"], "body": {"no": 1}}, "body.resolution"),
        ("close", {"tickets": []}, "tickets"), ("close", {"tickets": ["1"] * 201}, "tickets"),
        ("tags", {"tickets": ["1"], "body": {"add": [""]}}, "body.add.0"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_said_once(john, verb, body, field):
    answer = john.post(f"/bulk/{verb}", json=body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}


def test_who_may(john, person):
    assert person("ken").post("/bulk/close", json={"tickets": ["1"]}).status_code == 403
    assert john.post(f"/bulk/workflow/{uuid4()}/undo").status_code == 404
