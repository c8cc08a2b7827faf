"""Versions: what is stale is told, and one sees one's own writes."""

import httpx

from shared.contracts.ids import random_id
from tests.e2e.http.asked import NEW, opened, refused, settled


def test_a_stale_command_is_told_what_changed(admin):
    ticket = settled(admin, opened(admin)["id"])["id"]
    etag = admin.get(f"/tickets/{ticket}").headers["ETag"]
    fresh = admin.post(f"/tickets/{ticket}/notes", json={"body": "first"}, headers={"If-Match": etag})
    assert fresh.status_code == 201, fresh.text
    stale = admin.post(f"/tickets/{ticket}/notes", json={"body": "second"}, headers={"If-Match": etag})
    problem = refused(stale, 412, "If-Match")
    assert [event["type"] for event in problem["since"]][-1] == "noted"
    assert problem["version"] == fresh.json()["versions"]["workflow"]
    other_owner = admin.post(f"/tickets/{ticket}/messages", json={"body": "hello"}, headers={"If-Match": etag})
    assert other_owner.status_code == 201, "only the owner's component is looked at"
    refused(
        admin.post(f"/tickets/{ticket}/notes", json={"body": "x"}, headers={"If-Match": "nonsense"}), 422, "If-Match"
    )


def test_people_see_their_own_writes(admin):
    for number in range(20):
        answer = admin.post("/tickets", json={**NEW, "subject": f"Seen {number}"})
        after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
        read = admin.get(f"/tickets/{answer.json()['id']}", headers=after)
        assert read.status_code == 200, read.text
        assert "Ledgerdesk-Stale" not in read.headers
        noted = admin.post(f"/tickets/{answer.json()['id']}/notes", json={"body": f"note {number}"})
        after = {"Ledgerdesk-After": noted.headers["Ledgerdesk-Version"]}
        timeline = admin.get(f"/tickets/{answer.json()['id']}/timeline", headers=after).json()["items"]
        assert "noted" in {item["type"] for item in timeline}


def test_what_never_comes_is_said_to_be_stale(admin, ticket):
    answer = admin.get(f"/tickets/{ticket}", headers={"Ledgerdesk-After": f"{ticket}:intake:999"})
    assert (answer.status_code, answer.headers["Ledgerdesk-Stale"]) == (200, "true")


def test_a_ticket_that_is_not_there_yet_is_told_from_one_that_is_not(admin):
    nobodys = random_id()
    too_early = admin.get(f"/tickets/{nobodys}", headers={"Ledgerdesk-After": f"{nobodys}:intake:1"})
    assert (too_early.status_code, too_early.headers.get("Ledgerdesk-Stale")) == (404, "true")
    missing = admin.get(f"/tickets/{nobodys}")
    assert (missing.status_code, missing.headers.get("Ledgerdesk-Stale")) == (404, None)


def test_a_ticket_says_how_it_came(admin, stack):
    def channel_of(client: httpx.Client) -> str:
        answer = client.post("/tickets", json=NEW)
        after = {"Ledgerdesk-After": answer.headers["Ledgerdesk-Version"]}
        return admin.get(f"/tickets/{answer.json()['id']}", headers=after).json()["channel"]

    with stack.signed_in("john") as john:
        assert (channel_of(admin), channel_of(john)) == ("api", "web")
