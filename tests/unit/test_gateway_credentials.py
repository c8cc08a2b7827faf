"""What people sign in with: decided, guessed at, encrypted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyotp
import pytest
from argon2 import PasswordHasher
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.gateway import passwords, second_factor, throttle
from services.gateway.domain import credentials as domain
from services.gateway.domain.credentials import Credentials, Identity
from services.gateway.domain.throttle import MOST_OF_ADDRESS, MOST_OF_LOGIN, MOST_OF_PAIR, Failures, is_stopped
from services.gateway.second_factor import SecondFactor, UnreadableSecretError
from services.gateway.signing_in import browser_of
from shared.contracts.event import NewEvent
from shared.settings import Settings
from shared.testing.given import scenario

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEN, JANE = UUID(int=7), UUID(int=8)
given = scenario("gateway", Credentials, domain.evolve)
identity = scenario("gateway", Identity, domain.evolve_identity)


def fact(name: str, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.credential.{name}", data)


PASSWORD = fact("password_set", hash="$argon2id$x")
ENROLLED = fact("totp_enrolled", secret="s")
CONFIRMED = (ENROLLED, fact("totp_confirmed", step=100), fact("recovery_codes_made", hashes=["a", "b"]))


def test_a_password_is_kept_as_hash_and_voids_an_open_link():
    given().when(lambda _: domain.set_password("$argon2id$x")).then(PASSWORD)
    (link,) = given().when(lambda _: domain.issue_link("h", "invitation", NOW)).then("link_issued")
    assert given(link, PASSWORD).state == Credentials(password="$argon2id$x")


def test_codes_are_offered_confirmed_and_removed():
    given().when(domain.enrol_totp, "s").then(ENROLLED)
    assert given(ENROLLED).state.totp is None, "not asked for before it is confirmed"
    given(ENROLLED).when(domain.enrol_totp, "another").then("totp_enrolled")
    assert given(ENROLLED, fact("totp_enrolled", secret="another")).state.offered == "another"
    given(ENROLLED).when(domain.confirm_totp, 100, ["a", "b"]).then(*CONFIRMED[1:])
    given(ENROLLED).when(domain.confirm_totp, None, ["a"]).refused(422, "is not the one", "code")
    given().when(domain.confirm_totp, 100, ["a"]).refused(409, "no secret")
    given(*CONFIRMED).when(domain.confirm_totp, 101, ["a"]).refused(409, "no secret")
    given(*CONFIRMED).when(domain.enrol_totp, "s").refused(409, "in use already")
    (gone,) = given(*CONFIRMED).when(domain.remove_totp).then("totp_removed")
    given(*CONFIRMED, gone).when(domain.remove_totp).nothing()
    assert given(*CONFIRMED, gone).state.recovery == frozenset(), "recovery codes go with the secret"
    given(ENROLLED).when(domain.remove_totp).then("totp_removed")


def test_a_code_is_good_once_and_none_older_than_the_last():
    given(*CONFIRMED).when(domain.use_code, 101, "").then(fact("totp_used", step=101))
    used = (*CONFIRMED, fact("totp_used", step=101))
    for step in (99, 100, 101, None):
        given(*used).when(domain.use_code, step, "").refused(401, "wrong or was used", "code")
    given(*used).when(domain.use_code, 102, "").then("totp_used")
    given(*CONFIRMED).when(domain.use_code, 100, "").refused(
        401, "wrong or was used", "code"
    )  # that which confirmed it
    given(ENROLLED).when(domain.use_code, 101, "").refused(401, "wrong or was used", "code")
    given().when(domain.use_code, 101, "a").refused(401, "wrong or was used", "code")


def test_a_recovery_code_is_good_once():
    (used,) = given(*CONFIRMED).when(domain.use_code, None, "a").then(fact("recovery_code_used", hash="a"))
    given(*CONFIRMED, used).when(domain.use_code, None, "a").refused(401, "wrong or was used", "code")
    given(*CONFIRMED, used).when(domain.use_code, None, "b").then("recovery_code_used")
    given(*CONFIRMED).when(domain.make_recovery_codes, ["c"]).then(fact("recovery_codes_made", hashes=["c"]))
    given(*CONFIRMED, fact("recovery_codes_made", hashes=["c"])).when(domain.use_code, None, "b").refused(
        401, "wrong or was used", "code"
    )
    given(ENROLLED).when(domain.make_recovery_codes, ["c"]).refused(409, "not in use")


def test_a_link_is_good_once_for_its_time_and_until_there_is_a_newer_one():
    (link,) = given().when(lambda _: domain.issue_link("h", "invitation", NOW)).then("link_issued")
    assert link.data["expires_at"] == "2026-01-09T03:04:05.000000Z"
    (reset,) = given(link).when(lambda _: domain.issue_link("i", "reset", NOW)).then("link_issued")
    assert reset.data["expires_at"] == "2026-01-03T03:04:05.000000Z"
    given(link).when(domain.use_link, "h", "$new", NOW).then(
        fact("link_used", hash="h"), fact("password_set", hash="$new")
    )
    last = NOW + timedelta(days=7)
    given(link).when(domain.use_link, "h", "$new", last - timedelta(microseconds=1)).then("link_used", "password_set")
    gone = {"status": 410, "words": "not good any more", "field": "token"}
    given(link).when(domain.use_link, "h", "$new", last).refused(**gone)
    given(link).when(domain.use_link, "x", "$new", NOW).refused(**gone)
    given().when(domain.use_link, "h", "$new", NOW).refused(**gone)
    given(link, fact("link_used", hash="h")).when(domain.use_link, "h", "$new", NOW).refused(**gone)
    given(link, reset).when(domain.use_link, "h", "$new", NOW).refused(**gone)
    given(link, PASSWORD).when(domain.use_link, "h", "$new", NOW).refused(**gone)


def test_an_account_belongs_to_one_identity_of_an_issuer():
    (bound,) = given().when(domain.bind_identity, "https://a", "s1").then("identity_bound")
    given(bound).when(domain.bind_identity, "https://a", "s1").nothing()
    given(bound).when(domain.bind_identity, "https://a", "s2").refused(403, "another identity")
    (other,) = given(bound).when(domain.bind_identity, "https://b", "s2").then("identity_bound")
    assert given(bound, other).state.identities == {"https://a": "s1", "https://b": "s2"}
    (undone,) = given(bound, other).when(domain.unbind_identity, "https://a").then("identity_unbound")
    given(bound, undone).when(domain.bind_identity, "https://a", "s2").then("identity_bound")
    given().when(domain.unbind_identity, "https://a").nothing()
    (linked,) = identity().when(domain.link_identity, str(KEN)).then("linked")
    identity(linked).when(domain.link_identity, str(KEN)).nothing()
    (gone,) = identity(linked).when(domain.unlink_identity).then("unlinked")
    assert identity(linked, gone).state.person_id is None
    identity(linked, gone).when(domain.unlink_identity).nothing()


@pytest.mark.parametrize(
    ("failures", "stopped"),
    [
        (Failures(), False),
        (Failures(pair=MOST_OF_PAIR - 1, address=MOST_OF_ADDRESS - 1, login=MOST_OF_LOGIN - 1), False),
        (Failures(pair=MOST_OF_PAIR), True),
        (Failures(pair=MOST_OF_PAIR, known=True), True),
        (Failures(address=MOST_OF_ADDRESS), True),
        (Failures(login=MOST_OF_LOGIN), True),
        (
            Failures(login=MOST_OF_LOGIN * 100, address=MOST_OF_ADDRESS * 100, known=True),
            False,
        ),  # nobody shuts him out of home
        (Failures(address=MOST_OF_ADDRESS, shared=True), False),
        (Failures(login=MOST_OF_LOGIN, shared=True), True),
    ],
)
def test_who_is_stopped(failures, stopped):
    assert is_stopped(failures) is stopped


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", ("192.0.2.7", False)), ("::ffff:192.0.2.7", ("192.0.2.7", False)), ("127.0.0.1", ("127.0.0.1", True)),
        ("::1", ("::1", True)), ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", False)), ("2001:db8:1:2::9", ("2001:db8:1:2::/64", False)),
        (None, ("unknown", True)), ("testclient", ("unknown", True)),
    ],
)  # fmt: skip
def test_a_guesser_has_one_place_however_many_addresses_he_has(address, place):
    assert throttle.place_of(address) == place


@pytest.mark.parametrize(
    "password",
    [
        "password1",
        "Password123!",
        "qwertyuiop",
        "ken@example.org",
        "Ken Thompson",
        "ledgerdesk1",
        "x" * 100,
        "kenkenken",
    ],
)
async def test_what_everybody_would_guess_is_no_password(password):
    weakness = await passwords.Passwords().weakness(password, ["ken", "Ken Thompson", "ken@example.org", None])
    assert weakness is not None


@pytest.mark.parametrize(
    "password", ["orbit-lantern-cobalt-41", "t7#Vq9!zLm2p", "a" * 20 + "correct horse battery " * 4]
)
async def test_what_nobody_guesses_is_a_password(password):
    assert await passwords.Passwords().weakness(password, ["ken"]) is None


async def test_a_password_is_verified_and_nobodys_takes_as_long():
    keeper = passwords.Passwords()
    digest = await keeper.hash("orbit-lantern")
    assert await keeper.verify(digest, "orbit-lantern")
    assert not await keeper.verify(digest, "orbit-lanterN")
    assert not await keeper.verify(None, "nobody's")
    assert not await keeper.verify("no hash", "x")
    assert not PasswordHasher().check_needs_rehash(passwords.DECOY), "the decoy costs what a password of today costs"


@pytest.fixture
def factor():
    return SecondFactor(Settings(secret_key="0" * 32))


def test_a_secret_is_read_by_its_owners_stack_alone(factor):
    stored = factor.encrypt(KEN, "JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in stored
    assert factor.decrypt(KEN, stored) == "JBSWY3DPEHPK3PXP"
    assert factor.encrypt(KEN, "JBSWY3DPEHPK3PXP") != stored
    with pytest.raises(UnreadableSecretError):
        factor.decrypt(JANE, stored)
    with pytest.raises(UnreadableSecretError):
        SecondFactor(Settings(secret_key="1" * 32)).decrypt(KEN, stored)


@for_all(st.integers(-3, 3))
def test_a_code_is_taken_one_step_to_either_side(ahead):
    factor, secret = SecondFactor(Settings(secret_key="0" * 32)), pyotp.random_base32()
    now_step = int(NOW.timestamp()) // second_factor.STEP_SECONDS
    code = pyotp.TOTP(secret).generate_otp(now_step + ahead)
    near = [now_step + n for n in (0, -1, 1)]
    same = [
        step for step in near if pyotp.TOTP(secret).generate_otp(step) == code
    ]  # by chance it may be that of another
    assert factor.step(secret, code, NOW) == (same[0] if same else None)
    assert factor.step(secret, "12345", NOW) is None


def test_recovery_codes_are_many_unlike_and_read_however_they_are_typed(factor):
    codes = factor.recovery_codes(KEN)
    assert len(set(codes)) == domain.RECOVERY_CODES
    assert codes == factor.recovery_codes(KEN)
    assert not set(codes) & set(factor.recovery_codes(JANE))
    one = codes[0]
    assert len(one) == 11
    assert factor.recovery_hash(KEN, one) == factor.recovery_hash(KEN, f" {one.upper().replace('-', ' ')} ")
    assert factor.recovery_hash(KEN, one) != factor.recovery_hash(JANE, one)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari/537.36 Edg/139.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML) Version/18.0 Safari/604.1", "Safari on iOS"),
        ("python-httpx/0.28", "python-httpx"), ("<script>alert(1)</script>", "scriptalert1"), ("", ""),
    ],
)  # fmt: skip
def test_a_browser_in_words(agent, words):
    assert browser_of(agent) == words
