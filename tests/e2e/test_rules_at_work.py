"""Rules on a running stack: what they do to tickets, and whom they do not let in."""

import json
from datetime import datetime
from uuid import uuid4

import httpx
import pytest
import yaml

from ledgerdesk import trying
from ledgerdesk.exporting import entries_of
from shared.testing.wait import wait_until, wait_until_async
from shared.timers import GRACE
from tests.e2e.desk import did, ledgerdesk, opened
from tests.e2e.test_ingress import DEADLETTER, binary, new, records_of, send  # noqa: F401 -- send is a fixture
from tests.knowing import settled

WORD = f"zeppelin{uuid4().hex[:6]}"
PEOPLE = [
    {"email": "john@ledgerdesk.example", "login": "john", "name": "John Doe", "roles": ["agent"], "departments": ["support"]},
    {"email": "jane@ledgerdesk.example", "login": "jane", "name": "Jane Roe", "roles": ["agent"],
     "departments": ["system-administration"], "skills": ["network", "mail", "linux"]},
]  # fmt: skip


def rule(key: str, *tests: str, when: dict | None = None, **actions) -> dict:
    """Return a rule whose tests are written as `field op value`."""
    return {
        "key": f"{key}-{WORD}", "name": key, "stop": False, "actions": actions, **(when or {}),
        "tests": [dict(zip(("field", "op", "value"), test.split(" ", 2), strict=True)) for test in tests],
    }  # fmt: skip


GREETING = {"key": f"greeting-{WORD}", "name": "Greeting", "body": "We have {{ticket.number}}."}
RETIRED = {**GREETING, "key": f"retired-{WORD}", "active": False}
RULES = [
    rule("banned", f"subject contains {WORD}", "subject contains forbidden", reject="Airships are not allowed here."),
    rule("all", f"subject contains {WORD}", "subject contains everything", priority="high", add_tags=["airship"],
         remove_tags=["boring"], note="Fetch a ladder.", watch=["jane"], escalate=True, notify=["john"], status="on_hold"),
    rule("canned", f"subject contains {WORD}", "tags equals greet", reply=f"greeting-{WORD}"),
    rule("unsaid", f"subject contains {WORD}", "tags equals greet", reply=f"retired-{WORD}", add_tags=["unsaid"]),
    rule("spam", f"subject contains {WORD}", r"subject matches \bspam\b", status="closed"),
    rule("vip", f"subject contains {WORD}", "priority equals emergency", "agent equals none",
         when={"when": "updated", "changes": ["priority"]}, agent="jane", add_tags=["vip"]),
    rule("up", f"subject contains {WORD}", "tags equals pingpong", "priority equals low", when={"when": "updated"}, priority="high"),
    rule("down", f"subject contains {WORD}", "tags equals pingpong", "priority equals high", when={"when": "updated"}, priority="low"),
    rule("thanks", f"subject contains {WORD}", r"body matches ^thank", "status equals resolved", when={"when": "message"},
         status="closed"),
    rule("answered", f"subject contains {WORD}", "body contains deadline", when={"when": "replied"}, note="Mind the deadline."),
]  # fmt: skip
ON_TIME = {"when": "time", "after": {"minutes": 0, "since": "unanswered"}}
"""No minute: as soon as somebody has asked."""
RULES.append(rule("waits", f"subject contains {WORD}", "tags equals waiting", when=ON_TIME, escalate=True))


def apply(stack, folder, rules) -> httpx.Response:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"people": PEOPLE, "rules": rules, "canned_replies": [GREETING, RETIRED]}))
    return ledgerdesk(stack, "org", "apply", str(path))


@pytest.fixture(scope="module", autouse=True)
def rules(stack, tmp_path_factory):
    """Rules for one word, which are taken out of force afterwards."""
    folder = tmp_path_factory.mktemp("rules")
    answer = apply(stack, folder, RULES)
    assert answer.returncode == 0, answer.stderr
    assert f"routing {len(RULES)}" in answer.stdout
    assert "routing 0" in apply(stack, folder, RULES).stdout, "the same again is no new version"
    yield
    apply(stack, folder, [{**one, "active": False} for one in RULES])


@pytest.fixture
def john(person):
    return person("john")


def test_everything_that_a_rule_can_do(john):
    ticket = opened(john, subject=f"{WORD} everything", tags=["boring", "other"])

    def steps() -> list[dict]:
        answer = john.get(f"/tickets/{ticket}/timeline")
        return answer.json()["items"] if answer.is_success else []

    by_rule = ["prioritised", "tagged", "watched", "noted", "escalated", "held"]
    wait_until(
        lambda: set(by_rule) <= {step["type"] for step in steps()}, message=lambda: [step["type"] for step in steps()]
    )
    assert [s["type"] for s in steps() if s["actor"] == {"kind": "rule", "id": f"all-{WORD}"}] == by_rule
    found = {step["type"]: step["data"] for step in steps()}
    applied = found["rule_applied"]
    assert applied["changes"] | {"notify": None, "watch": None} == {
        "priority": "high", "add_tags": ["airship"], "remove_tags": ["boring"], "note": True, "watch": None, "escalate": True,
        "notify": None, "status": "on_hold",
    }  # fmt: skip
    assert applied["why"]["when"] == "created"
    assert [(t["test"], t["field"], t["op"]) for t in applied["why"]["tests"]] == [
        (1, "subject", "contains"), (2, "subject", "contains"),
    ]  # fmt: skip
    assert found["noted"]["body"] == "Fetch a ladder."
    shown = john.get(f"/tickets/{ticket}").json()
    assert (shown["status"], shown["priority"], shown["tags"]) == ("on_hold", "high", ["other", "airship"])


def steps_of(client, ticket) -> list[dict]:
    answer = client.get(f"/tickets/{ticket}/timeline")
    return answer.json()["items"] if answer.is_success else []


def by(found: list[dict], key: str) -> list[str]:
    return [step["type"] for step in found if step["actor"] == {"kind": "rule", "id": f"{key}-{WORD}"}]


def test_a_rule_on_changes(john, admin):
    ticket = opened(john, subject=WORD)
    settled(admin)
    john.post(f"/tickets/{ticket}/release")
    settled(admin)
    did(john, "POST", f"/tickets/{ticket}/prioritise", {"priority": "emergency"})
    settled(admin)
    shown, found = john.get(f"/tickets/{ticket}").json(), steps_of(john, ticket)
    assert ("vip" in shown["tags"], shown["assignee"]["login"]) == (True, "jane")
    assert sorted(by(found, "vip")) == ["assigned", "rule_applied", "tagged"]
    (applied,) = [step for step in found if step["type"] == "rule_applied"]
    assert applied["cause"]["type"] == "prioritised"
    assert [test["field"] for test in applied["data"]["why"]["tests"]] == ["subject", "priority", "agent"]


def test_two_rules_do_not_keep_each_other_going(john, admin):
    ticket = opened(john, subject=WORD, tags=["pingpong"])
    settled(admin)
    did(john, "POST", f"/tickets/{ticket}/prioritise", {"priority": "low"})
    settled(admin)
    found = steps_of(john, ticket)
    assert (by(found, "up"), by(found, "down")) == (["rule_applied", "prioritised"], [])
    assert john.get(f"/tickets/{ticket}").json()["priority"] == "high"


def test_rules_on_messages_and_replies(john, person, admin):
    ken = person("ken")
    ticket = opened(ken, subject=WORD)
    settled(admin)

    def after(client: httpx.Client, verb: str, **body: str) -> str:
        did(client, "POST", f"/tickets/{ticket}/{verb}", body)
        settled(admin)
        return str(john.get(f"/tickets/{ticket}").json()["status"])

    after(john, "replies", body="Your deadline is Friday.")
    assert by(steps_of(john, ticket), "answered") == ["rule_applied", "noted"]
    assert after(john, "resolve", resolution="done") == "resolved"
    assert after(ken, "messages", body="But it is broken again.") == "open"
    assert after(john, "resolve", resolution="done") == "resolved"
    assert after(ken, "messages", body="Thanks a lot!") == "closed", "reopened by the message, closed by the rule"


def test_a_rule_on_time_comes_once_for_each_moment(john, admin):
    ticket = opened(john, subject=WORD, tags=["waiting"])
    wait_until(lambda: by(steps_of(john, ticket), "waits"), message="its time")
    settled(admin)
    found = steps_of(john, ticket)
    assert by(found, "waits") == ["rule_applied", "escalated"]
    (applied,) = [step for step in found if step["type"] == "rule_applied"]
    opening = next(step for step in found if step["type"] == "created")
    assert applied["data"]["why"]["moment"]["anchor"] == applied["data"]["why"]["moment"]["at"]
    late = datetime.fromisoformat(applied["at"]) - datetime.fromisoformat(opening["at"])
    assert late < GRACE, "dated when its time came (or when routing wrote last), not when it was noticed"
    did(john, "POST", f"/tickets/{ticket}/messages", {"body": "Still waiting."})
    wait_until(lambda: len(by(steps_of(john, ticket), "waits")) > 2, message="its time again")
    settled(admin)
    assert by(steps_of(john, ticket), "waits") == ["rule_applied", "escalated"] * 2


def test_a_new_rule_on_time_counts_for_tickets_that_are_there(stack, john, tmp_path):
    ticket = opened(john, subject=WORD, tags=["there already"])
    late = rule("late", f"subject contains {WORD}", "tags equals there already", when=ON_TIME, add_tags=["late"])
    assert apply(stack, tmp_path, [late]).returncode == 0
    wait_until(lambda: "late" in john.get(f"/tickets/{ticket}").json()["tags"], message="the rule's tag")
    assert apply(stack, tmp_path, [{**late, "active": False}]).returncode == 0


def test_a_canned_reply(john, person, admin):
    ken = person("ken")
    ticket = opened(ken, subject=WORD, tags=["greet"])
    settled(admin)
    number = john.get(f"/tickets/{ticket}").json()["number"]
    (said,) = [step for step in steps_of(ken, ticket) if step["type"] == "auto_replied"]
    assert said["data"]["body"] == f"We have {number}."
    assert john.get(f"/tickets/{ticket}").json()["status"] == "new", "nobody has worked on it"
    assert by(steps_of(john, ticket), "unsaid") == ["tagged"], "and what cannot be said does not hinder the rest"


def test_spam_is_closed_unread(john):
    spam, no_spam = opened(john, subject=f"{WORD} spam!"), opened(john, subject=f"{WORD} spammer")
    wait_until(lambda: john.get(f"/tickets/{spam}").json().get("status") == "closed", message="closed")
    wait_until(lambda: john.get(f"/tickets/{no_spam}").json().get("department"), message="routed")
    assert john.get(f"/tickets/{no_spam}").json()["status"] == "new"


def test_who_is_refused_gets_the_rule_s_words_and_nothing_is_opened(stack, admin, person):
    body = {"subject": f"A forbidden {WORD}", "body": "b", "requester": {"email": f"{uuid4().hex}@example.net"}}
    before = admin.get("/internal/intake/head").json()["position"]
    answer = admin.post("/tickets", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (422, "Airships are not allowed here.")
    ken = person("ken").post("/tickets", json={"subject": body["subject"], "body": "b"})
    assert ken.status_code == 422
    assert admin.get("/internal/intake/head").json()["position"] == before, "no ticket, and nobody was registered"
    metrics = httpx.get(f"{stack.url}/metrics", trust_env=False).text
    assert f'ledgerdesk_rejected_tickets_total{{rule="banned-{WORD}"}} 2.0' in metrics
    assert f'"rule": "banned-{WORD}"' in stack.logs().replace('":"', '": "')
    assert admin.post("/tickets", json={**body, "subject": WORD}).status_code == 201


async def test_an_ingress_event_that_is_refused_is_a_dead_letter_with_the_reason(stack, send):  # noqa: F811 -- the fixture
    servers, mine = stack.environment["KAFKA_BOOTSTRAP_SERVERS"], f"refused-{WORD}"
    await send(binary(mine, new(f"forbidden {WORD}")))

    async def there():
        dead = await records_of(servers, DEADLETTER, {0: 0})
        return [record for record in dead if ("ce_id", mine.encode()) in record.headers]

    (record,) = await wait_until_async(there, timeout=20, message="the dead letter")
    assert ("ledgerdesk_reason", b"Airships are not allowed here.") in record.headers


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (rule("bad", "subject matches (?=x)"), "tests.0.value"),
        (rule("bad", "weather equals fine"), "tests.0.field"),
        (rule("bad", "subject resembles x"), "tests.0.op"),
        (rule("bad", "subject equals x", reject="No.", priority="low"), "actions.reject"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_with_its_place(stack, admin, tmp_path, bad, said):
    answer = apply(stack, tmp_path, [bad])
    assert answer.returncode != 0
    assert said in answer.stderr
    refused = admin.put("/internal/routing/organisation", json={"rules": [{**bad, "order": 1}]})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [f"rules.{bad['key']}.{said}"]


def test_trying_the_rules_in_force_comes_to_what_has_happened(admin):
    """All that the tests before this one have done, played again."""
    settled(admin)
    desk = trying.desk_of(entries_of(admin))
    histories, last = trying.histories(admin, None, None)
    mine = [
        one
        for one in histories
        if WORD in (one.created.personal or {}).get("subject", "") and "there already" not in one.created.data["tags"]
    ]
    assert len(mine) > 5
    seen = set()
    for history in mine:
        applied = [event.data for event in history.ruled if event.name == "rule_applied"]
        fired = trying.play(history, desk, last).fired
        assert [(one.rule, one.when, one.wants) for one in fired] == [
            (data["rule"], data["why"]["when"], data["changes"]) for data in applied
        ]  # fmt: skip
        seen |= {one.when for one in fired}
    assert seen == {"created", "updated", "message", "replied", "time"}


def test_other_rules_are_tried_the_same_each_time(stack, john, admin, tmp_path):
    ticket = opened(john, subject=f"{WORD} tried", tags=["tried"])
    settled(admin)
    did(john, "POST", f"/tickets/{ticket}/prioritise", {"priority": "high"})
    did(john, "POST", f"/tickets/{ticket}/messages", {"body": "Please hurry."})
    settled(admin)
    path = tmp_path / "tried.yaml"
    path.write_text(yaml.safe_dump({"rules": [
        rule("urgent", "tags equals tried", "priority equals high", when={"when": "updated"}, watch=["jane"]),
        rule("hurry", "tags equals tried", "body contains hurry", when={"when": "message"}, escalate=True, notify=["john"]),
        rule("asked", "tags equals tried", when=ON_TIME, add_tags=["asked"]),
    ]}))  # fmt: skip
    arguments = ("rules", "try", "--rules", str(path))
    first, second = (ledgerdesk(stack, *arguments, "--json") for _ in range(2))
    assert (first.returncode, first.stdout) == (0, second.stdout), first.stderr
    found = json.loads(first.stdout)
    (mine,) = [one for one in found["differing"] if one["subject"] == f"{WORD} tried"]
    # Whether the time of the first asking came depends on how fast this was: a message within a second begins a new silence.
    assert [(one["rule"], one["when"], one["wants"]) for one in mine["then"]["later"]] == [
        (f"asked-{WORD}", "time", {"add_tags": ["asked"]}),
        (f"urgent-{WORD}", "updated", {"watch": ["jane"]}),
        (f"hurry-{WORD}", "message", {"escalate": True, "notify": ["john"]}),
        (f"asked-{WORD}", "time", {"add_tags": ["asked"]}),
    ] or [one["rule"] for one in mine["then"]["later"]] == [f"{key}-{WORD}" for key in ("urgent", "hurry", "asked")]
    words = ledgerdesk(stack, *arguments).stdout
    assert f"then urgent-{WORD} (updated)" in words
    path.write_text(yaml.safe_dump({"rules": [rule("nobody", "tags equals x", watch=["nobody-of-that-name"])]}))
    refused = ledgerdesk(stack, *arguments)
    assert (refused.returncode, "nobody-of-that-name" in refused.stderr) == (1, True)
