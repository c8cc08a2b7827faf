"""Administrators' pages that change the configuration: `form` (what an entry's form is), `kinds` (of what), `pages` (the pages), `audit` (who changed what)."""

from fastapi import APIRouter

from services.gateway.pages.configuring import audit, pages

router = APIRouter()
for _page in (pages, audit):
    router.include_router(_page.router)

__all__ = ["router"]
