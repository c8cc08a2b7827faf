"""Persons by e-mail address: met first here, and by everybody else through the directory."""

from collections.abc import Collection, Mapping
from itertools import count
from uuid import UUID

from services.intake import domain
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Event
from shared.contracts.ids import derived, first_event_id, random_id
from shared.db import Pool
from shared.directory.people import organisation_by_domain
from shared.eventstore.appender import Appender
from shared.eventstore.ledger import Context, Ledger
from shared.eventstore.store import EventStore

_REGISTERED = f"SELECT stream_id, personal FROM event WHERE stream_id = ANY ($1) AND type = '{domain.PERSON_REGISTERED}' ORDER BY version"


def _nothing() -> None:
    return None


def _same(state: None, event: Event) -> None:
    del event
    return state


class People:
    """Finds the person of an address, minting one where there is none.

    The registration's command id derives from a keyed digest of the address: two that meet somebody at the same moment
    append the same event id, one of them is told "repeat", and both go on with the first person id. The digest's key
    is the stack's, so an id gives no address away.
    """

    def __init__(self, store: EventStore, appender: Appender, pool: Pool, key: bytes) -> None:
        self._store = store
        self._ledger: Ledger[None] = Ledger(store, appender, _nothing, _same)
        self._pool = pool
        self._key = key

    def registration(self, email: str) -> UUID:
        """Return the id of the event that registers who has this address first."""
        return first_event_id(derived("person", keyed_digest(self._key, email)))

    async def registrations(self, ids: Collection[UUID]) -> dict[UUID, Mapping[str, str]]:
        """Return address and name with which these were registered, from the store: of whom the directory may not have heard yet."""
        rows = await self._pool.fetch(_REGISTERED, list(ids)) if ids else []
        return {row["stream_id"]: row["personal"] or {} for row in rows}

    async def person(self, email: str, name: str | None, context: Context, organisation: str | None = None) -> UUID:
        """Return the person with this address. `organisation` is that of a new one, if it is not the address's domain's.

        Who was forgotten is not found again: his registration is blank, and the address gets another person.
        """
        digest = keyed_digest(self._key, email)
        command_id = derived("person", digest)
        for again in count(1):
            first = first_event_id(command_id)
            known = await self._store.find_one(first)
            if known is None:
                person_id = random_id()
                registering = Context(command_id, context.actor, context.via, correlation=context.correlation)
                facts = domain.register_person(
                    email, name, organisation or await organisation_by_domain(self._pool, email)
                )
                result = await self._ledger.execute(person_id, lambda _, facts=facts: facts, registering, new=True)  # type: ignore[misc] # mypy cannot infer a lambda's defaults
                if not result.repeat:
                    return person_id
                known = (await self._store.find([first]))[first]
            if known["personal"] is not None:
                found: UUID = known["stream_id"]
                return found
            command_id = derived("person", digest, again)
        raise AssertionError  # count() has no end
