"""Queue counts say what the lists show, to each caller of what is his to see."""

from shared.testing.wait import wait_until

WORKED = ["new", "open", "on_hold"]


def listed(client, headers=None, **parameters) -> int:
    count, cursor = 0, None
    while True:
        page = client.get(
            "/tickets", headers=headers, params={**parameters, "limit": 200, **({"cursor": cursor} if cursor else {})}
        ).json()
        count += len(page["items"])
        cursor = page["next"]
        if cursor is None:
            return count


def test_counts_are_those_of_the_lists(admin):
    for number in range(3):
        body = {"subject": f"Counted {number}", "body": "x", "requester": {"email": "counted@example.org"}}
        assert admin.post("/tickets", json=body).status_code == 201

    def agree() -> bool:
        counts = admin.get("/tickets/counts").raise_for_status().json()
        wanted = {
            "open": listed(admin, status=WORKED), "unassigned": listed(admin, status=WORKED, assignee="none"),
            "on_hold": listed(admin, status="on_hold"), "resolved": listed(admin, status="resolved"),
            "closed": listed(admin, status="closed"), "overdue": listed(admin, overdue="true"),
            "answered": listed(admin, status=WORKED, answered="true"),
        }  # fmt: skip
        return counts == {**wanted, "mine": 0, "my_teams": 0} and counts["open"] >= 3

    wait_until(agree, timeout=20, message="counts and lists to agree")
    john = {"Ledgerdesk-On-Behalf-Of": "john"}
    wait_until(
        lambda: (
            admin.get("/tickets/counts", headers=john).json()["mine"]
            == listed(admin, john, status=WORKED, assignee="me")
        ),
        message="an agent is told of those he has",
    )
    asking = {"Ledgerdesk-On-Behalf-Of": "counted@example.org"}
    wait_until(
        lambda: admin.get("/tickets/counts", headers=asking).json()["open"] == 3,
        message="a requester is told of his own tickets alone",
    )
    assert admin.get("/tickets/counts", params={"nonsense": "1"}).status_code == 400


def test_lists_by_topic_by_time_of_creation_and_by_who_spoke_last(admin):
    numbers, asking = {}, {"email": "narrowed@example.org"}
    for topic in ("mail", "network"):
        body = {"subject": f"About {topic}", "body": "x", "topic": topic, "requester": asking}
        made = admin.post("/tickets", json=body)
        numbers[topic] = made.json()["number"]
    version = admin.post(f"/tickets/{numbers['mail']}/replies", json={"body": "Here you are."}).headers[
        "ledgerdesk-version"
    ]
    seen = {"Ledgerdesk-After": f"{made.headers['ledgerdesk-version']},{version}"}

    def found(**parameters) -> set[str]:
        page = admin.get("/tickets", params={"requester": asking["email"], **parameters}, headers=seen)
        return {item["number"] for item in page.raise_for_status().json()["items"]}

    assert found() == set(numbers.values())
    assert found(topic="mail") == {numbers["mail"]}
    assert found(answered="true") == {numbers["mail"]}
    assert found(answered="false") == {numbers["network"]}
    created = admin.get(f"/tickets/{numbers['network']}", headers=seen).json()["created_at"]
    assert found(created_from=created) == {numbers["network"]}
    assert found(created_to=created) == {numbers["mail"]}
    without_zone = admin.get("/tickets", params={"created_from": "2026-01-01T00:00:00"})
    assert without_zone.status_code == 422
    assert without_zone.json()["errors"][0]["field"] == "created_from"
    for beyond in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):  # no date any more, in UTC
        answer = admin.get("/tickets", params={"created_from": beyond})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "created_from")
