"""The desk's lifecycle at work: its own states, who may make which move, what happens by itself all the same; and as a file."""

from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.desk import did, ledgerdesk, opened, seen
from tests.e2e.test_configuration import applied, exported

RUN = uuid4().hex[:6]
SENIOR, DEPARTMENT = f"senior-{RUN}", f"life-{RUN}"
LIFECYCLE = {
    "states": [
        {"key": "waiting-for-vendor", "name": "Waiting for the vendor", "status": "on_hold"},
        {"key": "in-review", "name": "In review", "status": "open", "public": True},
        {"key": "worked-around", "name": "Worked around", "status": "resolved"},
    ],
    "moves": [
        {"verb": "close", "when": ["resolved"], "by": ["agent", "lead"]}, {"verb": "close", "by": [SENIOR], "message": True},
        {"verb": "reopen", "by": ["lead", "requester"]},
        {"verb": "state", "when": ["new", "open"], "to": ["in-review"]}, {"verb": "state", "by": ["lead"]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def lifecycle(stack, tmp_path_factory, person):
    """The desk works by this lifecycle while these tests run, and as before afterwards."""
    path = tmp_path_factory.mktemp("lifecycle") / "lifecycle.yaml"
    file = {
        "departments": [{"key": DEPARTMENT, "name": "Lives"}],
        "topics": [{"key": DEPARTMENT, "name": "Lives", "department": DEPARTMENT}],
        "roles": [{"key": SENIOR, "name": "Senior", "permissions": ["ticket.close", "ticket.note"]}],
        "people": [{"email": f"{SENIOR}@desk.example", "name": "Sen Ior", "roles_in": {DEPARTMENT: SENIOR}}],
        "lifecycle": LIFECYCLE,
    }
    assert "workflow 1" in applied(stack, path, yaml.safe_dump(file))
    wait_until(lambda: person("john").get("/lifecycle").json()["states"], message="the lifecycle")
    yield path
    applied(stack, path, "lifecycle: {}")


@pytest.fixture
def john(person):
    return person("john")


@pytest.fixture
def senior(stack):
    with stack.client() as client:
        client.headers["Ledgerdesk-On-Behalf-Of"] = f"{SENIOR}@desk.example"
        yield client


@pytest.fixture
def ticket(john) -> str:
    return opened(john)


def shown(client, ticket: str, answer=None) -> dict:
    return seen(client, answer, f"/tickets/{ticket}") if answer else client.get(f"/tickets/{ticket}").json()


def test_a_ticket_shows_the_state_beside_the_status_to_whom_it_concerns(ticket, john, person):
    answer = did(john, "POST", f"/tickets/{ticket}/hold", {"reason": "parts", "state": "waiting-for-vendor"})
    state = {"key": "waiting-for-vendor", "name": "Waiting for the vendor"}
    assert (shown(john, ticket, answer)["status"], shown(john, ticket)["state"]) == ("on_hold", state)
    asked = shown(person("ken"), ticket)
    assert (asked["status"], asked["state"]) == ("on_hold", None), "which the desk has not made public"
    items = person("ken").get(f"/tickets/{ticket}/timeline").json()["items"]
    assert "waiting-for-vendor" not in str(items)
    answer = did(john, "POST", f"/tickets/{ticket}/resume", {"state": "in-review"})
    assert shown(person("ken"), ticket, answer)["state"] == {"key": "in-review", "name": "In review"}
    (held,) = [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "held"]
    assert held["data"]["state"] == "waiting-for-vendor"


def test_states_are_looked_for_by_the_desk_alone(ticket, john, person):
    answer = did(john, "POST", f"/tickets/{ticket}/hold", {"state": "waiting-for-vendor"})
    find = {"state": ["waiting-for-vendor", "in-review"], "limit": 200}
    after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
    found = john.get("/tickets", params=find, headers=after).json()["items"]
    assert ticket in {item["id"] for item in found}
    assert {item["state"]["key"] for item in found} <= set(find["state"])
    assert person("ken").get("/tickets", params=find).status_code == 403
    assert person("ken").get("/lifecycle").status_code == 403
    assert person("ana").get("/lifecycle").json()["moves"][0]["verb"] == "close"


def test_within_a_status_a_ticket_goes_where_the_lifecycle_lets_it(ticket, john, person):
    answer = did(john, "POST", f"/tickets/{ticket}/state", {"state": "in-review"})
    assert (shown(john, ticket, answer)["status"], shown(john, ticket)["state"]["key"]) == ("open", "in-review")
    refused = did(john, "POST", f"/tickets/{ticket}/state", {"state": None}, (409,)).json()
    assert "into in-review only" in refused["detail"]
    refused = did(john, "POST", f"/tickets/{ticket}/state", {"state": "waiting-for-vendor"}, (409,)).json()
    assert "tickets that are on hold" in refused["detail"]
    refused = did(john, "POST", f"/tickets/{ticket}/state", {"state": "somewhere"}, (422,)).json()
    assert refused["errors"][0]["field"] == "state"
    refused = did(john, "POST", f"/tickets/{ticket}/hold", {"state": "in-review"}, (422,)).json()
    assert "waiting-for-vendor" in refused["detail"]
    answer = did(person("lea"), "POST", f"/tickets/{ticket}/state", {"state": None, "message": "looked at"})
    assert shown(john, ticket, answer)["state"] is None


def test_who_may_close_from_where(ticket, john, person):
    ken = person("ken")
    assert "resolved" in did(john, "POST", f"/tickets/{ticket}/close", None, (409,)).json()["detail"]
    refused = did(ken, "POST", f"/tickets/{ticket}/close", None, (403,)).json()
    assert "by the desk only" in refused["detail"]
    assert {m["verb"] for m in ken.get(f"/tickets/{ticket}/moves").json()["items"]} == set()
    answer = did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "done", "state": "worked-around"})
    left = {m["verb"] for m in seen(john, answer, f"/tickets/{ticket}/moves")["items"]}
    assert left == {"close", "acknowledge", "prioritise"}
    assert {m["verb"] for m in ken.get(f"/tickets/{ticket}/moves").json()["items"]} == {"reopen"}
    did(john, "POST", f"/tickets/{ticket}/close")
    assert "lead or requester only" in did(john, "POST", f"/tickets/{ticket}/reopen", None, (403,)).json()["detail"]
    answer = did(ken, "POST", f"/tickets/{ticket}/reopen", {"message": "not yet"})
    assert shown(john, ticket, answer)["status"] == "open"


def test_a_role_of_a_department_moves_where_its_lifecycle_names_it(senior, admin, john):
    made = opened(admin, topic=DEPARTMENT)
    wait_until(lambda: senior.get(f"/tickets/{made}").json().get("department") == DEPARTMENT, message="its department")
    begun = did(senior, "POST", f"/tickets/{made}/notes", {"body": "x"})
    refused = did(senior, "POST", f"/tickets/{made}/close", None, (422,)).json()
    assert refused["errors"] == [{"field": "message", "message": refused["detail"]}]
    moves = {m["verb"]: m for m in seen(senior, begun, f"/tickets/{made}/moves")["items"]}
    assert (moves["close"]["words"], moves["close"]["words_needed"]) == ("message", True)
    assert "hold" not in moves, "his role permits no holds"
    did(john, "POST", f"/tickets/{made}/close", {"message": "x"}, (409,))
    did(senior, "POST", f"/tickets/{made}/close", {"message": "a duplicate"})
    elsewhere = opened(admin, topic="general")
    wait_until(lambda: senior.get(f"/tickets/{elsewhere}").json().get("department") == "support", message="support")
    did(senior, "POST", f"/tickets/{elsewhere}/notes", {"body": "x"})
    refused = did(senior, "POST", f"/tickets/{elsewhere}/close", {"message": "x"}, (409,)).json()
    assert f"As it is, it can by {SENIOR}." in refused["detail"], "there he is an agent like any other"


def test_what_happens_by_itself_asks_nobody(ticket, john, person):
    """Nobody but leads and requesters may reopen, and nobody may resume into nothing: a customer's message does both."""
    did(john, "POST", f"/tickets/{ticket}/hold", {"state": "waiting-for-vendor"})
    wait_until(lambda: shown(john, ticket)["status"] == "on_hold", message="held")
    did(person("ken"), "POST", f"/tickets/{ticket}/messages", {"body": "it came"})
    wait_until(lambda: shown(john, ticket)["status"] == "open", message="resumed")
    assert shown(john, ticket)["state"] is None
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "x"})
    did(john, "POST", f"/tickets/{ticket}/close")
    did(person("ken"), "POST", f"/tickets/{ticket}/messages", {"body": "and went"})
    wait_until(lambda: shown(john, ticket)["status"] == "open", message="reopened")


def test_many_into_a_state_and_back(john):
    tickets = [opened(john) for _ in range(2)]
    for one in tickets:
        did(john, "POST", f"/tickets/{one}/notes", {"body": "begun"})
    done = john.post("/bulk/state", json={"tickets": tickets, "body": {"state": "in-review"}}).json()
    assert done["done"] == 2, done
    wait_until(lambda: all((shown(john, t)["state"] or {}).get("key") == "in-review" for t in tickets), message="there")
    john.post(f"/bulk/workflow/{done['bulk']}/undo").raise_for_status()
    wait_until(lambda: all(shown(john, t)["state"] is None for t in tickets), message="back")
    held = john.post("/bulk/close", json={"tickets": tickets, "body": {}}).json()
    assert {item["status"] for item in held["results"]} == {409}, "each is judged for itself"


def test_a_merge_and_its_undoing_keep_the_state(ticket, john):
    did(john, "POST", f"/tickets/{ticket}/hold", {"state": "waiting-for-vendor"})
    did(john, "POST", f"/tickets/{ticket}/merge", {"into": opened(john)})
    answer = did(john, "POST", f"/tickets/{ticket}/unmerge")
    assert shown(john, ticket, answer)["state"]["key"] == "waiting-for-vendor"


def test_the_views_say_what_the_stores_say(stack):
    checked = ledgerdesk(stack, "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_is_exported_and_applied_again_changes_nothing(stack, tmp_path, lifecycle):
    file = yaml.safe_load(exported(stack))
    whole = file["lifecycle"]
    assert [state["key"] for state in whole["states"]] == [state["key"] for state in LIFECYCLE["states"]]
    assert whole["moves"][1] == {"verb": "close", "by": [SENIOR], "message": True}
    path = tmp_path / "again.yaml"
    assert "workflow 0" in applied(stack, path, yaml.safe_dump({"lifecycle": whole}))
    del lifecycle


def test_what_is_wrong_with_a_lifecycle_is_told(stack, tmp_path):
    path = tmp_path / "wrong.yaml"
    for said, words in (
        ({"states": [{"key": "closed", "name": "x", "status": "closed"}]}, "lifecycle.states.0.key"),
        ({"moves": [{"verb": "hold", "when": ["closed"]}]}, "lifecycle.moves.0.when: closed"),
        ({"moves": [{"verb": "close", "by": ["unheard-of"]}]}, "lifecycle.moves.0.by: unheard-of"),
        ({"moves": [{"verb": "fly"}]}, "lifecycle.moves.0.verb"),
    ):
        path.write_text(yaml.safe_dump({"lifecycle": said}))
        answer = ledgerdesk(stack, "org", "apply", str(path))
        assert answer.returncode != 0
        assert words in answer.stdout + answer.stderr, answer.stderr
