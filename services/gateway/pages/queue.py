"""The queue: lists of tickets, each tab a question that the API answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from services.gateway.pages.choices import Choice, read_choices
from services.gateway.pages.client import Params
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep

router = APIRouter(route_class=PageRoute)

WORKED = ("new", "open", "on_hold")
STATUSES = (*WORKED, "resolved", "closed")
PRIORITIES = ("low", "normal", "high", "emergency")
SORTS = {
    "-updated_at": "Changed last", "updated_at": "Changed longest ago", "-created_at": "Newest", "created_at": "Oldest",
}  # fmt: skip
FILTERS = ("q", "status", "assignee", "department", "priority", "sort")
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: what it always asks, and which filters it leaves to choose."""

    key: str
    label: str
    asks: Params = ()
    statuses: Sequence[str] = ()
    by_assignee: bool = True


def _any(statuses: Sequence[str]) -> list[tuple[str, str]]:
    return [("status", status) for status in statuses]


_OPEN = Tab("open", "Open", (), WORKED)
_HOLD = Tab("on_hold", "On hold", _any(["on_hold"]))
_RESOLVED = Tab("resolved", "Resolved", _any(["resolved"]))
_CLOSED = Tab("closed", "Closed", _any(["closed"]))
_ALL = Tab("all", "All", (), STATUSES)
STAFF_TABS = (
    _OPEN, Tab("mine", "Mine", [("assignee", "me")], WORKED, by_assignee=False),
    Tab("unassigned", "Unassigned", [("assignee", "none")], WORKED, by_assignee=False), _HOLD, _RESOLVED, _CLOSED,
    Tab("involved", "Involved", [("involved", "me")], STATUSES), _ALL,
)  # fmt: skip
ANALYST_TABS = (_OPEN, _HOLD, _RESOLVED, _CLOSED, _ALL)
REQUESTER_TABS = (_OPEN, _RESOLVED, _CLOSED, _ALL)


def tabs_of(visit: Visit) -> Sequence[Tab]:
    """Return the tabs that make sense for this person."""
    if visit.is_staff:
        return STAFF_TABS
    return ANALYST_TABS if visit.sees_all else REQUESTER_TABS


def asked(tab: Tab, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what to ask the API: the tab's own question, narrowed by the filters that it leaves open."""
    question = list(tab.asks)
    status = filters.get("status", "")
    if tab.statuses:
        if status in tab.statuses:
            question.append(("status", status))
        elif tab.statuses != STATUSES:
            question += _any(tab.statuses)
    question += [(name, filters[name]) for name in ("q", "department", "priority", "sort", "cursor") if name in filters]
    if tab.by_assignee and "assignee" in filters:
        question.append(("assignee", filters["assignee"]))
    return [*question, ("limit", str(PAGE_SIZE))]


def _chosen(request: Request) -> dict[str, str]:
    given = {name: request.query_params.get(name, "").strip() for name in (*FILTERS, "cursor")}
    return {name: text for name, text in given.items() if text}


@router.get("/queue")
async def show_queue(request: Request, visit: VisitDep) -> Response:
    """Show a list of tickets."""
    filters = _chosen(request)
    tab = next((t for t in STAFF_TABS if t.key == request.query_params.get("tab")), _OPEN)
    (found,) = await visit.start(visit.api.get("/tickets", asked(tab, filters)))
    choices = await read_choices(visit)
    link = {"tab": tab.key, **{name: text for name, text in filters.items() if name != "cursor"}}
    return visit.page(
        "queue.html", tab=tab, tabs=tabs_of(visit), filters=filters, tickets=found["items"], choices=choices,
        priorities=[Choice(p, words(p)) for p in PRIORITIES], sorts=[Choice(k, v) for k, v in SORTS.items()],
        statuses=[Choice(s, words(s)) for s in tab.statuses],
        assignees=[Choice("me", "Me"), Choice("none", "Nobody"), *choices.agents],
        narrowed=any(name in filters for name in FILTERS if name != "sort"),
        first=urlencode(link) if "cursor" in filters else None,
        following=urlencode({**link, "cursor": found["next"]}) if found["next"] else None,
    )  # fmt: skip
