"""Whom saved queues and dashboards name: they go with him when he is forgotten, whoever saved them."""

from collections.abc import Iterable

from shared.directory.people import Directory

OF_PEOPLE = frozenset({"assignee", "requester", "agent"})
"""Filters whose values are addresses and logins; of the others, what looks like an address counts."""
NOBODY = frozenset({"me", "none"})


async def named_by(directory: Directory, filters: Iterable[tuple[str, str]]) -> list[str]:
    """Return the ids of those whom filters (name, value) name by address or login, as far as they are known by now."""
    texts = {value for name, value in filters if (name in OF_PEOPLE or "@" in value) and value not in NOBODY}
    found: set[str] = set()
    for text in texts:
        person = await directory.by_login(text)
        found |= {str(person.person_id)} if person is not None else set()
        found |= {str(one.person_id) for one in await directory.by_address(text)} if "@" in text else set()
    return sorted(found)
