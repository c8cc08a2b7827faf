"""Reporting's routes. Who answers no requests loads none of them."""

from services.reporting.api import reports
from shared.http.parked import parked_router

ROUTERS = (reports.router, parked_router("reporting"))
