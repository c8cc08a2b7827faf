"""What the forms offer: departments, teams, topics and agents, from the gateway's own copy of the directory."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from services.gateway.pages.render import NOTHING
from services.gateway.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: `key` is what the API takes, `name` what people read."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen now, and the names of what could be chosen once."""

    departments: list[Choice] = field(default_factory=list)
    teams: list[Choice] = field(default_factory=list)
    topics: list[Choice] = field(default_factory=list)
    agents: list[Choice] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    def name(self, kind: str, key: str | None, nothing: str = NOTHING) -> str:
        """Return the name of a configured thing; its key where it is not configured (an imported one)."""
        return self.names.get(kind, {}).get(key, key) if key else nothing


def _offered(entries: list[dict[str, Any]]) -> list[Choice]:
    return [Choice(e["key"], e.get("name") or e["key"]) for e in entries if e.get("active", True)]


async def read_choices(visit: Visit) -> Choices:
    """Return what this person is offered: who is no agent learns of topics only."""
    directory = visit.gateway.directory
    topics = await directory.entries("topic")
    names = {"topic": {e["key"]: e.get("name") or e["key"] for e in topics}}
    departments = await directory.entries("department")
    names["department"] = {e["key"]: e.get("name") or e["key"] for e in departments}
    if not visit.sees_all:
        return Choices(topics=_offered(topics), names=names)
    teams, rows = await asyncio.gather(
        directory.entries("team"),
        visit.gateway.pool.fetch(
            """
            SELECT coalesce(login, email) AS login, coalesce(name, login, email) AS name FROM person
            WHERE agent IS NOT NULL AND coalesce((agent->>'active')::bool, true) AND coalesce(login, email) IS NOT NULL
            ORDER BY name, login LIMIT 1000
            """
        ),
    )
    names["field"] = {key: field["name"] for key, field in (await directory.fields()).items()}
    names["team"] = {e["key"]: e.get("name") or e["key"] for e in teams}
    names["agent"] = {row["login"]: row["name"] for row in rows}
    agents = [Choice(row["login"], row["name"]) for row in rows]
    return Choices(_offered(departments), _offered(teams), _offered(topics), agents, names)
