"""The routing configuration as routing's own copy of the directory has it."""

from services.routing.domain import Config
from shared.db import Pool
from shared.directory.people import Directory


async def load_config(pool: Pool, directory: Directory) -> Config:
    """Return what rules, departments, teams, topics and agents there are now."""
    agents = await pool.fetch("SELECT agent FROM person WHERE agent IS NOT NULL ORDER BY stream_id")
    return Config(
        agents=[row["agent"] for row in agents],
        departments={entry["key"]: entry for entry in await directory.entries("department")},
        teams={entry["key"]: entry for entry in await directory.entries("team")},
        topic_routes={entry["topic"]: entry for entry in await directory.entries("topic_route")},
        rules=await directory.entries("rule"),
    )
