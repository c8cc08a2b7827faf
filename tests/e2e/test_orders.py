"""Lists in every order: what is due first, what is most urgent; page by page nothing twice and nothing left out."""

from uuid import uuid4

import pytest

from shared.testing.wait import wait_until

RUN = uuid4().hex[:8]
RANKS = {"low": 1, "normal": 2, "high": 3, "emergency": 4}


@pytest.fixture(scope="module")
def tickets(stack) -> int:
    """Tickets of every priority, and of none, two of each."""
    with stack.client() as admin:
        for priority in [*RANKS, None] * 2:
            body = {"subject": f"orders{RUN}", "body": "?", "requester": {"email": f"orders.{RUN}@example.org"}}
            admin.post("/tickets", json=body | ({"priority": priority} if priority else {})).raise_for_status()
        wait_until(lambda: len(listed(admin, "updated_at")) == 10, message="the tickets")
    return 10


def listed(client, sort: str, limit: int = 200, **more) -> list[dict]:
    """Return the whole list, page by page."""
    found, cursor = [], None
    while True:
        asked = {"q": f"orders{RUN}", "sort": sort, "limit": limit, **more, **({"cursor": cursor} if cursor else {})}
        page = client.get("/tickets", params=asked).raise_for_status().json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("sort", ["updated_at", "-updated_at", "created_at", "-created_at", "due_at", "-priority"])
def test_page_by_page_is_the_whole_list(tickets, admin, sort):
    def same() -> bool:
        whole = [one["number"] for one in listed(admin, sort)]
        assert len(set(whole)) == tickets
        return [one["number"] for one in listed(admin, sort, limit=3)] == whole

    wait_until(same, message="both to be the same, once nothing changes any more")


def test_what_is_most_urgent_comes_first_and_of_those_what_was_changed_last(tickets, admin):
    places = [(RANKS[one["priority"]], one["updated_at"]) for one in listed(admin, "-priority")]
    assert len(places) == tickets
    assert places == sorted(places, reverse=True)


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("sort", ["due_at", "-priority"])
def test_a_cursor_of_another_order_is_refused(admin, sort):
    other = {"due_at": "-priority", "-priority": "due_at"}[sort]
    asked = {"q": f"orders{RUN}", "limit": 2}
    cursor = admin.get("/tickets", params={**asked, "sort": other}).json()["next"]
    answer = admin.get("/tickets", params={**asked, "sort": sort, "cursor": cursor})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["cursor"])
