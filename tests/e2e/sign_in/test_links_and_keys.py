"""What lets in without a password: one-time links, and keys within their networks and their time."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk
from tests.e2e.sign_in.doors import NEW_PASSWORD, enrol, refused_soon, sign_in
from tests.knowing import all_know


def test_an_invitation_sets_a_password_once(stack, somebody, anybody, admin):
    login = somebody(password=None)
    assert sign_in(anybody, login).status_code == 401
    issued = admin.post(f"/accounts/{login}/links", headers={"Idempotency-Key": login}).json()
    assert admin.post(f"/accounts/{login}/links", headers={"Idempotency-Key": login}).json() == issued
    assert issued["purpose"] == "invitation"
    assert issued["url"].endswith(f"/set-password?token={issued['token']}")
    weak = anybody.post("/links", json={"token": issued["token"], "password": "password1"})
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    answer = anybody.post("/links", json={"token": issued["token"], "password": NEW_PASSWORD})
    assert answer.status_code == 201, "a weak password does not burn the link"
    assert stack.client(answer.json()["token"]).get("/me").json()["login"] == login
    reused = anybody.post("/links", json={"token": issued["token"], "password": NEW_PASSWORD + "-2"})
    assert (reused.status_code, reused.json()["errors"][0]["field"]) == (410, "token")
    assert sign_in(anybody, login, NEW_PASSWORD).status_code == 201


def test_a_reset_ends_sessions_and_a_newer_link_ends_an_older(stack, somebody, anybody, admin):
    login = somebody()
    before = stack.signed_in(login)
    old = admin.post(f"/accounts/{login}/links").json()
    new = admin.post(f"/accounts/{login}/links").json()
    assert new["purpose"] == "reset"
    assert anybody.post("/links", json={"token": old["token"], "password": NEW_PASSWORD}).status_code == 410
    for wrong in ("ldl_x", "x", new["token"][:-2] + ("BA" if new["token"].endswith("AA") else "AA"), "ldl_" + "A" * 54):
        assert anybody.post("/links", json={"token": wrong, "password": NEW_PASSWORD}).status_code == 410
    assert anybody.post("/links", json={"token": new["token"], "password": NEW_PASSWORD}).status_code == 201
    refused_soon(before)
    other = stack.signed_in(somebody())
    assert other.post(f"/accounts/{login}/links").status_code == 403
    assert admin.post("/accounts/nobody-here/links").status_code == 404


def test_a_reset_does_not_get_past_one_time_codes(stack, somebody, anybody, admin):
    login = somebody()
    _, codes = enrol(stack.signed_in(login))
    link = admin.post(f"/accounts/{login}/links").json()["token"]
    needed = anybody.post("/links", json={"token": link, "password": NEW_PASSWORD})
    assert needed.status_code == 401
    challenge = needed.json()["second_factor"]["challenge"]
    assert anybody.post("/sessions/code", json={"challenge": challenge, "code": codes[0]}).status_code == 201


def test_the_command_line_invites(stack, somebody, anybody):
    login = somebody(password=None)
    answer = ledgerdesk(stack, "account", "invite", login)
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.partition("token=")[2].split()[0]
    assert anybody.post("/links", json={"token": token, "password": NEW_PASSWORD}).status_code == 201
    missing = ledgerdesk(stack, "account", "invite", "nobody-here")
    assert missing.returncode == 1
    assert "no account" in missing.stderr


def test_a_key_is_good_from_its_networks_and_for_its_time(stack, admin):
    def issue(**more):
        answer = admin.post("/keys", json={"name": f"key-{uuid4().hex[:6]}", "roles": ["agent"], **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    here, elsewhere = issue(cidrs=["127.0.0.0/8", "::1/128"]), issue(cidrs=["192.0.2.0/24"])
    all_know(admin)
    with stack.client(here["key"]) as client:
        assert client.get("/me").is_success
        assert client.get("/tickets").is_success
    with stack.client(elsewhere["key"]) as client:
        assert client.get("/me").status_code == 403
        assert "address" in client.get("/tickets").json()["detail"]
        claimed = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
        assert client.get("/me", headers=claimed).status_code == 403, "what a client says of itself is not believed"
    soon = issue(expires_at=(datetime.now(UTC) + timedelta(seconds=4)).isoformat())
    with stack.client(soon["key"]) as client:
        wait_until(lambda: client.get("/me").is_success, message="the key")
        wait_until(lambda: client.get("/me").status_code == 401, timeout=10, message="its end")
    for body, field in (
        ({"cidrs": ["10.0.0.1/8"]}, "cidrs"), ({"cidrs": ["x"]}, "cidrs"), ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2090-01-01T00:00:00"}, "expires_at"),
    ):  # fmt: skip
        answer = admin.post("/keys", json={"name": "wrong", "roles": ["agent"], **body})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), body

    def shown(key):
        return next(item for item in admin.get("/keys").json()["items"] if item["id"] == key["id"])

    assert shown(here)["cidrs"] == ["127.0.0.0/8", "::1/128"]
    wait_until(lambda: shown(here)["last_used"] is not None, timeout=30, message="its last use")
    assert shown(elsewhere)["last_used"] is None
