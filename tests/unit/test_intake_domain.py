"""Intake decides: what comes through the door."""

from dataclasses import replace

import pytest

from services.intake.domain import (
    Door,
    OpenTicket,
    ReceiveMessage,
    configure,
    evolve,
    open_ticket,
    receive_message,
    register_person,
)
from shared.contracts.event import NewEvent
from shared.testing.events import created, message
from shared.testing.given import scenario

given = scenario("intake", Door, evolve)
PERSON = "00000000-0000-0000-0000-000000000007"
OPEN = OpenTicket("100001", PERSON, "ken@example.org", "Ken", "VPN", "It drops.", "api")
SAYS = ReceiveMessage(PERSON, "ken@example.org", "Ken", "Still.", "api")


def test_opening_a_ticket():
    (event,) = given().when(open_ticket, OPEN).then("created")
    assert event.data == {
        "number": "100001", "person_id": PERSON, "channel": "api", "topic": None, "priority": None, "severity": None,
        "tags": [], "external_id": None,
    }  # fmt: skip
    assert event.personal == {
        "subject": "VPN", "body": "It drops.", "requester": {"email": "ken@example.org", "name": "Ken"},
    }  # fmt: skip


def test_what_was_asked_for_is_kept():
    asked = replace(OPEN, topic="network", priority="high", severity="Sev-A", tags=["vpn", "home"], external_id="X-1")
    (event,) = given().when(open_ticket, asked).then("created")
    assert {k: event.data[k] for k in ("topic", "priority", "severity", "tags", "external_id")} == {
        "topic": "network", "priority": "high", "severity": "Sev-A", "tags": ["vpn", "home"], "external_id": "X-1",
    }  # fmt: skip


def test_names_and_words_are_personal_and_stand_nowhere_else():
    (event,) = given().when(open_ticket, OPEN).then("created")
    for secret in ("ken@example.org", "Ken", "VPN", "It drops."):
        assert secret not in str(event.data)


def test_words_in_custom_fields_are_personal_other_values_are_not():
    asked = replace(OPEN, fields={"device": "laptop", "sites": ["hq"]}, worded={"serial": "S/N 1"})
    (event,) = given().when(open_ticket, asked).then("created")
    assert (event.data["fields"], event.data["worded"]) == ({"device": "laptop", "sites": ["hq"]}, ["serial"])
    assert event.personal["fields"] == {"serial": "S/N 1"}
    assert "S/N 1" not in str(event.data)


def test_a_ticket_is_opened_once():
    given(created()).when(open_ticket, OPEN).refused(409, "100001 is open already")


def test_a_message_for_a_ticket():
    (event,) = given(created()).when(receive_message, SAYS).then("message_received")
    assert event.data["person_id"] == PERSON
    assert event.personal == {"body": "Still.", "author": {"email": "ken@example.org", "name": "Ken"}}
    given(created(), message(), message()).when(receive_message, SAYS).then("message_received")


def test_a_message_for_no_ticket():
    given().when(receive_message, SAYS).refused(404)


@pytest.mark.parametrize(("name", "organisation"), [("Ken", "example"), (None, None)])
def test_registering_a_person(name, organisation):
    (event,) = given().when(lambda _: register_person("ken@example.org", name, organisation)).then("registered")
    assert event.data == {"organisation": organisation}
    assert event.personal["email"] == "ken@example.org"
    assert event.personal.get("name") == name


def test_configuring_twice_says_it_once():
    new = {"key": "mail", "name": "E-mail", "active": True}
    kind = "ledgerdesk.topic.configured"
    assert configure("topic", new, None) == [NewEvent(kind, {"new": new, "old": None})]
    assert configure("topic", new, dict(new)) == []
    changed = {**new, "active": False}
    given().when(lambda _: configure("topic", changed, new)).then(NewEvent(kind, {"new": changed, "old": new}))
    customer = {"key": "example", "name": "Example", "domains": ["example.org"], "active": True}
    given().when(lambda _: configure("organisation", customer, None)).then("configured")


def test_evolve_takes_any_fact_in_any_state():
    state = given(message(), created("7"), message(), created("8")).state
    assert (state.number, state.requester_id) == ("8", PERSON)
