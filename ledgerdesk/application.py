"""What a host answers: the routes of its services, and what every process says of itself. `serve` runs it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ledgerdesk import organising, peers
from ledgerdesk.audit.daily import newest_seal
from ledgerdesk.host import Host, routes_of
from ledgerdesk.switchboard import Switchboard
from ledgerdesk.trying import door as trying
from shared.eventstore.store import EventStore
from shared.http import problems
from shared.http.caller import unauthenticated
from shared.http.known import address_of
from shared.http.limits import LimitBodies, Measure
from shared.projection import checkpoints, dead_letters_read
from shared.service import Service
from shared.settings import SERVICES, Settings
from shared.telemetry import GAPS, PARKED, RELAY_POSITION, STORE_POSITION, UNKNOWN

API = "/api/v1"
log = structlog.get_logger("host")


def merged_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the one OpenAPI document of all services, also where only some of them run here."""
    if app.openapi_schema is None:
        whole = FastAPI(title=app.title, version=app.version, description=app.description)
        for name in SERVICES:
            for router in routes_of(name).ROUTERS:
                whole.include_router(router, prefix=API)
        app.openapi_schema = whole.openapi()
        problems.describe(app.openapi_schema)
    return app.openapi_schema


def create_app(host: Host) -> FastAPI:
    """Return the HTTP application of a host."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        await host.start()
        yield
        await host.stop()

    app = FastAPI(
        title="Ledgerdesk", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None,
        description="A help desk whose source of truth is a ledger of events.",
    )  # fmt: skip
    app.state.services = host.services
    app.state.settings = host.settings
    problems.install(app)
    app.add_middleware(LimitBodies, most_upload=host.settings.attachment_bytes)
    app.add_middleware(Measure)
    app.include_router(root_router(host, app))
    board = Switchboard(app)
    for name in host.names:
        if "http" in host.parts[name]:
            module = routes_of(name)
            for router in module.ROUTERS:
                board.include(router, API)
            for router in getattr(module, "PAGES", ()):
                board.include(router)
            app.state.nothing = getattr(module, "NOTHING", None) or getattr(app.state, "nothing", None)
    return app


def root_router(host: Host, app: FastAPI) -> APIRouter:
    """Return what every process answers: health, readiness, metrics, where it stands, and the whole API's description."""
    root = APIRouter(include_in_schema=False)

    @root.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @root.get("/readyz")
    async def readyz() -> Response:
        ready = host.ready() and await others_ready(host.settings.data)
        return PlainTextResponse("ready\n" if ready else "starting\n", 200 if ready else 503)

    @root.get("/readyz/stack")
    async def readyz_stack() -> Response:
        """Whether all services are ready, wherever they run. A probe of one process asks /readyz instead."""
        ready = host.ready() and await others_ready(host.settings.data)
        waiting = ([] if ready else list(host.names)) + await peers.not_ready(host.settings, host.names)
        return PlainTextResponse(f"starting: {', '.join(waiting)}\n" if waiting else "ready\n", 503 if waiting else 200)

    @root.get("/metrics")
    async def metrics(request: Request) -> Response:
        if request.client is None or request.client.host not in {"127.0.0.1", "::1"}:
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            caller = (
                await next(iter(host.services.values())).authenticator.caller(bearer, address_of(request))
                if bearer
                else None
            )
            if caller is None or not caller.sees_all:
                return problems.problem_response(401, "Metrics answer loopback or a key.")
        await set_gauges(host)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @root.get(f"{API}/internal/projections")
    async def projections(request: Request, *, local: bool = False) -> dict[str, Any]:
        """Where each projection stands: per owner, the position up to which everything is applied. `local`: here only. And the newest seal."""
        await need_system(host, request)
        found: dict[str, list[Any]] = {
            "projections": [await progress(service) for service in host.services.values()],
            "owners": [await relayed(s.name, s.store) for s in host.services.values() if s.store is not None],
        }
        if not local:
            token = next(iter(host.services.values())).kernel.tokens.internal()
            others = await peers.projections(host.settings, host.names, token)
            found = {part: found[part] + others[part] for part in found}
        return {**found, "seal": await newest_seal(next(iter(host.services.values())).pool)}

    root.add_api_route(
        f"{API}/internal/rules/try", rules_door(host), methods=["POST"], dependencies=[only_system(host)]
    )

    root.add_api_route(
        f"{API}/internal/dead-letters", dead_letters_door(host), methods=["GET"], dependencies=[only_system(host)]
    )
    root.add_api_route(
        f"{API}/internal/organisation", organisation_door(host), methods=["PUT"], dependencies=[only_system(host)]
    )

    @root.get(f"{API}/openapi.json")
    async def openapi() -> dict[str, Any]:
        return merged_openapi(app)

    return root


def rules_door(host: Host) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return the route by which rules are tried."""

    async def try_rules(body: trying.Trial) -> dict[str, Any]:
        """What past tickets would have got under these rules, beside what they get under those in force. Nothing is changed."""
        return await trying.answer(host.settings, next(iter(host.services.values())).kernel.tokens.internal(), body)

    return try_rules


def dead_letters_door(host: Host) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return the route by which the last dead letters are read."""

    async def dead_letters() -> dict[str, Any]:
        """The last records that are no events, the newest first, to be read."""
        try:
            return {"items": await dead_letters_read.last(host.settings.kafka_bootstrap_servers)}
        except (KafkaError, TimeoutError) as error:
            raise problems.Problem(503, "The broker does not answer just now. Try again in a moment.") from error

    return dead_letters


def organisation_door(host: Host) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return the route by which an organisation file is applied."""

    async def apply(body: organising.Given, request: Request) -> dict[str, Any]:
        """Have the desk be configured as a file says; what it leaves out is left alone."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return await organising.answer(host.settings, token, body)

    return apply


def only_system(host: Host) -> Any:
    """Return what lets only the system role and administrators through, before a body is looked at."""

    async def allowed(request: Request) -> None:
        await need_system(host, request)

    return Depends(allowed)


async def need_system(host: Host, request: Request) -> None:
    """Let only the system role and administrators through.

    Raises:
        Problem: 401 or 403.
    """
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    caller = (
        await next(iter(host.services.values())).authenticator.caller(bearer, address_of(request)) if bearer else None
    )
    if caller is None:
        raise unauthenticated()
    caller.need("system", "administrator")


ERASING = """
SELECT (SELECT count(*) FROM reaction_inbox WHERE event ->> 'type' ~ 'forgotten|erased') AS waiting,
       (SELECT count(*) FROM reaction_parked WHERE event ->> 'type' ~ 'forgotten|erased') AS parked
"""
"""What is left to do for those who are forgotten, in one service."""


async def progress(service: Service) -> dict[str, Any]:
    """Return where a service's projection stands, and what is parked or missing in it."""
    async with service.pool.acquire() as connection:
        known = await checkpoints.load(connection, service.projection.name)
        parked = await connection.fetchval("SELECT count(*) FROM projection_parked")
        gaps = await connection.fetchval("SELECT count(*) FROM projection_gap")
        waiting = await connection.fetchval("SELECT count(*) FROM reaction_inbox")
        undone = await connection.fetchval("SELECT count(*) FROM reaction_parked")
        (erasing,) = await connection.fetch(ERASING)
        built = {row["view"]: row for row in await connection.fetch("SELECT view, version, built_at FROM view_version")}
    marks = [checkpoints.floor(rows, service.projection.topics) for rows in known.values()]
    floor = {owner: mark["position"] for owner, mark in (marks[0] if marks else {}).items()}
    return {
        "name": service.projection.name, "views": [model.name for model in service.projection.models],
        "versions": {
            model.name: {"version": row["version"], "built_at": row["built_at"]} if (row := built.get(model.name)) else {"version": 1}
            for model in service.projection.models
        },
        "watermarks": floor, "parked": parked, "gaps": gaps, "inbox": waiting, "parked_reactions": undone,
        "erasing": dict(erasing),
    }  # fmt: skip


async def set_gauges(host: Host) -> None:
    """Look at stores and projections once for a scrape."""
    for service in host.services.values():
        where = await progress(service)
        PARKED.labels(service.name).set(where["parked"] + where["parked_reactions"])
        GAPS.labels(service.name).set(where["gaps"])
        skipped = await service.pool.fetchval("SELECT coalesce(sum(records), 0) FROM projection_unknown")
        UNKNOWN.labels(service.name).set(int(skipped))
        if service.store is not None:
            store = await relayed(service.name, service.store)
            STORE_POSITION.labels(service.name).set(store["position"])
            RELAY_POSITION.labels(service.name).set(store["relayed"])


async def relayed(owner: str, store: EventStore) -> dict[str, Any]:
    """Return how far an owner's store has come, and its relay."""
    cursor = await store.pool.fetchval("SELECT position FROM relay_cursor WHERE name = 'kafka'")
    position = await store.last_position()
    return {"owner": owner, "position": position, "relayed": cursor, "waiting": position - cursor}


async def others_ready(data: Path) -> bool:
    """Whether the other processes of an embedded stack say they are ready (a file each); True where there are none."""
    folder = data / "run" / "ready"
    if not folder.is_dir():
        return True
    return all(_says_ready(path.read_text()) for path in folder.glob("*"))


def _says_ready(text: str) -> bool:
    """Whether a process that lives has said it is ready."""
    state, _, pid = text.partition(" ")
    return state == "ready" and Path(f"/proc/{pid}").exists()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how an application is served. Who a client is, the connection says; a proxy is asked only if it is a trusted one."""
    return uvicorn.Config(
        app, host=settings.host, port=settings.port, loop="uvloop", http="httptools",
        log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="on", server_header=False,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies or None,
    )  # fmt: skip


async def serve(host: Host) -> None:
    """Serve HTTP until told to stop."""
    await uvicorn.Server(server_config(create_app(host), host.settings)).serve()
