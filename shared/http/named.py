"""What entries of the configuration name: it must be there, or they do nothing, and nobody is told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args
from uuid import UUID

from shared.contracts.fields import Id, Key, Strict
from shared.contracts.ids import directory_id
from shared.directory.people import Directory
from shared.eventstore.store import EventStore
from shared.http.problems import Problem
from shared.waiting import WAIT, wait_for

Kind = Literal["role", "department", "team", "topic", "calendar", "sla_plan", "canned_reply", "person", "agent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_SHOWN = 50
_CALLED = {"sla_plan": "SLA plan", "canned_reply": "canned reply"}
_REMEDY = {"person": "register them first", "agent": "make them one first"}


class Entry(Protocol):
    """An entry that can be put out of use."""

    @property
    def active(self) -> bool:
        """Whether it is in use."""
        ...


E = TypeVar("E", bound=Entry)


def in_use(entries: Iterable[E]) -> Iterator[E]:
    """Yield the entries whose names are to be there: what is out of use may name what it likes."""
    return (entry for entry in entries if entry.active)


class Known(Strict):
    """What else is in the same organisation file, by key, people by id: who is told of it may not have heard of it yet."""

    role: list[Key] = []
    department: list[Key] = []
    team: list[Key] = []
    topic: list[Key] = []
    sla_plan: list[Key] = []
    canned_reply: list[Key] = []
    person: list[Id] = []


@dataclass(frozen=True, slots=True)
class _Name:
    """What is named, where, and by which entry, if the place does not say."""

    kind: Kind
    key: str
    place: str
    of: str


class Names:
    """The names in a section, each with its place, to be checked together.

    Args:
        directory: What the service has heard of.
        store: What it has said itself, which its directory may show later.
        known: What else is in the file.
        given: What the section itself brings, of the kinds that are the service's own.
    """

    def __init__(
        self, directory: Directory, store: EventStore, known: Known, given: Mapping[Kind, Iterable[str]]
    ) -> None:
        self._directory = directory
        self._store = store
        self._own = {*given} | ({"person"} if "agent" in given else set())
        self._there = {kind: {*getattr(known, kind, ()), *given.get(kind, ())} for kind in KINDS}
        self._there["person"] |= self._there["agent"]
        self._named: list[_Name] = []

    def need(self, place: str, kind: Kind, *keys: str | None, of: str = "") -> None:
        """Have it checked that these are there; None names nothing."""
        self._named += [_Name(kind, key, place, of) for key in keys if key is not None]

    async def check(self, seconds: float = WAIT) -> None:
        """See to it that everything named is there. What was configured a moment ago may be on its way: it is waited for.

        Raises:
            Problem: 422, naming each place.
        """
        if await wait_for(self._complete, seconds):
            return
        wrong: dict[str, list[str]] = {}
        for name in dict.fromkeys(self._named):
            if name.key not in self._there[name.kind]:
                wrong.setdefault(name.place, []).append(self._said(name))
        fields = {place: "; ".join(said) for place, said in wrong.items()}
        raise Problem(422, "It names what is not there.", fields=fields)

    async def _complete(self) -> bool | None:
        missing: dict[Kind, set[str]] = {}
        for name in self._named:
            if name.key not in self._there[name.kind]:
                missing.setdefault(name.kind, set()).add(name.key)
        for kind, keys in missing.items():
            self._there[kind] |= await self._heard_of(kind, keys)
            if kind in self._own:
                self._there[kind] |= await self._said_itself(kind, keys - self._there[kind])
        return all(keys <= self._there[kind] for kind, keys in missing.items()) or None

    async def _heard_of(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        if kind in _REMEDY:
            people = await self._directory.people({UUID(key) for key in keys})
            return {str(one) for one, person in people.items() if kind == "person" or person.agent is not None}
        return {str(entry["key"]) for entry in await self._directory.entries(kind)}

    async def _said_itself(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        streams = {key: UUID(key) if kind in _REMEDY else directory_id(kind, key) for key in keys}
        heads = await self._store.heads([*streams.values()]) if streams else {}
        return {key for key, stream in streams.items() if stream in heads}

    def _said(self, name: _Name) -> str:
        called = f"{name.of}: " if name.of else ""
        if name.kind in _REMEDY:
            return f"{called}there is no {name.kind} {name.key}: {_REMEDY[name.kind]}"
        offered = ", ".join(sorted(self._there[name.kind])[:MOST_SHOWN]) or "(there is none)"
        return f"{called}there is no {_CALLED.get(name.kind, name.kind)} {name.key!r}; it must be one of: {offered}"
