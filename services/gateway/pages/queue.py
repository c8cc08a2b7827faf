"""The queues: lists of tickets, each tab a question that the API answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.gateway.pages.choices import Choice, Choices, read_choices
from services.gateway.pages.client import ApiProblem, Params
from services.gateway.pages.language import N_, _
from services.gateway.pages.menu import OWN, SAVED, SHARED
from services.gateway.pages.render import words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep

router = APIRouter(route_class=PageRoute)

WORKED = ("new", "open", "on_hold")
STATUSES = (*WORKED, "resolved", "closed")
PRIORITIES = ("low", "normal", "high", "emergency")
SORTS = {
    "-updated_at": N_("Changed last"), "updated_at": N_("Changed longest ago"), "-created_at": N_("Newest"), "created_at": N_("Oldest"),
    "due_at": N_("Due first"), "-priority": N_("Most urgent"),
}  # fmt: skip
FILTERS = (
    "q",
    "status",
    "assignee",
    "department",
    "team",
    "priority",
    "severity",
    "requester",
    "tag",
    "topic",
    "created_on",
    "created_from",
    "created_to",
    "sort",
)
PAGE_SIZE = 50
FOUND = 8


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: what it always asks, and which statuses it leaves to choose. The label of a saved queue (`own`) is its owner's."""

    key: str
    label: str
    asks: Params = ()
    statuses: Sequence[str] = ()
    by_assignee: bool = True
    columns: Sequence[str] = ()
    sort: str = "-updated_at"
    own: bool = False
    empty: tuple[str, str] = (N_("Nothing here"), N_("Tickets will show here as they come."))

    @property
    def title(self) -> str:
        """What it is called, to its reader."""
        return self.label if self.own else _(self.label)


def _any(statuses: Sequence[str]) -> list[tuple[str, str]]:
    return [("status", status) for status in statuses]


TABS = {
    tab.key: tab
    for tab in (
        Tab("open", N_("Open"), (), WORKED, empty=(N_("All done"), N_("Nobody waits for anything just now."))),
        Tab("mine", N_("Mine"), [("assignee", "me")], WORKED, by_assignee=False,
            empty=(N_("Nothing on your desk"), N_("Take something from Unassigned, or enjoy the silence."))),
        Tab("my_teams", N_("My teams"), [("teams", "me")], WORKED,
            empty=(N_("Nothing for your teams"), N_("Tickets of the teams that you are in come here."))),
        Tab("unassigned", N_("Unassigned"), [("assignee", "none")], WORKED, by_assignee=False,
            empty=(N_("Everything has somebody"), N_("New tickets without an owner come here."))),
        Tab("overdue", N_("Overdue"), [("overdue", "true")], WORKED, empty=(N_("Nothing is overdue"), N_("Every promise holds so far."))),
        Tab("answered", N_("Answered"), [("answered", "true")], WORKED, empty=(N_("Nobody was answered of late"), N_("Tickets where the desk spoke last come here."))),
        Tab("on_hold", N_("On hold"), _any(["on_hold"]), empty=(N_("Nothing waits"), N_("Tickets that wait for somebody come here."))),
        Tab("resolved", N_("Resolved"), _any(["resolved"])),
        Tab("closed", N_("Closed"), _any(["closed"])),
        Tab("involved", N_("Involved"), [("involved", "me")], STATUSES,
            empty=(N_("Nothing yet"), N_("Tickets that you have, or have had, stay in sight here."))),
        Tab("watching", N_("Watching"), [("watching", "me")], STATUSES,
            empty=(N_("You watch nothing"), N_("Press w on a ticket to keep an eye on it."))),
        Tab("all", N_("All tickets"), (), STATUSES),
        Tab("own", N_("My own"), [("requester", "me")], STATUSES),
        Tab("organisation", N_("My organisation"), (), STATUSES, empty=(N_("Nothing here"), N_("Tickets of your organisation come here."))),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it is shown.

    Attributes:
        link: The query of the list's own address, without its page.
        narrowed: Whether filters leave something out.
    """

    tab: Tab
    filters: Mapping[str, str]
    tickets: Sequence[Mapping[str, Any]]
    link: str
    narrowed: bool
    first: str | None
    following: str | None
    statuses: Sequence[Choice]


def asked(tab: Tab, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what to ask the API: the tab's own question, narrowed by the filters that it leaves open."""
    question = list(tab.asks)
    status = filters.get("status", "")
    if tab.statuses:
        if status in tab.statuses:
            question.append(("status", status))
        elif tab.statuses != STATUSES:
            question += _any(tab.statuses)
    plain = ("q", "department", "team", "topic", "priority", "severity", "requester", "tag", "sort", "cursor")
    said = {name for name, _ in tab.asks}
    question += [(name, filters[name]) for name in plain if name in filters and name not in said]
    if "sort" not in filters and tab.sort != "-updated_at":
        question.append(("sort", tab.sort))
    question += created(filters)
    if tab.by_assignee and "assignee" in filters:
        question.append(("assignee", filters["assignee"]))
    return [*question, ("limit", str(PAGE_SIZE))]


def created(filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the range of creation that the filters name: a day, or from and to (dates are their midnight UTC)."""
    if "created_on" in filters:
        try:
            day = date.fromisoformat(filters["created_on"])
        except ValueError:
            return []
        return [("created_from", f"{day}T00:00:00Z"), ("created_to", f"{day + timedelta(days=1)}T00:00:00Z")]
    ends = [(name, filters[name]) for name in ("created_from", "created_to") if name in filters]
    return [(name, text if "T" in text else f"{text}T00:00:00Z") for name, text in ends]


def chosen(query: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """Return the tab's key and the filters that an address names."""
    given = {name: query.get(name, "").strip() for name in (*FILTERS, "cursor")}
    return query.get("tab"), {name: text for name, text in given.items() if text}


def tab_of(visit: Visit, key: str | None) -> Tab:
    """Return a tab by its key; of a saved queue, one that asks what the queue asks.

    Raises:
        ApiProblem: 404, the queue is gone, or not this person's.
    """
    if not (key or "").startswith(SAVED):
        return TABS.get(key or "", TABS["open"])
    queue = next((one for one in visit.saved if f"{SAVED}{one['id']}" == key), None)
    if queue is None:
        raise ApiProblem(404, "Not found", _("This queue is gone, or not shared with you any more."))
    held = queue["filters"]
    return Tab(
        f"{SAVED}{queue['id']}", queue["name"], [(name, value) for name, values in held.items() for value in values],
        () if "status" in held else STATUSES, by_assignee="assignee" not in held, own=True, columns=queue["columns"], sort=queue["sort"],
        empty=(N_("Nothing in this queue"), N_("Tickets come here when they are what it asks for.")),
    )  # fmt: skip


async def read_listing(visit: Visit, query: Mapping[str, str], *, start: bool = True) -> Listing:
    """Read a list.

    Raises:
        ApiProblem: The API refused.
    """
    key, filters = chosen(query)
    if start and (key or "").startswith(SAVED):  # what it asks is known once it is known whose it is
        await visit.start()
        start = False
    tab = tab_of(visit, key)
    read = visit.api.get("/tickets", asked(tab, filters))
    found = (await visit.start(read))[0] if start else await read
    link = {"tab": tab.key, **{name: text for name, text in filters.items() if name != "cursor"}}
    return Listing(
        tab, filters, found["items"], urlencode(link), any(name in filters for name in FILTERS if name != "sort"),
        urlencode(link) if "cursor" in filters else None,
        urlencode({**link, "cursor": found["next"]}) if found["next"] else None,
        [Choice(s, words(s)) for s in tab.statuses],
    )  # fmt: skip


def offers(choices: Choices) -> dict[str, Any]:
    """Return what the filters above a list offer."""
    return {
        "priorities": [Choice(p, words(p)) for p in PRIORITIES], "sorts": [Choice(k, _(v)) for k, v in SORTS.items()],
        "assignees": [Choice("me", _("Me")), Choice("none", _("Nobody")), *choices.agents], "choices": choices,
    }  # fmt: skip


@router.get("/queue")
async def show_queue(request: Request, visit: VisitDep) -> Response:
    """Show a list of tickets."""
    listing = await read_listing(visit, request.query_params)
    choices = await read_choices(visit)
    template = "queue.html" if visit.sees_all else "portal.html"
    tabs = (*OWN, *SHARED) if visit.me.get("organisation") else OWN
    return visit.page(template, listing=listing, list_query=listing.link, tabs=tabs, **offers(choices))


@router.get("/find")
async def find(request: Request, visit: VisitDep) -> Response:
    """Answer the command palette: the first few tickets with these words."""
    words_asked = request.query_params.get("q", "").strip()[:500]
    found = (
        await visit.api.get("/tickets", [("q", words_asked), ("limit", str(FOUND))]) if words_asked else {"items": []}
    )
    return JSONResponse(
        {
            "items": [
                {**{k: t[k] for k in ("number", "subject", "status")}, "said": words(t["status"])}
                for t in found["items"]
            ]
        }
    )


def list_of(text: str | None) -> dict[str, str] | None:
    """Return the query of the list that a ticket was opened from, if it was from one."""
    return dict(parse_qsl(text)) if text else None
