"""Custom fields: a topic's form, filled in, changed and read by requesters, agents and other systems; and what they keep from closing."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD, Stack
from tests.e2e.desk import did, everything, ledgerdesk, opened, seen

RUN = uuid4().hex[:6]
GEAR = f"gear-{RUN}"
KIND = "agent"
"""Not in vain: elsewhere in events an `agent` is somebody's id."""
SERIAL, SEATS, CAUSE, NOTE, LIKED = (f"{name}-{RUN}" for name in ("serial", "seats", "cause", "note", "liked"))
HIDDEN = {"visible": False, "editable": False}
FIELDS: list[dict[str, Any]] = [
    {"key": KIND, "name": "Kind", "type": "choice", "topics": [GEAR], "customer": {"required": True},
     "choices": [{"key": "laptop", "name": "Laptop"}, {"key": "printer", "name": "Printer"}]},
    {"key": SERIAL, "name": "Serial number", "help": "On the underside", "type": "text", "topics": [GEAR], "customer": {"required": True},
     "shown_when": [{"field": f"field.{KIND}", "values": ["laptop"]}]},
    {"key": SEATS, "name": "Seats", "type": "integer", "topics": [GEAR], "customer": {"editable": False}},
    {"key": CAUSE, "name": "Cause", "type": "choices", "topics": [GEAR], "customer": HIDDEN, "required_to_close": True,
     "choices": [{"key": "fault", "name": "Fault"}, {"key": "use", "name": "Use"}]},
    {"key": NOTE, "name": "Note", "type": "text", "topics": [GEAR], "customer": HIDDEN},
    {"key": LIKED, "name": "Liked", "type": "bool", "topics": [GEAR], "agent": {"editable": False}},
]  # fmt: skip


OURS = {field["key"] for field in FIELDS}


def applied(stack: Stack, path: Any, file: dict[str, Any]) -> Any:
    path.write_text(yaml.safe_dump(file))
    return ledgerdesk(stack, "org", "apply", str(path))


@pytest.fixture(scope="module", autouse=True)
def form(stack, tmp_path_factory) -> Iterator[None]:
    """A topic with a form, whose tickets go where the example's do."""
    path = tmp_path_factory.mktemp("fields") / "fields.yaml"
    answer = applied(
        stack, path, {"topics": [{"key": GEAR, "name": "Gear", "department": "support"}], "fields": FIELDS}
    )
    assert answer.returncode == 0, answer.stderr
    yield
    answer = applied(stack, path, {"fields": [{**field, "active": False} for field in FIELDS]})
    assert answer.returncode == 0, answer.stderr


@pytest.fixture
def ken(person):
    return person("ken")


@pytest.fixture
def john(person):
    return person("john")


def new(**fields: Any) -> dict[str, Any]:
    return {"subject": f"Gear {uuid4().hex[:8]}", "body": "words", "topic": GEAR, "fields": fields}


def refused(answer: httpx.Response, status: int = 422) -> set[str]:
    assert answer.status_code == status, answer.text
    return {error["field"] for error in answer.json()["errors"]}


@pytest.fixture
def ticket(ken) -> str:
    """Ken's, who has filled in what he must."""
    answer = did(ken, "POST", "/tickets", new(**{KIND: "laptop", SERIAL: "S/N 4711"}))
    wait_until(lambda: ken.get(f"/tickets/{answer.json()['id']}").is_success, message="his ticket")
    return str(answer.json()["id"])


def steps(client: httpx.Client, ticket: str, kind: str) -> list[dict[str, Any]]:
    items = client.get(f"/tickets/{ticket}/timeline").raise_for_status().json()["items"]
    return [item["data"] for item in items if item["type"] == kind]


def test_each_sees_his_form(ken, john):
    def form_of(client: httpx.Client) -> dict[str, dict[str, Any]]:
        topics = client.get("/topics").raise_for_status().json()
        (topic,) = [topic for topic in topics["items"] if topic["key"] == GEAR]
        assert not {field["key"] for field in topics["without_topic"]} & {KIND, CAUSE}
        return {field["key"]: field for field in topic["fields"] if field["key"] in OURS}

    of_ken, of_john = form_of(ken), form_of(john)
    assert list(of_ken) == [KIND, SERIAL, SEATS, LIKED]
    assert list(of_john) == [KIND, SERIAL, SEATS, CAUSE, NOTE, LIKED]
    assert (of_ken[KIND]["required"], of_john[KIND]["required"]) == (True, False)
    assert (of_ken[SEATS]["editable"], of_john[SEATS]["editable"], of_john[LIKED]["editable"]) == (False, True, False)
    assert [choice["key"] for choice in of_ken[KIND]["choices"]] == ["laptop", "printer"]
    assert of_ken[SERIAL]["shown_when"] == [{"field": f"field.{KIND}", "op": "is", "values": ["laptop"]}]
    assert ken.get("/topics", params={"x": 1}).status_code == 400


def test_what_a_requester_must_and_must_not_fill_in(ken):
    assert refused(ken.post("/tickets", json=new())) == {f"fields.{KIND}"}
    assert refused(ken.post("/tickets", json=new(**{KIND: "laptop"}))) == {f"fields.{SERIAL}"}
    assert refused(ken.post("/tickets", json=new(**{KIND: "fax", SEATS: 2, CAUSE: ["use"], "never": 1}))) == {
        f"fields.{KIND}", f"fields.{SEATS}", f"fields.{CAUSE}", "fields.never",
    }  # fmt: skip
    assert refused(ken.post("/tickets", json=new(**{KIND: "printer", SERIAL: "x"}))) == {f"fields.{SERIAL}"}
    assert refused(ken.post("/tickets", json={**new(), "topic": None, "fields": {KIND: "laptop"}})) == {
        f"fields.{KIND}"
    }
    assert ken.post("/tickets", json={**new(), "fields": {"Not a key": 1}}).status_code == 422
    assert ken.post("/tickets", json={**new(), "fields": [1]}).status_code == 422


def test_what_is_filled_in_is_read_by_those_who_may(ken, john):
    answer = did(ken, "POST", "/tickets", new(**{KIND: "laptop", SERIAL: " S/N 1 ", LIKED: False}))
    whole = {KIND: "laptop", SERIAL: "S/N 1", LIKED: False}
    ticket = answer.json()["id"]
    assert answer.json()["fields"] == whole
    assert seen(ken, answer, f"/tickets/{ticket}")["fields"] == whole
    assert seen(john, answer, f"/tickets/{ticket}")["fields"] == whole
    assert steps(ken, ticket, "created")[0]["fields"] == whole
    items = {item["key"]: item for item in john.get(f"/tickets/{ticket}/fields").json()["items"]}
    assert {key: items[key]["value"] for key in whole} == whole
    assert (items[CAUSE]["missing"], items[SEATS]["missing"], items[LIKED]["editable"]) == (True, False, False)
    assert CAUSE not in {item["key"] for item in ken.get(f"/tickets/{ticket}/fields").json()["items"]}


def test_the_desk_and_other_systems_are_held_to_less(john, admin):
    body = {**new(), "requester": {"email": "ken@example.org"}}
    assert did(john, "POST", "/tickets", body).json()["fields"] == {}
    assert did(admin, "POST", "/tickets", {**body, "fields": {CAUSE: ["use"]}}).json()["fields"] == {CAUSE: ["use"]}
    assert refused(admin.post("/tickets", json={**body, "fields": {SEATS: "2"}})) == {f"fields.{SEATS}"}
    assert refused(john.post("/tickets", json={**body, "fields": {LIKED: True}})) == {f"fields.{LIKED}"}


def test_rules_look_at_fields(ken, john, stack, tmp_path):
    def rule(key: str, tests: dict[str, str], actions: dict[str, Any], **more: Any) -> dict[str, Any]:
        said = [{"field": f"field.{name}", "op": "equals", "value": value} for name, value in tests.items()]
        return {"key": f"{key}-{RUN}", "name": key, "stop": False, "tests": said, "actions": actions, **more}

    odd, even = f"odd{RUN}", f"even{RUN}"
    rules = [
        rule("refused", {SERIAL: odd}, {"reject": "Not this one."}), rule("soon", {SERIAL: even, KIND: "laptop"}, {"priority": "high"}),
        rule("shut", {KIND: "laptop", SERIAL: even, SEATS: "7"}, {"status": "closed", "add_tags": [even]}),
    ]  # fmt: skip
    answer = applied(stack, tmp_path / "rules.yaml", {"rules": rules})
    assert answer.returncode == 0, answer.stderr
    try:
        wait_until(
            lambda: ken.post("/tickets", json=new(**{KIND: "laptop", SERIAL: odd})).status_code == 422,
            message="the door",
        )
        ticket = did(ken, "POST", "/tickets", new(**{KIND: "laptop", SERIAL: even})).json()["id"]
        wait_until(lambda: ken.get(f"/tickets/{ticket}").json().get("priority") == "high", message="the rule")
        body = {**new(**{KIND: "laptop", SERIAL: even, SEATS: 7}), "requester": {"email": "ken@example.org"}}
        other = did(john, "POST", "/tickets", body).json()["id"]
        wait_until(lambda: john.get(f"/tickets/{other}").json().get("tags") == [even], message="the rule")
        assert john.get(f"/tickets/{other}").json()["status"] != "closed", "it lacks its cause"
    finally:
        applied(stack, tmp_path / "rules.yaml", {"rules": [{**rule, "active": False} for rule in rules]})


def test_an_idempotent_ticket_is_answered_as_at_first_whatever_the_form_is_now(ken):
    key, body = {"Idempotency-Key": uuid4().hex}, new(**{KIND: "laptop", SERIAL: "S/N 9"})
    first, again = (ken.post("/tickets", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    other = {**body, "fields": {KIND: "printer"}}
    assert ken.post("/tickets", json=other, headers=key).status_code == 422


def test_changes_are_steps_with_old_and_new(ticket, ken, john):
    path = f"/tickets/{ticket}/fields"
    answer = did(john, "PATCH", path, {SERIAL: "S/N 4712", NOTE: "spare", SEATS: 2})
    assert seen(john, answer, f"/tickets/{ticket}")["fields"] == {
        KIND: "laptop",
        SERIAL: "S/N 4712",
        NOTE: "spare",
        SEATS: 2,
    }
    assert seen(john, answer, f"/tickets/{ticket}")["status"] == "open", "an agent's first act"
    assert steps(john, ticket, "fields_changed") == [
        {"new": {SEATS: 2, SERIAL: "S/N 4712", NOTE: "spare"}, "old": {SEATS: None, SERIAL: "S/N 4711", NOTE: None}}
    ]
    assert seen(ken, answer, f"/tickets/{ticket}")["fields"] == {KIND: "laptop", SERIAL: "S/N 4712", SEATS: 2}
    answer = did(john, "PATCH", path, {NOTE: None})
    seen(john, answer, f"/tickets/{ticket}")
    assert steps(ken, ticket, "fields_changed") == [
        {"new": {SEATS: 2, SERIAL: "S/N 4712"}, "old": {SEATS: None, SERIAL: "S/N 4711"}}
    ]
    assert steps(john, ticket, "fields_changed")[1] == {"new": {NOTE: None}, "old": {NOTE: "spare"}}


def test_who_may_change_what(ticket, ken, john, person):
    path = f"/tickets/{ticket}/fields"
    assert refused(ken.patch(path, json={SEATS: 2})) == {f"fields.{SEATS}"}
    assert refused(ken.patch(path, json={CAUSE: ["use"]})) == {f"fields.{CAUSE}"}
    assert refused(ken.patch(path, json={SERIAL: None})) == {f"fields.{SERIAL}"}
    assert refused(john.patch(path, json={LIKED: True})) == {f"fields.{LIKED}"}
    assert refused(john.patch(path, json={SEATS: 2.5, KIND: 1})) == {f"fields.{SEATS}", f"fields.{KIND}"}
    for text in (
        "{}",
        "[]",
        "null",
        '"x"',
        '{"fields": {"x": 2}}',
        '{"\\ud800": 1}',
        f'{{"{SERIAL}": "\\ud800"}}',
        "{",
        f'{{"{SEATS}": NaN}}',
    ):
        answer = john.patch(path, content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, f"{text}: {answer.text}"
    assert person("ana").patch(path, json={SEATS: 2}).status_code == 403
    answer = did(ken, "PATCH", path, {LIKED: True, KIND: "printer"})
    assert seen(ken, answer, f"/tickets/{ticket}")["fields"] == {KIND: "printer", LIKED: True}, (
        "no serial number of a printer"
    )
    assert seen(ken, answer, f"/tickets/{ticket}")["status"] == "new", "no agent has done anything"
    stale = john.patch(path, json={SEATS: 3}, headers={"If-Match": '"intake.1-workflow.0"'})
    assert stale.status_code == 412
    assert stale.json()["since"][-1]["data"]["new"] == {LIKED: True, KIND: "printer"}


def test_who_may_not_edit_a_ticket_fills_in_his_own_as_a_customer(stack, person, tmp_path):
    """An analyst sees all that is in a ticket, his own included; that makes him nobody who works it."""
    login = f"amy-{RUN}"
    amy = {
        "email": f"{login}@{RUN}.example",
        "login": login,
        "name": "Amy",
        "roles": ["requester", "analyst"],
        "password": PASSWORD,
    }
    assert applied(stack, tmp_path / "amy.yaml", {"people": [amy]}).returncode == 0
    with stack.signed_in(login) as client:
        ticket = did(client, "POST", "/tickets", new(**{KIND: "printer"})).json()["id"]
        wait_until(lambda: client.get(f"/tickets/{ticket}").is_success, message="her ticket")
        path = f"/tickets/{ticket}/fields"
        assert refused(client.patch(path, json={SEATS: 2})) == {f"fields.{SEATS}"}
        assert refused(client.patch(path, json={CAUSE: ["use"]})) == {f"fields.{CAUSE}"}
        items = {item["key"]: item for item in client.get(path).json()["items"]}
        assert (items[SEATS]["editable"], items[CAUSE]["editable"], items[LIKED]["editable"]) == (False, False, True)
        did(client, "PATCH", path, {LIKED: True})
    ana = {item["key"]: item["editable"] for item in person("ana").get(path).json()["items"]}
    assert not any(ana.values()), "who may change nothing is offered nothing"


def test_closing_waits_for_what_it_needs(ticket, ken, john):
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "swapped"})
    answer = john.post(f"/tickets/{ticket}/close")
    assert refused(answer, 409) == {f"fields.{CAUSE}"}
    answer = ken.post(f"/tickets/{ticket}/close")
    assert refused(answer, 409) == set()
    assert "Cause" not in answer.text, "that is the desk's business"
    bulk = john.post("/bulk/close", json={"tickets": [ticket]}).json()
    assert [(item["status"], CAUSE in item["detail"]) for item in bulk["results"]] == [(409, True)]
    did(john, "PATCH", f"/tickets/{ticket}/fields", {CAUSE: ["use", "fault"]})
    answer = did(john, "POST", f"/tickets/{ticket}/close")
    shown = seen(john, answer, f"/tickets/{ticket}")
    assert (shown["status"], shown["fields"][CAUSE]) == ("closed", ["fault", "use"])
    assert refused(john.patch(f"/tickets/{ticket}/fields", json={CAUSE: None}), 409) == {f"fields.{CAUSE}"}
    did(ken, "PATCH", f"/tickets/{ticket}/fields", {LIKED: True}, (409,))
    did(john, "PATCH", f"/tickets/{ticket}/fields", {SEATS: 1})


def test_tickets_are_found_by_their_fields(ken, john):
    number = uuid4().int % 10**9
    mine = opened(john, topic=GEAR, fields={SEATS: number, KIND: "printer"})
    other = opened(john, topic=GEAR, fields={SEATS: number, KIND: "laptop", SERIAL: "S/N 77", CAUSE: ["use", "fault"]})
    assert wait_until(lambda: found(john, {SEATS: number}) == {mine, other}, message="both")
    assert found(john, {SEATS: number, KIND: "printer"}) == {mine}
    assert found(john, {SEATS: number, KIND: ["printer", "laptop"]}) == {mine, other}
    assert found(john, {SEATS: number, CAUSE: "fault", SERIAL: "S/N 77"}) == {other}
    assert found(ken, {SEATS: number, KIND: "laptop"}) == {other}
    for client, name, value in (
        (ken, CAUSE, "fault"), (john, "never", "x"), (john, KIND, "fax"), (john, SEATS, "two"), (john, KIND, ["laptop"] * 11),
    ):  # fmt: skip
        answer = client.get("/tickets", params={f"field.{name}": value})
        assert refused(answer) == {f"field.{name}"}, name


def found(client: httpx.Client, filters: dict[str, Any]) -> set[str]:
    params = {f"field.{name}": value for name, value in filters.items()}
    return {item["id"] for item in client.get("/tickets", params=params).raise_for_status().json()["items"]}


def test_many_at_once_and_undone(john):
    tickets = [opened(john, topic=GEAR, fields={KIND: "laptop", SERIAL: "S/N 1"}) for _ in range(2)]
    for ticket in tickets:
        wait_until(lambda t=ticket: john.get(f"/tickets/{t}").json().get("assignee"), message="routing")
    body = {"tickets": tickets, "body": {KIND: "printer", SERIAL: None, NOTE: "moved"}}
    bulk = john.post("/bulk/fields", json=body).raise_for_status().json()
    assert bulk["done"] == 2
    for ticket in tickets:
        wait_until(
            lambda t=ticket: john.get(f"/tickets/{t}").json()["fields"] == {KIND: "printer", NOTE: "moved"},
            message="it",
        )
    undone = john.post(f"/bulk/workflow/{bulk['bulk']}/undo").raise_for_status().json()
    assert undone["done"] == 2
    for ticket in tickets:
        wait_until(
            lambda t=ticket: john.get(f"/tickets/{t}").json()["fields"] == {KIND: "laptop", SERIAL: "S/N 1"},
            message="as it was",
        )
    wrong = john.post("/bulk/fields", json={"tickets": tickets, "body": {SEATS: "x"}}).json()
    assert {item["status"] for item in wrong["results"]} == {422}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": "text"}, f"fields.{KIND}.type"), ({"topics": ["never"]}, f"fields.{KIND}.topics"),
        ({"choices": []}, f"fields.{KIND}.choices"), ({"shown_when": [{"field": f"field.{SERIAL}", "op": "filled"}]}, "ring"),
        ({"customer": {"required": True, "editable": False}}, f"fields.{KIND}.customer"),
    ],
)  # fmt: skip
def test_what_cannot_be_configured_is_said(stack, tmp_path, change, place):
    answer = applied(stack, tmp_path / "wrong.yaml", {"fields": [{**FIELDS[0], **change}]})
    assert answer.returncode == 1
    assert place in answer.stderr


def test_what_is_configured_comes_out_as_it_went_in(stack, tmp_path):
    out = ledgerdesk(stack, "org", "export")
    assert out.returncode == 0, out.stderr
    exported = {field["key"]: field for field in yaml.safe_load(out.stdout)["fields"]}
    for field in FIELDS:
        said = {name: value for name, value in exported[field["key"]].items() if name != "order"}
        assert said == field
    assert [key for key in exported if key in OURS] == [field["key"] for field in FIELDS]
    path = tmp_path / "again.yaml"
    path.write_text(out.stdout)
    again = ledgerdesk(stack, "org", "apply", str(path))
    assert "intake 0" in again.stdout, again.stdout + again.stderr


async def test_words_that_are_taken_back_are_blank_in_fields_too(ken, john, person, stack):
    asked, said = f"asked{uuid4().hex[:8]}", f"said{uuid4().hex[:8]}"
    answer = did(ken, "POST", "/tickets", new(**{KIND: "laptop", SERIAL: asked}))
    ticket = answer.json()["id"]
    items = wait_until(lambda: john.get(f"/tickets/{ticket}/timeline").json().get("items"), message="its timeline")
    assert asked in str(items)
    did(john, "PATCH", f"/tickets/{ticket}/fields", {NOTE: said})
    did(john, "PATCH", f"/tickets/{ticket}/fields", {SERIAL: "S/N 1"})
    dsn = stack.environment["DATABASE_URL"]
    wait_until(lambda: john.get(f"/tickets/{ticket}").json()["fields"][SERIAL] == "S/N 1", message="the change")
    assert await everything(dsn, [asked])
    answer = did(person("lea"), "DELETE", f"/tickets/{ticket}/messages/{items[0]['id']}")
    shown = seen(john, answer, f"/tickets/{ticket}")
    assert shown["fields"] == {KIND: "laptop", SERIAL: "S/N 1", NOTE: said}, "what was said since stands"
    assert steps(john, ticket, "fields_changed")[1]["old"] == {SERIAL: "(erased)"}
    assert not await everything(dsn, [asked])


async def test_who_is_forgotten_is_forgotten_in_fields_too(john, stack):
    asked, said, address = f"asked{uuid4().hex[:8]}", f"said{uuid4().hex[:8]}", f"f.{uuid4().hex[:8]}@gone.example"
    body = {**new(**{KIND: "laptop", SERIAL: asked}), "requester": {"email": address}}
    ticket = did(john, "POST", "/tickets", body).json()["id"]
    wait_until(lambda: john.get(f"/tickets/{ticket}").json().get("assignee"), message="routing")
    did(john, "PATCH", f"/tickets/{ticket}/fields", {SERIAL: f"{said} once"})
    answer = did(john, "PATCH", f"/tickets/{ticket}/fields", {SERIAL: f"{said} twice", NOTE: said})
    assert said in str(seen(john, answer, f"/tickets/{ticket}")["fields"])
    done = ledgerdesk(stack, "person", "forget", address, "--reason", "asked", "--yes")
    assert done.returncode == 0, done.stderr
    assert await everything(stack.environment["DATABASE_URL"], [asked, said, address]) == []
    shown = john.get(f"/tickets/{ticket}").json()
    assert shown["fields"] == {KIND: "laptop", SERIAL: "(erased)", NOTE: "(erased)"}
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "gone"})
    did(john, "PATCH", f"/tickets/{ticket}/fields", {CAUSE: ["use"]})
    did(john, "POST", f"/tickets/{ticket}/close")
    verified = ledgerdesk(stack, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
