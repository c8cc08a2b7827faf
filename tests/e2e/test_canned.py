"""Canned replies over HTTP: configured, listed, filled in, sent."""

from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.desk import did, entries, ledgerdesk, opened
from tests.knowing import all_know

RUN = uuid4().hex[:6]
FOR_ALL, FOR_ONE, HOLLOW = f"all-{RUN}", f"one-{RUN}", f"hollow-{RUN}"
REPLIES = [
    {"key": FOR_ALL, "name": "For all", "body": "Dear {{requester.name}}, {{ticket.number}} is with {{department.name}}. {{agent.name}}"},
    {"key": FOR_ONE, "name": "For one", "body": "{{{{braces}} about {{ticket.subject}}", "departments": ["system-administration"]},
    {"key": HOLLOW, "name": "Hollow", "body": "About {{ticket.topic}}"},
]  # fmt: skip


def apply(stack, path, replies):
    path.write_text(yaml.safe_dump({"canned_replies": replies}))
    return ledgerdesk(stack, "org", "apply", str(path))


@pytest.fixture(scope="module", autouse=True)
def replies(stack, tmp_path_factory):
    answer = apply(stack, tmp_path_factory.mktemp("canned") / "canned.yaml", REPLIES)
    assert answer.returncode == 0, answer.stderr


@pytest.fixture
def ticket(admin) -> str:
    """One of support's, about no topic."""
    made = opened(
        admin, subject=f"Printer {{{{agent.name}}}} {RUN}", requester={"email": f"pat@{RUN}.example", "name": "Pat"}
    )
    wait_until(lambda: admin.get(f"/tickets/{made}").json().get("department") == "support", message="routing")
    all_know(admin)  # Pat, too
    return made


def listed(client, **params) -> dict[str, dict]:
    page = client.get("/canned-replies", params=params).raise_for_status().json()
    assert page["next"] is None
    return {item["key"]: item for item in page["items"] if item["key"].endswith(RUN)}


def test_whoever_answers_is_shown_his(person, admin):
    assert set(listed(person("john"))) == {FOR_ALL, HOLLOW}
    assert set(listed(person("jane"))) == {FOR_ALL, HOLLOW, FOR_ONE}
    assert set(listed(person("lea"))) == set(listed(admin)) == {FOR_ALL, HOLLOW, FOR_ONE}, "leads and systems have all"
    shown = listed(person("jane"))[FOR_ONE]
    assert (shown["version"], shown["departments"], shown["text"]) == (1, ["system-administration"], None)
    assert person("john").get("/canned-replies", params={"q": "x"}).status_code == 400
    assert person("john").get("/canned-replies", params={"ticket": "nowhere"}).status_code == 404


def test_filled_in_for_a_ticket(ticket, person):
    jane = person("jane")
    number = jane.get(f"/tickets/{ticket}").json()["number"]
    shown = listed(jane, ticket=number)
    assert shown[FOR_ALL]["text"] == f"Dear Pat, {number} is with Support. Jane Roe"
    assert shown[FOR_ONE]["text"] == "{{braces}} about Printer {{agent.name}} " + RUN, (
        "what is filled in is not looked at again"
    )
    assert (shown[HOLLOW]["text"], shown[HOLLOW]["missing"]) == ("About {{ticket.topic}}", ["ticket.topic"])


def test_sent_as_it_is_filled_in(ticket, person, admin):
    john = person("john")
    key = {"Idempotency-Key": uuid4().hex}
    answer = john.post(f"/tickets/{ticket}/replies", json={"canned": FOR_ALL}, headers=key)
    assert answer.status_code == 201, answer.text
    (said,) = entries(john, ticket, answer, "replied")
    assert said["data"]["canned"] == {"key": FOR_ALL, "version": 1}
    assert said["data"]["body"].startswith("Dear Pat, ")
    assert said["data"]["body"].endswith("is with Support. John Doe")
    again = john.post(f"/tickets/{ticket}/replies", json={"canned": FOR_ALL}, headers=key)
    assert (again.status_code, again.json(), again.headers["Ledgerdesk-Repeat"]) == (201, answer.json(), "true")
    pat = {"Ledgerdesk-On-Behalf-Of": f"pat@{RUN}.example"}
    read = [i for i in admin.get(f"/tickets/{ticket}/timeline", headers=pat).json()["items"] if i["type"] == "replied"]
    assert [item["data"] for item in read] == [{"body": said["data"]["body"]}], "which it was is the desk's business"


def test_words_that_were_made_from_one(ticket, person):
    john = person("john")
    answer = did(john, "POST", f"/tickets/{ticket}/replies", {"canned": HOLLOW, "body": "About the printer, @jane"})
    (said,) = entries(john, ticket, answer, "replied")
    assert (said["data"]["body"], said["data"]["canned"]["key"]) == ("About the printer, @jane", HOLLOW)
    assert said["data"]["mentions"] == ["jane"]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"canned": FOR_ONE}, "canned", "of yours"), ({"canned": "nowhere"}, "canned", "nowhere"), ({"canned": HOLLOW}, "canned", "{{ticket.topic}}"),
        ({"canned": FOR_ONE, "body": "x"}, "canned", "of yours"), ({}, "body", "say something"), ({"canned": FOR_ALL, "body": " "}, "body", "blank"),
    ],
)  # fmt: skip
def test_refused(ticket, person, body, field, said):
    answer = person("john").post(f"/tickets/{ticket}/replies", json=body)
    assert answer.status_code == 422
    assert said in answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert [
        i for i in person("john").get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "replied"
    ] == []


def test_what_cannot_be_filled_in_cannot_be_configured(stack, tmp_path):
    entry = {"key": f"bad-{RUN}", "name": "Bad"}
    for body, said in (
        ("{{requester.password}}", "requester.password"),
        ("{{oops", "begins no variable"),
        (" ", "blank"),
    ):
        answer = apply(stack, tmp_path / "bad.yaml", [{**entry, "body": body}])
        assert answer.returncode != 0
        assert said in answer.stderr


def test_a_changed_one_has_the_next_version_and_an_old_one_is_no_more(stack, tmp_path, person):
    key = f"changing-{RUN}"
    entry = {"key": key, "name": "Changing", "body": "one"}
    assert apply(stack, tmp_path / "c.yaml", [entry]).returncode == 0
    assert apply(stack, tmp_path / "c.yaml", [{**entry, "body": "two"}]).returncode == 0
    assert (listed(person("john"))[key]["version"], listed(person("john"))[key]["body"]) == (2, "two")
    exported = yaml.safe_load(ledgerdesk(stack, "org", "export").stdout)
    assert {**entry, "body": "two"} in exported["canned_replies"]
    assert apply(stack, tmp_path / "c.yaml", [{**entry, "active": False}]).returncode == 0
    assert key not in listed(person("john"))
