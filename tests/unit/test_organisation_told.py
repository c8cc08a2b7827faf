"""What `ledgerdesk org apply` tells each owner of the rest of the file, so that none waits to hear of it from another."""

import json
from typing import Any

import httpx
import pytest

from ledgerdesk import organisation, waiting

FILE = """
departments: [{key: support, name: Support, manager: asks@x.example}]
topics: [{key: vpn, name: VPN}]
teams: [{key: night, name: Night}]
roles: [{key: keeper, name: Keeper, permissions: []}]
people: [{email: ann@x.example, login: ann, departments: [support]}, {email: asks@x.example}]
sla_plans: [{key: gold, name: Gold, targets: {}}]
canned_replies: [{key: sorry, name: Sorry, body: Sorry.}]
categories: [{key: guides, name: Guides, departments: [support]}]
"""


@pytest.mark.parametrize("owner", ["routing", "workflow", "knowledge"])
def test_each_owner_is_told_what_else_the_file_holds(owner, monkeypatch):
    told: dict[str, Any] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        name, body = request.url.path.split("/")[2], json.loads(request.content)
        told[name] = body
        people = {one["email"]: f"id of {one['email']}" for one in body.get("people", [])}
        return httpx.Response(200, json={"changed": 1, "position": 1, "people": people})

    monkeypatch.setattr(waiting, "until_known", lambda *_: [])
    with httpx.Client(base_url="http://desk", transport=httpx.MockTransport(answer)) as client:
        organisation.apply_with(client, organisation.parsed(FILE, "file"))
    assert told[owner]["known"] == {
        "role": ["keeper"], "department": ["support"], "team": ["night"], "topic": ["vpn"], "sla_plan": ["gold"],
        "canned_reply": ["sorry"], "person": ["id of ann@x.example", "id of asks@x.example"],
    }  # fmt: skip
