"""What somebody may not read, he does not find out by asking for it in other ways: by words, filters, mentions, merges."""

from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD
from tests.e2e.desk import ledgerdesk

RUN = uuid4().hex[:6]
HERE, ELSEWHERE = f"d-here-{RUN}", f"d-elsewhere-{RUN}"
PEOPLE = {
    "bob": ("agent", ELSEWHERE, "departments"),
    "hanna": ("agent", HERE, "departments"),
    "ron": ("requester", None, None),
}


@pytest.fixture(scope="module")
def people(stack, tmp_path_factory):
    """Bob works elsewhere and has asked here; Hanna works here; Ron is nobody's colleague."""
    file = {
        "departments": [{"key": HERE, "name": "Here"}, {"key": ELSEWHERE, "name": "Elsewhere"}],
        "topics": [{"key": HERE, "name": "Here", "department": HERE}, {"key": ELSEWHERE, "name": "Elsewhere", "department": ELSEWHERE}],
        "people": [
            {"email": f"{name}@{RUN}.example", "login": f"{name}-{RUN}", "name": name.title(), "roles": [role], "password": PASSWORD,
             **({"departments": [department], "sees": sees} if department else {})}
            for name, (role, department, sees) in PEOPLE.items()
        ],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("discretion") / "org.yaml"
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    clients = {name: stack.signed_in(f"{name}-{RUN}") for name in PEOPLE}
    yield clients
    for client in clients.values():
        client.close()


def asked_by(admin, name: str, topic: str = HERE) -> str:
    body = {
        "subject": f"Asked by {name}",
        "body": "Please.",
        "topic": topic,
        "requester": {"email": f"{name}@{RUN}.example"},
    }
    ticket = admin.post("/tickets", json=body).raise_for_status().json()["id"]
    wait_until(lambda: admin.get(f"/tickets/{ticket}").json().get("department") == topic, message="its department")
    return ticket


def found(client, **asked) -> set[str]:
    return {one["id"] for one in client.get("/tickets", params=asked).raise_for_status().json()["items"]}


def test_words_of_notes_are_found_by_who_may_read_them(people, admin):
    ticket, word = asked_by(admin, "bob"), f"dismissal{uuid4().hex[:8]}"
    wait_until(lambda: people["bob"].get(f"/tickets/{ticket}").is_success, message="his request")
    wait_until(lambda: people["hanna"].get(f"/tickets/{ticket}").is_success, message="her ticket")
    people["hanna"].post(f"/tickets/{ticket}/notes", json={"body": f"This is about his {word}."}).raise_for_status()
    people["hanna"].post(f"/tickets/{ticket}/replies", json={"body": f"Public {word[::-1]}."}).raise_for_status()
    wait_until(lambda: found(people["hanna"], q=word) == {ticket}, message="the note")
    wait_until(lambda: found(people["bob"], q=word[::-1]) == {ticket}, message="the reply")
    assert found(people["bob"], q=word) == set(), "he has asked for it, and may not read its notes"
    assert found(people["bob"], q=word, requester="me") == set()


def test_who_has_it_is_no_question_of_its_requester(people, admin):
    ticket = asked_by(admin, "ron")
    wait_until(lambda: found(people["hanna"], assignee="me") >= {ticket}, message="routing")
    assert found(people["ron"], requester="me") >= {ticket}
    assert found(people["ron"], assignee=f"hanna-{RUN}") == set()
    assert found(people["ron"], assignee="none") == set()
    assert found(people["ron"], team="on-call") == set()
    others = asked_by(admin, "bob")
    wait_until(lambda: found(people["hanna"], assignee="me") >= {others}, message="routing")
    assert found(people["bob"], assignee=f"hanna-{RUN}") == set(), "he has asked, and is no more than its requester"


def test_a_mention_tells_who_may_read_the_ticket_what_it_says_now(people, admin):
    hidden, ours = asked_by(admin, "ron"), asked_by(admin, "ron", ELSEWHERE)
    said = {}
    for ticket in (hidden, ours):
        note = admin.post(f"/tickets/{ticket}/notes", json={"body": f"@bob-{RUN} see this"}).raise_for_status()
        after = {"Ledgerdesk-After": note.headers["Ledgerdesk-Version"]}
        items = admin.get(f"/tickets/{ticket}/timeline", headers=after).json()["items"]
        said[ticket] = next(item["id"] for item in items if item["type"] == "noted")
    path = f"/tickets/{ours}/notes/{said[ours]}"
    admin.put(path, json={"body": f"@bob-{RUN} see that"}).raise_for_status()

    def mentions() -> dict[str, str]:
        return {one["ticket"]: one["body"] for one in people["bob"].get("/mentions").raise_for_status().json()["items"]}

    wait_until(lambda: mentions().get(ours) == f"@bob-{RUN} see that", message="the mention, as it is now")
    assert hidden not in mentions()
    admin.post(f"/tickets/{hidden}/transfer", json={"department": ELSEWHERE}).raise_for_status()
    wait_until(lambda: hidden in mentions(), message="what he may see by now")


def test_merging_takes_the_right_on_both(people, admin):
    mine, asked = asked_by(admin, "ron", ELSEWHERE), asked_by(admin, "bob")
    bob = people["bob"]
    wait_until(
        lambda: bob.get(f"/tickets/{asked}").is_success and bob.get(f"/tickets/{mine}").is_success, message="both"
    )
    refused = bob.post(f"/tickets/{mine}/merge", json={"into": asked})
    assert refused.status_code == 403, refused.text
    assert admin.post(f"/tickets/{mine}/merge", json={"into": asked}).is_success
