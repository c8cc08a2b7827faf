"""Requests made up from the OpenAPI document, by a requester, an agent and an administrator: nothing breaks (no 5xx)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

EXAMPLES = 8
AT_ONCE = 16
TICKETS = 40
"""Tickets that commands are made up for, in turns: sixteen at once on one would be told that it changes too fast."""
SKIPPED = {
    ("GET", "/api/v1/stream"),  # never ends
    ("POST", "/api/v1/sessions"),  # argon2 takes its time on purpose
    ("DELETE", "/api/v1/sessions/current"),  # would sign the others out
    ("DELETE", "/api/v1/sessions"),  # same
    ("PUT", "/api/v1/accounts/{login}/password"),  # same
}


@pytest.fixture(scope="module")
def callers(stack, person) -> Iterator[dict[str, Any]]:
    with stack.client() as admin:
        new = {"subject": "s", "body": "b", "requester": {"email": "ken@example.org"}}
        tickets = cycle([admin.post("/tickets", json=new).json()["number"] for _ in range(TICKETS)])
        yield {"administrator": admin, "agent": person("john"), "requester": person("ken"), "tickets": tickets}


@pytest.mark.parametrize("role", ["administrator", "agent", "requester"])
def test_nothing_made_up_from_the_document_breaks_it(stack, callers, role):
    document = httpx.get(f"{stack.url}/api/v1/openapi.json", trust_env=False, timeout=30).json()
    schema = schemathesis.openapi.from_dict(document)
    cases: list[schemathesis.Case] = []

    def make_up(operation) -> None:
        @settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(), real=st.booleans())
        def made_up(case, real):
            # Else all would end at "no such ticket"; and a command waits 2 s before it says so.
            if "ref" in (case.path_parameters or {}) and (real or operation.method.upper() != "GET"):
                case.path_parameters["ref"] = next(callers["tickets"])
            cases.append(case)

        made_up()

    for result in schema.get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) not in SKIPPED:
            make_up(operation)
    assert len(cases) > 100
    headers = {"Authorization": callers[role].headers["Authorization"]}

    def ask(case: schemathesis.Case) -> str | None:
        response = case.call(base_url=stack.url, headers=headers, timeout=60)
        if response.status_code < 500:
            return None
        return f"{case.operation.method.upper()} {case.operation.path}: {response.status_code} {response.text[:300]} {case.as_curl_command()}"

    with ThreadPoolExecutor(AT_ONCE) as pool:  # they are made up one after the other, and asked side by side: many wait
        broken = [said for said in pool.map(ask, cases) if said is not None]
    assert broken == []
