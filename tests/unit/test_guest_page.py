"""What a guest's page says when the API does not know him or his ticket: no more, or not yet."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from fastapi.responses import JSONResponse

from services.gateway.pages import guest as page
from services.gateway.pages.client import ApiProblem

GUEST = SimpleNamespace(ticket=str(uuid4()), link=uuid4())


async def refused(monkeypatch, status: int, *, stands: bool, guest=GUEST):
    async def said(*_: object) -> bool:
        return stands

    gateway = SimpleNamespace(guests=SimpleNamespace(stands=said))
    monkeypatch.setattr(page, "gateway_of", lambda request: gateway)
    monkeypatch.setattr(page, "outside_page", lambda request, template, status, **more: JSONResponse(more, status))
    return await page._refused(None, ApiProblem(status, "t", "the API's words"), guest, {"body": "typed"})


@pytest.mark.parametrize("status", [401, 404])
async def test_a_link_that_stands_is_not_said_to_be_gone(monkeypatch, status):
    answer = await refused(monkeypatch, status, stands=True)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert b"in a moment" in answer.body
    assert b"not good" not in answer.body
    assert b"typed" in answer.body, "nothing that was written is lost"


@pytest.mark.parametrize("status", [401, 404])
async def test_a_link_that_does_not_stand_is(monkeypatch, status):
    answer = await refused(monkeypatch, status, stands=False)
    assert (answer.status_code, "retry-after" in answer.headers) == (status, False)
    assert b"not good any more" in answer.body
    assert b"typed" in answer.body


async def test_a_visit_that_is_over_is_said_to_be_so(monkeypatch):
    answer = await refused(monkeypatch, 410, stands=True, guest=None)
    assert answer.status_code == 410
    assert b"the API's words" in answer.body


async def test_another_refusal_goes_on(monkeypatch):
    with pytest.raises(ApiProblem, match="the API's words"):
        await refused(monkeypatch, 403, stands=True)
