"""What each person thinks of each article (table `rating`), and the counts of it (table `rating_count`)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.erasing import RATING_ERASED
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY
from shared.db import Connection
from shared.directory.forgotten import of_the_forgotten, owner_and_named
from shared.projection.model import Versions, advanced
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class RatingRow(NamedTuple):
    """What one person thinks of one article."""

    stream_id: UUID
    versions: Versions
    article_id: UUID | None = None
    person_id: UUID | None = None
    helpful: bool | None = None
    comment: str | None = None
    rated_at: datetime | None = None


TABLE = RowTable(
    "rating",
    {
        "stream_id": "uuid", "versions": "jsonb", "article_id": "uuid", "person_id": "uuid", "helpful": "bool", "comment": "text",
        "rated_at": "timestamptz",
    },
)  # fmt: skip


def evolve(state: RatingRow, event: Event) -> RatingRow:
    """Fold one event. Total."""
    versions = advanced(state.versions, event)
    if event.name != "rated":
        return state._replace(versions=versions, comment=None)
    data = event.data
    return state._replace(
        versions=versions, article_id=UUID(data["article"]), person_id=UUID(data["person_id"]), helpful=data["helpful"],
        comment=(event.personal or {}).get("comment"), rated_at=event.occurred_at,
    )  # fmt: skip


class RatingView:
    """Tables `rating` and `rating_count`."""

    name = "knowledge.rating"
    topics = frozenset({DIRECTORY})
    table = "rating"
    tables = ("rating", "rating_count")
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.article_rating.")

    def initial(self, stream_id: UUID) -> RatingRow:
        return RatingRow(stream_id, {})

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, RatingRow]:
        rows = await connection.fetch(f"SELECT {', '.join(TABLE.columns)} FROM rating WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: RatingRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, RatingRow], applied: Sequence[Event]) -> None:
        before = await self.load(connection, list(rows))
        await TABLE.save(connection, rows, applied)
        await _count(connection, before.values(), rows.values())
        rated = [event for event in applied if event.name == "rated"]
        await enqueue_always(connection, await of_the_forgotten(connection, rated, owner_and_named))
        await enqueue_always(connection, [event for event in applied if event.type == RATING_ERASED])

    async def audit_whole(self, connection: Connection) -> list[str]:
        """Hold the counts against the ratings."""
        rows = await connection.fetch(
            """
            SELECT article_id FROM (
                SELECT article_id, count(*) FILTER (WHERE helpful) AS helpful, count(*) FILTER (WHERE NOT helpful) AS unhelpful
                FROM rating WHERE helpful IS NOT NULL GROUP BY article_id
            ) r FULL JOIN rating_count c USING (article_id)
            WHERE (coalesce(r.helpful, 0), coalesce(r.unhelpful, 0)) <> (coalesce(c.helpful, 0), coalesce(c.unhelpful, 0))
            """
        )
        return [f"the counts of article {row['article_id']} are not those of its ratings" for row in rows]


async def _count(connection: Connection, before: Iterable[RatingRow], after: Iterable[RatingRow]) -> None:
    """Add to the counts what has changed."""
    deltas: Counter[tuple[UUID, bool]] = Counter()
    for rows, sign in ((before, -1), (after, 1)):
        for row in rows:
            if row.article_id is not None and row.helpful is not None:
                deltas[row.article_id, row.helpful] += sign
    articles = sorted({article for (article, _), delta in deltas.items() if delta})
    if articles:
        await connection.execute(
            """
            INSERT INTO rating_count AS c (article_id, helpful, unhelpful) SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[])
            ON CONFLICT (article_id) DO UPDATE SET helpful = c.helpful + excluded.helpful, unhelpful = c.unhelpful + excluded.unhelpful
            """,
            articles, [deltas[article, True] for article in articles], [deltas[article, False] for article in articles],
        )  # fmt: skip
