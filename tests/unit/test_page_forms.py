"""What proves that a form is ours, and whose forms are read before it is known who sends them."""

from itertools import permutations

import pytest
from fastapi import Request

from services.gateway.pages.security import csrf_good, csrf_token
from services.gateway.pages.visit import is_brief
from shared.settings import Settings

SETTINGS = Settings(secret_key="0" * 32)


@pytest.mark.parametrize(("one", "other"), list(permutations(("session", "visit", "guest"), 2)))
def test_who_calls_his_visit_like_a_session_gets_no_token_of_it(one, other):
    token = csrf_token(SETTINGS, one, "the same")
    assert csrf_good(SETTINGS, one, "the same", token)
    assert not csrf_good(SETTINGS, other, "the same", token)
    assert not csrf_good(SETTINGS, one, "another", token)


@pytest.mark.parametrize(
    ("length", "brief"),
    [
        ("0", True),
        (str(1024 * 1024), True),
        (str(1024 * 1024 + 1), False),
        (None, False),
        ("-1", False),
        ("many", False),
    ],
)
def test_a_strangers_form_is_read_if_it_says_that_it_is_short(length, brief):
    headers = [(b"content-length", length.encode())] if length is not None else []
    assert is_brief(Request({"type": "http", "headers": headers})) == brief
