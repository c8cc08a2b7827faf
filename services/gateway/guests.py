"""Guest access, as the gateway gives it: links are made, asked for, opened and taken back. Who opens one gets a short token instead."""

import asyncio
import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import stamina
import structlog

from services.gateway.domain import guests as domain
from services.gateway.throttle import Throttle
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Actor, Via
from shared.contracts.ids import derived, random_id
from shared.db import LOST_CONNECTION, Pool
from shared.directory.people import Directory, Person
from shared.eventstore.appender import StoreUnavailableError
from shared.eventstore.ledger import ContentionError, Context, Ledger
from shared.http.commands import CommandRequest
from shared.http.guests import PURPOSE, guest_stream, may_be_guest
from shared.http.problems import Problem
from shared.http.tickets import look_up
from shared.refusal import Refusal
from shared.settings import Settings
from shared.tokens import Tokens
from shared.waiting import WAIT, wait_for

PREFIX = "ldg"
_SECRET_BYTES = 24
_ANSWER_AFTER = 0.4
"""Seconds that an answer to who asks for a link takes: how long the look takes must not say what it finds."""
_MOST_WAITED_FOR = 100
"""Requests at a time for which a ticket that is not known here is waited for: of more, who makes numbers up may be the sender."""
_NOTED_WITHIN, _STOPS_WITHIN = 60.0, 5.0
_PASSES = (StoreUnavailableError, ContentionError, *LOST_CONNECTION)
log = structlog.get_logger("guests")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link was exchanged for."""

    token: str
    ticket_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was made: its token is shown this once."""

    link_id: UUID
    token: str
    expires_at: datetime


class GuestAccess:
    """Makes links and takes them."""

    def __init__(
        self, settings: Settings, pool: Pool, directory: Directory, tokens: Tokens, ledger: Ledger[domain.Guests]
    ) -> None:  # fmt: skip
        self._settings = settings
        self._pool = pool
        self._directory = directory
        self._tokens = tokens
        self._throttle = Throttle(pool, settings.derived_key("guest-asks"))
        self.ledger = ledger
        self._noting: set[asyncio.Task[None]] = set()

    async def issue(self, ticket_id: UUID, person_id: UUID, command: CommandRequest) -> NewLink:
        """Make a link for a ticket's requester.

        Raises:
            Problem: 409, he has an account, or was forgotten.
            BehindError: He has not been heard of yet.
            Refusal: 409, there are many already.
        """
        if not may_be_guest(await self._directory.expected(person_id)):
            raise Problem(
                409, "A link is for a requester who has no account. This one signs in, is an agent, or was forgotten."
            )
        secret = secrets.token_bytes(_SECRET_BYTES)
        if command.request_digest is not None:  # derived, so that a repeat is answered with the same link
            key = self._settings.derived_key("guest-secret")
            secret = bytes.fromhex(keyed_digest(key, str(command.command_id)))[:_SECRET_BYTES]
        now, link_id = datetime.now(UTC), derived("guest-link", command.command_id)
        result = await self.ledger.execute(
            guest_stream(ticket_id), lambda s: domain.issue(s, now, ticket_id, person_id, link_id, self._hash(secret)),
            command.context(),
        )  # fmt: skip
        raw = ticket_id.bytes + link_id.bytes + secret
        token = f"{PREFIX}_{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"
        return NewLink(link_id, token, datetime.fromisoformat(result.events[0].data["expires_at"]))

    def _hash(self, secret: bytes) -> str:
        return keyed_digest(self._settings.derived_key("guest-link"), secret.hex())

    def _read(self, token: str) -> tuple[UUID, UUID, str]:
        """Return of which ticket and which link a token is, and its secret's hash; of something else, of none.

        Raises:
            Refusal: 410, it is no token.
        """
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(f"{PREFIX}_") + "==")
            return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), self._hash(raw[32:])
        except ValueError:
            raise Refusal(domain.UNUSABLE, status=410, field="token") from None

    async def open(self, token: str) -> Opened:
        """Take a link, and return what it is exchanged for.

        Raises:
            Refusal: 410, it is not good, or its requester is not one for whom there are links (any more).
            Problem: 503, nothing is known yet of its ticket or requester.
        """
        ticket_id, link_id, digest = self._read(token)
        now, stream = datetime.now(UTC), guest_stream(ticket_id)
        link = domain.check((await self.ledger.state(stream))[0], now, link_id, digest)
        row, person = await self._heard(str(ticket_id), link.person_id)
        if row is None or person is None:
            raise Problem(503, "The ticket is not known here yet. Try again in a moment.", headers={"Retry-After": "1"})
        if not may_be_guest(person) or row["requester_id"] != link.person_id:
            raise Refusal(domain.UNUSABLE, status=410, field="token")
        context = Context(random_id(), Actor("person", str(link.person_id)), Via("link", str(link_id)), fresh=True)
        await self.ledger.execute(stream, lambda s: domain.use(s, now, ticket_id, link_id, digest), context)
        until = min(now + domain.VISIT_LIFETIME, link.expires_at)
        claims = {"sub": str(link.person_id), "ticket": str(ticket_id), "link": str(link_id)}
        return Opened(self._tokens.short(PURPOSE, claims, until - now), ticket_id, until)

    async def _heard(
        self, ref: str, person_id: UUID | None = None, seconds: float = WAIT
    ) -> tuple[asyncpg.Record | None, Person | None]:
        """Return a ticket and a person, its requester if nobody is named; each is waited for, since it may not be known here yet."""
        row = await wait_for(lambda: look_up(self._pool, ref), seconds)
        asked = person_id or (row["requester_id"] if row is not None else None)
        return row, await wait_for(lambda: self._directory.by_id(asked), seconds) if asked is not None else None

    async def stands(self, ticket_id: UUID, link_id: UUID) -> bool:
        """Whether what a link was exchanged for may go on being used: so says the gateway's store, not what others have heard of it."""
        link = (await self.ledger.state(guest_stream(ticket_id)))[0].links.get(str(link_id))
        if link is None or link.revoked_at is not None:
            return False
        person, row = await self._directory.by_id(link.person_id), await look_up(self._pool, str(ticket_id))
        return (person is None or may_be_guest(person)) and (row is None or row["requester_id"] == link.person_id)

    async def ask(self, number: str, email: str, address: str | None) -> None:
        """Note that a link is asked for, if the ticket is there and the address its requester's. Nobody is told which.

        Raises:
            Problem: 429, asked too often.
        """
        await self._throttle.begin(self._throttle.attempt(f"{number}|{email}", address))
        task = asyncio.create_task(self._note_at_last(number, email.lower()), name="guest-asks")
        self._noting.add(task)  # or it might be collected before it has ended
        task.add_done_callback(self._noted)
        await asyncio.sleep(_ANSWER_AFTER)

    def _noted(self, task: "asyncio.Task[None]") -> None:
        self._noting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("request for a link not noted", exc_info=error)

    async def stop(self) -> None:
        """End what is being noted; it is given the time that it takes."""
        if self._noting:
            _, late = await asyncio.wait(self._noting, timeout=_STOPS_WITHIN)
            for task in late:
                task.cancel()

    async def _note_at_last(self, number: str, email: str) -> None:
        async for attempt in stamina.retry_context(on=_PASSES, timeout=_NOTED_WITHIN, attempts=None, wait_max=1.0):
            with attempt:  # he was told that the desk knows
                await self._note(number, email)

    async def _note(self, number: str, email: str) -> None:
        row, person = await self._heard(number, seconds=WAIT if len(self._noting) <= _MOST_WAITED_FOR else 0)
        if row is None or person is None or not may_be_guest(person) or (person.email or "").lower() != email:
            return
        now, ticket_id = datetime.now(UTC), row["stream_id"]
        context = Context(random_id(), Actor("system", "guest-door"), Via("link", "asked"), fresh=True)
        await self.ledger.execute(
            guest_stream(ticket_id), lambda s: domain.ask(s, now, ticket_id, person.person_id), context
        )
