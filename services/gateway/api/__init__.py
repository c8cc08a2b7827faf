"""The gateway by HTTP: signing in and out, second factors, API keys, accounts; and configuration."""

from services.gateway.api import accounts, guests, keys, me, organisation, second_factor, seen, sessions
from services.gateway.api.common import Gateway, GatewayDep

__all__ = ["ROUTERS", "Gateway", "GatewayDep"]

ROUTERS = (
    sessions.router,
    me.router,
    second_factor.router,
    keys.router,
    accounts.router,
    guests.router,
    organisation.internal,
    seen.internal,
)
