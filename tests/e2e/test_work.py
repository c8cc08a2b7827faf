"""The work on a ticket over HTTP: words, tasks, time, tags, links, merges, as agents and requesters see them."""

from uuid import uuid4

import httpx
import pytest

from shared.testing.wait import wait_until


def opened(client: httpx.Client, **changes) -> str:
    body = {"subject": f"Work {uuid4().hex[:8]}", "body": "words", "requester": {"email": "ken@example.org"}, **changes}
    return client.post("/tickets", json=body).raise_for_status().json()["id"]


def did(
    client: httpx.Client, method: str, path: str, body: object = None, status: tuple[int, ...] = (200, 201)
) -> httpx.Response:
    """Give a command once the ticket is known, and expect this answer."""
    answer = client.request(method, path, json=body)
    assert answer.status_code in status, f"{path}: {answer.status_code} {answer.text}"
    return answer


def seen(client: httpx.Client, answer: httpx.Response, path: str) -> dict:
    """Read with one's own write in it."""
    found = client.get(path, headers={"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]})
    assert "Ledgerdesk-Stale" not in found.headers
    return found.raise_for_status().json()


@pytest.fixture
def john(person):
    return person("john")


@pytest.fixture
def ticket(john) -> str:
    return opened(john)


def entries(client, ticket, answer, kind) -> list[dict]:
    return [item for item in seen(client, answer, f"/tickets/{ticket}/timeline")["items"] if item["type"] == kind]


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
    assert jane.get("/tickets", params={"watching": "me"}).json()["items"] == []


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
