"""A ticket's history as a document that proves itself: its form, and how it is checked with the public key alone. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import rfc8785
from pydantic import Field, ValidationError

from ledgerdesk.audit.leaves import FIRST, Leaf
from ledgerdesk.audit.merkle import root_of
from ledgerdesk.audit.records import Count, Digest, Moment, Name, Record, Ring, check_chain, strict_json
from shared.contracts.canonical import GENESIS
from shared.contracts.event import rfc3339
from shared.contracts.fields import Strict

CREATED = "ledgerdesk.ticket.created"

Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Salt = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]


class HistoryError(ValueError):
    """A history does not hold; the message says where and why."""


class HistoryEvent(Strict):
    """An event. All but `position`, `recorded_at`, `personal`, `salt`, `personal_digest` and `hash` is its envelope."""

    id: Uuid
    source: Name
    stream: Uuid
    version: Count
    type: str
    schemaversion: Count
    time: str
    actor: dict[str, str]
    via: dict[str, str]
    cause: Uuid | None
    correlation: Uuid
    data: dict[str, Any]
    position: Count
    recorded_at: Moment
    personal: dict[str, Any] | None
    salt: Salt | None
    personal_digest: Digest | None
    hash: Digest


class Part(Strict):
    """One owner's events of the ticket, from the first to the sealed one, and the way from its leaf to the root."""

    owner: Name
    index: Count
    path: list[Digest]
    events: Annotated[list[HistoryEvent], Field(min_length=1)]


class Neighbour(Strict):
    """A leaf beside the place where another would stand, and the way from it to the root."""

    owner: Name
    stream: Uuid
    version: Count
    hash: Digest
    places: Digest
    index: Count
    path: list[Digest]

    @property
    def leaf(self) -> Leaf:
        """The leaf itself."""
        return Leaf(self.owner, UUID(self.stream), self.version, bytes.fromhex(self.hash), bytes.fromhex(self.places))


class Absent(Strict):
    """An owner that had no event of the ticket: the leaves before and after, with nothing between them."""

    owner: Name
    before: Neighbour | None
    after: Neighbour | None


class Ticket(Strict):
    """Whose history it is."""

    id: Uuid
    number: str


class History(Strict):
    """The document."""

    format: Literal["ledgerdesk-history/1"]
    ticket: Ticket
    owners: Annotated[list[Part], Field(min_length=1)]
    absent: list[Absent]
    seals: Annotated[list[Record], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Proven:
    """What a document proves.

    Attributes:
        ticket: Whose history.
        events: Owner -> how many events, all there were when it was sealed; 0 for who had none.
        erased: How many of them had a personal part that was erased since, or left out.
        seal: The seal that they stand in.
    """

    ticket: Ticket
    events: Mapping[str, int]
    erased: int
    seal: Record


def parse(text: str | bytes) -> History:
    """Read a document.

    Raises:
        HistoryError: It has not the form of one.
    """
    try:
        return History.model_validate(strict_json(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise HistoryError(f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"the document cannot be read: {error}") from error


def prove(history: History, ring: Ring) -> Proven:
    """Check a document.

    Raises:
        HistoryError: Something does not hold.
    """
    try:
        return _prove(history, ring)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise HistoryError(f"it holds a value that no event can hold: {error}") from error


def _prove(history: History, ring: Ring) -> Proven:
    if wrong := check_chain(history.seals, ring):
        raise HistoryError("; ".join(wrong))
    seal = history.seals[-1]
    owners = [part.owner for part in history.owners]
    none = [one.owner for one in history.absent]
    if owners != sorted(owners) or none != sorted(none) or sorted(owners + none) != sorted(seal.positions):
        raise HistoryError(
            "the owners are not those that were sealed, each once and in order: one is missing or doubled"
        )
    for part in history.owners:
        leaf = _leaf(part, history.ticket.id)
        if not _leads(leaf, part.index, part.path, seal):
            raise HistoryError(
                f"{part.owner}: its {leaf.version} events do not lead to the root of seal {seal.number}: an event, a position, a "
                "recorded time or the path was changed, or events are missing at the end"
            )
    for one in history.absent:
        _check_absent(one, history.ticket.id, seal)
    return Proven(
        _named(history), {**{part.owner: len(part.events) for part in history.owners}, **dict.fromkeys(none, 0)},
        sum(_is_erased(event) for part in history.owners for event in part.events), seal,
    )  # fmt: skip


def _leads(leaf: Leaf, index: int, path: Sequence[str], seal: Record) -> bool:
    root = root_of(leaf.content, index, seal.streams, [bytes.fromhex(step) for step in path])
    return root is not None and root.hex() == seal.root


def _check_absent(one: Absent, stream: str, seal: Record) -> None:
    """Check that no leaf stands where an owner's would: leaves are in order, and these two are neighbours, or at an end."""
    key = one.owner, UUID(stream).bytes
    first = one.before.index + 1 if one.before is not None else 0
    last = one.after.index if one.after is not None else seal.streams
    beside = (one.before is None or one.before.leaf.key < key) and (one.after is None or key < one.after.leaf.key)
    led = all(_leads(n.leaf, n.index, n.path, seal) for n in (one.before, one.after) if n is not None)
    if first != last or not beside or not led:
        raise HistoryError(f"{one.owner}: it is not shown that it had no events of the ticket")


def _named(history: History) -> Ticket:
    """Return the ticket, once its number is seen to be the one it was opened with."""
    numbers = [e.data.get("number") for part in history.owners for e in part.events if e.type == CREATED]
    if numbers[:1] != [history.ticket.number]:
        raise HistoryError(f"ticket.number: {history.ticket.number} is not the number that the ticket was opened with")
    return history.ticket


def _leaf(part: Part, stream: str) -> Leaf:
    """Recompute an owner's chain and return its leaf."""
    link, places = GENESIS, FIRST
    for version, event in enumerate(part.events, 1):
        where = f"{part.owner} {version}"
        if (event.source, event.stream, event.version) != (part.owner, stream, version):
            raise HistoryError(f"{where}: here stands {event.source} {event.version} of {event.stream}")
        _check_personal(event, where)
        digest = bytes.fromhex(event.personal_digest or "")
        link = hashlib.sha256(link + rfc8785.dumps(envelope(event)) + digest).digest()
        if link.hex() != event.hash:
            raise HistoryError(f"{where}: it is not what its hash was taken over, or an event before it is missing")
        places = place_of(places, event)
    return Leaf(part.owner, UUID(stream), len(part.events), link, places)


def place_of(before: bytes, event: HistoryEvent) -> bytes:
    """Return the digest of positions and recorded times with this event's."""
    return hashlib.sha256(before + f"{event.position} {event.recorded_at}".encode()).digest()


def envelope(event: HistoryEvent) -> dict[str, Any]:
    """Return what an event's hash is taken over."""
    return event.model_dump(exclude={"position", "recorded_at", "personal", "salt", "personal_digest", "hash"})


def _is_erased(event: HistoryEvent) -> bool:
    return event.personal_digest is not None and event.personal is None


def _check_personal(event: HistoryEvent, where: str) -> None:
    if (event.personal is None) != (event.salt is None):
        raise HistoryError(f"{where}: of personal part and salt, one is there without the other")
    if event.personal is None or event.salt is None:
        return
    if event.personal_digest is None:
        raise HistoryError(f"{where}: it has a personal part, and no digest of one")
    found = hashlib.sha256(bytes.fromhex(event.salt) + rfc8785.dumps(event.personal)).hexdigest()
    if found != event.personal_digest:
        raise HistoryError(f"{where}: the personal part is not the one that was written")


def event_of_row(envelope_: Mapping[str, Any], row: Any) -> HistoryEvent:
    """Return the event of a row of a store."""
    return HistoryEvent(
        **envelope_, position=row["position"], recorded_at=rfc3339(row["recorded_at"]), personal=row["personal"],
        salt=row["salt"].hex() if row["salt"] is not None else None,
        personal_digest=row["personal_digest"].hex() if row["personal_digest"] is not None else None,
        hash=row["hash"].hex(),
    )  # fmt: skip


def history_of(ticket: Ticket, owners: Sequence[Part], absent: Sequence[Absent], seals: Sequence[Record]) -> History:
    """Return the document."""
    return History(
        format="ledgerdesk-history/1", ticket=ticket, owners=list(owners), absent=list(absent), seals=list(seals)
    )
