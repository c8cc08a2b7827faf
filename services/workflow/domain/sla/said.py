"""What has been said of a ticket's promises: folded from events, the same for the command side and for the view's row.

It is plain JSON, as the row keeps it: `plan`, `plan_version`, `calendar`, `calendar_version`, `clocks` (target to clock), and the
ladder: `ladder_from` (the breach), `rung` (the next step's place), `ladder_at` (its time).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.contracts.event import Event, rfc3339

Said = Mapping[str, Any]
NOTHING: Said = {}
_PINS = ("plan", "plan_version", "calendar", "calendar_version")


def after(said: Said, event: Event) -> Said:
    """Fold an event. Total."""
    fold = _FOLDS.get(event.name)
    return fold(said, event.data) if fold is not None else said


def _scheduling(said: Said, data: Mapping[str, Any]) -> Said:
    clocks = said.get("clocks", {})
    kept = {target: clock for target, clock in clocks.items() if clock.get("met")}
    fresh = {clock["target"]: _scheduled(clocks, clock) for clock in data["clocks"]}
    ends = {"ladder_at": None} if data.get("ladder_ends") else {}
    return {**said, **{pin: data.get(pin) for pin in _PINS}, "clocks": {**kept, **fresh}, **ends}


def _breached(said: Said, data: Mapping[str, Any]) -> Said:
    changed = _with(said, data, due=data["due"], breached=data["due"])
    if changed.get("ladder_at") is None and data.get("next_at"):
        return {**changed, "ladder_from": data["due"], "rung": 0, "ladder_at": data["next_at"]}
    return changed


def _climbed(said: Said, data: Mapping[str, Any]) -> Said:
    if not data.get("plan"):  # somebody called for attention by hand
        return said
    return {**said, "rung": said.get("rung", 0) + 1, "ladder_at": data.get("next_at")}


def _ladder_ends(said: Said, data: Mapping[str, Any]) -> Said:
    del data
    return {**said, "ladder_at": None} if said.get("ladder_at") else said


def _scheduled(before: Mapping[str, Any], clock: Mapping[str, Any]) -> dict[str, Any]:
    """Return a clock; what was said of the same promise, due at the same moment, stays said."""
    known = before.get(clock["target"], {})
    same = known.get("start") == clock["start"]
    return {
        **{name: value for name, value in clock.items() if name != "target"},
        "warned": known.get("warned") if same and known.get("warned") == clock.get("warn") else None,
        "breached": known.get("breached") if same and known.get("breached") == clock.get("due") else None,
    }


def _with(said: Said, data: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    clocks = said.get("clocks", {})
    clock = clocks.get(data["target"], {})
    if clock.get("start") != data["start"]:
        clock = {"start": data["start"]}
    return {**said, "clocks": {**clocks, data["target"]: {**clock, **changes}}}


_FOLDS: dict[str, Callable[[Said, Mapping[str, Any]], Said]] = {
    "sla_scheduled": _scheduling, "sla_warned": lambda said, data: _with(said, data, warned=data["at"]),
    "sla_breached": _breached, "escalated": _climbed,
    "sla_met": lambda said, data: _with(
        said, data, due=data.get("due"), left=None, met=data["at"], late=data["late"]
    ),
    **dict.fromkeys(("acknowledged", "resolved", "closed", "merged"), _ladder_ends),
}  # fmt: skip


def due_at(said: Said) -> datetime | None:
    """Return when the first promise that is not kept is, or was, due; None: none is running."""
    return _first(clock.get("due") for clock in said.get("clocks", {}).values() if not clock.get("met"))


def alarm_at(said: Said) -> datetime | None:
    """Return when there is something to say next: a warning, a breach, a step of the ladder."""
    moments = [said.get("ladder_at")]
    for clock in said.get("clocks", {}).values():
        if not clock.get("met"):
            moments += [clock.get("warn")] * (clock.get("warned") != clock.get("warn"))
            moments += [clock.get("due")] * (clock.get("breached") != clock.get("due"))
    return _first(moments)


def _first(moments: Any) -> datetime | None:
    return min((datetime.fromisoformat(moment) for moment in moments if moment), default=None)


def moment(at: datetime | None) -> str | None:
    """Return a moment as it is said."""
    return rfc3339(at) if at is not None else None
