"""A request's route, looked for among those that begin like it: the same that a router finds that asks all of its own."""

import re

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match

from ledgerdesk.application import API
from ledgerdesk.host import routes_of
from ledgerdesk.switchboard import Switchboard
from shared.settings import SERVICES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def router_of(*paths: str, answer: str = "") -> APIRouter:
    router = APIRouter()
    for path in paths:
        router.add_api_route(path, lambda: answer)
    return router


async def asked(app: FastAPI, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://desk", follow_redirects=True
    ) as client:
        return await client.request(method, f"http://desk{path}")


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    board = Switchboard(app)
    board.include(router_of("/tickets/new", answer="the form"))
    board.include(router_of("/tickets/{number}", "/queue", "/", answer="a page"))
    board.include(router_of("/tickets/{number}", "/me", answer="data"), API)
    return app


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", "a page"), ("/queue", "a page"), ("/tickets/new", "the form"), ("/tickets/7", "a page"),
        ("/api/v1/tickets/7", "data"), ("/api/v1/me", "data"), ("/me", None), ("/api/v1/queue", None), ("/api/v1", None), ("/api", None),
        ("//", None), ("/queue/", "a page"),
    ],
)  # fmt: skip
async def test_a_path_is_answered_by_who_has_it(app, path, answer):
    got = await asked(app, "GET", path)
    assert (got.json() if got.status_code == 200 else None) == answer


async def test_another_method_is_refused_and_not_unheard_of(app):
    got = await asked(app, "POST", "/api/v1/me")
    assert (got.status_code, got.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/{any}", "/{any}/more"])
def test_a_path_that_may_begin_with_anything_cannot_be_sorted(path):
    with pytest.raises(ValueError, match="how paths of this route begin"):
        Switchboard(FastAPI()).include(router_of(path))


def test_routers_within_routers_cannot_be_sorted():
    outer = APIRouter()
    outer.include_router(router_of("/queue"))
    with pytest.raises(ValueError, match="how paths of this route begin"):
        Switchboard(FastAPI()).include(outer)


def test_it_finds_what_asking_every_router_finds():
    plain, sorted_app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), FastAPI()
    board = Switchboard(sorted_app)
    paths = set()
    for name in SERVICES:
        module = routes_of(name)
        for prefix, routers in ((API, module.ROUTERS), ("", getattr(module, "PAGES", ()))):
            for router in routers:
                plain.include_router(router, prefix=prefix)
                board.include(router, prefix)
                paths |= {prefix + route.path for route in router.routes}

    def found(routes, path, method):
        partial = None
        for route in routes:
            match, inner = route.matches(
                {"type": "http", "path": path, "method": method, "root_path": "", "headers": []}
            )
            taken = getattr(inner.get("ledgerdesk.router", route), "original_router", None)
            if match is Match.FULL:
                return match, taken
            if match is Match.PARTIAL:
                partial = partial or (match, taken)
        return partial

    samples = [re.sub(r"\{[^}]+\}", "7", path) for path in paths]
    assert len(samples) > 200
    for path in [*samples, "/", "/nowhere", "/api/v1/nowhere"]:
        for method in METHODS:
            assert found([board], path, method) == found(plain.router.routes, path, method), (method, path)
