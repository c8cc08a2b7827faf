"""A ticket as it was: at each moment of its timeline, and now."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.testing.wait import wait_until
from tests.e2e.test_work import opened

RUN = uuid4().hex[:6]


def at(client, ticket, moment, part="", status=200):
    answer = client.get(f"/tickets/{ticket}{part}", params={"at": moment})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_at_each_moment_and_now(admin, person):
    john = person("john")
    ticket = opened(admin, subject=f"Past {RUN}", priority="high", requester={"email": "ken@example.org"})
    before = datetime.now(UTC).isoformat()
    wait_until(lambda: john.get(f"/tickets/{ticket}").json().get("department") == "support", message="routing")
    for verb, body in (
        ("assign", {"team": "on-call"}), ("notes", {"body": "inside"}), ("prioritise", {"priority": "low"}), ("hold", {"reason": "parts"}),
        ("tags", {"add": [RUN]}), ("resolve", {"resolution": "done"}),
    ):  # fmt: skip
        assert john.post(f"/tickets/{ticket}/{verb}", json=body).is_success
    for slot, value in (("status", "resolved"), ("team", "on-call")):  # workflow's and routing's
        wait_until(lambda s=slot, v=value: john.get(f"/tickets/{ticket}").json()[s] == v, message=value)
    items = john.get(f"/tickets/{ticket}/timeline").json()["items"]

    now = john.get(f"/tickets/{ticket}").json()
    assert at(john, ticket, datetime.now(UTC).isoformat()) == now
    assert at(john, ticket, datetime.now(UTC).isoformat(), "/timeline")["items"] == items
    moments = {item["type"]: item["at"] for item in items}
    held = at(john, ticket, moments["held"])
    assert (held["status"], held["priority"], held["tags"]) == ("on_hold", "low", [])
    assert at(john, ticket, moments["noted"])["priority"] == "high"
    for item in items:
        then = at(john, ticket, item["at"])
        steps = at(john, ticket, item["at"], "/timeline")["items"]
        assert steps == [
            one for one in items if datetime.fromisoformat(one["at"]) <= datetime.fromisoformat(item["at"])
        ]
        assert sum(then["versions"].values()) == len(steps)

    ken = person("ken")
    assert at(ken, ticket, moments["noted"])["team"] is None
    assert "noted" not in {one["type"] for one in at(ken, ticket, moments["resolved"], "/timeline")["items"]}
    assert at(john, ticket, "2020-01-01T00:00:00Z", status=404)["detail"].startswith("There was no ticket")
    assert at(john, ticket, "2020-01-01T00:00:00", status=422)
    assert john.get(f"/tickets/{ticket}", params={"as_of": before}).status_code == 400
