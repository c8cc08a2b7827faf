"""The simulated desk's books: what its people do goes through the services' own deciders and comes out as facts.

So the history obeys the rules that hold live: a move that the state machine would refuse raises here, and a test folds every
ticket again to see that none has slipped by.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from ledgerdesk.demo.hours import Incident
from ledgerdesk.demo.org import Requester
from ledgerdesk.importer.facts import OWNER, Stated, stated
from services.intake import domain as intake
from services.routing import domain as routing
from services.workflow import domain as workflow
from shared.contracts.event import Event, NewEvent, rfc3339
from shared.contracts.ids import derived
from shared.refusal import Refusal

LOG: Final = "demo-quarter"
NOBODY: Final = UUID(int=0)
ROUTING: Final = {"kind": "system", "id": "routing"}
AUTO_CLOSE: Final = {"kind": "system", "id": "auto-close"}


class Ticket:
    """A ticket in the simulation: its state by the services' own rules, and what its people have in mind with it."""

    __slots__ = (
        "asked", "counted", "door", "handling", "hold", "incident", "index", "life", "number", "passed", "replied", "requester",
        "returns", "row", "slots", "stream", "topic", "vendor", "visits", "waiting",
    )  # fmt: skip

    def __init__(
        self, index: int, number: str, stream: str, requester: Requester, topic: str, incident: Incident | None
    ) -> None:
        self.index, self.number, self.stream = index, number, stream
        self.requester, self.topic, self.incident = requester, topic, incident
        self.door, self.handling, self.life = intake.Door(), routing.Handling(), workflow.Life()
        self.asked: dict[str, str | None] = {}
        self.slots: dict[str, str] = {}
        self.counted: str | None = None
        """The agent in whose load it counts."""
        self.row = 0
        self.visits = 0
        """How often an agent has worked on it."""
        self.passed = 0
        """How often it has been handed on."""
        self.hold = 0
        """Names the current wait: a timer of an earlier one is ignored."""
        self.returns = 0
        """How often it has been reopened."""
        self.replied = False
        self.vendor = False
        """It is the vendor's turn."""
        self.waiting = False
        """It stands in somebody's list, or in a queue."""


Actor = dict[str, str]


def person(person_id: str) -> Actor:
    """Return a person as the actor of a fact."""
    return {"kind": "person", "id": person_id}


def ticket_number(seed: int, index: int) -> str:
    """Return the number of the `index`-th ticket (from 1): never one of those that live tickets get, which are plain numbers."""
    return f"D{'' if seed == 1 else seed}-{index:06}"


def stream_of(seed: int, index: int) -> str:
    """Return the ticket id of the `index`-th ticket (from 1)."""
    return str(derived("demo", seed, index))


@dataclass(slots=True)
class Books:
    """Writes down what happens, at the simulation's time.

    Attributes:
        seed: The quarter's; facts' ids derive from it, the ticket's index and the event's.
        begin: Time of second 0, UTC.
        now: Gives the simulation's time in seconds.
        facts: What has been written and not been taken out yet.
        load: Agent's person id -> open tickets, as routing counts them.
    """

    seed: int
    begin: datetime
    now: Callable[[], float]
    facts: list[Stated]
    load: dict[str, int]
    _at: float = -1.0
    _moment: datetime = datetime.min  # noqa: DTZ901 -- never seen: it is set before it is used
    _text: str = ""

    def write(self, ticket: Ticket, actor: Actor, events: Sequence[NewEvent]) -> None:
        """Write down what was decided, and move the ticket on."""
        if self.now() != self._at:
            self._at = self.now()
            self._moment = self.begin + timedelta(milliseconds=int(self._at * 1000))
            self._text = rfc3339(self._moment)
        for event in events:
            ticket.row += 1
            name = event.type.rpartition(".")[2]
            origin: dict[str, Any] = {
                "log": LOG,
                "case": ticket.number,
                "row": ticket.row,
                "activity": name,
                "actor": None,
            }
            if actor["kind"] == "person":
                origin["actor"] = actor["id"]
            data = {**event.data, "origin": origin}
            fact_id = str(derived("demo", self.seed, ticket.index, ticket.row))
            self.facts.append(
                stated(
                    ticket.index,
                    fact_id,
                    ticket.stream,
                    f"ticket.{name}",
                    self._text,
                    actor,
                    data,
                    event.personal or None,
                )
            )
            self._fold(ticket, event)
        self._count(ticket)

    def _fold(self, ticket: Ticket, event: NewEvent) -> None:
        folded = Event(
            NOBODY, event.type, 1, OWNER[event.type], NOBODY, ticket.row, 0, event.data, None, ROUTING, ROUTING, None, NOBODY,
            self._moment, self._moment,
        )  # fmt: skip
        match OWNER[event.type]:
            case "intake":
                ticket.door = intake.evolve(ticket.door, folded)
            case "routing":
                ticket.handling = routing.evolve(ticket.handling, folded)
            case _:
                ticket.life = workflow.evolve(ticket.life, folded)

    def _count(self, ticket: Ticket) -> None:
        """Keep the load that automatic assignments go by: open tickets by agent."""
        holder = ticket.handling.agent if ticket.life.status in workflow.WORKED else None
        if holder == ticket.counted:
            return
        if ticket.counted is not None:
            self.load[ticket.counted] -= 1
        if holder is not None:
            self.load[holder] = self.load.get(holder, 0) + 1
        ticket.counted = holder

    def created(self, ticket: Ticket, command: intake.OpenTicket, config: routing.Config) -> None:
        """Open a ticket; routing looks at it at once, and what its rules want, workflow does."""
        ticket.asked = {"priority": command.priority, "severity": command.severity}
        self.write(ticket, person(ticket.requester.person_id), intake.open_ticket(ticket.door, command))
        new = routing.NewTicket(
            command.subject,
            command.body,
            command.topic,
            command.priority,
            command.severity,
            command.channel,
            command.email,
        )
        routed = routing.route(ticket.handling, new, config, self.load)
        decided = [
            event for event in routed if event.type != routing.QUEUED
        ]  # here people look at the queue themselves
        self.write(ticket, ROUTING, decided)
        for event in decided:
            changes = event.data.get("changes")
            if changes is None:
                continue
            with suppress(Refusal):  # it is so already
                moved = workflow.prioritise(
                    ticket.life, priority=changes.get("priority"), severity=changes.get("severity"), message=None,
                    asked=ticket.asked, by_agent=False,
                )  # fmt: skip
                self.write(ticket, {"kind": "rule", "id": event.data["rule"]}, moved)

    def handled(self, ticket: Ticket, agent: str, events: Sequence[NewEvent]) -> None:
        """Write down what an agent did with who handles a ticket: the first such act makes it an open one."""
        self.write(ticket, person(agent), events)
        self.write(ticket, person(agent), workflow.start(ticket.life))

    def customer_wrote(self, ticket: Ticket, words: str) -> None:
        """Take the requester's message, and what it does to a ticket that waits or was done."""
        who = ticket.requester
        command = intake.ReceiveMessage(who.person_id, who.email, who.name, words, "mail")
        self.write(ticket, person(who.person_id), intake.receive_message(ticket.door, command))
        self.write(ticket, person(who.person_id), workflow.customer_wrote(ticket.life))

    def priority(self, ticket: Ticket) -> str:
        """Return how urgent it is: as set, else as asked for."""
        return ticket.life.priority or ticket.asked.get("priority") or "normal"
