"""A small story that is computed by hand, how the view is told it, and how a report is asked for."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.reporting.views import ReportView
from shared import db
from shared.contracts.event import Event, NewEvent
from shared.contracts.ids import unique
from shared.projection.folding import fold
from shared.testing.events import event_of_fact
from shared.testing.stores import SHARED

ROOT = Path(__file__).parents[3]
FOLDERS = [SHARED / "projection/migrations", SHARED / "directory/migrations", ROOT / "services/reporting/migrations"]
JOHN, JANE, KEN, OLD = (UUID(int=n) for n in (11, 12, 13, 14))
A, B, C, UNBORN = (UUID(int=n) for n in (1, 2, 3, 4))
VIEW = ReportView()
OWNER = {
    "created": "intake", "message_received": "intake", "assigned": "routing", "unassigned": "routing", "transferred": "routing"
}  # fmt: skip


def story() -> list[Event]:
    """Three tickets in 2026: one worked by John and closed, one transferred to Jane and reopened, one of an imported log."""
    events: list[Event] = []

    def happened(ticket, name, moment, actor=None, *, via="session", command=None, row=None, **data):
        source = OWNER.get(name, "workflow")
        version = 1 + sum((e.stream_id, e.source) == (ticket, source) for e in events)
        if row:
            number, activity = row
            data["origin"] = {"log": "old desk", "case": "C", "row": number, "activity": activity, "actor": str(actor)}
        events.append(
            event_of_fact(
                NewEvent(f"ledgerdesk.ticket.{name}", data), source, ticket, version,
                occurred_at=datetime.fromisoformat(f"2026-{moment}Z"), via={"kind": via, "id": "x"},
                actor={"kind": "person", "id": str(actor)} if actor else {"kind": "system", "id": "routing"},
                **({"correlation": UUID(int=command)} if command else {}),
            )
        )  # fmt: skip

    happened(A, "created", "01-10T09:00:00", KEN, number="1", topic="vpn", department="support", priority="high")
    happened(A, "assigned", "01-10T09:00:01", via="reaction", agent=str(JOHN))
    happened(A, "started", "01-10T10:00:00", JOHN, command=1)
    happened(A, "replied", "01-10T10:00:00", JOHN, command=1)
    happened(A, "resolved", "01-10T11:00:00", JOHN)
    happened(A, "resolved", "01-10T12:00:00", JANE)  # so already: an act, and an entry of the timeline, but no move
    happened(A, "closed", "02-02T09:00:00", JANE)
    happened(B, "created", "01-31T23:30:00", KEN, number="2", department="support")
    happened(B, "transferred", "02-01T00:30:00", JOHN, department="sysadmin")
    happened(B, "assigned", "02-01T00:30:00", JOHN, agent=str(JANE))
    happened(B, "held", "02-03T00:00:00", JANE)
    happened(B, "resolved", "03-05T00:00:00", JANE)
    happened(B, "message_received", "03-06T00:00:00", KEN, command=2)
    happened(B, "reopened", "03-06T00:00:01", KEN, via="reaction", command=2)
    happened(
        C,
        "created",
        "02-10T08:00:00",
        OLD,
        via="import",
        number="3",
        row=(1, "Active"),
        department="support",
        priority="low",
    )
    happened(C, "started", "02-10T08:00:00", OLD, via="import", row=(1, "Active"))
    happened(C, "noted", "02-10T09:00:00", OLD, via="import", row=(2, "Active"))
    happened(C, "closed", "02-10T09:00:00", OLD, via="import", row=(3, "-100"))
    happened(UNBORN, "resolved", "01-05T00:00:00", JOHN)  # its creation has not come
    return events


async def project(connection: db.Connection, events: list[Event], *, size: int = 100) -> None:
    """Apply events as the projector does, `size` at a time."""
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        async with connection.transaction():
            states = await VIEW.load(connection, unique(event.stream_id for event in batch))
            done = fold(VIEW, states, batch, set())
            assert not done.parked
            if done.rows:
                await VIEW.save(connection, done.rows, done.applied)


async def rows(client: httpx.AsyncClient, name: str, **parameters: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/reports/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]
