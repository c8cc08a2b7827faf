"""The gateway by HTTP: signing in and out, API keys, accounts; and configuration."""

from services.gateway.api import accounts, keys, organisation, sessions
from services.gateway.api.common import Gateway, GatewayDep

__all__ = ["ROUTERS", "Gateway", "GatewayDep"]

ROUTERS = (sessions.router, keys.router, accounts.router, organisation.internal)
