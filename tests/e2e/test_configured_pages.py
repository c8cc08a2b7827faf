"""What the pages that change the configuration stand on: entries put by version, and rules tried by HTTP."""

import json
import threading
from uuid import uuid4

import pytest

from shared.contracts.ids import directory_id
from shared.testing.wait import wait_until
from tests.e2e.desk import opened

SECTIONS = {
    "routing": ("department", "departments", {"name": "One"}), "intake": ("topic", "topics", {"name": "One"}),
    "workflow": ("canned_reply", "canned_replies", {"name": "One", "body": "Dear you."}),
    "gateway": ("role", "roles", {"name": "One", "permissions": []}), "knowledge": ("category", "categories", {"name": "One"}),
}  # fmt: skip


@pytest.mark.parametrize("owner", SECTIONS)
def test_an_entry_is_put_only_if_it_is_what_was_read(admin, owner):
    kind, section, entry = SECTIONS[owner]
    key = f"v-{uuid4().hex[:6]}"

    def put(version: str | None, name: str):
        body = {section: [{**entry, "key": key, "name": name}]}
        return admin.put(f"/internal/{owner}/organisation", json=body, headers={"If-Match": version} if version else {})

    def versions() -> int:
        return len(admin.get(f"/internal/{owner}/streams/{directory_id(kind, key)}").text.splitlines())

    assert put("0", "One").json()["changed"] == 1
    stale = put("0", "Two")
    assert (stale.status_code, stale.json()["version"]) == (412, 1)
    assert stale.json()["since"][0]["type"] == "configured"
    assert versions() == 1
    assert put('"1"', "Two").json()["changed"] == 1
    assert put("2", "Two").json()["changed"] == 0, "it says so already"
    assert put("1", "Two").status_code == 412, "though nothing would change"
    assert put(None, "Three").json()["changed"] == 1
    assert versions() == 3
    assert admin.get("/internal/projections").status_code == 200


def test_of_two_who_save_at_once_one_is_refused(admin):
    key = f"race-{uuid4().hex[:6]}"
    answers: list[int] = []

    def put(name: str) -> None:
        body = {"departments": [{"key": key, "name": name}]}
        answers.append(admin.put("/internal/routing/organisation", json=body, headers={"If-Match": "0"}).status_code)

    threads = [threading.Thread(target=put, args=(f"Name {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, *[412] * 5]


@pytest.mark.parametrize("version", ["x", "-1", "1.0", "routing.1", "9" * 15, "\u00b2"])
def test_what_is_no_version_is_refused(admin, version):
    answer = admin.put(
        "/internal/routing/organisation", json={"departments": []}, headers={"If-Match": version.encode()}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "If-Match"


def test_a_version_is_one_entry_s(admin):
    two = {"departments": [{"key": f"two-{n}-{uuid4().hex[:6]}", "name": "N"} for n in range(2)]}
    for body in (two, {}):
        answer = admin.put("/internal/routing/organisation", json=body, headers={"If-Match": "0"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "If-Match")


def test_rules_are_tried_by_http_and_nothing_is_changed(admin):
    word = f"balloon{uuid4().hex[:6]}"
    number = opened(admin, subject=f"A {word} has landed")
    wait_until(lambda: admin.get(f"/tickets/{number}").json().get("department"), message="routing")
    rule = {
        "key": f"try-{word}", "name": "Try", "order": -5, "tests": [{"field": "subject", "op": "contains", "value": word}],
        "actions": {"priority": "high"}, "stop": False,
    }  # fmt: skip
    answer = admin.post("/internal/rules/try", json={"rules": [rule]}, timeout=120)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    (ticket,) = found["items"]
    shown = admin.get(f"/tickets/{number}").json()
    assert (found["differing"], found["applied"]) == (1, {rule["key"]: 1})
    assert (ticket["number"], ticket["now"]["priority"], ticket["then"]["priority"]) == (shown["number"], None, "high")
    assert shown["priority"] == "normal"
    assert admin.get(f"/internal/routing/streams/{directory_id('rule', rule['key'])}").text == ""
    past = {"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"}
    assert admin.post("/internal/rules/try", json={"rules": [rule], **past}, timeout=120).json()["tickets"] == 0


def test_a_trial_that_cannot_be_is_refused_by_name(admin):
    rule = {
        "key": "bad",
        "name": "Bad",
        "order": 1,
        "tests": [{"field": "subject", "op": "matches", "value": "("}],
        "actions": {},
    }
    answer = admin.post("/internal/rules/try", json={"rules": [rule]}, timeout=120)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "rules.bad.tests.0.value"
    assert admin.post("/internal/rules/try", json={"rules": []}).status_code == 422
    backwards = {"rules": [rule], "start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}
    assert admin.post("/internal/rules/try", json=backwards).status_code == 422


def test_who_may(person, stack):
    for login, status in (("john", 403), ("lea", 403), ("ana", 403), ("ken", 403)):
        assert (
            person(login)
            .post(
                "/internal/rules/try",
                json={"rules": [{"key": "x", "name": "x", "order": 1, "tests": [], "actions": {}}]},
            )
            .status_code
            == status
        )
    with stack.client(None) as guest:
        assert guest.post("/internal/rules/try", json={"rules": []}).status_code == 401


def test_what_was_configured_is_told_the_last_change_first(admin):
    keys = [f"told-{n}-{uuid4().hex[:6]}" for n in range(3)]
    for key in keys:
        admin.put("/internal/routing/organisation", json={"departments": [{"key": key, "name": "N"}]})
    told = [json.loads(line) for line in admin.get("/internal/routing/changes", params={"limit": 3}).text.splitlines()]
    assert [event["data"]["new"]["key"] for event in told] == keys[::-1]
    older = admin.get("/internal/routing/changes", params={"limit": 1, "before": told[0]["position"]}).text
    assert json.loads(older)["event_id"] == told[1]["event_id"]
    assert admin.get("/internal/routing/changes", params={"limit": 0}).status_code == 422
