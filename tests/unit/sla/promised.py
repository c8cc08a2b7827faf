"""A plan, office hours, and a ticket to which things happen: what service levels are tested with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.workflow import domain
from services.workflow.domain import sla
from services.workflow.domain.sla import Contract, story_of
from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent
from shared.hours import hours_of

OFFICE = {
    "zone": "Europe/Berlin", "country": "DE",
    "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}],
}  # fmt: skip
PLAN: dict[str, Any] = {
    "key": "gold", "name": "Gold", "order": 1, "calendar": "office", "priorities": [], "severities": [], "departments": [],
    "topics": [], "targets": {"own": None, "first_response": 60, "next_update": None, "resolution": 480}, "warn_percent": 80,
    "pause_on_hold": True, "ladder": [], "active": True, "version": 1,
}  # fmt: skip
MINUTE = timedelta(minutes=1)
AGENT = str(UUID(int=7))


def at(text: str) -> datetime:
    """`09:30` of a Monday in Berlin in winter; `+1 10:00` of the day after."""
    days, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-11-23T{clock}:00+01:00").astimezone(UTC) + timedelta(days=int(days or 0))


def plan(**changes: Any) -> dict[str, Any]:
    targets = {name: changes.pop(name, None) for name in ("own", "first_response", "next_update", "resolution")}
    return {**PLAN, "targets": targets, **changes}


def contract(**changes: Any) -> Contract:
    return Contract(plan(**changes), hours_of(OFFICE), "office", 1)


Step = tuple[str, str] | tuple[str, str, dict[str, Any]]


class Ticket:
    """A ticket to which things happen; what is said of it is folded as the store would."""

    def __init__(self, *steps: Step) -> None:
        self.steps: list[tuple[str, datetime, dict[str, Any]]] = []
        self.life = domain.Life()
        for name, when, *data in steps:
            self.happens(name, at(when), data[0] if data else {})

    def happens(self, name: str, when: datetime, data: dict[str, Any]) -> None:
        self.steps.append((name, when, data))
        if name not in {"created", "assigned", "message_received"}:
            self.fold(NewEvent(f"ledgerdesk.ticket.{name}", data), when)

    def fold(self, event: NewEvent, when: datetime) -> None:
        check_data = {"data": event.data, "personal": event.personal}
        self.life = domain.evolve(
            self.life,
            Event(uuid4(), event.type, 1, "workflow", UUID(int=1), self.life.version + 1, 1, **check_data, actor={},
                  via={}, cause=None, correlation=UUID(int=1), occurred_at=when, recorded_at=when),
        )  # fmt: skip

    def review(
        self, contract: Contract | None, now: str, priority: str = "normal", *, timer: bool = True
    ) -> list[tuple[str, str | None, datetime]]:
        """Look at it; returns (name, target, when) of what was said, which is folded."""
        told = []
        story = story_of(self.steps)
        for event in sla.review(self.life, story, contract, at(now), priority=priority, reason="test", timer=timer):
            check(event, "workflow")
            assert event.at is not None or event.type.endswith("sla_scheduled")
            when = event.at or at(now)
            self.fold(event, when)
            told.append((event.type.rsplit(".", 1)[1], event.data.get("target"), when))
        return told

    def clock(self, target: str) -> Any:
        return self.life.sla["clocks"][target]
