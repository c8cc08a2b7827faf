"""How people sign in, set up one-time codes, and are refused."""

from datetime import UTC, datetime, timedelta

import pyotp

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD

NEW_PASSWORD = "orbit-lantern-cobalt-41"


def sign_in(client, login, password=PASSWORD, **more):
    return client.post("/sessions", json={"login": login, "password": password, **more})


def refused_soon(client, path="/me"):
    wait_until(lambda: client.get(path).status_code == 401, timeout=5, message="a refusal")


def enrol(client) -> tuple[pyotp.TOTP, list[str]]:
    offered = client.post("/me/totp", json={"current": PASSWORD}).raise_for_status().json()
    totp = pyotp.TOTP(offered["secret"])
    assert pyotp.parse_uri(offered["uri"]).secret == totp.secret
    assert offered["qr"].startswith("<svg")
    codes = client.post("/me/totp/confirm", json={"code": totp.now()}).raise_for_status().json()["recovery_codes"]
    return totp, codes


def next_code(totp: pyotp.TOTP) -> str:
    """A code that was not shown yet: that of the step to come is taken, too."""
    return totp.at(datetime.now(UTC) + timedelta(seconds=30))
