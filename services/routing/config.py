"""The routing configuration as routing's own copy of the directory has it."""

from collections.abc import Mapping
from typing import Any

from services.routing.domain import Config
from shared.db import Pool
from shared.directory.people import Directory
from shared.hours import Hours, hours_of

_hours: dict[str, Hours] = {}
"""What shifts come to: of one text always the same."""


async def load_config(pool: Pool, directory: Directory) -> Config:
    """Return what rules, departments, teams, topics and agents there are now."""
    rows = await pool.fetch("SELECT agent FROM person WHERE agent IS NOT NULL ORDER BY stream_id")
    departments, teams, topic_routes, rules = await directory.several(
        ("department", None), ("team", None), ("topic_route", None), ("rule", None)
    )
    agents = [row["agent"] for row in rows if "person_id" in row["agent"]]
    return Config(
        agents=agents,
        departments={entry["key"]: entry for entry in departments},
        teams={entry["key"]: entry for entry in teams},
        topic_routes={entry["topic"]: entry for entry in topic_routes},
        rules=rules,
        hours={agent["person_id"]: _shifts(agent) for agent in agents if agent.get("shifts")},
    )


def _shifts(agent: Mapping[str, Any]) -> Hours:
    said = repr((agent.get("zone"), agent["shifts"]))
    if said not in _hours:
        _hours[said] = hours_of({"zone": agent.get("zone"), "hours": agent["shifts"]})
    return _hours[said]
