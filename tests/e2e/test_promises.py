"""Service levels over HTTP: an organisation file with calendars and plans, what agents see, what a changed calendar changes."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.desk import did, ledgerdesk, opened

TOPIC = f"sla-{uuid4().hex[:6]}"
ALL_WEEK = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]
FILE = {
    "topics": [{"key": TOPIC, "name": "Under a plan"}],
    "calendars": [{"key": TOPIC, "name": "Round the clock", "zone": "Europe/Berlin", "hours": ALL_WEEK}],
    "sla_plans": [{
        "key": TOPIC, "name": "Gold", "calendar": TOPIC, "topics": [TOPIC], "targets": {"first_response": 60, "resolution": 480},
        "ladder": [{"after": 0, "notify": ["jane"]}],
    }],
    "people": [{"email": "jane@ledgerdesk.example", "login": "jane", "name": "Jane Roe", "roles": ["agent"],
                "departments": ["system-administration"], "skills": ["network", "mail", "linux"]}],
}  # fmt: skip


def applied(stack, tmp_path, file) -> str:
    path = tmp_path / "sla.yaml"
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def plan(stack, tmp_path_factory):
    """A plan for one topic, which is taken out of force afterwards: other tests count every event of theirs."""
    folder = tmp_path_factory.mktemp("sla")
    applied(stack, folder, FILE)
    yield TOPIC
    applied(stack, folder, {**FILE, "sla_plans": [{**FILE["sla_plans"][0], "active": False}]})


@pytest.fixture
def john(person):
    return person("john")


def promises(client, ticket) -> dict[str, dict]:
    shown = client.get(f"/tickets/{ticket}").json().get("sla")  # not known yet: none
    return {one["target"]: one for one in shown["promises"]} if shown else {}


def test_a_ticket_under_a_plan(plan, john, person):
    ticket = opened(john, topic=plan)
    wait_until(lambda: len(promises(john, ticket)) == 2, message="its promises")
    shown = john.get(f"/tickets/{ticket}").json()
    due = datetime.fromisoformat(shown["due_at"])
    assert due == datetime.fromisoformat(shown["created_at"]) + timedelta(hours=1)
    assert shown["overdue"] is False
    assert ticket not in {item["id"] for item in john.get("/tickets", params={"overdue": "true"}).json()["items"]}
    did(john, "POST", f"/tickets/{ticket}/replies", {"body": "We are on it"})
    wait_until(lambda: promises(john, ticket)["first_response"]["state"] == "met", message="kept")
    did(john, "POST", f"/tickets/{ticket}/hold", {"reason": "a part is ordered"})
    wait_until(lambda: promises(john, ticket)["resolution"]["state"] == "paused", message="standing still")
    assert 0 < promises(john, ticket)["resolution"]["seconds_left"] <= 8 * 3600
    did(john, "POST", f"/tickets/{ticket}/resume")
    wait_until(lambda: promises(john, ticket)["resolution"]["state"] == "running", message="going on")
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "done"})
    wait_until(lambda: promises(john, ticket)["resolution"]["state"] == "met", message="kept, too")
    ken = person("ken")
    mine = opened(ken, topic=plan)
    wait_until(lambda: ken.get(f"/tickets/{mine}").is_success, message="the ticket")
    assert ken.get(f"/tickets/{mine}").json()["sla"] is None, "promises are the desk's business"


def test_a_hold_ends_by_itself(john):
    ticket = opened(john)
    until = datetime.now(UTC) + timedelta(seconds=1)
    did(john, "POST", f"/tickets/{ticket}/hold", {"until": until.isoformat()})
    wait_until(lambda: john.get(f"/tickets/{ticket}").json()["status"] == "open", message="the hold's end")
    (resumed,) = [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "resumed"]
    assert datetime.fromisoformat(resumed["at"]) == until
    assert resumed["actor"]["kind"] == "system"


def test_a_changed_calendar_shows_what_it_would_change(plan, stack, admin, john, tmp_path):
    ticket = opened(john, topic=plan)
    wait_until(lambda: promises(john, ticket), message="its promises")
    before = promises(john, ticket)["resolution"]["due"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    closed = [str(tomorrow + timedelta(days=n - 2)) for n in range(4)]
    changed = {**FILE, "calendars": [{**FILE["calendars"][0], "closed": closed}]}
    applied(stack, tmp_path, changed)
    assert promises(john, ticket)["resolution"]["due"] == before, "what was promised holds"
    shown = ledgerdesk(stack, "sla", "recompute", "--calendar", plan)
    assert shown.returncode == 0, shown.stderr
    number = john.get(f"/tickets/{ticket}").json()["number"]
    assert number in shown.stdout
    assert promises(john, ticket)["resolution"]["due"] == before, "shown, not done"
    assert ledgerdesk(stack, "sla", "recompute", "--calendar", plan, "--apply").returncode == 0
    wait_until(lambda: promises(john, ticket)["resolution"]["due"] > before, message="the new moment")
    assert john.post("/sla/recompute", json={}).status_code == 403
    assert admin.post("/sla/recompute", json={"calendar": "nowhere"}).status_code == 422
    applied(stack, tmp_path, FILE)


def recomputed(admin, **body) -> dict:
    """What is answered by somebody who has heard of all; who has not says so, and is asked again."""

    def look() -> dict | None:
        answer = admin.post("/sla/recompute", json=body)
        assert answer.status_code in {200, 503}, answer.text
        found = answer.json()
        return found if answer.is_success and (found["unheard"], found["unreacted"]) == ([], 0) else None

    return wait_until(look, timeout=60, message="who has heard of all")


def test_what_was_just_acknowledged_is_in_it(plan, admin, john):
    """Nobody waits here for a view: a ticket is opened, its calendar changed, and at once asked what changes."""
    calendar = {**FILE["calendars"][0], "key": plan, "zone": "UTC"}
    for n in range(3):
        ticket = admin.post(
            "/tickets",
            json={"subject": "At once", "body": "x", "topic": plan, "requester": {"email": "ken@example.org"}},
        )
        closed = [str((datetime.now(UTC) + timedelta(days=day - 1)).date()) for day in range(3 + n)]
        changed = {**calendar, "closed": closed}
        admin.put("/internal/workflow/organisation", json={"calendars": [changed]}).raise_for_status()
        recomputed(admin, calendar=plan, apply=True)
        number = ticket.raise_for_status().json()["number"]
        wait_until(lambda t=number: promises(john, t), message="its promises")
        assert recomputed(admin, calendar=plan)["changes"] == [], "nothing was passed over"
    admin.put("/internal/workflow/organisation", json={"calendars": [calendar]}).raise_for_status()
    new = f"new-{plan}"
    admin.put("/internal/workflow/organisation", json={"calendars": [{**calendar, "key": new}]}).raise_for_status()
    assert recomputed(admin, calendar=new)["tickets"] == 0


@pytest.mark.parametrize(
    ("section", "entry", "said"),
    [
        ("calendars", {"key": "x", "name": "X", "zone": "Europe/Atlantis", "hours": ALL_WEEK}, "Europe/Atlantis"),
        ("calendars", {"key": "x", "name": "X", "zone": "UTC", "hours": [], "country": "QQ"}, "QQ"),
        ("sla_plans", {"key": "x", "name": "X", "calendar": "nowhere", "targets": {}}, "nowhere"),
        ("sla_plans", {"key": "x", "name": "X", "targets": {}, "ladder": [{"after": 9}, {"after": 1}]}, "ladder"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_says_where(stack, tmp_path, section, entry, said):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump({section: [entry]}))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode != 0
    assert said in answer.stderr
