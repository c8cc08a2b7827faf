"""Look-ups in a service's own copy of the directory. Those made at the same time share a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.db import Pool
from shared.projection.whole import BehindError
from shared.together import Together
from shared.waiting import wait_for

Asked = tuple[str, str | None]
"""A kind of configured thing, and the key of one of them, or None for all."""
REFUSING: Asked = ("rule", "")
"""All rules, if one of them refuses anything: those that stop before it let a ticket in. (No rule's key is empty.)"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the directory knows."""

    person_id: UUID
    email: str | None
    name: str | None
    login: str | None
    agent: dict[str, Any] | None
    account: dict[str, Any] | None
    forgotten: bool = False
    organisation: str | None = None

    @property
    def roles(self) -> frozenset[str]:
        """What the person may do: the account's roles; an agent without account acts as agent; anybody may request."""
        if self.account and self.account.get("active", True):
            return frozenset(self.account["roles"])
        if self.agent and self.agent.get("active", True):
            return frozenset({"agent"})
        return frozenset({"requester"})

    @property
    def shown(self) -> dict[str, str | None]:
        """How the person is shown: login (or address) and name."""
        return {"login": self.login or self.email, "name": self.name or self.login or self.email}


_SELECT = (
    "SELECT stream_id, email, name, login, agent, account, coalesce(registered -> 'forgotten' = 'true', false) AS forgotten, "
    "registered ->> 'organisation' AS organisation FROM person"
)


def _person(row: Any) -> Person:
    return Person(
        row["stream_id"], row["email"], row["name"], row["login"], row["agent"], row["account"], row["forgotten"],
        row["organisation"],
    )  # fmt: skip


ENTRIES = """
SELECT w.n, d.key, d.entry FROM unnest($1::int[], $2::text[]) AS w (n, kind) JOIN directory_entry d USING (kind)
UNION ALL
SELECT o.n, d.key, d.entry FROM unnest($3::int[], $4::text[], $5::text[]) AS o (n, kind, key) JOIN directory_entry d USING (kind, key)
UNION ALL
SELECT $6, d.key, d.entry FROM directory_entry d WHERE $6::int IS NOT NULL AND d.kind = 'rule' AND EXISTS (
    SELECT FROM directory_entry WHERE kind = 'rule' AND entry -> 'active' = 'true' AND entry -> 'actions' ->> 'reject' IS NOT NULL)
"""
"""Rows of (place in what was asked, key, entry); its parameters are those of `entries_asked`."""


def entries_asked(asked: Sequence[Asked]) -> list[Any]:
    """Return the parameters of `ENTRIES`."""
    whole = [(n, kind) for n, (kind, key) in enumerate(asked) if key is None]
    single = [(n, kind, key) for n, (kind, key) in enumerate(asked) if key]
    return [
        *([one[n] for one in whole] for n in range(2)), *([one[n] for one in single] for n in range(3)),
        asked.index(REFUSING) if REFUSING in asked else None,
    ]  # fmt: skip


async def organisation_by_domain(pool: Pool, email: str) -> str | None:
    """Return the organisation that claims an address's domain."""
    organisation: str | None = await pool.fetchval(
        "SELECT key FROM directory_entry WHERE kind = 'organisation' AND entry -> 'domains' ? $1 "
        "AND (entry ->> 'active')::bool ORDER BY key LIMIT 1",
        email.rpartition("@")[2],
    )
    return organisation


class Directory:
    """Who is who, as this service knows it. What it returns is shared with others who asked: to be read, not changed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._entries = Together(self._load_entries)
        self._persons = Together(self._load_persons)

    async def _load_entries(self, asked: Sequence[Asked]) -> dict[Asked, list[dict[str, Any]]]:
        rows = await self._pool.fetch(f"{ENTRIES} ORDER BY 1, 2", *entries_asked(asked))
        found: dict[Asked, list[dict[str, Any]]] = {one: [] for one in asked}
        for n, _, entry in rows:
            found[asked[n]].append(entry)
        return found

    async def _load_persons(self, ids: Sequence[UUID]) -> dict[UUID, Person]:
        rows = await self._pool.fetch(f"{_SELECT} WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: _person(row) for row in rows}

    async def by_id(self, person_id: UUID) -> Person | None:
        """Return a person by id."""
        return await self._persons.get(person_id)

    async def expected(self, person_id: UUID) -> Person:
        """Return somebody of whom it is known that he is there, as something names him: that may be heard of before he is.

        Raises:
            BehindError: He was waited for, and has not been heard of yet.
        """
        person = await wait_for(lambda: self.by_id(person_id))
        if person is None:
            raise BehindError(
                f"Nothing is known here yet of the person {person_id}. Send the same request again in a moment."
            )
        return person

    async def by_login(self, text: str) -> Person | None:
        """Return a person by login or e-mail address; accounts and agents go before mere requesters."""
        row = await self._pool.fetchrow(
            f"{_SELECT} WHERE login = $1 OR email = lower($1) "
            "ORDER BY account IS NULL, agent IS NULL, login IS DISTINCT FROM $1, stream_id LIMIT 1",
            text,
        )
        return _person(row) if row else None

    async def by_address(self, email: str) -> list[Person]:
        """Return all who have an e-mail address, those with an account first."""
        rows = await self._pool.fetch(
            f"{_SELECT} WHERE email = lower($1) ORDER BY account IS NULL, agent IS NULL, stream_id LIMIT 20", email
        )
        return [_person(row) for row in rows]

    async def agent(self, login: str) -> Person | None:
        """Return an agent, active or not, by login or e-mail address."""
        row = await self._pool.fetchrow(
            f"{_SELECT} WHERE agent IS NOT NULL AND (login = $1 OR email = lower($1)) ORDER BY stream_id LIMIT 1", login
        )
        return _person(row) if row else None

    async def organisation_of(self, email: str) -> str | None:
        """Return the organisation of who has an address: as he was registered; of one not met yet, as he will be."""
        row = await self._pool.fetchrow(
            "SELECT registered ->> 'organisation' AS organisation FROM person WHERE email = $1 AND registered IS NOT NULL "
            "ORDER BY stream_id LIMIT 1",
            email,
        )
        return row["organisation"] if row is not None else await organisation_by_domain(self._pool, email)

    async def people(self, ids: set[UUID]) -> dict[UUID, Person]:
        """Return those of these people that are known."""
        if not ids:
            return {}
        rows = await self._pool.fetch(f"{_SELECT} WHERE stream_id = ANY ($1)", list(ids))
        return {row["stream_id"]: _person(row) for row in rows}

    async def entry(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a configured thing (organisation, topic, department, team, rule) by its key."""
        (found,) = await self.several((kind, key))
        return found[0] if found else None

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        """Return all configured things of a kind, by key."""
        (found,) = await self.several((kind, None))
        return list(found)

    async def several(self, *asked: Asked) -> list[Sequence[dict[str, Any]]]:
        """Return what there is of each of these, by key, with one query."""
        coming = [self._entries.soon(one) for one in asked]
        return [await one or () for one in coming]

    async def fields(self) -> dict[str, dict[str, Any]]:
        """Return the custom fields there are, in use or not, by key."""
        return {field["key"]: field for field in await self.entries("field")}
