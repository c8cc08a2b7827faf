"""Queues that people save: whose they are, what stands in them, who else has them."""

from uuid import uuid4

import pytest

from shared.testing.wait import wait_until
from tests.e2e.desk import everything, ledgerdesk, opened

RUN = uuid4().hex[:6]
TAG = f"q-{RUN}"


def body(**more) -> dict:
    return {"name": f"Queue {RUN}", "filters": {"tag": [TAG], "status": ["new", "open", "on_hold"]}, **more}


def made(client, **more) -> str:
    answer = client.post("/queues", json=body(**more))
    assert answer.status_code == 201, answer.text
    ident = answer.json()["id"]
    wait_until(lambda: ident in listed(client), message="the queue in its owner's list")
    return ident


def listed(client) -> dict[str, dict]:
    return {one["id"]: one for one in client.get("/queues").raise_for_status().json()["items"]}


@pytest.fixture
def queue(person):
    ident = made(person("john"))
    yield ident
    person("john").delete(f"/queues/{ident}")


def test_it_counts_what_the_list_shows(queue, person, admin):
    john, jane = person("john"), person("jane")
    for _ in range(2):
        opened(admin, tags=[TAG])
    wait_until(lambda: listed(john)[queue]["count"] == 2, message="both counted")
    found = listed(john)[queue]
    assert (found["name"], found["mine"], found["editable"], found["owner"]["login"]) == (
        f"Queue {RUN}",
        True,
        True,
        "john",
    )
    assert len(john.get("/tickets", params={**found["filters"], "sort": found["sort"]}).json()["items"]) == 2
    assert queue not in listed(jane), "it is private"
    assert queue not in listed(person("ken")), "who works no tickets has none"


def test_it_is_shared_changed_and_removed(person):
    john, jane, lea = person("john"), person("jane"), person("lea")
    ident = made(john, share="team", team="on-call")
    assert wait_until(lambda: listed(jane).get(ident), message="in the team's list")["editable"] is False
    assert jane.put(f"/queues/{ident}", json=body()).status_code == 403
    assert jane.delete(f"/queues/{ident}").status_code == 403
    assert (
        john.put(
            f"/queues/{ident}", json=body(share="desk", name="For all"), headers={"If-Match": '"workflow.9"'}
        ).status_code
        == 412
    )
    assert (
        lea.put(f"/queues/{ident}", json=body(share="desk", name="For all", columns=["topic"], order=3)).status_code
        == 200
    )
    found = wait_until(
        lambda: next((one for key, one in listed(jane).items() if key == ident and one["name"] == "For all"), None), message="changed"
    )  # fmt: skip
    assert (found["columns"], found["order"], found["owner"]["login"]) == (["topic"], 3, "john"), "it stays John's"
    assert john.put(f"/queues/{ident}", json=body()).status_code == 200
    wait_until(lambda: ident not in listed(jane), message="private again")
    assert jane.delete(f"/queues/{ident}").status_code == 404
    assert lea.delete(f"/queues/{ident}").status_code == 404, "who leads sees no private ones"
    assert john.delete(f"/queues/{ident}", headers={"Idempotency-Key": RUN}).status_code == 200
    assert john.delete(f"/queues/{ident}", headers={"Idempotency-Key": RUN}).status_code == 200
    assert john.delete(f"/queues/{ident}").status_code == 404
    wait_until(lambda: ident not in listed(john), message="gone")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"filters": {"nonsense": ["x"]}}, "filters.nonsense"), ({"filters": {"status": ["asleep"]}}, "filters.status"),
        ({"filters": {"field.no-such-field": ["x"]}}, "field.no-such-field"), ({"columns": ["field.no-such-field"]}, "columns"),
        ({"share": "team"}, "team"), ({"team": "on-call"}, "team"), ({"share": "team", "team": "no-team"}, "team"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(person, more, field):
    answer = person("john").post("/queues", json=body(**more))
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_sent_again_it_is_the_same(person):
    john = person("john")
    key = {"Idempotency-Key": f"same-{RUN}"}
    first, again = (john.post("/queues", json=body(), headers=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Ledgerdesk-Repeat"] == "true"
    assert john.post("/queues", json=body(name="Other"), headers=key).status_code == 422
    john.delete(f"/queues/{first.json()['id']}")


def test_another_system_saves_none(admin):
    assert admin.post("/queues", json=body()).status_code == 403
    assert admin.get("/queues").json()["items"] == []
    assert admin.get("/queues", params={"q": "x"}).status_code == 400


def test_the_teams_queue(person, admin):
    number = opened(admin, tags=[f"team-{RUN}"])
    wait_until(
        lambda: admin.post(f"/tickets/{number}/assign", json={"team": "on-call"}).status_code == 200,
        message="given to the team",
    )
    of_team = {"teams": "me", "tag": f"team-{RUN}"}
    wait_until(
        lambda: len(person("jane").get("/tickets", params=of_team).json()["items"]) == 1, message="in the team's queue"
    )
    assert person("jane").get("/tickets/counts").json()["my_teams"] >= 1
    assert person("lea").get("/tickets", params=of_team).json()["items"] == [], "she is in no team"
    assert admin.get("/tickets", params=of_team).status_code == 422


async def test_who_is_forgotten_leaves_no_queue(admin, person, stack, tmp_path):
    login, word = f"gone-{RUN}", f"secretive-{RUN}"
    path = tmp_path / "gone.yaml"
    path.write_text(
        f"people:\n  - {{login: {login}, email: {login}@example.org, name: G, roles: [agent], departments: [support]}}\n"
    )
    assert ledgerdesk(stack, "org", "apply", str(path)).returncode == 0
    for_him = {"Ledgerdesk-On-Behalf-Of": login}
    saved = admin.post("/queues", json=body(name=word, share="desk", filters={"q": [word]}), headers=for_him)
    assert saved.status_code == 201, saved.text
    wait_until(lambda: word in str(admin.get("/queues", headers=for_him).json()), message="saved")
    database = stack.environment["DATABASE_URL"]
    assert await everything(database, [word]) != []
    answer = ledgerdesk(stack, "person", "forget", f"{login}@example.org", "--reason", "asked", "--yes")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert await everything(database, [word]) == []
    assert word not in str(person("jane").get("/queues").json())
    audited = ledgerdesk(stack, "verify")
    assert audited.returncode == 0, audited.stdout + audited.stderr
