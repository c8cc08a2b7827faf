"""What entries of the configuration name: it must be there, or they do nothing, and nobody is told."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args
from uuid import UUID

from shared.contracts.fields import Id, Key, Strict
from shared.directory.people import Directory
from shared.http.problems import Problem
from shared.waiting import WAIT, wait_for

Kind = Literal["role", "department", "team", "topic", "calendar", "sla_plan", "canned_reply", "person"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_SHOWN = 50


class Known(Strict):
    """What else is in the same organisation file, by key, people by id: who is told of it may not have heard of it yet."""

    role: list[Key] = []
    department: list[Key] = []
    team: list[Key] = []
    topic: list[Key] = []
    sla_plan: list[Key] = []
    canned_reply: list[Key] = []
    person: list[Id] = []


class Names:
    """The names in a section, each with its place, to be checked together.

    Args:
        directory: What the service has heard of.
        known: What else is in the file.
        given: What the section itself brings, by kind.
    """

    def __init__(self, directory: Directory, known: Known, given: Mapping[Kind, Iterable[str]]) -> None:
        self._directory = directory
        self._there = {kind: {*getattr(known, kind, ()), *given.get(kind, ())} for kind in KINDS}
        self._named: list[tuple[str, Kind, str]] = []

    def need(self, place: str, kind: Kind, *keys: str | None) -> None:
        """Have it checked that these are there; None names nothing."""
        self._named += [(place, kind, key) for key in keys if key is not None]

    async def check(self, seconds: float = WAIT) -> None:
        """See to it that everything named is there. What was configured a moment ago may be on its way: it is waited for.

        Raises:
            Problem: 422, naming each place.
        """
        named: dict[Kind, set[str]] = {}
        for _, kind, key in self._named:
            named.setdefault(kind, set()).add(key)

        async def complete() -> bool | None:
            for kind, keys in named.items():
                if not keys <= self._there[kind]:
                    self._there[kind] |= await self._heard_of(kind, keys)
            return all(keys <= self._there[kind] for kind, keys in named.items()) or None

        if await wait_for(complete, seconds):
            return
        wrong = {place: self._said(kind, key) for place, kind, key in self._named if key not in self._there[kind]}
        raise Problem(422, "; ".join(f"{place}: {what}" for place, what in wrong.items()) + ".", fields=wrong)

    async def _heard_of(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        if kind == "person":
            return {str(one) for one in await self._directory.people({UUID(key) for key in keys})}
        return {str(entry["key"]) for entry in await self._directory.entries(kind)}

    def _said(self, kind: Kind, key: str) -> str:
        name = {"sla_plan": "SLA plan", "canned_reply": "canned reply"}.get(kind, kind)
        if kind == "person":
            return f"there is no {name} {key}: register them first"
        offered = ", ".join(sorted(self._there[kind])[:MOST_SHOWN]) or "(there is none)"
        return f"there is no {name} {key!r}; it must be one of: {offered}"
