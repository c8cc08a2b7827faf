"""A quarter of a support desk, simulated: pure and seeded, it gives the same facts in time order for the same arguments.

Tickets arrive as `hours.arrivals` says. Routing's own policy assigns each, or leaves it in its department's queue when all are
at capacity. Agents (one simpy process each) take what is most urgent in their shift, and do one thing at a time; customers
answer, vendors deliver and timers run out in between. In memory are the tickets that are not finished, not all there are.
"""

import heapq
import random
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import simpy

from ledgerdesk.demo import phrases
from ledgerdesk.demo.acts import Acts
from ledgerdesk.demo.desk import Books, Ticket, stream_of, ticket_number
from ledgerdesk.demo.hours import DAY, HOUR, OFFICE, Clock, Incident, arrivals, incidents
from ledgerdesk.demo.org import Cast, Worker
from ledgerdesk.importer.facts import Stated
from services.intake.domain import OpenTicket
from services.workflow.domain import WORKED

HIRED_FOR: Final = 6000
"""Tickets a quarter that the demo's twelve agents can work; for more, each works so much faster and holds so much more."""
_RANK: Final = {"emergency": 0, "high": 1, "normal": 2, "low": 3}
_CHANNELS: Final = (("mail", 44), ("web", 38), ("phone", 13), ("api", 5))
_WEIGHTS: Final = {"general": 9, "password": 15, "onboarding": 7, "network": 14, "mail": 12, "security": 5, "hardware": 12,
                   "printing": 9, "software": 11, "erp": 8}  # fmt: skip
"""How often a topic comes; topics that are not here come as often as a general question."""
_ASKED: Final = {"emergency": 0.012, "high": 0.15, "low": 0.07}
"""Priorities that requesters ask for; else they say nothing."""
_ASKED_IN_INCIDENT: Final = {**_ASKED, "emergency": 0.12}
_EFFORT_MINUTES: Final = 16.0
"""Median of one sitting at a ticket; lognormal, sigma 0.6."""

Waiting = tuple[int, float, int, Ticket]
"""(rank of the priority, since when, place, ticket): least first"""


@dataclass(frozen=True, slots=True)
class Quarter:
    """What to simulate.

    Attributes:
        seed: Different seeds are different quarters, with ticket numbers of their own.
        tickets: How many are opened.
        end: Midnight UTC at which the quarter ends; nothing happens after it.
        weeks: How long it is.
    """

    seed: int
    tickets: int
    end: datetime
    weeks: int = 13

    @property
    def begin(self) -> datetime:
        """Midnight UTC at which it begins."""
        return self.end - timedelta(weeks=self.weeks)

    @property
    def scale(self) -> float:
        """How many times the tickets that the agents were hired for."""
        return max(1.0, self.tickets * 13 / self.weeks / HIRED_FOR)


def last_midnight() -> datetime:
    """Return the midnight (UTC) with which today began."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Desk:
    """The simulated desk while it runs: its clock, lists, queues, and what takes time.

    Attributes:
        env: simpy's; its time is in seconds since the quarter began.
        rng: Where all chance comes from.
        books: What has happened.
        cast: Who there is.
        mine: Agent -> tickets that wait for him.
        queues: Department -> tickets that nobody has.
    """

    def __init__(self, quarter: Quarter, cast: Cast) -> None:
        self.env = simpy.Environment()
        self.rng = random.Random(f"quarter|{quarter.seed}|{quarter.tickets}|{quarter.weeks}")  # noqa: S311 -- repeatable on purpose
        self.quarter, self.cast = quarter, cast
        self.clock = Clock(quarter.begin.weekday())
        self.books = Books(quarter.seed, quarter.begin, lambda: float(self.env.now), [], {})
        self.mine: dict[str, list[Waiting]] = {worker.person_id: [] for worker in cast.workers}
        self.queues: dict[str, list[Waiting]] = {key: [] for key in cast.config.departments}
        self.workers = {worker.person_id: worker for worker in cast.workers}
        self._idle: dict[str, simpy.Event] = {}
        self._place = 0
        self._acts = Acts(self)
        self._broken = incidents(self.rng, quarter.weeks, [t for t in cast.topics if t in phrases.TOPICS], self.clock)
        self.env.process(self._doors())
        for worker in cast.workers:
            self.env.process(self._works(worker))

    def later(self, seconds: float, then: Callable[[], None]) -> None:
        """Do something after so many seconds."""
        self.env.timeout(seconds).callbacks.append(lambda _: then())

    def chance(self, probability: float) -> bool:
        """Whether something happens that does with this probability."""
        return bool(self.rng.random() < probability)

    def pick(self, chances: Mapping[str, float]) -> str | None:
        """Return which of these happens, by its chance; None: none of them."""
        drawn = self.rng.random()
        for what, probability in chances.items():
            drawn -= probability
            if drawn < 0:
                return what
        return None

    def delay(self, median_hours: float, sigma: float = 0.8) -> float:
        """Return a lognormal delay in seconds."""
        return float(self.rng.lognormvariate(0, sigma)) * median_hours * HOUR

    def in_office(self, seconds: float) -> float:
        """Return in how many seconds a customer acts who would in so many: in office hours."""
        at = self.env.now + seconds
        return float(self.clock.next_in(OFFICE, at) - self.env.now)

    def moment(self, seconds: float) -> datetime:
        """Return the time of a second of the quarter."""
        return self.quarter.begin + timedelta(seconds=seconds)

    def wait(self, ticket: Ticket) -> None:
        """Put a ticket that needs somebody's hand into its agent's list, or into its department's queue."""
        if ticket.waiting or ticket.life.status not in WORKED:
            return
        ticket.waiting = True
        self._place += 1
        entry = (_RANK[self.books.priority(ticket)], float(self.env.now), self._place, ticket)
        agent = ticket.handling.agent
        if agent is not None:
            heapq.heappush(self.mine[agent], entry)
            self._wake(agent)
        elif ticket.handling.department in self.queues:
            heapq.heappush(self.queues[ticket.handling.department], entry)
            for worker in self.cast.workers:
                if ticket.handling.department in worker.departments:
                    self._wake(worker.person_id)

    def _wake(self, agent: str) -> None:
        idle = self._idle.pop(agent, None)
        if idle is not None:
            idle.succeed()

    def _doors(self) -> Generator[simpy.Event, Any, None]:
        """Let tickets in."""
        moments = arrivals(self.rng, self.quarter.tickets, self.quarter.weeks, self.clock, self._broken)
        for index, (moment, incident) in enumerate(moments, 1):
            yield self.env.timeout(max(0.0, moment - self.env.now))
            self._arrives(index, incident)

    def _arrives(self, index: int, incident: Incident | None) -> None:
        rng = self.rng
        topics = [topic for topic in self.cast.topics if topic in phrases.TOPICS]
        topic = incident.topic if incident else rng.choices(topics, [_WEIGHTS.get(t, 9) for t in topics])[0]
        who = rng.choice(self.cast.requesters)
        words = phrases.TOPICS[topic]
        ticket = Ticket(
            index, ticket_number(self.quarter.seed, index), stream_of(self.quarter.seed, index), who, topic, incident
        )
        ticket.slots = {
            "place": rng.choice(phrases.PLACES), "device": rng.choice(phrases.DEVICES), "app": rng.choice(phrases.APPS),
            "name": who.name.partition(" ")[0],
        }  # fmt: skip
        subject = (words.incident if incident else rng.choice(words.subjects)).format(**ticket.slots)
        priority = self.pick(_ASKED_IN_INCIDENT if incident else _ASKED)
        severity = {"emergency": "Sev-A", "high": "Sev-B"}.get(priority or "")
        command = OpenTicket(
            number=ticket.number, person_id=who.person_id, email=who.email, name=who.name, subject=subject[:1].upper() + subject[1:],
            body=rng.choice(words.bodies).format(**ticket.slots), topic=None if self.chance(0.05) else topic, priority=priority,
            channel=rng.choices([c for c, _ in _CHANNELS], [w for _, w in _CHANNELS])[0],
            severity=severity if self.chance(0.4) else None,
            tags=[incident.topic, "incident"] if incident else [],
        )  # fmt: skip
        self.books.created(ticket, command, self.cast.config)
        self._acts.opened(ticket)
        self.wait(ticket)

    def _works(self, worker: Worker) -> Generator[simpy.Event, Any, None]:
        """Work through a shift: what is most urgent first, one thing at a time; what has been begun is finished."""
        while True:
            begins = self.clock.next_in(worker.shift, self.env.now)
            if begins > self.env.now:
                yield self.env.timeout(begins - self.env.now)
            ticket = self._take(worker)
            if ticket is None:
                self._idle[worker.person_id] = self.env.event()
                yield self._idle[worker.person_id]
                continue
            minutes = _EFFORT_MINUTES * self.rng.lognormvariate(0, 0.6) / self.quarter.scale
            yield self.env.timeout(minutes * 60)
            ticket.waiting = False
            self._acts.visit(ticket, worker)

    def _take(self, worker: Worker) -> Ticket | None:
        """Return the most urgent ticket of the agent's own, or of his departments' queues while he has room for more."""
        mine = self.mine[worker.person_id]
        queues = [self.queues[d] for d in worker.departments if self.queues.get(d)]
        room = not worker.capacity or self.books.load.get(worker.person_id, 0) < worker.capacity
        if queues and room:
            queue = min(queues)
            if not mine or queue[0] < mine[0]:
                ticket = heapq.heappop(queue)[3]
                self._acts.claim(ticket, worker)
                return ticket
        return heapq.heappop(mine)[3] if mine else None


def facts(quarter: Quarter, cast: Cast) -> Iterator[Stated]:
    """Yield the quarter's facts in time order; `line` is the ticket's index.

    What is in memory grows with the tickets that are open at a time, not with how many there are.
    """
    desk = Desk(quarter, cast)
    written = desk.books.facts
    end = quarter.weeks * 7 * DAY
    while desk.env.peek() < end:
        desk.env.step()
        if written:
            yield from written
            written.clear()
