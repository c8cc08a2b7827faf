"""Routing by HTTP: who handles a ticket (`moves`); `common` is what its routes work with."""

from services.routing.api.common import RoutingApp, RoutingDep

__all__ = ["RoutingApp", "RoutingDep"]
