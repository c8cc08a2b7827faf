"""Queue counts say what the lists show, to each caller of what is his to see."""

from shared.testing.wait import wait_until

WORKED = ["new", "open", "on_hold"]


def listed(client, **parameters) -> int:
    count, cursor = 0, None
    while True:
        page = client.get(
            "/tickets", params={**parameters, "limit": 200, **({"cursor": cursor} if cursor else {})}
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
        }  # fmt: skip
        return counts == {**wanted, "mine": 0} and counts["open"] >= 3

    wait_until(agree, timeout=20, message="counts and lists to agree")
    john = {"Ledgerdesk-On-Behalf-Of": "john"}
    mine = admin.get("/tickets/counts", headers=john).json()["mine"]
    assert mine == len(
        admin.get("/tickets", params={"status": WORKED, "assignee": "me", "limit": 200}, headers=john).json()["items"]
    )
    asking = {"Ledgerdesk-On-Behalf-Of": "counted@example.org"}
    wait_until(
        lambda: admin.get("/tickets/counts", headers=asking).json()["open"] == 3,
        message="a requester is told of his own tickets alone",
    )
    assert admin.get("/tickets/counts", params={"nonsense": "1"}).status_code == 400
