"""The audit: are the seals ours and whole, and are the stores still what was sealed?

Hashes and chains are recomputed by `ledgerdesk verify` as ever; here each stream's end before the cut is held against its
leaf, and all of them against the signed root. Leaves are kept in the database only to tell *which* stream differs: they
are believed only if they give the signed root themselves.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledgerdesk.audit import tables
from ledgerdesk.audit.keys import AuditFiles, read_ring
from ledgerdesk.audit.leaves import FIRST, ORDER, Leaf, place
from ledgerdesk.audit.merkle import Tree
from ledgerdesk.audit.records import Record, RecordError, Ring, check, check_chain, read
from ledgerdesk.chains import chained
from ledgerdesk.verify import Verdict
from shared import db


class NoSealError(RuntimeError):
    """There is nothing to audit against; the message says how to make a seal."""


@dataclass(slots=True)
class Audit:
    """One audit; a `ledgerdesk.verify.Auditor`.

    Attributes:
        files: Where the copy of the seals is, which the database's are held against.
        ring: The public keys that a seal may be signed with.
        newest: The newest seal whose signature holds, in either place, once they have been compared.
    """

    files: AuditFiles
    ring: Ring
    newest: Record | None = None
    _kept: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, files: AuditFiles, public: Path | None = None) -> "Audit":
        """Return an audit by the public key beside the key, or by one that the auditor brings.

        Raises:
            KeyFileError: There is none.
        """
        return cls(files, read_ring(public) if public is not None else files.ring())

    async def begin(self, connection: db.OwnConnection) -> None:
        """Read the file while nobody makes a seal, and hold off who wants to until the snapshot is taken."""
        await connection.execute(f"SELECT pg_advisory_lock_shared({tables.LOCK})")
        self._kept = self.files.lines()

    async def check(self, connection: db.OwnConnection, verdict: Verdict, say: Callable[[str], None]) -> int:
        """Check seals, chains and stores. Differences go into `verdict`. Returns how many events there are.

        Raises:
            NoSealError: There is no seal, neither in the database nor in the file.
        """
        say("seals")
        lines = await tables.lines(connection)
        await connection.execute(f"SELECT pg_advisory_unlock_shared({tables.LOCK})")
        self.newest = self._compare(lines, verdict)
        say("leaves")
        leaves = await tables.tree_of(tables.leaves(connection))
        trusted = (leaves.root().hex(), leaves.size) == (self.newest.root, self.newest.streams)
        if not trusted:
            verdict.differences.append(
                f"the leaves in ledgerdesk.sealed_head do not give the root of seal {self.newest.number}: they were changed, and "
                "what is named by them may be wrong"
            )
        named: list[str] = []
        counted, tree = await self._streams(connection, self.newest, verdict, named, say)
        if (tree.root().hex(), tree.size) != (self.newest.root, self.newest.streams):
            verdict.differences += [*named, f"the stores do not give the root of seal {self.newest.number}"]
        elif not trusted:  # and nothing that was named by them is so
            verdict.differences.append("the stores give the signed root: only the leaves were changed")
        return counted

    # -- the seals ---------------------------------------------------------------------------------------------------

    def _compare(self, lines: list[str], verdict: Verdict) -> Record:
        """Hold database and file against each other, and each against signatures and links."""
        wrong = verdict.differences
        stored, kept = _records(lines, "database", wrong), _records(self._kept, self.files.seals.name, wrong)
        for where, records in (("database", stored), (self.files.seals.name, kept)):
            wrong += [f"{where}: {text}" for text in check_chain(records, self.ring)]
        self._differ({r.number: r for r in stored}, {r.number: r for r in kept}, wrong)
        ours = [record for record in [*stored, *kept] if self._is_ours(record)]
        if not ours:
            if lines or self._kept:
                raise NoSealError(
                    "no seal is signed by a key that is given: nothing can be said. Is it the right public key?"
                )
            raise NoSealError("there is no seal to audit against: make the first one with `ledgerdesk seal`")
        return max(ours, key=lambda record: record.number)

    def _differ(self, stored: dict[int, Record], kept: dict[int, Record], wrong: list[str]) -> None:
        name = self.files.seals.name
        for number in sorted({*stored, *kept}):
            if number not in stored:
                wrong.append(f"seal {number} is in {name} and not in the database: it was removed there")
            elif number not in kept:
                wrong.append(
                    f"seal {number} is in the database and not in {name}: if a process was killed as it sealed, "
                    "`ledgerdesk seal` puts it there; else the file was cut"
                )
            elif stored[number] != kept[number]:
                wrong.append(f"seal {number} is not the same in the database and in {name}: one was changed")

    def _is_ours(self, record: Record) -> bool:
        try:
            check(record, self.ring)
        except RecordError:
            return False  # named already, by check_chain
        return True

    # -- the stores --------------------------------------------------------------------------------------------------

    async def _streams(
        self, connection: db.Connection, record: Record, verdict: Verdict, named: list[str], say: Callable[[str], None]
    ) -> tuple[int, Tree]:
        """Walk stores and leaves side by side, in the order of the tree."""
        tree, count = Tree(), _Count()
        sealed = tables.leaves(connection)
        expected = await anext(sealed, None)
        for owner in ORDER:
            say(f"chains of {owner}")
            async for found in heads(connection, owner, record.positions.get(owner, 0), verdict, count):
                tree.add(found.content)
                while expected is not None and expected.key < found.key:
                    named.append(_vanished(expected))
                    expected = await anext(sealed, None)
                if expected is not None and expected.key == found.key:
                    named += _differences(expected, found)
                    expected = await anext(sealed, None)
                else:
                    named.append(
                        f"{_name(found)} was not there when it was sealed: its versions 1 to {found.version} were put in"
                    )
        while expected is not None:
            named.append(_vanished(expected))
            expected = await anext(sealed, None)
        return count.events, tree


@dataclass(slots=True)
class _Count:
    events: int = 0


async def heads(
    connection: db.Connection, owner: str, cut: int, verdict: Verdict, count: _Count
) -> AsyncIterator[Leaf]:
    """Yield the leaf of each stream, of its events up to a position, while chains are checked to their ends."""
    leaf: Leaf | None = None
    async for row in chained(connection, owner, verdict):
        count.events += 1
        if leaf is not None and leaf.stream_id != row["stream_id"]:
            yield leaf
            leaf = None
        if row["position"] <= cut:
            places = place(leaf.places if leaf is not None else FIRST, row["position"], row["recorded_at"])
            leaf = Leaf(owner, row["stream_id"], row["version"], row["hash"], places)
    if leaf is not None:
        yield leaf


async def audit(dsn: str, auditor: Audit, say: Callable[[str], None] = lambda _: None) -> Verdict:
    """Audit the stores alone, without the views.

    Raises:
        NoSealError: There is no seal.
    """
    started = time.monotonic()
    verdict = Verdict()
    connection = await tables.connect(dsn, "verify")
    try:
        await auditor.begin(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            verdict.events = await auditor.check(connection, verdict, say)
    finally:
        await connection.close()
    verdict.seconds = time.monotonic() - started
    return verdict


def _records(lines: list[str], where: str, wrong: list[str]) -> list[Record]:
    found = []
    for place_, line in enumerate(lines, 1):
        try:
            found.append(read(line))
        except RecordError as error:
            wrong.append(f"{where}: seal {place_} cannot be read: {error}")
    return found


def _name(leaf: Leaf) -> str:
    return f"{leaf.owner}: stream {leaf.stream_id}"


def _vanished(leaf: Leaf) -> str:
    return f"{_name(leaf)} has vanished: it had {leaf.version} versions when it was sealed"


def _differences(sealed: Leaf, found: Leaf) -> list[str]:
    """Say how a stream's end before the cut differs from the sealed one."""
    if found.version < sealed.version:
        return [
            f"{_name(sealed)}: versions {found.version + 1} to {sealed.version} were cut off: {sealed.version} are sealed"
        ]
    if found.version > sealed.version:
        return [
            f"{_name(sealed)}: versions {sealed.version + 1} to {found.version} were put in: {sealed.version} are sealed"
        ]
    if found.hash != sealed.hash:
        return [f"{_name(sealed)}: version {sealed.version} is not the one sealed: it, or one before it, was rewritten"]
    if found.places != sealed.places:
        return [f"{_name(sealed)}: positions or recorded times of versions 1 to {sealed.version} are not those sealed"]
    return []
