"""What an import did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ledgerdesk.importer.rows import BadRow


class RefusedFact(NamedTuple):
    """A fact that its owner did not take: the line of the file it comes from, its type, and the owner's reason."""

    line: int
    type: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    An owner answers a call with how many facts were new and how many known, not with which: so these two are counted
    per owner, and per type is counted what was stated and what of it was refused.

    Attributes:
        log: The log's name.
        rows_read: Data rows in the file.
        tickets: Cases among them.
        bad: Rows left out.
        stated: Facts sent, by type.
        appended: Facts that were new, by owner.
        known: Facts that were there from an earlier import, by owner.
        refused: Facts an owner did not take.
        seconds: How long it took.
    """

    log: str
    rows_read: int = 0
    tickets: int = 0
    bad: list[BadRow] = field(default_factory=list)
    stated: Counter[str] = field(default_factory=Counter)
    appended: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedFact] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every row of the file is in the ledger now."""
        return not self.bad and not self.refused
