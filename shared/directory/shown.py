"""How people in an event are shown, by who looks: agents by login to the desk, by name alone to requesters."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from shared.directory.people import Person

People = Mapping[UUID, Person]
_CUSTOM = frozenset({"fields", "new", "old"})
"""Parts that hold custom fields: one may be called `agent`, and names nobody."""
_SEVERAL = frozenset({"mentions", "notify", "watch"})
"""Parts that are lists of agents."""


def ids_in(value: Any) -> Iterable[UUID]:
    """Yield the person ids that an event's data names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in {"agent", "person_id"} and isinstance(item, str):
                yield UUID(item)
            elif key in _SEVERAL and isinstance(item, list):
                yield from map(UUID, item)
            elif key not in _CUSTOM:
                yield from ids_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from ids_in(item)


def with_logins(value: Any, people: People) -> Any:
    """Return the data with agents by login instead of person id."""
    if isinstance(value, dict):
        return {key: item if key in _CUSTOM else _shown(key, item, people) for key, item in value.items()}
    if isinstance(value, list):
        return [with_logins(item, people) for item in value]
    return value


def _shown(key: str, item: Any, people: People) -> Any:
    if key == "agent" and isinstance(item, str):
        return _login(people, item)
    if key in _SEVERAL and isinstance(item, list):
        return [_login(people, one) for one in item]
    return with_logins(item, people)


def _login(people: People, person_id: str) -> str:
    person = people.get(UUID(person_id))
    return (person.login or person.email or person_id) if person else person_id


def actor_shown(people: People, actor: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    """Return who did it: to requesters a person's name, and of anything else only that it was no person."""
    if actor["kind"] != "person":
        return dict(actor) if full else {"kind": actor["kind"]}
    person = people.get(UUID(actor["id"]))
    shown = person.shown if person else {"login": None, "name": None}
    if not full:
        return {"kind": "person", "name": shown["name"]}
    return {"kind": "person", "id": actor["id"], **shown}
