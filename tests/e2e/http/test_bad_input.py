"""Bad input is refused with a problem document that names the field."""

import json

import pytest

from tests.e2e.http.asked import NEW, NOBODYS, refused


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "s"}, "body"),
        ({"body": "b", "requester": {"email": "k@e.org"}}, "subject"),
        ({**NEW, "subject": 5}, "subject"),
        ({**NEW, "subject": ""}, "subject"),
        ({**NEW, "subject": "   "}, "subject"),
        ({**NEW, "subject": "x" * 501}, "subject"),
        ({**NEW, "subject": None}, "subject"),
        ({**NEW, "subject": ["s"]}, "subject"),
        ({**NEW, "body": "x" * 100_001}, "body"),
        ({**NEW, "body": "a\x00b"}, "body"),
        ({**NEW, "subject": "a\x00b"}, "subject"),
        ({**NEW, "priority": "urgent"}, "priority"),
        ({**NEW, "priority": 1}, "priority"),
        ({**NEW, "severity": "sev-a"}, "severity"),
        ({**NEW, "requester": "ken"}, "requester"),
        ({**NEW, "requester": {}}, "requester.email"),
        ({**NEW, "requester": {"email": "ken"}}, "requester.email"),
        ({**NEW, "requester": {"email": "ken@example.org", "age": 5}}, "requester.age"),
        ({k: v for k, v in NEW.items() if k != "requester"}, "requester"),
        ({**NEW, "topic": "unheard-of"}, "topic"),
        ({**NEW, "tags": "vpn"}, "tags"),
        ({**NEW, "tags": ["ok", 5]}, "tags.1"),
        ({**NEW, "tags": ["t"] * 51}, "tags"),
        ({**NEW, "surprise": True}, "surprise"),
        ([NEW], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
def test_a_bad_field_is_named(admin, body, field):
    refused(admin.post("/tickets", json=body), 422, field)


@pytest.mark.parametrize(
    ("content", "media", "status", "field"),
    [
        (b"{", "application/json", 422, "body"),
        (b"", "application/json", 422, "body"),
        (b'{"subject": "\xff\xfe"}', "application/json", 422, "body"),
        (b'{"subject": "a", "body": "\\ud800", "requester": {"email": "k@e.org"}}', "application/json", 422, "body"),
        (b'{"subject": "\\udfff", "body": "b", "requester": {"email": "k@e.org"}}', "application/json", 422, "subject"),
        (b'{"subject": "a", "body": "b", "requester": {"email": "k@e.org", "name": "\\ud800"}}', "application/json", 422,
         "requester.name"),
        (b'{"subject": "a", "body": "b", "external_id": "\\ud800", "requester": {"email": "k@e.org"}}', "application/json", 422,
         "external_id"),
        (b'{"subject": "a", "body": "b", "tags": ["\\ud800"], "requester": {"email": "k@e.org"}}', "application/json", 422,
         "tags.0"),
        (b'{"subject": "a", "body": "b", "\\ud800": 1, "requester": {"email": "k@e.org"}}', "application/json", 422, None),
        (b"[" * 100_000, "application/json", 422, "body"),
        (b'{"subject": 1e400, "body": "b"}', "application/json", 422, None),
        (json.dumps(NEW).encode(), "text/plain", 415, "Content-Type"),
        (json.dumps(NEW).encode(), "application/x-www-form-urlencoded", 415, "Content-Type"),
        (b'{"body": "' + b"x" * 1_100_000 + b'"}', "application/json", 413, "body"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused(admin, content, media, status, field):
    refused(admin.post("/tickets", content=content, headers={"Content-Type": media}), status, field)


def test_a_body_of_unknown_length_is_refused_when_it_grows_too_long(admin):
    def parts():
        yield b'{"body": "'
        for _ in range(150):
            yield b"x" * 10_000

    refused(admin.post("/tickets", content=parts(), headers={"Content-Type": "application/json"}), 413, "body")


def test_an_event_that_would_be_too_large_is_refused(admin):
    """100,000 characters are allowed, but not any 100,000: an event holds 256 KiB."""
    refused(admin.post("/tickets", json={**NEW, "body": "\U0001f600" * 100_000}), 413)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("assign", {}, 422, None),
        ("assign", {"agent": "nobody"}, 422, "agent"),
        ("assign", {"agent": "ken"}, 422, "agent"),
        ("assign", {"agent": "a\x00b"}, 422, "agent"),
        ("assign", {"team": "nobody"}, 422, "team"),
        ("transfer", {"department": "nowhere"}, 422, "department"),
        ("transfer", {}, 422, "department"),
        ("prioritise", {}, 422, "priority"),
        ("prioritise", {"priority": "normal"}, 409, None),
        ("hold", {"until": "tomorrow"}, 422, "until"),
        ("hold", {"until": "2026-01-01T00:00:00"}, 422, "until"),
        ("hold", {"until": 5e20}, 422, "until"),
        ("hold", {"until": "9999-12-31T23:59:59-12:00"}, 422, "until"),
        ("resolve", {}, 422, "resolution"),
        ("resolve", {"resolution": ""}, 422, "resolution"),
        ("reopen", None, 409, None),
        ("resume", None, 409, None),
        ("notes", {"body": ""}, 422, "body"),
        ("messages", {"body": 5}, 422, "body"),
        ("close", {"message": {"a": 1}}, 422, "message"),
        ("explode", {}, 404, None),
    ],
)
def test_a_bad_command_is_refused(admin, ticket, path, body, status, field):
    answer = (
        admin.post(f"/tickets/{ticket}/{path}", json=body)
        if body is not None
        else admin.post(f"/tickets/{ticket}/{path}")
    )
    refused(answer, status, field)


@pytest.mark.parametrize("ref", ["0", "x" * 201, "%00", "%ff", NOBODYS, "00000000-0000-0000-0000-00000000000g"])
def test_unknown_tickets(admin, ref):
    answer = admin.get(f"/tickets/{ref}")
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "surprise=1", "status=opened", "limit=0", "limit=201", "limit=x", "cursor=nonsense", "cursor=WzFd", "sort=subject",
        "involved=you", "priority=urgent", "q=", "q=%00", "at=2026-01-01T00:00:00Z", "overdue=perhaps", "late=true", "assignee=me",
        "cursor=WyJhIiwiYiJd", "cursor=%ff", "tag=%00", "team=%00",
    ],
)  # fmt: skip
def test_a_bad_query_is_refused(admin, query):
    answer = admin.get(f"/tickets?{query}")
    assert answer.status_code in {400, 422}, answer.text
    name = query.split("=")[0]
    assert name in [error["field"].split(".")[0] for error in answer.json()["errors"]], answer.text


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", "x" * 201), ("Idempotency-Key", "a\tb"), ("If-Match", "x" * 201),
        ("Ledgerdesk-On-Behalf-Of", "nobody"), ("Ledgerdesk-On-Behalf-Of", "x" * 255),
    ],
)  # fmt: skip
def test_a_bad_header_is_named(admin, ticket, header, value):
    answer = admin.post(f"/tickets/{ticket}/notes", json={"body": "b"}, headers={header: value})
    refused(answer, 422, header)


@pytest.mark.parametrize("value", ["x", ",".join(["a:b:c"] * 9), "x" * 2001, f"{NOBODYS}:intake:x"])
def test_a_bad_after_is_named(admin, value):
    refused(admin.get("/tickets", headers={"Ledgerdesk-After": value}), 422, "Ledgerdesk-After")
