"""Searching while one types: the last word need not be whole, and whatever is typed is answered."""

from uuid import uuid4

import pytest

from shared.testing.wait import wait_until

RUN = uuid4().hex[:8]
ADDRESS = f"wanda.{RUN}@search.example"


@pytest.fixture(scope="module")
def ticket(stack) -> str:
    body = {
        "subject": f"The dvorak{RUN} sticks",
        "body": f"Since the qwertz{RUN}extra.",
        "requester": {"email": ADDRESS},
    }
    with stack.client() as admin:
        number = admin.post("/tickets", json=body).raise_for_status().json()["number"]
        wait_until(lambda: number in found(admin, f"dvorak{RUN}"), message="the ticket")
    return number


def found(client, words: str) -> set[str]:
    items = client.get("/tickets", params={"q": words, "limit": 200}).raise_for_status().json()["items"]
    return {one["number"] for one in items}


@pytest.mark.parametrize(
    "typed",
    ["dvorak{:.4}", "The DVORAK{:.4}", "sticks dvorak{:.7}", "qwertz{}ex", "wanda.{}@sea", "wanda.{:.5}"],
)  # fmt: skip
def test_a_word_is_found_by_its_beginning(ticket, admin, typed):
    assert ticket in found(admin, typed.format(RUN))


def test_a_number_is_found_by_its_beginning(ticket, admin):
    assert ticket in found(admin, f"{ticket[:-1]}") | found(admin, f"dvorak{RUN} {ticket[:-2]}")


def test_only_the_last_word_is_a_beginning(ticket, admin):
    assert ticket not in found(admin, f"dvorak{RUN[:4]} sticks")
    assert ticket not in found(admin, f"vorak{RUN}"), "the middle of a word begins nothing"
    assert ticket not in found(admin, "st" + " " + RUN)


@pytest.mark.parametrize(
    "typed", ["'", "it''s", "a\\'b:*", "foo:*|bar", "(((abc", "①②③", "ⓐⓑⓒ", "zzz '", "🔥🔥🔥", "x" * 500, "&&& abc\\", "abc\\\\", "!abc", "<->abc"]
)  # fmt: skip
def test_whatever_is_typed_is_a_question(ticket, admin, typed):
    assert ticket not in found(admin, typed)
