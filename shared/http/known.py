"""A verified credential, as it is remembered for a moment; and from where a request comes."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from uuid import UUID

from fastapi import Request

from shared.http.problems import Problem
from shared.http.rights import Caller
from shared.settings import Settings


def address_of(request: Request) -> str | None:
    """Return the client's address: that of the connection, or what a trusted proxy says (see `Settings.trusted_proxies`)."""
    return request.client.host if request.client else None


def origin_of(request: Request) -> str:
    """Return the origin that people type: the configured one, else that of this request."""
    settings: Settings = request.app.state.settings
    return (settings.public_url or str(request.base_url)).rstrip("/")


@dataclass(frozen=True, slots=True)
class Known:
    """A verified credential: who it stands for, how long it is not looked up again, and a key's own limits."""

    caller: Caller
    until: float
    used: tuple[str, UUID] | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    expires_at: datetime | None = None

    def need_place(self, address: str | None) -> None:
        """Require that a key which is good from some networks only is used from one of them.

        Raises:
            Problem: 403.
        """
        if not self.networks:
            return
        try:
            where = ip_address(address or "")
        except ValueError:
            where = None
        mapped = getattr(where, "ipv4_mapped", None) or where
        if mapped is None or not any(mapped in network for network in self.networks):
            raise Problem(403, "This key is not good from this address: use it from a network it was issued for.")
