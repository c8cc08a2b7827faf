"""Who is not let in: rules that refuse a ticket before it is opened. They are routing's; intake asks its own copy of them."""

from collections.abc import Sequence

import structlog

from shared.db import Pool
from shared.directory.people import Directory
from shared.http.problems import Problem
from shared.rules import Rule, Seen, refusing
from shared.telemetry import REJECTED
from shared.together import Together

_RULES = """
SELECT entry FROM directory_entry WHERE kind = 'rule' AND EXISTS (
    SELECT FROM directory_entry WHERE kind = 'rule' AND entry -> 'active' = 'true' AND entry -> 'actions' ->> 'reject' IS NOT NULL)
"""
"""All rules, if one of them refuses anything: those that stop before it let a ticket in."""

log = structlog.get_logger("intake")


class Door:
    """Refuses what rules refuse."""

    def __init__(self, pool: Pool, directory: Directory) -> None:
        self._pool = pool
        self._directory = directory
        self._rules: Together[str, Sequence[Rule]] = Together(self._load)

    async def _load(self, _: Sequence[str]) -> dict[str, Sequence[Rule]]:
        return {"": [row["entry"] for row in await self._pool.fetch(_RULES)]}

    async def pass_through(self, ticket: Seen, email: str) -> None:
        """Let a ticket in.

        Args:
            ticket: What rules look at in a new one, but for its requester's `email` and `organisation`.
            email: The requester's address.

        Raises:
            Problem: 422, with the words of the rule that refuses it.
        """
        rules = await self._rules.get("")
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
