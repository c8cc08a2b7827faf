"""Who changed which configuration, and when: the owners' own events, the last first."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.configuring.form import changes
from services.gateway.pages.configuring.kinds import KINDS
from services.gateway.pages.configuring.pages import address_of, only_administrators
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import VisitDep
from shared.contracts.catalogue import OWNERS
from shared.directory.shown import actor_shown

router = APIRouter(route_class=PageRoute)

SHOWN = 100
NOT_FOUND = 404


@router.get("/admin/audit")
async def show_audit(
    visit: VisitDep, owner: Annotated[str, Query(max_length=30)] = "", before: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> Response:
    """Show the last changes of all owners; of one of them, those before a position.

    Raises:
        ApiProblem: 404, there is no such owner.
    """
    await only_administrators(visit)
    if owner and owner not in OWNERS:
        raise ApiProblem(NOT_FOUND, "Not found", _("Nothing is owned by “%(name)s”.", name=owner))
    query = f"?limit={SHOWN}" + (f"&before={before}" if owner and before else "")
    found = await asyncio.gather(
        *(visit.api.lines(f"/internal/{one}/changes{query}") for one in ([owner] if owner else OWNERS))
    )
    events = sorted((event for some in found for event in some), key=lambda e: str(e["occurred_at"]), reverse=True)[
        :SHOWN
    ]
    ids = {UUID(event["actor"]["id"]) for event in events if event["actor"]["kind"] == "person"}
    people = await visit.gateway.directory.people(ids)
    rows = [{**event, **_shown(event), "who": actor_shown(people, event["actor"], full=True)} for event in events]
    more = events[-1]["position"] if owner and len(events) == SHOWN else 0
    return visit.page("admin_audit.html", rows=rows, owners=OWNERS, owner=owner, more=more)


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """Return what a change was of, where its page is, and what differs."""
    name = event["type"].split(".")[1]
    data = event["data"]
    new = data.get("new", data)
    key = str(new.get(KINDS[name].key if name in KINDS else "key") or new.get("person_id") or "")
    return {
        "kind": name, "key": (event.get("personal") or {}).get("login") or key, "changed": changes(data.get("old"), new),
        "address": address_of(name, key) if name in KINDS and key else "", "is_new": event["version"] == 1,
    }  # fmt: skip
