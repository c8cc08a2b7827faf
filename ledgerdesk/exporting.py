"""`ledgerdesk org export`: the organisation file that says what the stores say, now or as it was."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import httpx

from ledgerdesk.client import checked_text
from ledgerdesk.organisation import OrganisationFile
from ledgerdesk.rule_entries import exported
from shared.contracts.catalogue import OWNERS
from shared.contracts.event import Event, from_feed_line, rfc3339


class Entries:
    """What the owners had configured at a moment."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._by_kind: dict[str, list[Event]] = {}
        for event in events:
            self._by_kind.setdefault(event.type.removeprefix("ledgerdesk."), []).append(event)
        self._people = self._known()
        registered = self._by_kind.get("person.registered", [])
        self._organisations = {str(event.stream_id): event.data.get("organisation") for event in registered}

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of a kind, by key."""
        found = [event.data["new"] for event in self._by_kind.get(f"{kind}.configured", [])]
        return sorted(found, key=lambda entry: str(entry.get("key") or entry.get("topic") or entry.get("person_id")))

    def _known(self) -> dict[str, dict[str, Any]]:
        """Return person id to name, address and login."""
        known: dict[str, dict[str, Any]] = {}
        for kind in ("person.registered", "agent.configured", "account.configured"):
            for event in self._by_kind.get(kind, []):
                said = {name: value for name, value in (event.personal or {}).items() if value}
                known.setdefault(str(event.stream_id), {}).update(said)
        return known

    def who(self, person_id: str | None) -> str | None:
        """Return the login (or address) of somebody; None, for nobody and for who was forgotten."""
        person = self._people.get(person_id or "", {})
        return person.get("login") or person.get("email")

    def whom(self, person_ids: Iterable[str]) -> list[str]:
        """Return their logins, without those who were forgotten."""
        return [login for login in map(self.who, person_ids) if login is not None]

    def address(self, person_id: str) -> str | None:
        """Return somebody's address; None, where there is none (any more)."""
        return self._people.get(person_id, {}).get("email")

    def organisation(self, person_id: str) -> str | None:
        """Return the organisation that somebody was registered with."""
        return self._organisations.get(person_id)

    def ids(self) -> dict[str, str]:
        """Return login, and address, to person id."""
        return {
            person[name]: key for key, person in self._people.items() for name in ("email", "login") if name in person
        }

    def people(self) -> list[dict[str, Any]]:
        """Return who has an account or is an agent, as the file says it."""
        agents = {entry["person_id"]: entry for entry in self.of("agent")}
        accounts = {str(e.stream_id): e.data for e in self._by_kind.get("account.configured", [])}
        found = []
        for person_id in {**agents, **accounts}:
            person = self._people.get(person_id, {})
            if "email" not in person:
                continue  # forgotten, or named by a log without an address
            agent, account = agents.get(person_id), accounts.get(person_id)
            # A login in the file opens an account: who has none is named by his address.
            names = ("email", "name", "login") if account is not None else ("email", "name")
            entry: dict[str, Any] = {name: person[name] for name in names if name in person}
            entry["roles"] = account["roles"] if account else []
            entry["active"] = (account or agent or {}).get("active", True)
            if agent is not None:
                entry |= {name: agent[name] for name in _OF_AGENTS if name in agent}
                entry["roles_in"] = agent.get("roles", {})
            found.append(entry)
        return sorted(found, key=lambda entry: str(entry.get("login") or entry["email"]))


_OF_AGENTS = ("departments", "skills", "capacity", "zone", "shifts", "away", "on_call", "sees")


_IMAGES = ("logo", "icon")


def export(client: httpx.Client, at: datetime | None = None) -> OrganisationFile:
    """Return the file that would make an empty desk be configured like this one was.

    Args:
        client: Of an administrator.
        at: As of when; None: now.
    """
    entries = entries_of(client, at)
    return file_of(entries, {sha256: _data_url(client, sha256, media) for sha256, media in images_of(entries).items()})


def images_of(entries: Entries) -> dict[str, str]:
    """Return the images that the brand has, by digest: their media types."""
    found = [brand.get(name) for brand in entries.of("branding") for name in _IMAGES]
    return {image["sha256"]: image["media_type"] for image in found if image}


def _data_url(client: httpx.Client, sha256: str, media_type: str) -> str:
    """Return an image as text.

    Raises:
        RuntimeError: It is not kept any more: the files' directory is another.
    """
    response = client.get(f"/internal/gateway/images/{sha256}")
    if not response.is_success:
        checked_text(response)
    return f"data:{media_type};base64,{base64.b64encode(response.content).decode()}"


def _brand(brand: dict[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    shown = {name: images.get((brand.get(name) or {}).get("sha256", "")) for name in _IMAGES}
    return _without(brand, "key", "version") | shown


def entries_of(client: httpx.Client, at: datetime | None = None) -> Entries:
    """Return what the owners had configured as of a moment; None: now."""
    params = {"at": rfc3339(at)} if at is not None else {}
    lines = [
        line
        for owner in OWNERS
        for line in checked_text(client.get(f"/internal/{owner}/entries", params=params)).splitlines()
    ]
    return Entries(from_feed_line(line.encode()) for line in lines if line)


def file_of(entries: Entries, images: Mapping[str, str] | None = None) -> OrganisationFile:
    """Return entries as a file; personal parts that were erased are left out, and images that are not given by their digest."""
    routes = {route["topic"]: route for route in entries.of("topic_route")}
    topics = [
        {**topic, "department": route.get("department"), "skills": route.get("skills", [])}
        for topic in entries.of("topic")
        for route in (routes.get(topic["key"], {}),)
    ]
    policy = [_without(one, "key") for one in entries.of("policy")]
    brands = [_brand(one, images or {}) for one in entries.of("branding")]
    lifecycle = [_without(one, "key", "version") for one in entries.of("lifecycle")]
    return OrganisationFile.model_validate(
        {
            "default_department": routes.get("*", {}).get("department"),
            "organisations": entries.of("organisation"),
            "departments": [d | {"manager": entries.who(d.get("manager"))} for d in entries.of("department")],
            "roles": [_without(role, "version") for role in entries.of("role")],
            "topics": topics,
            "fields": [_placed(f, place) for place, f in enumerate(_in_order(entries.of("field")), 1)],
            "people": entries.people(),
            "teams": [t | {"members": entries.whom(t["members"])} for t in entries.of("team")],
            "rules": [exported(rule, entries.who) for rule in _in_order(entries.of("rule"))],
            "branding": brands[0] if brands else None,
            "policy": policy[0] if policy else None,
            "lifecycle": lifecycle[0] if lifecycle else None,
            "calendars": [_without(c, "version") for c in entries.of("calendar")],
            "canned_replies": [_without(reply, "version") for reply in entries.of("canned_reply")],
            "sla_plans": [
                _plan(entries, plan, place) for place, plan in enumerate(_in_order(entries.of("sla_plan")), 1)
            ],
            "categories": entries.of("category"),
        }
    )


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: (entry["order"], entry["key"]))


def _without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def _placed(entry: dict[str, Any], place: int) -> dict[str, Any]:
    """Return an entry without its order, where its place in the file says it."""
    return _without(entry, "version", *(["order"] if entry["order"] == place else []))


def _plan(entries: Entries, plan: dict[str, Any], place: int) -> dict[str, Any]:
    ladder = [step | {"notify": entries.whom(step["notify"])} for step in plan["ladder"]]
    return _placed(plan, place) | {"ladder": ladder}
