"""The gateway decides: accounts, passwords, sessions, keys."""

from datetime import UTC, datetime

from services.gateway import domain
from services.gateway.domain import Account, Key, Session
from shared.contracts.event import NewEvent
from shared.testing.given import scenario

PERSON = "00000000-0000-0000-0000-000000000007"
ACCOUNT = {"person_id": PERSON, "active": True, "login": "ken", "name": "Ken", "email": "ken@example.org"}
account = scenario("gateway", Account, domain.evolve_account)
key = scenario("gateway", Key, domain.evolve_key)
session = scenario("gateway", Session, domain.evolve_session)
nothing = scenario("gateway", lambda: None, lambda state, _: state)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def of_account(**changes: object) -> NewEvent:
    return domain.configure_account(Account(), roles=["agent", "requester"], **{**ACCOUNT, **changes})[0]


def test_an_account_is_opened_changed_and_left_alone():
    (event,) = (
        account().when(domain.configure_account, roles=["requester", "agent", "agent"], **ACCOUNT).then("configured")
    )
    assert event.data == {"person_id": PERSON, "roles": ["agent", "requester"], "active": True}
    assert event.personal == {"login": "ken", "name": "Ken", "email": "ken@example.org"}
    account(event).when(domain.configure_account, roles=["agent", "requester"], **ACCOUNT).nothing()
    account(event).when(domain.configure_account, roles=["requester"], **ACCOUNT).then("configured")
    account(event).when(domain.configure_account, roles=["agent", "requester"], **{**ACCOUNT, "active": False}).then(
        "configured"
    )
    account(event).when(domain.configure_account, roles=["agent", "requester"], **{**ACCOUNT, "login": "kenny"}).then(
        "configured"
    )


def test_an_account_follows_its_last_event():
    state = account(of_account(), of_account(active=False, name=None)).state
    assert (state.exists, state.active, state.name, state.roles) == (True, False, None, ("agent", "requester"))


def test_a_password_is_kept_as_hash():
    nothing().when(lambda _: domain.set_password("$argon2id$x")).then(
        NewEvent("ledgerdesk.credential.password_set", {"hash": "$argon2id$x"})
    )


def test_sessions_start_and_end():
    (event,) = session().when(lambda _: domain.start_session(PERSON, NOW)).then("started")
    assert event.data == {"person_id": PERSON, "expires_at": "2026-01-02T15:04:05.000000Z"}
    (end,) = session(event).when(domain.revoke_session).then("revoked")
    assert end.data == event.data
    session(event, end).when(domain.revoke_session).nothing()
    session().when(domain.revoke_session).refused(404, "no such session")


def test_keys_are_issued_and_revoked():
    command = {"name": "monitoring", "roles": ["analyst", "agent", "agent"], "key_hash": "h", "person_id": None}
    (event,) = key().when(lambda _: domain.issue_key(**command)).then("issued")
    assert event.data == {"name": "monitoring", "roles": ["agent", "analyst"], "hash": "h", "person_id": None}
    (end,) = key(event).when(domain.revoke_key).then("revoked")
    key(event, end).when(domain.revoke_key).nothing()
    key().when(domain.revoke_key).refused(404, "no such key")
    assert key(event).state.roles == ("agent", "analyst")
    assert key(event, end).state.revoked
