"""Tests of deciders: given what happened, when somebody wants something, then this is decided.

`given(started).when(hold, reason="vendor", until=None).then("held")`, or
`given(closed).when(hold, reason=None, until=None).refused(409, "reopen it first")`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from shared.contracts.catalogue import check
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal
from shared.testing.events import event_of_fact

S = TypeVar("S")
Decider = Callable[..., Sequence[NewEvent]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What a command came to."""

    owner: str
    events: Sequence[NewEvent]
    refusal: Refusal | None

    def then(self, *expected: str | NewEvent) -> Sequence[NewEvent]:
        """Expect exactly these events: by name, or whole. Each must be one that the owner may write.

        Raises:
            AssertionError: It is otherwise.
        """
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal.detail}")
        for event in self.events:
            check(event, self.owner)
        found = [
            event if isinstance(wanted, NewEvent) else event.type.rsplit(".", 1)[-1]
            for event, wanted in zip(self.events, [*expected, *["?"] * len(self.events)], strict=False)
        ]
        if found != list(expected):
            raise AssertionError(f"decided {found}, expected {list(expected)}")
        return self.events

    def nothing(self) -> None:
        """Expect that nothing happens, and that this is no mistake."""
        self.then()

    def refused(self, status: int = 409, words: str = "", field: str | None = None) -> None:
        """Expect a refusal with this status, these words in its reason, and this field.

        Raises:
            AssertionError: It is otherwise.
        """
        if self.refusal is None:
            raise AssertionError(f"not refused but decided {[event.type for event in self.events]}")
        got = (self.refusal.status, self.refusal.field)
        if got != (status, field) or words not in self.refusal.detail:
            raise AssertionError(f"refused with {got}: {self.refusal.detail!r}; expected {(status, field)}: {words!r}")


@dataclass(frozen=True, slots=True)
class Given(Generic[S]):
    """A stream's state after some facts."""

    owner: str
    state: S

    def when(self, decide: Decider, *args: Any, **command: Any) -> Decided:
        """Give a command."""
        try:
            return Decided(self.owner, decide(self.state, *args, **command), None)
        except Refusal as refusal:
            return Decided(self.owner, [], refusal)


def scenario(owner: str, initial: Callable[[], S], evolve: Callable[[S, Event], S]) -> Callable[..., Given[S]]:
    """Return `given(*facts)` for one owner's decider. A fact is a `NewEvent`."""

    def given(*facts: NewEvent) -> Given[S]:
        state = initial()
        for version, fact in enumerate(facts, 1):
            state = evolve(state, event_of_fact(fact, owner, UUID(int=1), version))
        return Given(owner, state)

    return given
