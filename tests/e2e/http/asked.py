"""What these tests ask the API for, and what a refusal of it looks like."""

import httpx

from shared.testing.wait import wait_until

NOBODYS = "5f0c9a52-0f0b-4b0e-9c57-6d6f0a6a3f11"
"""An id that no ticket has."""
NEW = {"subject": "Printer on fire", "body": "Third floor.", "requester": {"email": "ken@example.org"}}


def opened(client: httpx.Client, **changes) -> dict:
    answer = client.post("/tickets", json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def settled(client: httpx.Client, ticket: str) -> dict:
    """Return the ticket once routing has given it to somebody: until then its versions still move."""

    def assigned() -> dict | None:
        answer = client.get(f"/tickets/{ticket}")
        return answer.json() if answer.is_success and answer.json()["assignee"] else None

    return wait_until(assigned, message="the ticket to be assigned")


def refused(answer: httpx.Response, status: int, field: str | None = None) -> dict:
    """Expect a problem document with this status that names this field."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    return problem
