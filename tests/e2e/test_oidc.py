"""Signing in with another provider, a real one on loopback: the ways that work, and the attacks that must not."""

import re
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest

from ledgerdesk import organisation
from ledgerdesk.client import Stack as StackAt
from ledgerdesk.organisation import OrganisationFile
from shared.testing.wait import wait_until
from tests.e2e.conftest import KEY, PASSWORD, ROOT

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture(scope="module")
def issuer(stack) -> str:
    return f"http://127.0.0.1:{stack.oidc_port}"


@pytest.fixture(scope="module")
def provider(stack, issuer):
    """Return how to say what the provider claims of somebody."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "oidc_provider.py"), str(stack.oidc_port)], stderr=subprocess.DEVNULL
    )

    def answers() -> bool:
        assert process.poll() is None
        try:
            return httpx.get(f"{issuer}/jwks", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def say(subject: str, **claims: object) -> str:
        httpx.put(f"{issuer}/users/{subject}", json=claims, trust_env=False).raise_for_status()
        return subject

    wait_until(answers, timeout=60, message="the provider")
    yield say
    process.terminate()
    process.wait(30)


@pytest.fixture
def browser(stack):
    """Return a maker of browsers: cookies of their own, and no redirect followed."""
    opened = []

    def new() -> httpx.Client:
        opened.append(httpx.Client(base_url=stack.url, trust_env=False, timeout=60))
        return opened[-1]

    yield new
    for client in opened:
        client.close()


@pytest.fixture
def account(stack):
    """Return a maker of accounts: the login."""

    def make(*roles: str, email: str | None = None) -> str:
        login = f"linked-{uuid4().hex[:8]}"
        entry = {
            "email": email or f"{login}@example.org",
            "login": login,
            "name": "L",
            "roles": list(roles),
            "password": PASSWORD,
        }
        organisation.apply(StackAt(stack.url, KEY), OrganisationFile.model_validate({"people": [entry]}))
        return login

    return make


def there(client: httpx.Client, key: str = "corp", then: str = "/queue") -> str:
    """Begin, and return where the browser is sent."""
    answer = client.get(f"/sign-in/with/{key}", params={"next": then})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def consent(url: str, subject: str) -> str:
    """Sign in at the provider, and return where it sends the browser back to."""
    answer = httpx.post(url, data={"sub": subject}, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def sign_in(client: httpx.Client, subject: str, key: str = "corp", then: str = "/queue") -> httpx.Response:
    return client.get(consent(there(client, key, then), subject))


def me(client: httpx.Client) -> dict[str, object]:
    return client.get("/api/v1/me").json()


def test_who_has_an_account_is_signed_in_by_a_verified_address(provider, browser, account):
    login = account("agent")
    subject = provider(uuid4().hex, email=f"{login}@Example.org", email_verified=True, name="Somebody Else")
    client = browser()
    url = there(client, then="/tickets/new")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["state"]) > 40
    assert len(asked["nonce"]) > 40
    answer = client.get(consent(url, subject))
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/new")
    said = me(client)
    assert (said["login"], said["roles"], said["name"]) == (login, ["agent"], "L"), "rights and names are ours"
    wait_until(lambda: client.get("/api/v1/sessions").json()["items"], message="the session")
    assert client.get("/api/v1/sessions").json()["items"][0]["door"] == "oidc:corp"
    provider(subject, email="moved@example.net", email_verified=True)
    again = browser()
    assert sign_in(again, subject).status_code == 303
    assert me(again)["login"] == login, "once linked, an address is of no account"


def test_a_link_leads_nowhere_else(provider, browser, account):
    subject = provider(uuid4().hex, email=f"{account('agent')}@example.org", email_verified=True)
    for then in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        assert sign_in(browser(), subject, then=then).headers["location"] == "/queue"


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {}, {"email_verified": "yes"}, {"email_verified": 1}, {"email_verified": None}],
    ids=str,
)
def test_an_address_that_nobody_has_verified_takes_over_nothing(provider, browser, account, claims):
    login = account("administrator")
    client = browser()
    answer = sign_in(client, provider(uuid4().hex, email=f"{login}@example.org", **claims))
    assert answer.status_code == 403
    assert "does not vouch" in answer.text
    assert me(client)["status"] == 401


def test_an_address_that_went_to_somebody_else_does_not_bring_the_account_along(provider, browser, account, admin):
    login = account("agent")
    first = provider(uuid4().hex, email=f"{login}@example.org", email_verified=True)
    assert sign_in(browser(), first).status_code == 303
    second = provider(uuid4().hex, email=f"{login}@example.org", email_verified=True)
    client = browser()
    answer = sign_in(client, second)
    assert answer.status_code == 403
    assert "another identity" in answer.text
    assert me(client)["status"] == 401
    assert admin.delete(f"/accounts/{login}/identities").status_code == 204
    assert sign_in(client, second).status_code == 303
    assert me(client)["login"] == login
    assert sign_in(browser(), first).status_code == 403


def test_who_has_no_account_gets_none_or_a_requesters(stack, provider, browser):
    email = f"new-{uuid4().hex[:8]}@example.org"
    subject = provider(uuid4().hex, email=email, email_verified=True, name="New Person", roles=["administrator"])
    refused = sign_in(browser(), subject)
    assert refused.status_code == 403
    assert "no account" in refused.text
    client = browser()
    assert sign_in(client, subject, "open").status_code == 303
    assert me(client)["login"] == email
    assert me(client)["roles"] == ["requester"]
    with stack.client() as admin:  # and he is who has the tickets of that address
        ticket = {"subject": "Mine", "body": "x", "requester": {"email": email}}
        number = admin.post("/tickets", json=ticket).raise_for_status().json()["number"]
    wait_until(lambda: client.get(f"/api/v1/tickets/{number}").is_success, message="his ticket")
    assert sign_in(browser(), subject, "open").status_code == 303
    with stack.client() as admin:
        assert [a["email"] for a in admin.get("/accounts").json()["items"]].count(email) == 1
    elsewhere = provider(uuid4().hex, email=f"x@{uuid4().hex}.example", email_verified=True)
    assert sign_in(browser(), elsewhere, "open").status_code == 403, "a domain that is not this provider's"


def test_an_account_that_is_switched_off_stays_off(stack, provider, browser, account):
    login = account("agent")
    subject = provider(uuid4().hex, email=f"{login}@example.org", email_verified=True)
    assert sign_in(browser(), subject).status_code == 303
    entry = {"email": f"{login}@example.org", "login": login, "name": "L", "roles": ["agent"], "active": False}
    organisation.apply(StackAt(stack.url, KEY), OrganisationFile.model_validate({"people": [entry]}))
    assert sign_in(browser(), subject).status_code == 403


def test_a_code_is_asked_for_after_a_provider_that_does_not_ask_for_one(stack, provider, browser, account):
    login = account("agent")
    with stack.signed_in(login) as own:
        secret = own.post("/me/totp", json={"current": PASSWORD}).json()["secret"]
        codes = own.post("/me/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).json()["recovery_codes"]
    subject = provider(uuid4().hex, email=f"{login}@example.org", email_verified=True)
    client = browser()
    page = sign_in(client, subject, then="/tickets/new")
    assert (page.status_code, "Your code" in page.text) == (200, True)
    assert me(client)["status"] == 401
    challenge = re.search(r'name="challenge" value="([^"]+)"', page.text)[1]
    form = {"csrf": CSRF.search(page.text)[1], "challenge": challenge, "next": "/tickets/new"}
    wrong = client.post("/sign-in/code", data={**form, "code": "000000"})
    assert (wrong.status_code, "wrong or was used" in wrong.text) == (401, True)
    right = client.post("/sign-in/code", data={**form, "code": codes[0]})
    assert (right.status_code, right.headers["location"]) == (303, "/tickets/new")
    assert me(client)["login"] == login
    vouched = browser()
    assert sign_in(vouched, subject, "open").status_code == 303


def test_what_was_not_asked_for_is_not_taken(provider, browser, account):
    login = account("agent")
    subject = provider(uuid4().hex, email=f"{login}@example.org", email_verified=True)
    victim, attacker = browser(), browser()
    back = consent(there(attacker), subject)
    assert victim.get(back).status_code == 403, "another browser's answer: no cookie"
    there(victim)
    assert victim.get(back).status_code == 403, "another browser's answer: another state"
    there(victim)
    assert victim.get(back).status_code == 403
    assert me(victim)["status"] == 401
    own = there(attacker)
    wrong_state = re.sub(r"state=[^&]+", "state=x", consent(own, subject))
    assert attacker.get(wrong_state).status_code == 403
    assert attacker.get(consent(own, subject)).status_code == 403, "the cookie is good once"
    good = consent(there(attacker), subject)
    assert attacker.get(good.replace("/corp/", "/open/")).status_code == 403, "another provider's answer"
    good = consent(there(attacker), subject)
    assert attacker.get(good + "&iss=https://evil.example").status_code == 403, "another issuer's answer (RFC 9207)"
    good = consent(there(attacker), subject)
    assert attacker.get(good).status_code == 303
    there(attacker)
    assert attacker.get(good).status_code == 403, "a code is good once"


@pytest.mark.parametrize(
    "lie", [{"nonce": "x"}, {"nonce": None}, {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["another", "ledgerdesk"]}, {"exp": 1}],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_not_believed(provider, browser, account, lie):
    login = account("agent")
    client = browser()
    answer = sign_in(client, provider(uuid4().hex, email=f"{login}@example.org", email_verified=True, **lie))
    assert answer.status_code == 502
    assert me(client)["status"] == 401


def test_a_code_without_its_verifier_is_of_no_use(issuer, provider, browser, account):
    subject = provider(uuid4().hex, email=f"{account('agent')}@example.org", email_verified=True)
    back = consent(there(browser()), subject)
    code = parse_qs(urlsplit(back).query)["code"][0]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": back.partition("?")[0]}
    for verifier in ({}, {"code_verifier": "x" * 43}):
        answer = httpx.post(
            f"{issuer}/oauth2/token", data={**body, **verifier}, auth=("ledgerdesk", "any"), trust_env=False
        )
        assert answer.status_code == 400, answer.text


@pytest.mark.usefixtures("provider")
def test_a_provider_that_refuses_or_is_away_leaves_one_at_the_door(browser):
    client = browser()
    url = there(client)
    answer = httpx.post(url, data={"action": "deny"}, trust_env=False)
    state = parse_qs(urlsplit(url).query)["state"][0]  # which this provider forgets to send back when it refuses
    back = client.get(f"{answer.headers['location']}&state={state}")
    assert (back.status_code, "did not sign you in" in back.text) == (403, True)
    for key in ("away", "wrong"):
        answer = client.get(f"/sign-in/with/{key}")
        assert (answer.status_code, "does not answer as it should" in answer.text) == (502, True)
    assert client.get("/sign-in/with/nobody").status_code == 404


def test_signing_out_offers_to_sign_out_there_too(issuer, provider, browser, account):
    subject = provider(uuid4().hex, email=f"{account('agent')}@example.org", email_verified=True)
    client = browser()
    sign_in(client, subject)
    wait_until(lambda: client.get("/api/v1/sessions").json()["items"], message="the session")
    page = client.get("/queue")
    out = client.post("/sign-out", data={"csrf": CSRF.search(page.text)[1]})
    assert out.headers["location"] == "/sign-in?out=corp"
    assert f"{issuer}/oauth2/end_session?client_id=ledgerdesk" in client.get("/sign-in?out=corp").text
