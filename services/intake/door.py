"""Who is not let in: rules that refuse a ticket before it is opened. They are routing's; intake asks its own copy of them."""

from collections.abc import Sequence

import structlog

from shared.directory.people import Directory
from shared.http.problems import Problem
from shared.rules import Rule, Seen, refusing
from shared.telemetry import REJECTED

log = structlog.get_logger("intake")


class Door:
    """Refuses what rules refuse."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def pass_through(self, rules: Sequence[Rule], ticket: Seen, email: str) -> None:
        """Let a ticket in.

        Args:
            rules: See `shared.directory.people.REFUSING`.
            ticket: What rules look at in a new one, but for its requester's `email` and `organisation`.
            email: The requester's address.

        Raises:
            Problem: 422, with the words of the rule that refuses it.
        """
        if not rules:
            return
        seen = {**ticket, "email": email, "organisation": None}
        if any(test["field"] == "organisation" for rule in rules for test in rule["tests"]):
            seen["organisation"] = await self._directory.organisation_of(email)
        held = refusing(rules, seen)
        if held is None:
            return
        key = held.rule["key"]
        REJECTED.labels(key).inc()
        await log.ainfo(
            "ticket rejected", rule=key, version=held.rule["version"], tests=held.named, channel=seen["channel"]
        )
        raise Problem(422, held.rule["actions"]["reject"])
