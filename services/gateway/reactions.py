"""Somebody is forgotten: the account goes, and with it sessions, keys and guests' links."""

from collections.abc import Sequence
from uuid import UUID

from services.gateway import domain
from services.gateway.domain.guests import Guests, revoke
from shared.contracts.erasing import ACCOUNT_ERASED, erase
from shared.contracts.event import Event, NewEvent
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.forgetting import context_of


class AccountForgetting:
    """The gateway's part in forgetting somebody."""

    def __init__(
        self, pool: Pool, eraser: Eraser, keys: Ledger[domain.Key], sessions: Ledger[domain.Session], guests: Ledger[Guests]
    ) -> None:  # fmt: skip
        self._pool = pool
        self._eraser = eraser
        self._keys = keys
        self._sessions = sessions
        self._guests = guests

    async def on_forgotten(self, event: Event) -> None:
        """Blank the account and revoke what the person signs in with. Who is forgotten is refused by every service anyway."""

        def decide(events: Sequence[Event]) -> list[NewEvent]:
            return erase(events, lambda _: True, ACCOUNT_ERASED, event.data["reason"])

        await self._eraser.erase(event.stream_id, decide, context_of(event, "gateway", event.stream_id))
        for session_id in await self._open("session", event.stream_id):
            await self._sessions.execute(session_id, domain.revoke_session, context_of(event, "gateway", session_id))
        for key_id in await self._open("api_key", event.stream_id):
            await self._keys.execute(key_id, domain.revoke_key, context_of(event, "gateway", key_id))
        links = await self._pool.fetch("SELECT stream_id, ticket_id FROM guest WHERE person_id = $1", event.stream_id)
        for stream, ticket in links:
            context = context_of(event, "gateway", stream)
            await self._guests.execute(stream, lambda state, of=ticket: revoke(state, of), context)  # type: ignore[misc] # mypy cannot infer a lambda's defaults
        await self._pool.execute("DELETE FROM session_seen WHERE person_id = $1", event.stream_id)

    async def _open(self, table: str, person_id: UUID) -> list[UUID]:
        rows = await self._pool.fetch(f"SELECT stream_id FROM {table} WHERE person_id = $1 AND NOT revoked", person_id)
        return [row["stream_id"] for row in rows]
