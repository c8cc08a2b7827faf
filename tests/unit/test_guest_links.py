"""Links for requesters without an account: what is decided, and which doors are a guest's."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import Request

from services.gateway.domain import guests
from services.gateway.domain.guests import Guests, evolve
from shared.contracts.event import NewEvent, Via, rfc3339
from shared.directory.people import Person
from shared.http.guests import may_be_guest, need_guests_door
from shared.http.problems import Problem
from shared.http.rights import Caller
from shared.refusal import Refusal
from shared.testing.events import NOON
from shared.testing.given import scenario

TICKET, PERSON, LINK, OTHER = (UUID(int=n) for n in range(1, 5))
given = scenario("gateway", Guests, evolve)
NOW = NOON + timedelta(seconds=2)
"""When the second fact that was given happened."""
OF = {"ticket_id": str(TICKET), "person_id": str(PERSON)}
ASKED = NewEvent("ledgerdesk.guest.asked", OF)


def issued(link=LINK, digest="good", until=NOW + timedelta(days=14)):
    return NewEvent(
        "ledgerdesk.guest.link_issued", {**OF, "link": str(link), "hash": digest, "expires_at": rfc3339(until)}
    )


def used(link=LINK):
    return NewEvent("ledgerdesk.guest.link_used", {**OF, "link": str(link)})


def revoked(*links):
    return NewEvent("ledgerdesk.guest.link_revoked", {**OF, "links": [str(link) for link in links]})


def test_a_link_is_good_for_fourteen_days():
    (event,) = given().when(guests.issue, NOW, TICKET, PERSON, LINK, "good").then(issued())
    assert event.data["expires_at"] == rfc3339(NOW + timedelta(days=14))


def test_a_ticket_has_no_more_than_ten_that_are_good():
    ten = [issued(UUID(int=100 + n)) for n in range(10)]
    given(*ten).when(guests.issue, NOW, TICKET, PERSON, LINK, "x").refused(409, "take one back first")
    given(*ten, revoked(UUID(int=100))).when(guests.issue, NOW, TICKET, PERSON, LINK, "x").then("link_issued")
    given(*ten).when(guests.issue, NOW + timedelta(days=14), TICKET, PERSON, LINK, "x").then("link_issued")


def test_a_good_secret_opens_it():
    given(issued()).when(guests.use, NOW, TICKET, LINK, "good").then(used())


@pytest.mark.parametrize("moment", [NOW, NOW + guests.SAID_AGAIN - timedelta(seconds=1)])
def test_opened_again_soon_it_is_said_once(moment):
    given(issued(), used()).when(guests.use, moment, TICKET, LINK, "good").nothing()
    given(issued(), used()).when(guests.use, NOW + guests.SAID_AGAIN, TICKET, LINK, "good").then("link_used")


def test_what_does_not_open_it():
    for link, secret in ((LINK, "bad"), (OTHER, "good"), (LINK, ""), (OTHER, "")):
        given(issued()).when(guests.use, NOW, TICKET, link, secret).refused(410, "not good any more", "token")
    given(issued(), revoked(LINK)).when(guests.use, NOW, TICKET, LINK, "good").refused(410, field="token")
    given(issued(), used(), revoked(LINK)).when(guests.use, NOW, TICKET, LINK, "good").refused(410, field="token")
    given(issued(until=NOW)).when(guests.use, NOW, TICKET, LINK, "good").refused(410, field="token")
    given().when(guests.use, NOW, TICKET, LINK, "").refused(410, field="token")


def test_one_is_taken_back_and_the_other_stays():
    two = given(issued(), issued(OTHER, "other"))
    two.when(guests.revoke, TICKET, OTHER).then(revoked(OTHER))
    after = given(issued(), issued(OTHER, "other"), revoked(OTHER))
    after.when(guests.use, NOW, TICKET, LINK, "good").then(used())
    after.when(guests.revoke, TICKET).then(revoked(LINK))
    after.when(guests.revoke, TICKET, OTHER).nothing()


def test_all_are_taken_back_and_of_none_nothing_is_said():
    given(issued(), issued(OTHER)).when(guests.revoke, TICKET).then(revoked(LINK, OTHER))
    given().when(guests.revoke, TICKET).nothing()
    given(issued()).when(guests.revoke, TICKET, OTHER).refused(404, "no such link")


def test_it_is_asked_for_once_an_hour():
    given().when(guests.ask, NOW, TICKET, PERSON).then(ASKED)
    given(ASKED).when(guests.ask, NOW + timedelta(minutes=59), TICKET, PERSON).nothing()
    given(ASKED).when(guests.ask, NOW + timedelta(hours=1), TICKET, PERSON).then(ASKED)


def test_a_fact_of_a_link_that_is_not_known_changes_nothing():
    assert given(used(), revoked(LINK)).state == Guests()
    with pytest.raises(Refusal):
        guests.check(given(used()).state, NOW, LINK, "")


def person(**more):
    known = {"email": "g@x.example", "name": None, "login": None, "agent": None, "account": None}
    return Person(PERSON, **{**known, **more})


def test_links_are_for_requesters_who_cannot_sign_in():
    assert may_be_guest(person())
    assert may_be_guest(person(agent={"active": False}))
    assert not may_be_guest(None)
    assert not may_be_guest(person(forgotten=True))
    assert not may_be_guest(person(agent={"active": True}))
    assert not may_be_guest(person(account={"roles": ["requester"], "active": True}))
    assert not may_be_guest(person(account={"roles": ["requester"], "active": False})), (
        "a door that was shut stays shut"
    )


def come(method, path, ticket=TICKET):
    request = Request(
        {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "server": ("x", 80)}
    )
    need_guests_door(
        request, Caller(PERSON, None, None, None, frozenset({"requester"}), Via("link", "x"), ticket=ticket)
    )


def test_a_guests_doors():
    at = f"/api/v1/tickets/{TICKET}"
    for method, path in (
        ("GET", ""),
        ("HEAD", ""),
        ("GET", "/timeline"),
        ("GET", "/attachments/e/0"),
        ("POST", "/messages"),
    ):
        come(method, at + path)
    for method, path in (
        ("POST", at), ("GET", f"/api/v1/tickets/{OTHER}"), ("GET", f"{at}/links"), ("GET", f"{at}/attachments/e"), ("GET", f"{at}/attachments"),
        ("GET", f"{at}/timeline/x"), ("POST", f"{at}/timeline"), ("GET", "/api/v1/tickets"), ("GET", f"/internal/tickets/{TICKET}"), ("GET", "/api/v1/stream"),
        ("GET", f"{at}/"), ("DELETE", f"{at}/messages/x"), ("POST", f"{at}/guest-links"), ("GET", f"/tickets/../{TICKET}"),
    ):  # fmt: skip
        with pytest.raises(Problem) as refused:
            come(method, path)
        assert refused.value.status == 403, path
    come("GET", "/api/v1/tickets", ticket=None)


def test_a_guest_is_the_asker_of_his_ticket_alone():
    guest = Caller(PERSON, None, None, None, frozenset({"requester"}), Via("link", "x"), ticket=TICKET)
    assert guest.asks({"stream_id": TICKET, "requester_id": PERSON})
    assert not guest.asks({"stream_id": OTHER, "requester_id": PERSON})
    assert not guest.asks({"stream_id": TICKET, "requester_id": OTHER})
