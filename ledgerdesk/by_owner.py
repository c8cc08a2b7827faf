"""Commands' ways to the owners from within a process of the stack: there is no front door there, or it is not known."""

import httpx

from shared.service_names import SERVICES
from shared.settings import Settings


class ByOwner(httpx.BaseTransport):
    """Sends each request to the owner that its path names, wherever that runs; what names none, to the gateway."""

    def __init__(self, origins: dict[str, str]) -> None:
        self._origins = origins
        self._wire = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        owner = request.url.path.split("/")[4]  # /api/v1/internal/{owner}/…
        origin = httpx.URL(self._origins.get(owner) or self._origins["gateway"])
        request.url = request.url.copy_with(scheme=origin.scheme, host=origin.host, port=origin.port)
        return self._wire.handle_request(request)

    def close(self) -> None:
        """Close it."""
        self._wire.close()


def origins_of(settings: Settings) -> dict[str, str]:
    """Return where each service is."""
    return {name: settings.url_of(name) for name in SERVICES}


def client(origins: dict[str, str], token: str, timeout: float) -> httpx.Client:
    """Return a client that is whoever the token stands for."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(
        base_url="http://ledgerdesk/api/v1", headers=headers, timeout=timeout, transport=ByOwner(origins), trust_env=False
    )  # fmt: skip
