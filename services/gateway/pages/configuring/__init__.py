"""Administrators' pages that change the configuration: `form` (what an entry's form is), `kinds` (of what), `pages` (the pages)."""

from services.gateway.pages.configuring.pages import router

__all__ = ["router"]
