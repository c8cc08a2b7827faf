"""Administrators' pages that change the configuration: `form` (what an entry's form is), `kinds` (of what), `pages` (the pages), `audit` (who changed what)."""

from services.gateway.pages.configuring import audit, pages

ROUTERS = (pages.router, audit.router)

__all__ = ["ROUTERS"]
