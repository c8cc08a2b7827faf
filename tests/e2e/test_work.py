"""The work on a ticket over HTTP: words, tasks, time, tags, links, merges, as agents and requesters see them."""

from uuid import uuid4

import pytest

from shared.testing.wait import wait_until
from tests.e2e.desk import did, entries, ledgerdesk, opened, seen


@pytest.fixture
def john(person):
    return person("john")


@pytest.fixture
def ticket(john) -> str:
    return opened(john)


def test_a_note_is_corrected_and_taken_back(ticket, john, person):
    word = f"hunter{uuid4().hex[:8]}"
    answer = did(john, "POST", f"/tickets/{ticket}/notes", {"body": f"the password is {word}, @jane"})
    (note,) = entries(john, ticket, answer, "noted")
    assert note["data"]["body"].startswith("the password")
    wait_until(
        lambda: [m for m in person("jane").get("/mentions").json()["items"] if m["event"] == note["id"]],
        message="mention",
    )
    path = f"/tickets/{ticket}/notes/{note['id']}"
    did(person("jane"), "PUT", path, {"body": "no"}, (403,))
    answer = did(john, "PUT", path, {"body": f"look for {word} elsewhere"})
    (note,) = entries(john, ticket, answer, "noted")
    assert (note["data"]["body"], note["edited_at"] is None) == (f"look for {word} elsewhere", False)
    (edit,) = entries(john, ticket, answer, "edited")
    assert edit["data"]["previous"] == f"the password is {word}, @jane"
    answer = did(john, "DELETE", path)
    (note,) = entries(john, ticket, answer, "noted")
    assert "body" not in note["data"]
    assert word not in john.get(f"/tickets/{ticket}/timeline").text
    assert not john.get("/tickets", params={"q": word}).json()["items"], "nor does the search find it"
    did(john, "PUT", path, {"body": "x"}, (409,))


def test_the_requester_reads_the_correction_of_a_reply_and_never_of_a_note(ticket, john, person):
    reply = did(john, "POST", f"/tickets/{ticket}/replies", {"body": "try agian"})
    (item,) = entries(john, ticket, reply, "replied")
    answer = did(john, "PUT", f"/tickets/{ticket}/replies/{item['id']}", {"body": "try again"})
    items = seen(person("ken"), answer, f"/tickets/{ticket}/timeline")["items"]
    assert [i["data"].get("body") for i in items if i["type"] == "replied"] == ["try again"]
    assert "agian" not in str(items)
    assert not [i for i in items if i["type"] == "edited"]


def test_tasks_block_closing(ticket, john):
    did(john, "POST", f"/tickets/{ticket}/tasks", {"title": "x", "agent": "nobody"}, (422,))
    due = "2026-12-01T10:00:00+01:00"
    answer = did(john, "POST", f"/tickets/{ticket}/tasks", {"title": "Order toner", "agent": "jane", "due": due})
    task = answer.json()["task"]
    (shown,) = seen(john, answer, f"/tickets/{ticket}/tasks")["items"]
    assert (shown["title"], shown["agent"]["login"], shown["due"], shown["done"]) == (
        "Order toner",
        "jane",
        "2026-12-01T09:00:00Z",
        False,
    )
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "done"})
    refused = did(john, "POST", f"/tickets/{ticket}/close", None, (409,))
    assert "1 open tasks" in refused.json()["detail"]
    answer = did(john, "PATCH", f"/tickets/{ticket}/tasks/{task}", {"title": "Order paper", "agent": None, "due": None})
    (shown,) = seen(john, answer, f"/tickets/{ticket}/tasks")["items"]
    assert (shown["title"], shown["agent"], shown["due"]) == ("Order paper", None, None)
    did(john, "PATCH", f"/tickets/{ticket}/tasks/{task}", {}, (422,))
    answer = did(john, "POST", f"/tickets/{ticket}/tasks/{task}/finish", {"message": "arrived"})
    assert seen(john, answer, f"/tickets/{ticket}")["open_tasks"] == 0
    did(john, "POST", f"/tickets/{ticket}/close")


def test_my_tasks_and_what_i_watch(ticket, john, person):
    did(john, "POST", f"/tickets/{ticket}/tasks", {"title": "for jane", "agent": "jane"})
    answer = did(john, "POST", f"/tickets/{ticket}/watch", {"agent": "jane"})
    jane = person("jane")
    assert seen(jane, answer, f"/tickets/{ticket}")["watched"]
    for name in ("task", "watching"):
        assert ticket in [
            t["id"] for t in jane.get("/tickets", params={name: "me"}).raise_for_status().json()["items"]
        ], name
    answer = did(jane, "POST", f"/tickets/{ticket}/unwatch")
    assert not seen(jane, answer, f"/tickets/{ticket}")["watched"]
    assert ticket not in [t["id"] for t in jane.get("/tickets", params={"watching": "me"}).json()["items"]]


def test_time_is_logged_and_summed(ticket, john):
    first = did(
        john, "POST", f"/tickets/{ticket}/time", {"minutes": 25, "on": "2026-11-23", "note": "phone", "billable": True}
    )
    answer = did(john, "POST", f"/tickets/{ticket}/time", {"minutes": 5})
    found = seen(john, answer, f"/tickets/{ticket}/time")
    assert (found["minutes"], [(i["minutes"], i["note"], i["agent"]["login"]) for i in found["items"]]) == (
        30, [(25, "phone", "john"), (5, None, "john")],
    )  # fmt: skip
    answer = did(john, "DELETE", f"/tickets/{ticket}/time/{first.json()['entry']}")
    found = seen(john, answer, f"/tickets/{ticket}/time")
    assert (found["minutes"], len(found["items"])) == (5, 1)
    did(john, "DELETE", f"/tickets/{ticket}/time/{first.json()['entry']}", None, (404,))
    did(john, "POST", f"/tickets/{ticket}/time", {"minutes": 0}, (422,))


def test_tags_are_found(john):
    tag = f"t{uuid4().hex[:8]}"
    ticket = opened(john, tags=["printer"])
    answer = did(john, "POST", f"/tickets/{ticket}/tags", {"add": [tag], "remove": ["printer"]})
    assert seen(john, answer, f"/tickets/{ticket}")["tags"] == [tag]
    assert [t["id"] for t in john.get("/tickets", params={"tag": tag}).json()["items"]] == [ticket]


def test_links_read_from_both_ends(ticket, john):
    other = opened(john)
    answer = did(john, "POST", f"/tickets/{ticket}/links", {"kind": "parent", "ticket": other})
    (link,) = seen(john, answer, f"/tickets/{ticket}/links")["links"]
    assert (link["kind"], link["ticket"]) == ("parent", other)
    (back,) = john.get(f"/tickets/{other}/links").json()["links"]
    assert (back["kind"], back["ticket"]) == ("child", ticket)
    did(john, "POST", f"/tickets/{ticket}/links", {"kind": "parent", "ticket": "999999999"}, (422,))
    answer = did(john, "POST", f"/tickets/{other}/unlink", {"kind": "child", "ticket": ticket})
    assert seen(john, answer, f"/tickets/{ticket}/links")["links"] == []


def test_a_merge_shows_one_thread_and_unmerging_loses_nothing(ticket, john, person):
    duplicate = opened(john, body="the same again")
    did(john, "POST", f"/tickets/{duplicate}/notes", {"body": "a duplicate"})
    answer = did(john, "POST", f"/tickets/{duplicate}/merge", {"into": ticket, "message": "the same outage"})
    assert seen(john, answer, f"/tickets/{duplicate}")["status"] == "merged"
    whole = john.get(f"/tickets/{ticket}/timeline").json()["items"]
    assert {item["ticket"] for item in whole} == {None, duplicate}
    assert "a duplicate" in str(whole)
    assert duplicate not in [
        t["id"] for t in john.get("/tickets", params={"status": ["new", "open"], "limit": 200}).json()["items"]
    ]
    did(john, "POST", f"/tickets/{duplicate}/notes", {"body": "lost?"}, (409,))
    did(john, "POST", f"/tickets/{ticket}/merge", {"into": duplicate}, (409,))
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "mended"})
    did(person("ken"), "POST", f"/tickets/{duplicate}/messages", {"body": "not for me"})
    wait_until(
        lambda: john.get(f"/tickets/{ticket}").json()["status"] == "open",
        message="the one that stands for it to be reopened",
    )
    answer = did(john, "POST", f"/tickets/{duplicate}/unmerge")
    assert seen(john, answer, f"/tickets/{duplicate}")["status"] == "open"
    assert {item["ticket"] for item in john.get(f"/tickets/{ticket}/timeline").json()["items"]} == {None}


def test_only_the_requester_rates_and_only_what_is_done(ticket, john, person):
    ken, path = person("ken"), f"/tickets/{ticket}/rating"
    wait_until(lambda: ken.get(f"/tickets/{ticket}").is_success, message="his ticket")
    did(ken, "POST", path, {"score": 5}, (409,))
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "mended"})
    did(john, "POST", path, {"score": 5}, (403,))
    did(ken, "POST", path, {"score": 6}, (422,))
    answer = did(ken, "POST", path, {"score": 5, "comment": "quick"})
    assert seen(john, answer, f"/tickets/{ticket}")["score"] == 5


# -- intake's and routing's ------------------------------------------------------------------------------------------------


def test_the_first_words_are_taken_back_and_the_ticket_keeps_its_name(john, person):
    word = f"secret{uuid4().hex[:8]}"
    ticket = opened(john, body=f"my password is {word}")
    items = wait_until(lambda: john.get(f"/tickets/{ticket}/timeline").json().get("items"), message="its timeline")
    first = next(item for item in items if item["type"] == "created")
    path = f"/tickets/{ticket}/messages/{first['id']}"
    did(john, "DELETE", path, None, (403,))
    answer = did(person("lea"), "DELETE", path)
    shown = seen(john, answer, f"/tickets/{ticket}")
    assert shown["subject"].startswith("Work ")
    assert shown["requester"]["email"] == "ken@example.org"
    assert word not in john.get(f"/tickets/{ticket}/timeline").text
    assert not john.get("/tickets", params={"q": word}).json()["items"]
    notes = did(john, "POST", f"/tickets/{ticket}/notes", {"body": "still here"})
    assert "still here" in str(seen(john, notes, f"/tickets/{ticket}/timeline")), "other words stay"


def test_a_customer_s_message_is_corrected(ticket, john, person):
    did(john, "POST", f"/tickets/{ticket}/messages", {"body": "form 7"})
    item = wait_until(
        lambda: [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "message_received"],
        message="it",
    )[0]
    answer = did(person("lea"), "PUT", f"/tickets/{ticket}/messages/{item['id']}", {"body": "form 9"})
    for client in (john, person("ken")):
        words = [
            i["data"].get("body")
            for i in seen(client, answer, f"/tickets/{ticket}/timeline")["items"]
            if i["type"] == "message_received"
        ]
        assert words == ["form 9"]


def test_messages_are_split_off(john, person):
    ticket = opened(john)
    ken = person("ken")
    wait_until(lambda: ken.get(f"/tickets/{ticket}").is_success, message="his ticket")
    for words in ("first", "and the printer", "is on fire"):
        did(ken, "POST", f"/tickets/{ticket}/messages", {"body": words})

    def messages():
        found = [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "message_received"]
        return found if len(found) == 3 else None

    items = wait_until(messages, message="his messages")
    body = {"messages": [i["id"] for i in items[1:]], "subject": "Printer"}
    answer = did(john, "POST", f"/tickets/{ticket}/split", body)
    new = answer.json()
    assert new["requester"]["email"] == "ken@example.org"
    thread = wait_until(
        lambda: (t := seen(ken, answer, f"/tickets/{new['id']}/timeline")["items"]) and len(t) >= 2 and t,
        message="thread",
    )
    assert [i["data"]["body"] for i in thread if i["type"] in {"created", "message_received"}] == [
        "and the printer",
        "is on fire",
    ]
    wait_until(lambda: john.get(f"/tickets/{new['id']}/links").json()["links"], message="the link")
    (link,) = john.get(f"/tickets/{ticket}/links").json()["links"]
    assert (link["kind"], link["number"]) == ("related", new["number"])
    off = wait_until(
        lambda: [i for i in john.get(f"/tickets/{ticket}/timeline").json()["items"] if i["type"] == "split_off"],
        message="it is said",
    )
    assert off[0]["data"]["events"] == body["messages"]
    did(john, "POST", f"/tickets/{ticket}/split", {"messages": [str(uuid4())], "subject": "x"}, (422,))
    did(ken, "POST", f"/tickets/{ticket}/split", body, (403,))


def test_a_collaborator_reads_and_writes_like_the_requester(stack, ticket, john):
    kim = f"kim.{uuid4().hex[:8]}@example.org"
    with stack.client() as admin:
        admin.headers["Ledgerdesk-On-Behalf-Of"] = kim
        assert admin.get(f"/tickets/{ticket}").status_code == 404
        answer = did(john, "POST", f"/tickets/{ticket}/collaborators", {"email": kim, "name": "Kim"})
        who = answer.json()["person_id"]
        wait_until(lambda: admin.get(f"/tickets/{ticket}").is_success, message="her sight of it")
        assert ticket in [t["id"] for t in admin.get("/tickets").json()["items"]]
        wait_until(
            lambda: admin.post(f"/tickets/{ticket}/messages", json={"body": "me too"}).is_success, message="her message"
        )
        assert admin.post(f"/tickets/{ticket}/notes", json={"body": "x"}).status_code == 403
        wait_until(
            lambda: [c for c in john.get(f"/tickets/{ticket}/collaborators").json()["items"] if c["email"] == kim],
            message="her name",
        )
        did(john, "DELETE", f"/tickets/{ticket}/collaborators/{who}")
        wait_until(lambda: admin.get(f"/tickets/{ticket}").status_code == 404, message="her sight to end")


def test_who_answers_first_has_it_and_a_referral_takes_nothing(john, person):
    ticket = opened(john)
    wait_until(lambda: john.get(f"/tickets/{ticket}").json().get("assignee"), message="somebody to have it")
    did(person("lea"), "POST", f"/tickets/{ticket}/release")
    wait_until(lambda: john.get(f"/tickets/{ticket}").json()["assignee"] is None, message="nobody to have it")
    did(john, "POST", f"/tickets/{ticket}/replies", {"body": "on it"})
    wait_until(
        lambda: (john.get(f"/tickets/{ticket}").json()["assignee"] or {}).get("login") == "john",
        message="john to have it",
    )
    answer = did(john, "POST", f"/tickets/{ticket}/refer", {"agent": "jane", "message": "please look"})
    assert seen(john, answer, f"/tickets/{ticket}")["assignee"]["login"] == "john"
    did(john, "POST", f"/tickets/{ticket}/refer", {"agent": "jane", "team": "on-call"}, (422,))
    did(john, "POST", f"/tickets/{ticket}/refer", {"department": "nowhere"}, (422,))
    did(john, "POST", f"/tickets/{ticket}/withdraw-referral", {"agent": "jane"})
    did(john, "POST", f"/tickets/{ticket}/withdraw-referral", {"agent": "jane"}, (404,))


def test_a_message_that_comes_too_late_makes_a_new_ticket(stack, ticket, john, person, tmp_path):
    did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "mended"})
    did(john, "POST", f"/tickets/{ticket}/close")
    policy = tmp_path / "policy.yaml"
    ken = person("ken")
    try:
        policy.write_text("policy: {reopen_days: 0}")
        applied = ledgerdesk(stack, "org", "apply", str(policy))
        assert applied.returncode == 0, applied.stderr

        def late():
            answer = ken.post(f"/tickets/{ticket}/messages", json={"body": "again"})
            return answer if answer.is_success and answer.json()["ticket"] != ticket else None

        answer = wait_until(late, message="a new ticket")
        stale = ken.post(f"/tickets/{ticket}/messages", json={"body": "x"}, headers={"If-Match": "intake.99"})
        assert stale.status_code == 412, "the version is the old ticket's"
        new = answer.json()
        shown = seen(ken, answer, f"/tickets/{new['ticket']}")
        assert shown["number"] == new["number"]
        told = did(john, "POST", f"/tickets/{ticket}/messages", {"body": "He has rung again."}, (201,))
        shown = seen(john, told, f"/tickets/{told.json()['ticket']}")
        assert shown["requester"]["email"] == "ken@example.org", "what is taken down for him is his"
        wait_until(
            lambda: john.get(f"/tickets/{new['ticket']}/links").json()["links"], message="the link to the old one"
        )
    finally:
        policy.write_text("policy: {reopen_days: null}")
        assert ledgerdesk(stack, "org", "apply", str(policy)).returncode == 0


def test_a_message_on_a_merged_ticket_is_late_as_the_one_that_stands_for_it(stack, john, person, tmp_path):
    """It was closed before it was merged; when it stands for itself again, it is as closed as it was."""
    ken, policy = person("ken"), tmp_path / "policy.yaml"
    closed, merged, standing = opened(john), opened(john), opened(john)
    for ticket in (closed, merged):
        did(john, "POST", f"/tickets/{ticket}/resolve", {"resolution": "mended"})
        answer = did(john, "POST", f"/tickets/{ticket}/close")
        seen(john, answer, f"/tickets/{ticket}")

    def goes_to(ticket: str) -> str:
        """Where a message on this ticket is taken."""
        answer = ken.post(f"/tickets/{ticket}/messages", json={"body": "again"})
        return answer.json()["ticket"] if answer.is_success else ""

    try:
        policy.write_text("policy: {reopen_days: 0}")
        assert ledgerdesk(stack, "org", "apply", str(policy)).returncode == 0
        wait_until(lambda: goes_to(merged) not in {merged, ""}, message="a message to be too late for it")
        did(john, "POST", f"/tickets/{merged}/merge", {"into": standing})
        wait_until(lambda: goes_to(merged) == merged, message="a message to be in time for the one that stands for it")
        answer = did(john, "POST", f"/tickets/{merged}/unmerge")
        assert seen(john, answer, f"/tickets/{merged}")["status"] == "closed"
        wait_until(lambda: goes_to(merged) not in {merged, ""}, message="it to be as closed as it was")
        did(john, "POST", f"/tickets/{standing}/merge", {"into": closed})
        wait_until(lambda: goes_to(standing) not in {standing, ""}, message="a message to be too late for that one")
    finally:
        policy.write_text("policy: {reopen_days: null}")
        assert ledgerdesk(stack, "org", "apply", str(policy)).returncode == 0
