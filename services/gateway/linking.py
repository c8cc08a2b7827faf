"""Whose account an identity elsewhere is. See docs/adr/0023-identities-elsewhere.md."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
import structlog
from pydantic import TypeAdapter, ValidationError

from services.gateway import domain
from services.gateway.domain import credentials
from services.gateway.domain.credentials import Identity
from services.gateway.oidc import Claims, Provider
from services.gateway.signing_in import Origin, SignIns, credential_stream, identity_stream
from shared.contracts.canonical import keyed_digest
from shared.contracts.event import Actor, NewEvent, Via
from shared.contracts.fields import Email
from shared.contracts.ids import derived, random_id
from shared.eventstore.ledger import Context, Ledger
from shared.http.problems import Problem
from shared.settings import Settings
from shared.tokens import SessionToken, Tokens

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
log = structlog.get_logger("oidc")
NO_ACCOUNT = "There is no account here that belongs to you at that provider. Ask an administrator for one."


Register = Callable[[str, str | None], Awaitable[UUID]]
"""Has intake register the person with an address, whom it may know already, and returns who that is."""


def registering(settings: Settings, tokens: Tokens, client: httpx.AsyncClient) -> Register:
    """Return a way to register persons. It is intake that says who somebody is: a person of our own would not be he who has the tickets."""

    async def register(email: str, name: str | None) -> UUID:
        url = f"{settings.url_of('intake')}/api/v1/internal/intake/organisation"
        headers = {"Authorization": f"Bearer {tokens.internal()}"}
        try:
            response = await client.put(url, json={"people": [{"email": email, "name": name}]}, headers=headers)
            response.raise_for_status()
        except httpx.HTTPError as error:
            await log.awarning("person not registered", error=repr(error))
            raise Problem(503, "Your account cannot be made just now. Try again in a moment.") from error
        return UUID(response.json()["people"][email])

    return register


@dataclass(slots=True)
class Linking:
    """Finds, links and (if the provider's settings say so) makes accounts."""

    sign_ins: SignIns
    identities: Ledger[Identity]
    register: Register

    async def sign_in(self, provider: Provider, claims: Claims, origin: Origin) -> tuple[str, SessionToken]:
        """Return a session for who has signed in at the provider.

        Raises:
            Problem: 401, a code is needed; 403, there is no account, or the provider does not vouch for the address.
            Refusal: 403, the account belongs to another identity.
        """
        key = self.sign_ins.settings.derived_key("identity")
        subject = keyed_digest(key, f"{claims.issuer}|{claims.subject}")
        door = f"oidc:{provider.settings.key}"
        context = Context(random_id(), Actor("system", door), Via("session", "sign-in"), fresh=True)
        person_id = await self._linked(subject)
        if person_id is None:
            person_id = await self._by_address(provider, claims, context)
            await self._link(person_id, claims.issuer, subject, context)
        account, _ = await self.sign_ins.accounts.state(person_id)
        if not (account.exists and account.active):
            raise Problem(403, NO_ACCOUNT)
        vouched = provider.settings.second_factor
        return await self.sign_ins.finish(person_id, account.generation, door, origin, vouched=vouched)

    async def _linked(self, subject: str) -> UUID | None:
        """Return whose the identity is: what was linked once goes before any address."""
        state, _ = await self.identities.state(identity_stream(subject))
        if state.person_id is None:
            return None
        person = await self.sign_ins.directory.by_id(UUID(state.person_id))
        return None if person is not None and person.forgotten else UUID(state.person_id)

    async def _link(self, person_id: UUID, issuer: str, subject: str, context: Context) -> None:
        """Link both ways: first the account, which belongs to one identity of an issuer at most."""
        await self.sign_ins.credentials.execute(
            credential_stream(person_id), lambda state: credentials.bind_identity(state, issuer, subject), context
        )
        named = Context(
            derived(context.command_id, "identity"), context.actor, context.via, correlation=context.correlation
        )
        await self.identities.execute(
            identity_stream(subject), lambda state: credentials.link_identity(state, str(person_id)), named
        )

    async def _by_address(self, provider: Provider, claims: Claims, context: Context) -> UUID:
        """Return the one account that has the address which the provider vouches for.

        Raises:
            Problem: 403.
        """
        try:
            email = _EMAIL.validate_python(claims.email or "")
        except ValidationError:
            raise Problem(
                403,
                "The provider does not vouch for your e-mail address, so it cannot say whose account is yours. Sign in with your password.",
            ) from None
        domains = {domain.lower() for domain in provider.settings.domains}
        if domains and email.rpartition("@")[2] not in domains:
            raise Problem(403, NO_ACCOUNT)
        people = await self.sign_ins.directory.by_address(email)
        with_account = [person for person in people if person.account is not None and not person.forgotten]
        if len(with_account) == 1:
            return with_account[0].person_id
        if with_account or not provider.settings.create or any(person.agent for person in people):
            raise Problem(403, NO_ACCOUNT)  # several; or an agent, whose account an administrator makes
        return await self._open_account(await self.register(email, claims.name), email, claims.name, context)

    async def _open_account(self, person_id: UUID, email: str, name: str | None, context: Context) -> UUID:
        """Open a requester's account; one that is there is left as it is: no sign-in gives or takes rights."""

        def decide(state: domain.Account) -> list[NewEvent]:
            if state.exists:
                return []
            return domain.configure_account(
                state, person_id=str(person_id), roles=["requester"], active=True, login=email, name=name, email=email
            )

        named = Context(
            derived(context.command_id, "account"), context.actor, context.via, correlation=context.correlation
        )
        await self.sign_ins.accounts.execute(person_id, decide, named)
        return person_id
