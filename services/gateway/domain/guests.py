"""Links by which a requester without an account comes to one ticket. A stream for each ticket. Pure; secrets come in as hashes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from shared.contracts.event import Event, NewEvent, rfc3339
from shared.refusal import Refusal

LINK_LIFETIME = timedelta(days=14)
VISIT_LIFETIME = timedelta(hours=1)
"""How long what a link was exchanged for is good; the link can be opened again."""
SAID_AGAIN = timedelta(minutes=10)
"""Opened again within this, a link's use is not said again: whoever reloads writes no history."""
ASKED_AGAIN = timedelta(hours=1)
MOST_GOOD = 10
UNUSABLE = "This link is not good any more: it is too old, or it was taken back. Ask the desk for another."


@dataclass(frozen=True, slots=True)
class GuestLink:
    """A link: whom it was made for, by whom and when, and what became of it."""

    hash: str
    person_id: UUID
    issued_at: datetime
    issued_by: Mapping[str, str]
    expires_at: datetime
    last_used: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it can still be opened."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Guests:
    """A ticket's links, in the order in which they were made, and when one was asked for last."""

    links: Mapping[str, GuestLink] = field(default_factory=dict)
    asked_at: datetime | None = None


def evolve(state: Guests, event: Event) -> Guests:
    """Fold an event of a ticket's guest access."""
    data, at, links = event.data, event.occurred_at, dict(state.links)
    match event.name:
        case "asked":
            return replace(state, asked_at=at)
        case "link_issued":
            links[data["link"]] = GuestLink(
                data["hash"], UUID(data["person_id"]), at, event.actor, datetime.fromisoformat(data["expires_at"])
            )
        case "link_used" if data["link"] in links:
            links[data["link"]] = replace(links[data["link"]], last_used=at)
        case "link_revoked":
            for one in data["links"]:
                if one in links and links[one].revoked_at is None:
                    links[one] = replace(links[one], revoked_at=at)
    return replace(state, links=links)


def _fact(name: str, ticket: UUID, person: UUID, **data: object) -> NewEvent:
    return NewEvent(f"ledgerdesk.guest.{name}", {"ticket_id": str(ticket), "person_id": str(person), **data})


def ask(state: Guests, now: datetime, ticket: UUID, person: UUID) -> list[NewEvent]:
    """Note that somebody asked for a link; within an hour, once."""
    if state.asked_at is not None and now - state.asked_at < ASKED_AGAIN:
        return []
    return [_fact("asked", ticket, person)]


def issue(state: Guests, now: datetime, ticket: UUID, person: UUID, link: UUID, link_hash: str) -> list[NewEvent]:
    """Make a link; those made before stay good.

    Raises:
        Refusal: The ticket has many already.
    """
    if sum(one.is_good(now) for one in state.links.values()) >= MOST_GOOD:
        raise Refusal(f"This ticket has {MOST_GOOD} links that are good: take one back first.")
    expires = rfc3339(now + LINK_LIFETIME)
    return [_fact("link_issued", ticket, person, link=str(link), hash=link_hash, expires_at=expires)]


def check(state: Guests, now: datetime, link: UUID, link_hash: str) -> GuestLink:
    """Return the link that a secret is of.

    Raises:
        Refusal: It is none, or good no more; why is not said, since who asks may be anybody.
    """
    found = state.links.get(str(link))
    if (
        not compare_digest(found.hash if found is not None else "", link_hash)
        or found is None
        or not found.is_good(now)
    ):
        raise Refusal(UNUSABLE, status=410, field="token")
    return found


def use(state: Guests, now: datetime, ticket: UUID, link: UUID, link_hash: str) -> list[NewEvent]:
    """Open a link.

    Raises:
        Refusal: See `check`.
    """
    found = check(state, now, link, link_hash)
    if found.last_used is not None and now - found.last_used < SAID_AGAIN:
        return []
    return [_fact("link_used", ticket, found.person_id, link=str(link))]


def revoke(state: Guests, ticket: UUID, link: UUID | None = None) -> list[NewEvent]:
    """Take a link back, or all there are; doing it twice is no mistake.

    Raises:
        Refusal: There is no such link.
    """
    if link is not None and str(link) not in state.links:
        raise Refusal("There is no such link on this ticket.", status=404)
    wanted = [str(link)] if link is not None else list(state.links)
    ends = [one for one in wanted if state.links[one].revoked_at is None]
    return [_fact("link_revoked", ticket, state.links[ends[0]].person_id, links=ends)] if ends else []
