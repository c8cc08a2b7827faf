"""The navigation: what this person has to go to, with live counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.gateway.pages.language import N_, _


@dataclass(frozen=True, slots=True)
class Item:
    """A place. `key` is what a page calls its section; `hot` its single key; `tone` a class of the style sheet."""

    key: str
    label: str
    icon: str
    href: str
    count: int | None = None
    hot: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Places under one title."""

    title: str
    items: Sequence[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the desk: its tab, how it is called and drawn, its key, and whose count stands beside it."""

    key: str
    label: str
    icon: str
    hot: str = ""
    counted: str | None = None
    tone: str = ""
    staff_only: bool = False


QUEUES = (
    Queue("open", N_("Open"), "inbox", "1", "open"),
    Queue("mine", N_("Mine"), "user-round", "2", "mine", staff_only=True),
    Queue("my_teams", N_("My teams"), "users-round", counted="my_teams", staff_only=True),
    Queue("unassigned", N_("Unassigned"), "circle-dashed", "3", "unassigned", staff_only=True),
    Queue("overdue", N_("Overdue"), "alarm-clock", "4", "overdue", "alert"),
    Queue("answered", N_("Answered"), "reply", "5", "answered"),
    Queue("on_hold", N_("On hold"), "circle-pause", "6", "on_hold"),
    Queue("resolved", N_("Resolved"), "circle-check", "7", "resolved"),
    Queue("closed", N_("Closed"), "check-check", "8", "closed"),
    Queue("involved", N_("Involved"), "history", staff_only=True),
    Queue("watching", N_("Watching"), "eye", staff_only=True),
    Queue("all", N_("All tickets"), "layers", "9"),
)
SAVED = "saved-"
"""Before a saved queue's id: the key of its tab."""
OWN = (
    Queue("open", N_("Open"), "inbox", "1", "open"), Queue("resolved", N_("Resolved"), "circle-check", "2", "resolved"),
    Queue("closed", N_("Closed"), "check-check", "3", "closed"), Queue("all", N_("All"), "layers", "4"),
)  # fmt: skip


ADMINISTRATION = (
    Item("admin-health", N_("Health"), "heart-pulse", "/admin"), Item("admin-accounts", N_("Accounts"), "users", "/admin/accounts"),
    Item("admin-keys", N_("API keys"), "key-round", "/admin/keys"),
    Item("admin-organisation", N_("Organisation"), "building-2", "/admin/organisation/department"),
    Item("admin-audit", N_("Changes"), "history", "/admin/audit"),
)  # fmt: skip
SHARED = (Queue("own", N_("My own"), "user-round"), Queue("organisation", N_("My organisation"), "building-2"))
"""What a requester has besides, whose organisation's people see each other's tickets."""
SHOWN = 20
"""Saved queues in the navigation; the page of all of them shows the others."""
KNOWLEDGE = Item("kb", N_("Knowledge base"), "book-open", "/kb")


def _said(item: Item) -> Item:
    return replace(item, label=_(item.label))


def _queues(queues: Sequence[Queue], counts: Mapping[str, Any]) -> list[Item]:
    return [
        Item(
            f"queue-{q.key}", _(q.label), q.icon, f"/queue?tab={q.key}", counts.get(q.counted) if q.counted else None,
            q.hot, q.tone if q.counted and counts.get(q.counted) else "",
        )
        for q in queues
    ]  # fmt: skip


def _saved(queues: Sequence[Mapping[str, Any]]) -> list[Item]:
    items = [
        Item(f"queue-{SAVED}{q['id']}", q["name"], "list-filter" if q["mine"] else "users", f"/queue?tab={SAVED}{q['id']}", q["count"])
        for q in queues[:SHOWN]
    ]  # fmt: skip
    return [*items, Item("saved-queues", _("Saved queues"), "settings-2", "/queues")]


def menu_of(
    roles: set[str], counts: Mapping[str, Any], *, is_staff: bool, sees_all: bool, saved: Sequence[Mapping[str, Any]] = ()
) -> list[Group]:  # fmt: skip
    """Return the navigation of somebody with these roles."""
    if not sees_all:
        return [Group(_("My tickets"), _queues(OWN, counts)), Group(_("Help"), [_said(KNOWLEDGE)])]
    groups = []
    if is_staff:
        groups.append(Group("", [Item("inbox", _("Inbox"), "bell", "/inbox", hot="b")]))
    groups.append(Group(_("Queues"), _queues([q for q in QUEUES if is_staff or not q.staff_only], counts)))
    if is_staff:
        groups.append(Group(_("Saved queues"), _saved(saved)))
    groups.append(Group(_("Help"), [_said(KNOWLEDGE)]))
    if roles & {"agent", "lead", "analyst", "administrator"}:
        groups.append(
            Group(
                _("Insight"),
                [
                    Item("reports", _("Reports"), "chart-column", "/reports", hot="0"),
                    Item("dashboards", _("Dashboards"), "gauge", "/dashboards"),
                ],
            )
        )
    if "administrator" in roles:
        groups.append(Group(_("Administration"), [_said(item) for item in ADMINISTRATION]))
    return groups
