"""What people do with a ticket on the simulated desk: agents when it is their turn, customers and timers in between.

Probabilities and medians are ours, set so that the quarter looks like a desk's: about two sittings of an agent per ticket,
half of the tickets done within a day or two, one in sixteen reopened.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from ledgerdesk.demo import phrases
from ledgerdesk.demo.desk import AUTO_CLOSE, Ticket, person
from ledgerdesk.demo.hours import DAY, HOUR, OFFICE
from ledgerdesk.demo.org import DISPATCH, Worker
from services.routing import domain as routing
from services.workflow import domain as workflow
from shared.contracts.event import rfc3339

if TYPE_CHECKING:
    from ledgerdesk.demo.simulation import Desk

_SOLVED: Final = (0.34, 0.5, 0.62, 0.75, 0.85)
"""Chance that a sitting solves it: the first, second, … sitting; the last from then on."""
_PASSED_ON: Final = {"moved": 0.05, "handed": 0.07, "freed": 0.01}
"""Chance that an agent sends a new ticket to another department, hands it to a colleague, or gives it back."""
_MOST_PASSED: Final = 2
_NEXT: Final = {"customer": 0.5, "vendor": 0.12}
"""Whom an unsolved ticket waits for; else the agent needs more time."""
_AFTER: Final = {"back": 0.068, "thanks": 0.29, "at once": 0.07, "late": 0.05}
"""What becomes of a resolved ticket: it was not solved, the customer closes it, the agent does, at once or very late; else it
closes by itself."""
_AFTER_AGAIN: Final = {**_AFTER, "back": 0.12}
"""The same of one that came back before."""
_AUTO_CLOSE_DAYS: Final = 5
_OTHERS: Final = {
    "support": "applications", "applications": "support", "system-administration": "support",
    "field-service": "system-administration",
}  # fmt: skip
"""Where a department sends what is not its own."""


class Acts:
    """The acts of a desk's people."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    # -- words ---------------------------------------------------------------------------------------------------------

    def _say(self, templates: Sequence[str], ticket: Ticket, agent: Worker | None = None) -> str:
        words: str = self._desk.rng.choice(templates)
        if "{" not in words:
            return words
        return words.format(
            **ticket.slots, agent=agent.name if agent else "", number=self._desk.rng.randrange(1000, 10_000)
        )

    def _letter(self, text: str, ticket: Ticket, agent: Worker) -> str:
        greeting, signed = self._say(phrases.GREETINGS, ticket), self._say(phrases.SIGNED, ticket, agent)
        return f"{greeting}\n\n{text}\n\n{signed}"

    def _topic(self, ticket: Ticket) -> phrases.Topic:
        return phrases.TOPICS[ticket.topic]

    # -- customers -----------------------------------------------------------------------------------------------------

    def opened(self, ticket: Ticket) -> None:
        """Some customers add a word to a ticket they have just opened."""
        desk = self._desk
        if desk.chance(0.08):
            desk.later(desk.in_office(desk.delay(2.5)), partial(self._adds, ticket))

    def _adds(self, ticket: Ticket) -> None:
        if ticket.life.status in {"new", "open"}:
            self._desk.books.customer_wrote(ticket, self._say(phrases.MORE, ticket))

    def _answers(self, ticket: Ticket, hold: int) -> None:
        """The customer answers what was asked, and the ticket goes on."""
        if ticket.hold == hold and ticket.life.status in workflow.WORKED:
            self._desk.books.customer_wrote(ticket, self._say(phrases.ANSWERS, ticket))
            self._on(ticket, hold)

    def _on(self, ticket: Ticket, hold: int) -> None:
        """A wait is over."""
        if ticket.hold == hold:
            ticket.hold += 1
            self._desk.wait(ticket)

    def _returns(self, ticket: Ticket) -> None:
        """It was not solved after all: the customer writes, and the ticket is work again."""
        if ticket.life.status not in {"resolved", "closed"}:
            return
        ticket.returns += 1
        books, who = self._desk.books, person(ticket.requester.person_id)
        if self._desk.chance(0.2):
            books.write(ticket, who, workflow.reopen(ticket.life, message=self._say(phrases.AGAIN, ticket)))
        else:
            books.customer_wrote(ticket, self._say(phrases.AGAIN, ticket))
        self._desk.wait(ticket)

    def _closes(self, ticket: Ticket, actor: dict[str, str], words: str | None) -> None:
        if ticket.life.status == "resolved":
            self._desk.books.write(ticket, actor, workflow.close(ticket.life, message=words))

    # -- agents --------------------------------------------------------------------------------------------------------

    def claim(self, ticket: Ticket, worker: Worker) -> None:
        """Take a ticket out of the department's queue."""
        self._desk.books.handled(ticket, worker.person_id, routing.claim(ticket.handling, agent=worker.person_id))

    def visit(self, ticket: Ticket, worker: Worker) -> None:
        """Do what an agent does at one sitting."""
        desk, books = self._desk, self._desk.books
        if ticket.life.status not in workflow.WORKED:
            return
        me = person(worker.person_id)
        if ticket.life.status == "on_hold":
            books.write(ticket, me, workflow.resume(ticket.life))
            if ticket.vendor and desk.chance(0.5):
                self._note(ticket, worker, self._say(phrases.BACK, ticket))
        ticket.vendor = False
        if ticket.visits == 0 and self._passes_on(ticket, worker):
            return
        if ticket.visits == 0:
            self._weighs(ticket, worker)
        ticket.visits += 1
        if ticket.incident and ticket.visits == 1 and desk.chance(0.7):
            self._answer(ticket, worker, self._say(phrases.ACKNOWLEDGED, ticket))
            desk.later(desk.delay(2.0, 0.4), partial(self._on, ticket, ticket.hold))
        elif desk.chance(_SOLVED[min(ticket.visits, len(_SOLVED)) - 1]):
            self._solves(ticket, worker)
        elif ticket.visits > 1 and ticket.life.level == 0 and desk.chance(0.07):
            self._escalates(ticket, worker)
        else:
            self._goes_on(ticket, worker)

    def _passes_on(self, ticket: Ticket, worker: Worker) -> bool:
        """Whether the agent gives it to somebody else instead of working on it."""
        desk, books = self._desk, self._desk.books
        if ticket.passed >= _MOST_PASSED:
            return False
        if DISPATCH in worker.skills and books.priority(ticket) == "emergency" and desk.chance(0.85):
            self._dispatches(ticket, worker)
            return True
        chosen = desk.pick(_PASSED_ON)
        department = ticket.handling.department
        if chosen == "moved" and department in _OTHERS:
            words = self._say(phrases.MOVED, ticket)
            moved = routing.transfer(
                ticket.handling, department=_OTHERS[department], config=desk.cast.config, message=words
            )
            books.handled(ticket, worker.person_id, moved)
        elif chosen == "handed":
            others = [w for w in desk.cast.workers if department in w.departments and w is not worker]
            if not others:
                return False
            self._hands(ticket, worker, desk.rng.choice(others), self._say(phrases.HANDED, ticket))
        elif chosen == "freed":
            freed = routing.release(ticket.handling, by=worker.person_id, may_release_others=worker.lead, message=None)
            books.handled(ticket, worker.person_id, freed)
        else:
            return False
        ticket.passed += 1
        desk.wait(ticket)
        return True

    def _dispatches(self, ticket: Ticket, worker: Worker) -> None:
        """Give an emergency to the specialist of its topic who has least to do."""
        desk = self._desk
        if ticket.life.severity is None and ticket.asked.get("severity") != "Sev-A":
            raised = workflow.prioritise(
                ticket.life,
                priority=None,
                severity="Sev-A",
                message=self._say(phrases.EMERGENCY, ticket),
                asked=ticket.asked,
            )
            desk.books.write(ticket, person(worker.person_id), raised)
        route = desk.cast.config.topic_routes.get(ticket.topic, {})
        weighed = routing.weigh(
            route.get("department") or "support", route.get("skills") or [], desk.cast.config, desk.books.load
        )
        able = [
            c
            for c in weighed
            if c["matched_skills"] == len(route.get("skills") or []) and c["agent"] != worker.person_id
        ]
        ticket.passed += 1
        if able:
            best = min(able, key=lambda c: (c["score"], c["agent"]))["agent"]
            self._hands(ticket, worker, desk.workers[best], self._say(phrases.EMERGENCY, ticket))
        desk.wait(ticket)

    def _hands(self, ticket: Ticket, worker: Worker, other: Worker, words: str) -> None:
        given = routing.assign(ticket.handling, agent=other.person_id, team=None, message=words)
        self._desk.books.handled(ticket, worker.person_id, given)

    def _weighs(self, ticket: Ticket, worker: Worker) -> None:
        """Set the priority right, if it is not."""
        desk = self._desk
        now = desk.books.priority(ticket)
        if now == "emergency" or not desk.chance(0.13):
            return
        raises = now == "low" or (now == "normal" and desk.chance(0.6))
        to = {
            "low": "normal",
            "normal": "high" if raises else "low",
            "high": "emergency" if desk.chance(0.08) else "normal",
        }[now]
        words = self._say(phrases.RAISED if raises else phrases.LOWERED, ticket) if desk.chance(0.5) else None
        severity = "Sev-B" if to == "high" and ticket.asked.get("severity") is None else None
        moved = workflow.prioritise(ticket.life, priority=to, severity=severity, message=words, asked=ticket.asked)
        desk.books.write(ticket, person(worker.person_id), moved)

    def _note(self, ticket: Ticket, worker: Worker, words: str) -> None:
        self._desk.books.write(ticket, person(worker.person_id), workflow.note(ticket.life, body=words))

    def _answer(self, ticket: Ticket, worker: Worker, words: str) -> None:
        ticket.replied = True
        letter = self._letter(words, ticket, worker)
        self._desk.books.write(ticket, person(worker.person_id), workflow.reply(ticket.life, body=letter))

    def _goes_on(self, ticket: Ticket, worker: Worker) -> None:
        """Look into it, and wait for the customer, the vendor, or one's own time."""
        desk = self._desk
        if desk.chance(0.45):
            self._note(ticket, worker, self._say(self._topic(ticket).findings, ticket, worker))
        waits_for = desk.pick(_NEXT)
        if waits_for == "customer":
            words = phrases.CHASED if ticket.replied and desk.chance(0.3) else self._topic(ticket).questions
            self._answer(ticket, worker, self._say(words, ticket, worker))
            self._waits_for_customer(ticket, worker)
        elif waits_for == "vendor":
            self._waits_for_vendor(ticket, worker)
        else:
            if not ticket.replied:
                self._answer(ticket, worker, self._say(phrases.ACKNOWLEDGED, ticket, worker))
            desk.later(desk.delay(2.0), partial(self._on, ticket, ticket.hold))

    def _waits_for_customer(self, ticket: Ticket, worker: Worker) -> None:
        desk, hold = self._desk, ticket.hold
        until = desk.clock.after_days(OFFICE, desk.env.now, 3)
        if desk.chance(0.75):
            self._holds(ticket, worker, self._say(phrases.CUSTOMER, ticket), until if desk.chance(0.4) else None)
        if desk.chance(0.87):
            desk.later(desk.in_office(desk.delay(5.0, 1.0)), partial(self._answers, ticket, hold))
        desk.later(until - desk.env.now, partial(self._on, ticket, hold))

    def _waits_for_vendor(self, ticket: Ticket, worker: Worker) -> None:
        desk = self._desk
        self._holds(ticket, worker, self._say(phrases.VENDOR, ticket), None)
        ticket.vendor = True
        desk.later(desk.in_office(desk.delay(60.0, 0.8)), partial(self._on, ticket, ticket.hold))

    def _holds(self, ticket: Ticket, worker: Worker, reason: str, until: float | None) -> None:
        books = self._desk.books
        moment = rfc3339(self._desk.moment(until)) if until is not None else None
        books.write(ticket, person(worker.person_id), workflow.hold(ticket.life, reason=reason, until=moment))

    def _escalates(self, ticket: Ticket, worker: Worker) -> None:
        """Call for a lead, who looks at it in his next shift."""
        desk = self._desk
        raised = workflow.escalate(ticket.life, message=self._say(phrases.ESCALATED, ticket))
        desk.books.write(ticket, person(worker.person_id), raised)
        leads = [w for w in desk.cast.workers if w.lead and w is not worker]
        lead = desk.rng.choice(leads)
        seen = desk.clock.next_in(lead.shift, desk.env.now + desk.delay(0.5, 0.5))
        hold = ticket.hold

        def acknowledges() -> None:
            if ticket.life.status != "closed" and not ticket.life.acknowledged:
                done = workflow.acknowledge(ticket.life, message=self._say(phrases.SEEN, ticket))
                desk.books.write(ticket, person(lead.person_id), done)
            self._on(ticket, hold)

        desk.later(seen - desk.env.now, acknowledges)

    def _solves(self, ticket: Ticket, worker: Worker) -> None:
        """Resolve it; what the customer makes of that, time will tell."""
        desk, books, me = self._desk, self._desk.books, person(worker.person_id)
        ticket.hold += 1
        asked = ticket.replied and ticket.visits > 2 and desk.chance(0.06)  # noqa: PLR2004 -- the third sitting
        cure = self._say(phrases.UNANSWERED if asked else self._topic(ticket).cures, ticket, worker)
        if not asked and desk.chance(0.7 if not ticket.replied else 0.45):
            self._answer(ticket, worker, cure)
        books.write(ticket, me, workflow.resolve(ticket.life, resolution=cure))
        chosen = desk.pick(_AFTER_AGAIN if ticket.returns else _AFTER)
        auto = desk.clock.after_days(OFFICE, desk.env.now, _AUTO_CLOSE_DAYS) - desk.env.now
        if chosen == "back" and desk.chance(0.6):
            desk.later(min(desk.in_office(desk.delay(14.0)), auto - HOUR), partial(self._returns, ticket))
        elif chosen == "thanks":
            thanks = self._say(phrases.THANKED, ticket) if desk.chance(0.6) else None
            who = person(ticket.requester.person_id)
            desk.later(min(desk.in_office(desk.delay(6.0)), auto), partial(self._closes, ticket, who, thanks))
        elif chosen == "late":
            late = desk.clock.next_in(worker.shift, desk.env.now + desk.rng.uniform(12, 40) * DAY) - desk.env.now
            desk.later(late, partial(self._closes, ticket, me, None))
        elif chosen == "at once":
            books.write(ticket, me, workflow.close(ticket.life, message=None))
        else:
            desk.later(auto, partial(self._closes, ticket, AUTO_CLOSE, None))
            if chosen == "back":
                desk.later(desk.in_office(auto + desk.delay(50.0)), partial(self._returns, ticket))
