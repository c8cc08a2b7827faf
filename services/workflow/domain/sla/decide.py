"""What is to be said of a ticket's promises now that was not said yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.workflow.domain.sla.promises import Promise, promises
from services.workflow.domain.sla.said import Said, moment
from services.workflow.domain.sla.story import Story
from services.workflow.domain.state import WORKED, Life, fact
from shared.contracts.event import NewEvent, rfc3339
from shared.hours import Hours

_MET = 2
"""Place of what is said of a promise that is kept; what the clock brings comes before it."""
PRIORITIES = ("low", "normal", "high", "emergency")


@dataclass(frozen=True, slots=True)
class Contract:
    """A version of a plan, and of the calendar it goes by (None: round the clock)."""

    plan: Mapping[str, Any]
    hours: Hours
    calendar: str | None = None
    calendar_version: int | None = None

    @property
    def pins(self) -> dict[str, Any]:
        """What names it."""
        return {
            "plan": self.plan["key"], "plan_version": self.plan["version"], "calendar": self.calendar,
            "calendar_version": self.calendar_version,
        }  # fmt: skip


def review(
    life: Life,
    story: Story,
    contract: Contract | None,
    now: datetime,
    *,
    priority: str,
    reason: str,
    timer: bool = True,
) -> list[NewEvent]:
    """Return what there is to say, each thing dated when it came true.

    Args:
        life: Workflow's own state of the ticket.
        story: What has happened, up to now.
        contract: What is promised for it; None: nothing (any more).
        now: Nothing later is said.
        priority: The ticket's, which a step of the ladder may raise.
        reason: Why promises are looked at, for the event.
        timer: The story is known to lack nothing, as a timer makes sure. Otherwise what comes true by the clock (warnings,
            breaches, steps of the ladder) is not said: what would have prevented it may not have been heard of yet. It is left
            to the timer of the promise, which is scheduled as one that runs.
    """
    said = life.sla
    if contract is None:
        ends = _ladder_ends(life, None)
        return [fact("sla_scheduled", {"reason": reason, "clocks": [], **ends})] if said.get("plan") or ends else []
    known, moments = _promised(promises(story, contract.plan, contract.hours), life, contract, now, timer=timer)
    moments += _schedule(known, life, contract, now, reason)
    if timer:
        moments += _ladder(life, said, contract, moments, now, priority)
    return [event for _, _, event in sorted(moments, key=_place)]


Moment = tuple[datetime, int, NewEvent]
"""When, what comes first of the same moment, and what."""


def _place(one: Moment) -> tuple[datetime, int]:
    return one[:2]


def _fact(name: str, at: datetime, order: int, data: Mapping[str, Any]) -> Moment:
    event = fact(name, data)
    return at, order, NewEvent(event.type, event.data, event.personal, at)


def _promised(
    known: Sequence[Promise], life: Life, contract: Contract, now: datetime, *, timer: bool
) -> tuple[list[Promise], list[Moment]]:
    """Return the promises, and what there is to say of each.

    One of which the clock has something to say that is left to its timer runs until then, though it may be kept by now; those of
    its kind that came after it are left out: of an earlier one all is said before the next begins.
    """
    shown: list[Promise] = []
    moments: list[Moment] = []
    left: set[str] = set()
    for promise in known:
        if promise.target in left:
            continue
        found = list(_of(promise, life, contract, now))
        if not timer and any(order < _MET for _, order, _ in found) and not _settled(promise, life.sla):
            left.add(promise.target)
            shown.append(replace(promise, met=None))
            continue
        shown.append(promise)
        moments += found
    return shown, moments


def _settled(promise: Promise, said: Said) -> bool:
    """Whether a promise is kept, and that is said: no timer looks at it any more."""
    clock = said.get("clocks", {}).get(promise.target, {})
    return promise.met is not None and bool(clock.get("met")) and clock.get("start") == rfc3339(promise.start)


def _of(promise: Promise, life: Life, contract: Contract, now: datetime) -> Iterator[Moment]:
    """Yield what there is to say of one promise. What is no work any more begins no ladder: nobody would climb it."""
    clock = life.sla.get("clocks", {}).get(promise.target, {})
    start = rfc3339(promise.start)
    if clock.get("start") != start:
        if clock.get("start", "") > start:
            return  # an earlier one of the same kind, of which all was said when the next one began
        clock = {}
    due, limit = promise.due, min(promise.met or now, now)
    names = {"target": promise.target, "start": start}
    if promise.warn is not None and promise.warn <= limit and clock.get("warned") != rfc3339(promise.warn):
        data = {**names, "at": rfc3339(promise.warn), "due": moment(due)}
        yield _fact("sla_warned", promise.warn, 0, data)
    late = due is not None and due < (promise.met or now)
    if due is not None and (late or (promise.met is None and due <= now)) and clock.get("breached") != rfc3339(due):
        next_at = _step_at(contract.plan, due, 0) if life.status in WORKED else None
        yield _fact("sla_breached", due, 1, {**names, "due": rfc3339(due), "next_at": next_at})
    if promise.met is not None and clock.get("met") != rfc3339(promise.met):
        kept: dict[str, Any] = {
            **names, "at": rfc3339(promise.met), "due": moment(due), "late": late, "seconds": promise.seconds,
        }  # fmt: skip
        yield _fact("sla_met", promise.met, _MET, kept)


def _schedule(known: Sequence[Promise], life: Life, contract: Contract, now: datetime, reason: str) -> Iterator[Moment]:
    """Yield the promises that are not kept yet, if that is not what was said of them."""
    said = life.sla
    running = [
        {
            "target": p.target, "start": rfc3339(p.start), "minutes": p.minutes, "due": moment(p.due),
            "warn": moment(p.warn), "left": p.left,
        }
        for p in known
        if p.met is None
    ]  # fmt: skip
    before = {target: clock for target, clock in said.get("clocks", {}).items() if not clock.get("met")}
    after = {clock["target"]: clock for clock in running}
    kept = {p.target for p in known if p.met is not None}  # said by `sla_met`, in the same breath
    differ = any(
        before.get(target, {}).get(name) != value
        for target, clock in after.items()
        for name, value in clock.items()
        if name != "target"
    )
    gone = before.keys() - after.keys() - kept
    ends = _ladder_ends(life, contract)
    if differ or gone or ends or any(said.get(pin) != value for pin, value in contract.pins.items()):
        yield _fact("sla_scheduled", now, 3, {**contract.pins, "reason": reason, "clocks": running, **ends})


def _ladder_ends(life: Life, contract: Contract | None) -> dict[str, bool]:
    """Say that the ladder ends, if it was begun under another plan and this one has no step there, or for what is work no more.

    Nobody would climb it, and its time, which is past, would wake the ticket over and over.
    """
    said, steps = life.sla, len(contract.plan["ladder"]) if contract is not None else 0
    ends = said.get("ladder_at") and (life.status not in WORKED or said.get("rung", 0) >= steps)
    return {"ladder_ends": True} if ends else {}


def _step_at(plan: Mapping[str, Any], breach: datetime, rung: int) -> str | None:
    ladder = plan["ladder"]
    return rfc3339(breach + timedelta(minutes=ladder[rung]["after"])) if rung < len(ladder) else None


def _ladder(
    life: Life, said: Said, contract: Contract, moments: Sequence[Moment], now: datetime, priority: str
) -> Iterator[Moment]:
    """Yield the steps of the ladder that have come, also of one that begins with a breach of this very review."""
    if life.status not in WORKED:
        return
    at, begun, rung = said.get("ladder_at"), said.get("ladder_from"), said.get("rung", 0)
    if at is None:
        breaches = [one for one in moments if one[2].data.get("next_at")]
        if not breaches:
            return
        first = min(breaches, key=_place)[2].data
        at, begun, rung = first["next_at"], first["due"], 0
    level = life.level
    while at is not None and begun is not None and (when := datetime.fromisoformat(at)) <= now:
        if rung >= len(contract.plan["ladder"]):
            return  # the plan has fewer steps by now
        step = contract.plan["ladder"][rung]
        rung, level = rung + 1, level + 1
        at = _step_at(contract.plan, datetime.fromisoformat(begun), rung)
        data = {
            "level": level, "plan": contract.plan["key"], "plan_version": contract.plan["version"], "notify": step["notify"],
            "reassign": step["reassign"], "next_at": at,
        }  # fmt: skip
        yield _fact("escalated", when, 4, data)
        higher = PRIORITIES[min(PRIORITIES.index(priority) + 1, len(PRIORITIES) - 1)]
        if step["raise_priority"] and higher != priority:
            changes = {"priority": higher, "severity": None, "previous": {"priority": priority, "severity": None}}
            yield _fact("prioritised", when, 5, changes)
            priority = higher
