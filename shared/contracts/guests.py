"""Payloads of guest access: links by which a requester without an account reads and answers one ticket. Streams are per ticket."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Id, Key, Strict


class GuestAsked(Strict):
    """Somebody who knew the ticket's number and its requester's address asked for a link. That he is the requester, nobody has shown."""

    ticket_id: Id
    person_id: Id


class GuestLinkIssued(Strict):
    """A link was made for the ticket's requester; its secret is known here by keyed hash only."""

    ticket_id: Id
    person_id: Id
    link: Id
    hash: Key
    expires_at: str


class GuestLinkUsed(Strict):
    """The link was opened; within ten minutes it is said once."""

    ticket_id: Id
    person_id: Id
    link: Id


class GuestLinkRevoked(Strict):
    """These links are good no more, and what was opened by them neither."""

    ticket_id: Id
    person_id: Id
    links: Annotated[list[Id], Field(min_length=1)]
