"""Finding a request's route: among those whose paths begin like its own, not among all.

A host of every service has some three hundred routes, and a router asks each of its own in turn, at every level of inclusion: that took
longer than much of what is asked for.
"""

from collections import defaultdict
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_TAKEN = "ledgerdesk.router"


class Switchboard(BaseRoute):
    """Routers by how the paths in them begin."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routers: dict[str, list[BaseRoute]] = defaultdict(list)
        app.router.routes.append(self)

    @property
    def routes(self) -> Iterator[BaseRoute]:
        """Every router, each once, in the order they were put in."""
        return iter(dict.fromkeys(router for routers in self._routers.values() for router in routers))

    def include(self, router: APIRouter, prefix: str = "") -> None:
        """Include a router below a prefix; within one beginning, the first that was included is asked first.

        Raises:
            ValueError: A path begins with a parameter, or the router holds another one: how its paths begin is not known.
        """
        self._app.include_router(router, prefix=prefix)
        included = self._app.router.routes.pop()
        beginnings = set()
        for route in router.routes:
            path = prefix + str(getattr(route, "path", "{"))
            beginnings.add(beginning := _beginning(path))
            if "{" in beginning:
                raise ValueError(f"{path}: nobody can tell how paths of this route begin; include it by itself")
        for beginning in beginnings:
            self._routers[beginning].append(included)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return how well the request's path and method suit, and who answers it."""
        found: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] not in {"http", "websocket"}:
            return found
        for router in self._routers.get(_beginning(scope["path"]), ()):
            match, inner = router.matches(scope)
            if match is Match.FULL:
                return match, {**inner, _TAKEN: router}
            if match is Match.PARTIAL and found[0] is Match.NONE:
                found = (match, {**inner, _TAKEN: router})
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the router that was found answer."""
        router: BaseRoute = scope[_TAKEN]
        await router.handle(scope, receive, send)


def _beginning(path: str) -> str:
    """Return ``/queue`` of ``/queue/counts``; below the API, ``/api/v1/tickets`` of ``/api/v1/tickets/100001``."""
    parts = path.split("/", 4)
    return "/".join(parts[:4] if parts[1:3] == ["api", "v1"] else parts[:2])
