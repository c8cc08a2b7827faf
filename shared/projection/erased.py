"""Copies of events that stand aside: when a store has blanked an event, its copies go blank too."""

from collections.abc import Sequence

from shared.contracts.erasing import named
from shared.contracts.event import Event
from shared.db import Connection


async def blank_copies(connection: Connection, erasures: Sequence[Event]) -> None:
    """Blank what is parked, or waits for a reaction, of the events that these erasures name."""
    places = [(event.stream_id, event.source, version) for event in erasures for version in named(event)]
    columns = [[place[n] for place in places] for n in range(3)]
    await connection.execute(
        """
        UPDATE projection_parked p SET event = p.event || '{"personal": null}'
        FROM unnest($1::uuid[], $2::text[], $3::int[]) AS n (stream_id, source, version)
        WHERE (p.stream_id, p.source, p.version) = (n.stream_id, n.source, n.version)
        """,
        *columns,
    )
    for table in ("reaction_inbox", "reaction_parked"):
        await connection.execute(
            f"""
            UPDATE {table} t SET event = t.event || '{{"personal": null}}'
            FROM unnest($1::uuid[], $2::text[], $3::int[]) AS n (stream_id, source, version)
            WHERE t.event ->> 'stream_id' = n.stream_id::text AND t.event ->> 'source' = n.source
              AND (t.event ->> 'version')::int = n.version
            """,
            *columns,
        )
