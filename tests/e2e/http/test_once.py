"""Commands by their key: once is once."""

import asyncio

import httpx

from shared.contracts.ids import random_id
from tests.e2e.http.asked import NEW, opened, refused, settled


async def test_two_hundred_times_one_key_is_one_ticket(stack, admin):
    key = {"Idempotency-Key": f"many-{random_id()}"}
    body = {**NEW, "subject": f"Once {random_id()}"}
    async with httpx.AsyncClient(
        base_url=f"{stack.url}/api/v1", headers={**admin.headers, **key}, timeout=60, trust_env=False,
        limits=httpx.Limits(max_connections=50),
    ) as client:  # fmt: skip
        answers = await asyncio.gather(*(client.post("/tickets", json=body) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1, "every repeat gets the first answer"
    assert sum("Ledgerdesk-Repeat" not in answer.headers for answer in answers) == 1
    settled(admin, answers[0].json()["id"])
    found = admin.get("/tickets", params={"q": body["subject"]}).json()["items"]
    assert [item["id"] for item in found] == [answers[0].json()["id"]]


def test_a_client_that_gives_up_and_tries_again(stack, admin):
    tickets = set()
    for patience in (0.001, 0.005, 0.02, 0.3):
        key = {"Idempotency-Key": f"impatient-{random_id()}"}
        with stack.client(timeout=patience) as impatient:
            for _ in range(3):
                try:
                    impatient.post("/tickets", json=NEW, headers=key)
                except httpx.TimeoutException:
                    continue
        first, second = (admin.post("/tickets", json=NEW, headers=key) for _ in range(2))
        assert first.text == second.text
        tickets.add(first.json()["id"])
    assert len(tickets) == 4


def test_every_command_is_done_once_per_key(admin):
    ticket = settled(admin, opened(admin)["id"])["id"]
    for path, body in (
        ("notes", {"body": "psst"}), ("messages", {"body": "hello"}), ("prioritise", {"priority": "high"}),
        ("transfer", {"department": "field-service"}), ("resolve", {"resolution": "done"}),
    ):  # fmt: skip
        key = {"Idempotency-Key": f"{path}-{random_id()}"}
        first, second = (admin.post(f"/tickets/{ticket}/{path}", json=body, headers=key) for _ in range(2))
        assert first.is_success, first.text
        assert second.json()["id"] == first.json()["id"]
        assert second.headers["Ledgerdesk-Repeat"] == "true"
        timeline = admin.get(
            f"/tickets/{ticket}/timeline", headers={"Ledgerdesk-After": first.headers["Ledgerdesk-Version"]}
        )
        kind = {"notes": "noted", "messages": "message_received", "prioritise": "prioritised", "transfer": "transferred",
                "resolve": "resolved"}[path]  # fmt: skip
        mine = [i for i in timeline.json()["items"] if i["type"] == kind and i["via"]["kind"] == "key"]
        assert len(mine) == 1, path


def test_one_key_with_two_bodies_is_refused(admin):
    key = {"Idempotency-Key": f"two-{random_id()}"}
    assert admin.post("/tickets", json=NEW, headers=key).status_code == 201
    refused(admin.post("/tickets", json={**NEW, "subject": "Another"}, headers=key), 422, "Idempotency-Key")


def test_one_key_of_two_callers_is_two_commands(stack, person):
    key = {"Idempotency-Key": "the same"}
    with stack.client() as admin:
        mine = admin.post("/tickets", json=NEW, headers=key).json()["id"]
    assert person("john").post("/tickets", json=NEW, headers=key).json()["id"] != mine
