"""The gateway by HTTP: signing in and out, second factors, API keys, accounts; and configuration."""

from services.gateway.api.common import Gateway, GatewayDep

__all__ = ["Gateway", "GatewayDep"]
