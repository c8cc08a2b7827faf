"""People at work: a seeded stream of commands, each under a key of its own and sent again until it is answered.

Every command carries words of its own (its marker), by which an oracle finds it in the stores.
"""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

AGENTS = ("john", "jane")
_NOT_NOW = {404, 429, 500, 502, 503, 504}
"""Sent again: the view does not know the ticket yet, or the service cannot answer now."""


@dataclass
class Sent:
    """A command: what was sent, how often, and what came of it."""

    marker: str
    path: str
    body: dict[str, Any]
    who: str | None
    attempts: int = 0
    status: int | None = None
    place: tuple[str, str, int] | None = None
    """(ticket, owner, version) that the answer names"""

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Load:
    """Commands of several people at once, from one seed.

    Args:
        url: Where the stack is; a list, if another process may answer as well.
        key: An administrator's key.
        seed: Decides who does what.
        people: How many at once.
    """

    url: str
    key: str
    seed: int
    people: int = 4
    sent: list[Sent] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """Answers that no outage excuses: 500 says that nobody had thought of it."""
    _tickets: list[str] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _begun: float = 0.0

    def start(self) -> "Load":
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.people)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Let everybody finish what is under way: every command is answered in the end."""
        self._enough.set()
        for thread in self._threads:
            thread.join(180)
            assert not thread.is_alive(), f"a command was not answered for minutes: {self.pending()}"

    def pending(self) -> list[Sent]:
        return [one for one in self.sent if one.status is None]

    @property
    def acknowledged(self) -> list[Sent]:
        return [one for one in self.sent if one.acknowledged]

    @property
    def attempts(self) -> int:
        return sum(one.attempts for one in self.sent)

    def _work(self, number: int) -> None:
        dice = random.Random(f"{self.seed}|{number}")  # noqa: S311 -- repeatable on purpose
        count = 0
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not self._enough.is_set():
                count += 1
                command = self._next(dice, f"mk{self.seed}x{number}x{count}x")
                self.sent.append(command)
                self._send(client, command)
                self._enough.wait(0.01)

    def _next(self, dice: random.Random, marker: str) -> Sent:
        ticket = dice.choice(self._tickets[-40:]) if self._tickets else None
        if ticket is None or dice.random() < 0.25:
            requester = {"email": f"load-{dice.randrange(20)}@example.org", "name": "Load"}
            return Sent(marker, "/tickets", {"subject": marker, "body": "words", "requester": requester}, None)
        agent = dice.choice(AGENTS)
        verb, body = dice.choice(
            [
                ("messages", {"body": marker}), ("notes", {"body": marker}), ("replies", {"body": marker}),
                ("assign", {"agent": dice.choice(AGENTS), "message": marker}), ("resolve", {"resolution": marker}),
                ("transfer", {"department": dice.choice(["support", "sysadmin"]), "message": marker}),
                ("prioritise", {"priority": dice.choice(["low", "normal", "high"]), "message": marker}),
                ("reopen", {"message": marker}), ("close", {"message": marker}), ("hold", {"reason": marker}),
            ]
        )  # fmt: skip
        return Sent(marker, f"/tickets/{ticket}/{verb}", body, agent)

    def _send(self, client: httpx.Client, command: Sent) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": command.marker}
        if command.who:
            headers["Ledgerdesk-On-Behalf-Of"] = command.who
        while True:
            command.attempts += 1
            try:
                answer = client.post(f"{self.url}/api/v1{command.path}", json=command.body, headers=headers)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 500:
                self.surprises.append(f"{command.path}: {answer.text[:200]}")
            if answer.status_code in _NOT_NOW:
                time.sleep(0.05)
                continue
            if answer.is_success:
                ticket, owner, version = answer.headers["Ledgerdesk-Version"].split(":")
                command.place = (ticket, owner, int(version))
                if command.path == "/tickets":
                    self._tickets.append(ticket)
            command.status = answer.status_code
            return
