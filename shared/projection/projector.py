"""The projector: one service's read models, moved together with their checkpoint in one transaction per batch."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from shared import failpoints
from shared.contracts.catalogue import CATALOGUE, OWNERS
from shared.contracts.erasing import ERASURES
from shared.contracts.event import Event, to_feed_line
from shared.contracts.topic_names import PARTITIONS
from shared.db import Connection, Pool
from shared.projection import checkpoints
from shared.projection.checkpoints import Checkpoint, CheckpointLostError, Place
from shared.projection.discarded import set_aside
from shared.projection.erased import blank_copies
from shared.projection.feed import Feed
from shared.projection.folding import NOTHING, UNSAVABLE, Folded, PartOfStream, fold_and_save
from shared.projection.model import AnyModel, concerns, topic_of
from shared.projection.reactor import inbox_watched
from shared.projection.records import Record, Unreadable, Watermark

log = structlog.get_logger("projector")

TEND_EVERY = 5.0


class Projection:
    """A service's read models as one consumer. `name` names its checkpoint."""

    def __init__(self, name: str, pool: Pool, models: Sequence[AnyModel], feed: Feed) -> None:
        self.name = name
        self.pool = pool
        self.models = list(models)
        self.topics = frozenset(topic for model in models for topic in model.topics)
        self._feed = feed
        self._gapped: set[PartOfStream] = set()
        self._reached: dict[Place, int] = {}
        """How far this process has moved the checkpoints of the incarnation it follows."""
        self._tended = 0.0
        self.caught_up = 0
        """The most events that were read at once from the owners' feeds, in place of a log that does not have them."""
        self._read = 0
        self.on_work: Callable[[], None] | None = None
        """Called once a batch that put something into the inbox is committed: wakes this process's reactor."""

    # -- where to begin ------------------------------------------------------------------------------------------

    async def prepare(self, incarnation: str, *, afresh: bool = False) -> dict[Place, int]:
        """Return the offset to read next of every partition, catching up from the owners' feeds where the log is new.

        A log that is new here (a first start, a broker that forgot, a topic made anew) begins at offset 0 and holds
        only what its owners' relays have sent since; what lies before comes from the owners themselves, from this
        consumer's own watermark on. That read happens after the new log is there, so it covers all that any relay had
        handed to the old one.
        """
        wanted = checkpoints.places(self.topics, PARTITIONS)
        self._reached.clear()
        self._read = 0
        async with self.pool.acquire() as connection:
            known = await checkpoints.load(connection, self.name)
        current = known.get(incarnation, {})
        if set(current) == set(wanted) and not afresh:
            return {place: checkpoint.next_offset for place, checkpoint in current.items()}
        floors = [checkpoints.floor(rows, self.topics) for rows in known.values()]
        marks: dict[str, dict[str, Any]] = {}
        for owner in checkpoints.publishers(self.topics):
            best = max((f[owner] for f in floors if owner in f), key=lambda m: int(m["position"]), default=None)
            marks[owner] = await self._catch_up(owner, int(best["position"]) if best else 0)
        async with self.pool.acquire() as connection:
            await checkpoints.begin(connection, self.name, incarnation, wanted, marks)
        return dict.fromkeys(wanted, 0)

    async def _catch_up(self, owner: str, after: int) -> dict[str, Any]:
        position = after
        time = None
        async for events, upto, moment in self._feed.events(owner, after):
            mine = [event for event in events if topic_of(event) in self.topics]
            async with self.pool.acquire() as connection, connection.transaction():
                await checkpoints.hold(connection, self.name)
                await self._fold(connection, mine)
            position, time = upto, moment
            self._read += len(events)
            self.caught_up = max(self.caught_up, self._read)  # one that fails and begins again gets nowhere
        await self.repair()
        return {"position": position, "time": time}

    # -- batches -------------------------------------------------------------------------------------------------

    async def apply(self, incarnation: str, records: Sequence[Record]) -> None:
        """Apply a batch and move the checkpoints, in one transaction. Offsets that are done already are dropped.

        Where a standby takes over that was behind, or a backup is put back, the last transactions are gone whole, and the
        checkpoint stands before a place that we have been at: then it is read again from there.

        Raises:
            CheckpointLostError: Another consumer has taken over, or the database went back in time; nothing was written.
        """
        topics = self.topics
        mine = [record for record in records if record[0] in topics]
        if not mine:
            return
        with inbox_watched() as entered:
            try:
                await self._apply(incarnation, mine, careful=False)
            except UNSAVABLE:
                await self._apply(incarnation, mine, careful=True)
        if entered and self.on_work is not None:
            self.on_work()

    async def _apply(self, incarnation: str, mine: Sequence[Record], *, careful: bool) -> None:
        begins, ends = _span(mine)
        async with self.pool.acquire() as connection, connection.transaction():
            stored, aside = await checkpoints.lock(connection, self.name, incarnation, list(begins))
            before = {place: checkpoint.next_offset for place, checkpoint in stored.items()}
            for place, offset in before.items():
                if offset < self._reached.get(place, 0):
                    raise CheckpointLostError(f"{self.name}: {place} stands at {offset}, was at {self._reached[place]}")
            fresh: Sequence[Record] = mine
            if any(offset < before[place] for place, offset in begins.items()):
                fresh = [r for r in mine if r.offset >= before[r.topic, r.partition]]
                if not fresh:
                    return
                _, ends = _span(fresh)
            events = [content for _, _, _, content in fresh if isinstance(content, Event)]
            types = await self._fold(connection, events, aside=aside, careful=careful)
            if not types <= CATALOGUE.keys():
                await _count_unknown(connection, events)
            moved: dict[Place, Checkpoint] = {}
            for place, offset in ends.items():
                moved[place] = stored[place]
                moved[place].next_offset = offset + 1
            for record in fresh if len(events) < len(fresh) else ():
                if isinstance(record.content, Watermark):
                    marks = moved[record.topic, record.partition].watermarks
                    marks[record.content.source] = record.content.as_json()
                elif isinstance(record.content, Unreadable):
                    log.error("unreadable record", topic=record.topic, partition=record.partition, offset=record.offset)
                    await self._doubt(connection, record.topic, record.content)
            failpoints.hit("before-checkpoint")
            await checkpoints.move(connection, self.name, incarnation, before, moved)
        self._reached |= {place: checkpoint.next_offset for place, checkpoint in moved.items()}

    async def tend(self) -> None:
        """Repair gaps, also those that an earlier process left: at once when one was seen, else every few seconds."""
        now = time.monotonic()
        if self._gapped or now - self._tended > TEND_EVERY:
            self._tended = now
            await self.repair()
            await self._tend_models()

    async def _tend_models(self) -> None:
        """Let the views that have something to do between batches do it, no batch of theirs beside it."""
        for model in self.models:
            tend = getattr(model, "tend", None)
            if tend is not None:
                async with self.pool.acquire() as connection, connection.transaction():
                    await checkpoints.hold(connection, self.name)
                    await tend(connection)

    async def fold_into(self, connection: Connection, events: Sequence[Event]) -> None:
        """Fold events into the tables that the connection's search path shows, each owner's in its order."""
        await self._fold(connection, events)

    async def _fold(
        self, connection: Connection, events: Sequence[Event], *, aside: bool = True, careful: bool = True
    ) -> set[str]:
        """Fold events into every view; returns their types. `aside`: whether anything is parked or discarded, as far as the caller knows.

        Where that has just changed, an event behind a parked one shows as a gap, and is parked when that is repaired.
        """
        kinds = {(event.type, event.source) for event in events}
        apart = await set_aside(connection) if events and aside else {}
        for model in self.models:
            wanted = {kind for kind in kinds if concerns(model, *kind)}
            if not wanted:
                continue
            mine = events if wanted == kinds else [event for event in events if (event.type, event.source) in wanted]
            held, given = apart.get(model.name, (set(), NOTHING))
            folded = await fold_and_save(connection, model, mine, held, given, careful=careful)
            await self._note(connection, model.name, folded)
        if any(event_type in ERASURES for event_type, _ in kinds):
            await blank_copies(connection, [event for event in events if event.type in ERASURES])
        return {event_type for event_type, _ in kinds}

    async def _note(self, connection: Connection, view: str, folded: Folded) -> None:
        """Write down gaps and parked events, so that nothing is skipped in silence."""
        for event, reason in folded.parked:
            log.error("event parked", view=view, ticket=str(event.stream_id), version=event.version, reason=reason)
            await connection.execute(
                """
                INSERT INTO projection_parked (view, stream_id, source, version, event, reason)
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
                """,
                view, event.stream_id, event.source, event.version, to_feed_line(event), reason,
            )  # fmt: skip
        for (stream_id, source), (have, want) in folded.gaps.items():
            log.warning("gap", view=view, stream=str(stream_id), source=source, have=have, want=want)
            self._gapped.add((stream_id, source))
            await connection.execute(
                """
                INSERT INTO projection_gap (view, stream_id, source, have, want) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (view, stream_id, source) DO UPDATE SET want = greatest(projection_gap.want, excluded.want)
                """,
                view, stream_id, source, have, want,
            )  # fmt: skip

    async def _doubt(self, connection: Connection, topic: str, record: Unreadable) -> None:
        """Have the owners asked about the stream of a record that cannot be read: it may have been the stream's last event.

        Nothing would come after that one to show the gap. A note that wants nothing is struck once they have answered.
        """
        view = next(model.name for model in self.models if topic in model.topics)
        if (stream_id := record.stream_id) is None:
            return
        for owner in checkpoints.publishers([topic]):
            self._gapped.add((stream_id, owner))
            await connection.execute(
                """
                INSERT INTO projection_gap (view, stream_id, source, have, want) VALUES ($1, $2, $3, 0, 0)
                ON CONFLICT DO NOTHING
                """,
                view, stream_id, owner,
            )  # fmt: skip

    # -- repair --------------------------------------------------------------------------------------------------

    async def repair(self) -> None:
        """Fetch from the owners what gaps miss, apply it, and strike the gaps.

        An owner gives all it has, so a gap that is left then was made by a record that no owner has sent: it says so in
        the log, and is struck as well, since asking again would change nothing.
        """
        self._gapped.clear()
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("SELECT view, stream_id, source, have, want FROM projection_gap")
        for row in rows:
            stream_id, source = row["stream_id"], row["source"]
            known = source in OWNERS
            events = await self._feed.stream(source, stream_id, row["have"]) if known else []
            last = max((event.version for event in events), default=row["have"])
            if last < row["want"]:
                log.error("forged version", stream=str(stream_id), source=source, version=row["want"], store=last)
            async with self.pool.acquire() as connection, connection.transaction():
                await checkpoints.hold(connection, self.name)
                await self._fold(connection, events)
                await connection.execute(
                    "DELETE FROM projection_gap WHERE view = $1 AND stream_id = $2 AND source = $3 AND want <= $4",
                    row["view"], stream_id, source, row["want"],
                )  # fmt: skip


def _span(records: Sequence[Record]) -> tuple[dict[Place, int], dict[Place, int]]:
    """Return the first and the last offset of each partition that there is a record of. Pure."""
    begins: dict[Place, int] = {}
    ends: dict[Place, int] = {}
    for topic, partition, offset, _ in records:
        place = (topic, partition)
        if place not in begins:
            begins[place] = offset
        ends[place] = offset
    return begins, ends


async def _count_unknown(connection: Connection, events: Sequence[Event]) -> None:
    """Count what is skipped because this program is older than who wrote it, or because it was forged."""
    unknown = Counter(event.type for event in events if event.type not in CATALOGUE)
    if unknown:
        await connection.executemany(
            """
            INSERT INTO projection_unknown (type, records) VALUES ($1, $2)
            ON CONFLICT (type) DO UPDATE SET records = projection_unknown.records + excluded.records, last_at = now()
            """,
            list(unknown.items()),
        )
