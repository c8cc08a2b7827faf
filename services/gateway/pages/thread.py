"""A ticket's history as it is read: what was said as cards, what was done as lines, long runs of lines folded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.gateway.pages.timeline import Entry

FOLDED = 3
"""So many lines in a row are folded, unless they are the last."""


@dataclass(frozen=True, slots=True)
class Block:
    """A card, or lines between cards. `folded` if they are one line until they are opened."""

    entries: list[Entry] = field(default_factory=list)
    folded: bool = False

    @property
    def card(self) -> Entry | None:
        """The card, if it is one."""
        return self.entries[0] if self.entries[0].kind != "step" else None

    @property
    def summary(self) -> str:
        """What a folded run says: the last words of each kind of step, once."""
        said = dict.fromkeys(entry.short for entry in self.entries)
        return ", ".join(said)


def blocks_of(entries: Sequence[Entry]) -> list[Block]:
    """Return the blocks of a thread."""
    runs: list[list[Entry]] = []
    for entry in entries:
        if entry.kind == "step" and runs and runs[-1][0].kind == "step":
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return [Block(run, run[0].kind == "step" and len(run) >= FOLDED and run is not runs[-1]) for run in runs]
