"""Similar tickets by HTTP: what was resolved before, to whom it is shown, and the ways in between."""

from uuid import uuid4

from shared.testing.wait import wait_until


def opened(client, subject: str) -> str:
    body = {"subject": subject, "body": "x", "requester": {"email": "ken@example.org"}}
    number = client.post("/tickets", json=body).raise_for_status().json()["number"]
    wait_until(lambda: client.get(f"/tickets/{number}/moves").is_success, message="the ticket")
    return number


def test_what_was_resolved_is_shown_with_how(admin, person):
    thing = f"gadget{uuid4().hex[:6]}"
    before, now = opened(admin, f"The {thing} beeps"), opened(admin, f"A {thing} beeps")
    assert admin.get(f"/tickets/{now}/similar").raise_for_status().json()["items"] == [], "what is open solves nothing"
    admin.post(f"/tickets/{before}/resolve", json={"resolution": "Battery changed."}).raise_for_status()
    (found,) = wait_until(lambda: admin.get(f"/tickets/{now}/similar").json()["items"], message="the resolution")
    assert (found["number"], found["status"], found["resolution"]) == (before, "resolved", "Battery changed.")
    assert admin.get(f"/tickets/{now}/similar", params={"limit": 21}).status_code == 422
    assert admin.get(f"/tickets/{now}/similar", params={"q": "x"}).status_code == 400
    assert person("ken").get(f"/tickets/{now}/similar").status_code == 403
    assert person("ana").get(f"/tickets/{now}/similar").status_code == 403, "who works no tickets solves none"
    assert person("john").get(f"/tickets/{before}/similar").json()["items"] == [], "not itself"
