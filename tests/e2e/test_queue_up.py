"""A ticket for which nobody is there waits in sight, and is given to who comes."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import yaml

from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk, opened

KEY = f"night-{uuid4().hex[:6]}"
LOGIN = f"owl-{uuid4().hex[:6]}"


def apply(stack, tmp_path, **agent) -> None:
    path = tmp_path / "night.yaml"
    person = {
        "email": f"{LOGIN}@ledgerdesk.example", "login": LOGIN, "name": "Night Owl", "roles": ["agent"], "departments": [KEY], **agent,
    }  # fmt: skip
    file = {
        "departments": [{"key": KEY, "name": "Night", "public": False, "strategy": "round_robin", "parent": "support"}],
        "topics": [{"key": KEY, "name": "Night", "department": KEY}], "people": [person],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr


def test_it_waits_and_is_taken_up(stack, admin, tmp_path):
    today = datetime.now(UTC).date()
    apply(stack, tmp_path, away=[{"start": str(today - timedelta(days=1)), "end": str(today + timedelta(days=1))}])
    ticket = opened(admin, topic=KEY)

    def steps() -> list[dict]:
        return admin.get(f"/tickets/{ticket}/timeline").json().get("items", [])

    wait_until(lambda: [s for s in steps() if s["type"] == "queued"], message="the queue")
    (queued,) = [step for step in steps() if step["type"] == "queued"]
    (candidate,) = queued["data"]["why"]["candidates"]
    assert (candidate["agent"], candidate["excluded"]) == (LOGIN, f"is away until {today + timedelta(days=1)}")
    assert admin.get(f"/tickets/{ticket}").json()["assignee"] is None
    waiting = admin.get("/tickets", params={"assignee": "none", "department": KEY}).json()["items"]
    assert [item["id"] for item in waiting] == [ticket]
    apply(stack, tmp_path)
    wait_until(lambda: admin.get(f"/tickets/{ticket}").json()["assignee"], timeout=15, message="who has come")
    given = [step for step in steps() if step["type"] == "assigned"][-1]
    assert given["data"]["why"]["reason"].startswith("somebody can have it now: next in turn")


def test_a_file_that_names_what_is_not_there(stack, tmp_path):
    path = tmp_path / "bad.yaml"
    for file, said in (
        ({"departments": [{"key": "a", "name": "A", "parent": "nowhere"}]}, "nowhere"),
        ({"people": [{"email": "x@y.example", "login": "x", "roles": ["agent"], "zone": "Mars/Base",
                      "shifts": [{"days": ["mon"], "start": "09:00", "end": "17:00"}]}]}, "Mars/Base"),
    ):  # fmt: skip
        path.write_text(yaml.safe_dump(file))
        answer = ledgerdesk(stack, "org", "apply", str(path))
        assert answer.returncode != 0
        assert said in answer.stderr
