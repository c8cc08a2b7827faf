"""The story of Ken, John and Jane, played through the REST API of a running stack, every step checked.

Ken has an emergency. His ticket is routed to John, who makes it a Sev-A and hands it to Jane, a system administrator, with a
message. Jane finds the cause, answers Ken, resolves and closes. John still sees the ticket he has handed over. Whoever plays it
is an administrator's key that acts on their behalf; every run is a new ticket.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ledgerdesk.client import PATIENCE, Stack, checked

SECONDS: Final = 30.0
"""Patience with what services do by themselves: routing, reactions, projections."""
SUBJECT: Final = "Nobody here can send mail"
MESSAGE: Final = "Please take this one first, Jane: it smells like the mail relay. Ken is at +49 30 5550123."
FOUND: Final = "The relay's log: TLS handshake refused since 06:12. Its certificate ended this morning."
CLOSING: Final = "Closed. John, the relay now renews its certificate by itself, so this one will not come back."

_EXPECTED: Final = (
    ("created", "ken"), ("transferred", "system"), ("assigned", "system"), ("started", "john"), ("prioritised", "john"),
    ("assigned", "john"), ("noted", "jane"), ("replied", "jane"), ("held", "jane"), ("message_received", "ken"),
    ("resumed", "ken"), ("resolved", "jane"), ("closed", "jane"),
)  # fmt: skip
"""Every step that the timeline must show, in order, with its actor."""
_CAUSES: Final = (("transferred", "created"), ("assigned", "created"), ("resumed", "message_received"))
"""Steps that services took by themselves, and what made them."""
_COUNTED: Final = (
    "created",
    "prioritised",
    "assigned",
    "noted",
    "replied",
    "held",
    "message_received",
    "resolved",
    "closed",
)
_HIDDEN: Final = frozenset({"noted", "assigned", "transferred", "prioritised"})
"""What Ken must not find in his ticket's timeline."""


class StoryError(RuntimeError):
    """The stack did not do what the story says; the message names the step and what was found."""


@dataclass(slots=True)
class Told:
    """A story that has been played."""

    ticket_id: str
    number: str
    timeline: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Story:
    """Plays the story once.

    Attributes:
        stack: Where.
        console: Where each step is told.
        reports: Whether the stack has a reporting service to be asked, too.
        run: Names this run in its Idempotency-Keys, so that each run is a ticket of its own.
    """

    stack: Stack
    console: Console
    reports: bool = True
    run: str = field(default_factory=lambda: secrets.token_hex(6))
    _after: dict[str, str] = field(default_factory=dict)
    _step: int = 0

    def play(self) -> Told:
        """Play it.

        Raises:
            StoryError: A step did not lead to what it should.
        """
        try:
            with self.stack.client(patience=PATIENCE) as client:
                return self._play(client)
        except (httpx.HTTPError, RuntimeError) as error:
            if isinstance(error, StoryError):
                raise
            raise StoryError(f"the story broke off after step {self._step}: {error}") from error

    def _play(self, client: httpx.Client) -> Told:
        opened = self._do(client, "ken", "/tickets", {
            "subject": SUBJECT, "body": "Every mail stays in the outbox since this morning. Forty people are waiting.",
            "requester": {"email": "ken@example.org", "name": "Ken Ito"}, "priority": "emergency",
        })  # fmt: skip
        ticket = f"/tickets/{opened['id']}"
        number = opened["number"]
        self._tell("Ken", f"opens ticket {number}, an emergency: “{SUBJECT}”")
        routed = self._until(
            "routing gives the ticket to John", lambda: self._see(client, "john", ticket),
            lambda seen: (seen["assignee"] or {}).get("login") == "john",
        )  # fmt: skip
        self._tell("", f"it is routed to department {routed['department']}, and there to John")
        self._john(client, ticket, number)
        self._jane(client, ticket, number)
        self._done(client, ticket, number)
        timeline = self._check_timeline(client, ticket)
        self._check_what_ken_sees(client, ticket)
        if self.reports:
            self._check_reports(client, timeline)
        self.console.print(_table(number, timeline))
        return Told(opened["id"], number, timeline)

    def _john(self, client: httpx.Client, ticket: str, number: str) -> None:
        """John looks at his list, weighs the ticket and hands it over."""
        mine = self._see(client, "john", "/tickets", assignee="me", limit=200)
        self._claim(
            "John sees the ticket in his list",
            any(item["number"] == number for item in mine["items"]),
            mine["items"][:3],
        )
        self._tell("John", "sees it in his list")
        self._do(
            client, "john", f"{ticket}/prioritise", {"severity": "Sev-A", "message": "Everybody there stands still."}
        )
        seen = self._see(client, "john", ticket)
        self._claim(
            "it is an open Sev-A emergency",
            (seen["severity"], seen["priority"], seen["status"]) == ("Sev-A", "emergency", "open"),
            seen,
        )
        self._tell("John", "prioritises it: a Sev-A emergency")
        self._do(client, "john", f"{ticket}/assign", {"agent": "jane", "message": MESSAGE})
        seen = self._see(client, "john", ticket)
        self._claim("the ticket is Jane's now", seen["assignee"]["login"] == "jane", seen["assignee"])
        self._tell("John", f"hands it to Jane, system administrator: “{MESSAGE}”")

    def _jane(self, client: httpx.Client, ticket: str, number: str) -> None:
        """Jane reads what John left, investigates, and asks Ken to try again."""
        mine = self._see(client, "jane", "/tickets", assignee="me", limit=200)
        self._claim(
            "Jane sees the ticket in her list",
            any(item["number"] == number for item in mine["items"]),
            mine["items"][:3],
        )
        read = self._see(client, "jane", f"{ticket}/timeline")["items"]
        self._claim(
            "Jane reads John's message", _says(read, "assigned", "message", MESSAGE), [item["type"] for item in read]
        )
        self._tell("Jane", "finds it in her list, with John's message")
        self._do(client, "jane", f"{ticket}/notes", {"body": FOUND})
        self._tell("Jane", f"investigates, and notes: “{FOUND}”")
        self._do(client, "jane", f"{ticket}/replies", {
            "body": "Hello Ken, the mail relay's certificate had ended. I have renewed it: could you send a mail now?",
        })  # fmt: skip
        self._do(client, "jane", f"{ticket}/hold", {"reason": "waiting for Ken to try"})
        self._claim("the ticket is on hold", self._see(client, "jane", ticket)["status"] == "on_hold", "another status")
        self._tell("Jane", "replies to Ken that the certificate is renewed, and waits for him to try")

    def _done(self, client: httpx.Client, ticket: str, number: str) -> None:
        """Ken answers, Jane resolves and closes, and John still sees all of it."""
        self._do(client, "ken", f"{ticket}/messages", {"body": "It works, everything has gone out. Thank you, Jane!"})
        self._until(
            "Ken's answer takes the ticket off hold",
            lambda: self._see(client, "jane", ticket),
            lambda t: t["status"] == "open",
        )
        self._tell("Ken", "answers that it works; that takes the ticket off hold")
        self._do(
            client,
            "jane",
            f"{ticket}/resolve",
            {"resolution": "The mail relay's certificate had ended; renewed it, and its renewal is automatic now."},
        )
        self._claim(
            "the ticket is resolved", self._see(client, "ken", ticket)["status"] == "resolved", "another status"
        )
        self._tell("Jane", "resolves it")
        self._do(client, "jane", f"{ticket}/close", {"message": CLOSING})
        self._tell("Jane", f"closes it: “{CLOSING}”")
        involved = self._see(client, "john", "/tickets", involved="me", limit=200)["items"]
        mine = next((item for item in involved if item["number"] == number), None)
        self._claim(
            "John still sees the ticket he handed over", mine is not None, [item["number"] for item in involved[:5]]
        )
        self._claim("John sees that it is closed", mine is not None and mine["status"] == "closed", mine)
        read = self._see(client, "john", f"{ticket}/timeline")["items"]
        self._claim(
            "John reads Jane's message", _says(read, "closed", "message", CLOSING), [item["type"] for item in read]
        )
        self._tell("John", "still sees it among the tickets he was involved in, closed, with Jane's message")

    def _check_timeline(self, client: httpx.Client, ticket: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._see(client, "john", f"{ticket}/timeline")["items"]
        steps = iter(items)
        for wanted in _EXPECTED:
            found = any((item["type"], _who(item["actor"])) == wanted for item in steps)
            self._claim(
                f"the timeline shows {wanted[0]} by {wanted[1]}, in its place", found, [i["type"] for i in items]
            )
        for name, cause in _CAUSES:
            step = next(item for item in items if item["type"] == name)
            self._claim(f"{name} names its cause, {cause}", (step["cause"] or {}).get("type") == cause, step["cause"])
        return items

    def _check_what_ken_sees(self, client: httpx.Client, ticket: str) -> None:
        items = self._see(client, "ken", f"{ticket}/timeline")["items"]
        types = [item["type"] for item in items]
        self._claim("Ken reads Jane's reply", "replied" in types, types)
        self._claim("Ken sees neither notes nor routing", not _HIDDEN & set(types), types)
        self._tell(
            "Ken", "sees the reply and the resolution in his ticket, and neither notes nor who passed it to whom"
        )

    def _check_reports(self, client: httpx.Client, timeline: Sequence[Mapping[str, Any]]) -> None:
        """The reports since the ticket's creation count every step of it."""
        since = timeline[0]["at"]

        def counted(report: dict[str, Any]) -> bool:
            cases = {row["activity"]: row["cases"] for row in report["rows"]}
            return all(cases.get(name, 0) >= 1 for name in _COUNTED)

        report = self._until(
            "the activities report counts every step",
            lambda: self._see(client, "ana", "/reports/activities", **{"from": since}),
            counted,
        )
        acts = {
            row["agent"]: row["acts"] for row in self._see(client, "ana", "/reports/agents", **{"from": since})["rows"]
        }
        self._claim(
            "the agents report counts what John and Jane did", bool(acts.get("john") and acts.get("jane")), acts
        )
        steps = sum(row["rows"] for row in report["rows"])
        self._tell(
            "Ana",
            f"reads in the reports: {steps} activities since, John acted {acts['john']} times, Jane {acts['jane']} times",
        )

    # -- the API -----------------------------------------------------------------------------------------------------------

    def _do(self, client: httpx.Client, who: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a command on somebody's behalf; it happens once, whatever the network does."""
        self._step += 1
        headers = {"Ledgerdesk-On-Behalf-Of": who, "Idempotency-Key": f"story-{self.run}-{self._step}"}
        response = client.post(path, json=body, headers=headers)
        try:
            answer: dict[str, Any] = checked(response)
        except RuntimeError as error:
            raise StoryError(f"step {self._step}, {who.capitalize()}: {error}") from error
        version = response.headers.get("Ledgerdesk-Version", "")
        if version:
            self._after[version.split(":")[1]] = version
        return answer

    def _see(self, client: httpx.Client, who: str, path: str, **parameters: str | int) -> dict[str, Any]:
        """Read on somebody's behalf, with all that has been written in this story."""
        headers = {"Ledgerdesk-On-Behalf-Of": who, "Ledgerdesk-After": ",".join(self._after.values())}
        deadline = time.monotonic() + PATIENCE
        while True:
            response = client.get(path, params=parameters, headers=headers)
            if response.headers.get("Ledgerdesk-Stale") != "true" or time.monotonic() > deadline:
                answer: dict[str, Any] = checked(response)
                return answer

    def _until(
        self, claim: str, look: Callable[[], dict[str, Any]], holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Look until it is as claimed: services react by themselves, soon."""
        deadline = time.monotonic() + SECONDS
        while True:
            seen = look()
            if holds(seen):
                return seen
            if time.monotonic() > deadline:
                self._claim(f"within {SECONDS:.0f} s {claim}", False, seen)
            time.sleep(0.05)

    def _claim(self, claim: str, holds: bool, found: object) -> None:  # noqa: FBT001 -- it is what a claim is
        if not holds:
            raise StoryError(f"it should be that {claim}, and it is not: {str(found)[:600]}")

    def _tell(self, who: str, what: str) -> None:
        moment = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        self.console.print(f"[dim]{moment}[/dim]  [bold cyan]{who:<5}[/bold cyan] {escape(what)}", highlight=False)


def _says(items: Sequence[Mapping[str, Any]], name: str, part: str, words: str) -> bool:
    return any(item["type"] == name and item["data"].get(part) == words for item in items)


def _who(actor: Mapping[str, Any]) -> str:
    if actor["kind"] != "person":
        return str(actor["kind"])
    return str(actor.get("login") or actor.get("name"))


def _words(data: Mapping[str, Any]) -> str:
    """Return what a step says for itself: words, else what it changed."""
    for part in ("message", "body", "resolution", "reason"):
        if data.get(part):
            return str(data[part])
    if data.get("agent"):
        return f"to {data['agent']}: {data['why']['reason']}"
    if "why" in data:
        return f"to {data.get('department') or 'nobody'}: {data['why']['reason']}"
    return ", ".join(f"{key} {data[key]}" for key in ("priority", "severity") if data.get(key))


def _table(number: str, timeline: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=f"Timeline of ticket {number}", title_justify="left")
    for column in ("at (UTC)", "who", "what", "cause"):
        table.add_column(column, no_wrap=True)
    table.add_column("words")
    for item in timeline:
        moment = datetime.fromisoformat(item["at"]).strftime("%H:%M:%S.%f")[:-3]
        cause = (item["cause"] or {}).get("type") or ""
        table.add_row(moment, _who(item["actor"]), item["type"], cause, escape(_words(item["data"])))
    return table
