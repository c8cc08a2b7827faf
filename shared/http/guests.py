"""Guests: requesters who came by a link. They have a requester's rights on one ticket, by few doors; all others are shut.

That is held here, where it is found out who calls, and not in each endpoint: one that is new is shut to guests until it is named.
"""

from uuid import UUID

from fastapi import Request

from shared.contracts.ids import derived
from shared.directory.people import Person
from shared.http.problems import Problem
from shared.http.rights import Caller

PURPOSE = "guest"
"""Of the short token that a link is exchanged for."""
ALLOWED = frozenset(
    {
        ("GET", ()), ("GET", ("timeline",)), ("GET", ("fields",)), ("GET", ("moves",)), ("GET", ("attachments", "*", "*")),
        ("GET", ("collaborators",)),
        ("POST", ("messages",)), ("POST", ("close",)), ("POST", ("reopen",)), ("POST", ("rating",)),
    }
)  # fmt: skip
"""Method, and path below /tickets/{id}."""


def guest_stream(ticket_id: UUID) -> UUID:
    """Return the stream of a ticket's guest access."""
    return derived("guest", ticket_id)


def may_be_guest(person: Person | None) -> bool:
    """Whether links are for him: a requester whom the directory knows and who cannot sign in.

    Who has an account signs in: a link must not pass by his password and his code, nor open a door that was shut to him.
    """
    return person is not None and not person.forgotten and person.account is None and person.roles == {"requester"}


def need_guests_door(request: Request, caller: Caller) -> None:
    """Require of a guest that he comes by a door that is his, to his ticket, which he names by its id.

    Raises:
        Problem: 403.
    """
    if caller.ticket is None:
        return
    method = "GET" if request.method == "HEAD" else request.method
    match request.url.path.removeprefix("/api/v1/").split("/"):
        case ["attachments"] if method == "POST":
            return  # what he uploads he alone can name, and only in a message on his ticket
        case ["tickets", ref, *below] if ref == str(caller.ticket):
            wanted = tuple(below) if below[:1] != ["attachments"] else ("attachments", *("*" for _ in below[1:]))
            if (method, wanted) in ALLOWED:
                return
    raise Problem(403, "This link is good for one ticket: to read it, write on it, close, reopen and rate it.")
