"""The gateway decides: accounts, passwords, sessions, keys."""

from datetime import UTC, datetime, timedelta

from services.gateway import domain
from services.gateway.domain import Account, Key, Session
from shared.contracts.event import NewEvent
from shared.testing.given import scenario

PERSON = "00000000-0000-0000-0000-000000000007"
ACCOUNT = {"person_id": PERSON, "active": True, "login": "ken", "name": "Ken", "email": "ken@example.org"}
account = scenario("gateway", Account, domain.evolve_account)
key = scenario("gateway", Key, domain.evolve_key)
session = scenario("gateway", Session, domain.evolve_session)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)


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


def test_all_sessions_end_at_once_and_one_may_be_kept():
    (first,) = account(of_account()).when(domain.sign_out_everywhere).then("signed_out")
    assert first.data == {"generation": 1, "kept": None}
    (second,) = account(of_account(), first).when(domain.sign_out_everywhere, PERSON).then("signed_out")
    assert second.data == {"generation": 2, "kept": PERSON}
    state = account(of_account(), first, second).state
    account(of_account(), first, second).when(
        domain.configure_account, roles=["agent", "requester"], **ACCOUNT
    ).nothing()
    assert (state.generation, state.login) == (2, "ken")
    assert account(first, of_account(name=None)).state.generation == 1, "configuring an account revives no session"


def test_sessions_start_and_end():
    (event,) = (
        session().when(lambda _: domain.start_session(PERSON, NOW, door="password", generation=3)).then("started")
    )
    assert event.data == {
        "person_id": PERSON, "expires_at": "2026-01-02T15:04:05.000000Z", "started_at": "2026-01-02T03:04:05.000000Z",
        "door": "password", "generation": 3,
    }  # fmt: skip
    (end,) = session(event).when(domain.revoke_session).then("revoked")
    assert end.data == {"person_id": PERSON, "expires_at": "2026-01-02T15:04:05.000000Z"}
    ended, began = session(event, end).state, session(event).state.began_at
    assert began is not None
    assert ended == Session(PERSON, "2026-01-02T15:04:05.000000Z", revoked=True, generation=3, began_at=began)
    session(event, end).when(domain.revoke_session).nothing()
    session().when(domain.revoke_session).refused(404, "no such session")


def test_keys_are_issued_and_revoked():
    command = {"name": "monitoring", "roles": ["analyst", "agent", "agent"], "key_hash": "h", "person_id": None}
    (event,) = key().when(lambda _: domain.issue_key(NOW, **command)).then("issued")
    assert event.data == {
        "name": "monitoring", "roles": ["agent", "analyst"], "hash": "h", "person_id": None, "cidrs": [], "expires_at": None,
    }  # fmt: skip
    (end,) = key(event).when(domain.revoke_key).then("revoked")
    key(event, end).when(domain.revoke_key).nothing()
    key().when(domain.revoke_key).refused(404, "no such key")
    assert key(event).state.roles == ("agent", "analyst")
    assert key(event, end).state.revoked


def test_a_key_may_be_good_from_some_networks_and_until_some_time():
    command = {"name": "monitoring", "roles": ["analyst"], "key_hash": "h", "person_id": None}
    (event,) = (
        key()
        .when(
            lambda _: domain.issue_key(
                NOW, cidrs=["2001:db8::/32", "10.1.0.0/16", "10.1.0.0/16"], expires_at=NOW + DAY, **command
            )
        )
        .then("issued")
    )
    assert event.data["cidrs"] == ["10.1.0.0/16", "2001:db8::/32"]
    assert event.data["expires_at"] == "2026-01-03T03:04:05.000000Z"
    for wrong in ("10.1.2.3/16", "everywhere", "10.1.0.0/33"):
        key().when(lambda _, w=wrong: domain.issue_key(NOW, cidrs=[w], **command)).refused(422, "no network", "cidrs")
    key().when(lambda _: domain.issue_key(NOW, expires_at=NOW, **command)).refused(422, "in the future", "expires_at")
