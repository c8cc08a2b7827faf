"""An oracle outside the product: its own SQL, and a bare consumer. It imports nothing of the product's.

It looks at what people sent, what the stores hold, what stands on the topic and what the views show, and says what does not
agree. What it does not look at is how any of it came about.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

OWNERS = ("intake", "routing", "workflow")
TOPIC = "ledgerdesk.tickets"
MARKER = re.compile(r"mk\d+x\d+x\d+x")


@dataclass
class Verdict:
    """What was found: numbers for the record, and every disagreement in words."""

    found: int = 0
    doubled: int = 0
    skipped: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Command:
    """A command as the oracle needs it: marker, whether it was acknowledged, and where the answer says it stands."""

    marker: str
    acknowledged: bool
    place: tuple[str, str, int] | None


_EVENTS = "WITH event AS ({}) ".format(
    " UNION ALL ".join(
        f"SELECT '{owner}' AS owner, stream_id, version, event_id, type, data FROM {owner}.event "
        "WHERE type LIKE 'ledgerdesk.ticket.%'"
        for owner in OWNERS
    )
)

CHECKS: dict[str, str] = {
    "holes in a stream": _EVENTS
    + """SELECT owner || ' ' || stream_id::text AS said FROM event GROUP BY owner, stream_id
         HAVING max(version) <> count(*) OR min(version) <> 1""",
    "an event twice": _EVENTS + "SELECT event_id::text AS said FROM event GROUP BY event_id HAVING count(*) > 1",
    **{
        f"versions of {view}.ticket": _EVENTS
        + f""", want AS (
            SELECT stream_id, jsonb_object_agg(owner, head) AS versions FROM (
                SELECT stream_id, owner, max(version) AS head FROM event GROUP BY 1, 2
            ) h GROUP BY 1
        )
        SELECT coalesce(w.stream_id, t.stream_id)::text || ': ' || coalesce(t.versions::text, 'no row') || ', should be '
               || coalesce(w.versions::text, 'none') AS said
        FROM want w FULL JOIN {view}.ticket t ON t.stream_id = w.stream_id WHERE w.versions IS DISTINCT FROM t.versions"""
        for view in ("intake", "routing", "workflow", "reporting", "knowledge", "gateway")
    },
    **{
        f"entries of {table}": _EVENTS
        + f"""SELECT coalesce(e.stream_id, t.ticket_id)::text || ' ' || coalesce(e.owner, t.source) || ' '
                     || coalesce(e.version, t.version)::text AS said
              FROM event e FULL JOIN {table} t ON (t.ticket_id, t.source, t.version) = (e.stream_id, e.owner, e.version)
              WHERE e.stream_id IS NULL OR t.ticket_id IS NULL"""
        for table in ("workflow.timeline", "reporting.entry")
    },
    **{
        f"status in {view}": _EVENTS
        + f""", last AS (
            SELECT DISTINCT ON (stream_id) stream_id, CASE split_part(type, '.', 3) WHEN 'held' THEN 'on_hold'
                   WHEN 'resolved' THEN 'resolved' WHEN 'closed' THEN 'closed' ELSE 'open' END AS status
            FROM event WHERE split_part(type, '.', 3) IN ('held', 'resumed', 'resolved', 'closed', 'reopened')
                          OR (split_part(type, '.', 3) = 'started' AND version = 1)
            ORDER BY stream_id, version DESC
        )
        SELECT t.stream_id::text || ' is ' || t.status || ', should be ' || coalesce(l.status, 'new') AS said
        FROM {view}.ticket t LEFT JOIN last l USING (stream_id)
        WHERE t.status <> coalesce(l.status, CASE WHEN EXISTS (SELECT FROM event e WHERE e.stream_id = t.stream_id
              AND e.type = 'ledgerdesk.ticket.started') THEN 'open' ELSE 'new' END)"""
        for view in ("workflow", "routing")
    },
    **{
        f"agent in {view}": _EVENTS
        + f""", last AS (
            SELECT DISTINCT ON (stream_id) stream_id, data ->> 'agent' AS agent FROM event
            WHERE split_part(type, '.', 3) IN ('assigned', 'unassigned') ORDER BY stream_id, version DESC
        )
        SELECT t.stream_id::text AS said FROM {view}.ticket t LEFT JOIN last l USING (stream_id)
        WHERE t.agent::text IS DISTINCT FROM l.agent"""
        for view in ("workflow", "routing")
    },
    "priority in workflow": _EVENTS
    + """, last AS (
            SELECT DISTINCT ON (stream_id) stream_id, data ->> 'priority' AS priority FROM event
            WHERE type = 'ledgerdesk.ticket.prioritised' AND data ->> 'priority' IS NOT NULL ORDER BY stream_id, version DESC
        ), asked AS (SELECT stream_id, data ->> 'priority' AS priority FROM event WHERE type = 'ledgerdesk.ticket.created')
        SELECT t.stream_id::text AS said FROM workflow.ticket t LEFT JOIN last l USING (stream_id) LEFT JOIN asked a USING (stream_id)
        WHERE t.priority <> coalesce(l.priority, a.priority, 'normal')""",
    "the alarm of a ticket": """SELECT coalesce(t.stream_id, a.ticket_id)::text AS said
                                FROM workflow.ticket t FULL JOIN workflow.timer a ON a.ticket_id = t.stream_id
                                WHERE a.at IS DISTINCT FROM t.wake_at""",
    "a reaction that waits": """SELECT 'routing ' || id::text AS said FROM routing.reaction_inbox
                                UNION ALL SELECT 'workflow ' || id::text FROM workflow.reaction_inbox""",
    "a relay that is behind": " UNION ALL ".join(
        f"SELECT '{owner}' AS said FROM {owner}.relay_cursor WHERE position < (SELECT max(position) FROM {owner}.event)"
        for owner in OWNERS
    ),
}
"""Name -> a query whose rows are what is wrong."""


async def disagreements(dsn: str, *, at_most: int = 5) -> list[str]:
    """Return what does not agree in the database, some of each kind."""
    connection = await asyncpg.connect(dsn)
    try:
        found = []
        for name, query in CHECKS.items():
            rows = await connection.fetch(f"{query} LIMIT {at_most}")
            found += [f"{name}: {row['said']}" for row in rows]
        return found
    finally:
        await connection.close()


async def judge(dsn: str, brokers: str | None, sent: Sequence[Command]) -> Verdict:
    """Look at everything; at the topic only if `brokers` are given."""
    verdict = Verdict()
    heads = await _stores(dsn, sent, verdict)
    if brokers is not None:
        await _topic(brokers, heads, verdict)
    verdict.wrong += await disagreements(dsn)
    return verdict


async def _stores(dsn: str, sent: Sequence[Command], verdict: Verdict) -> dict[tuple[str, str], int]:
    """Look for every command in the stores; return how far each (ticket, owner) has come."""
    connection = await asyncpg.connect(dsn)
    places: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    heads: dict[tuple[str, str], int] = {}
    try:
        for owner in OWNERS:
            rows = await connection.fetch(
                f"SELECT stream_id::text AS stream, version, type, personal::text AS words FROM {owner}.event "
                "WHERE type LIKE 'ledgerdesk.ticket.%'"
            )
            for row in rows:
                place = (row["stream"], owner)
                heads[place] = max(heads.get(place, 0), row["version"])
                for marker in set(MARKER.findall(row["words"] or "")):
                    places[marker].append((row["stream"], owner, row["version"]))
    finally:
        await connection.close()
    for command in sent:
        there = places.pop(command.marker, [])
        if command.acknowledged:
            verdict.found += bool(there)
            if not there:
                verdict.wrong.append(f"{command.marker} was acknowledged and is in no store")
            elif not any(_stands(place, command.place) for place in there):
                verdict.wrong.append(f"{command.marker} was said to be at {command.place} and is at {there}")
        elif there:
            verdict.wrong.append(f"{command.marker} was refused and is at {there}")
        if len(there) > 1:
            verdict.doubled += 1
            verdict.wrong.append(f"{command.marker} is there {len(there)} times: {there}")
    verdict.wrong += [f"{marker} was sent by nobody and is at {there}" for marker, there in places.items()]
    return heads


def _stands(place: tuple[str, str, int], said: tuple[str, str, int] | None) -> bool:
    """Whether an event stands where the answer said: the answer names the last of the command's few events."""
    return said is not None and place[:2] == said[:2] and 0 <= said[2] - place[2] < 4


async def _topic(brokers: str, heads: dict[tuple[str, str], int], verdict: Verdict) -> None:
    """Read the topic from its beginning: first occurrences of each (ticket, owner) must be 1..n in order, on one partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(TOPIC, number)
            for number in sorted(consumer.partitions_for_topic(TOPIC) or await _known(consumer))
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        seen: dict[tuple[str, str], int] = defaultdict(int)
        where: dict[str, int] = {}
        left = {partition for partition in partitions if ends[partition] > 0}
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in records:
                    _take(record, seen, where, verdict)
                if records and records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    finally:
        await consumer.stop()
    for place, head in heads.items():
        if seen[place] != head:
            verdict.skipped += abs(head - seen[place])
            verdict.wrong.append(f"the topic has {place} up to {seen[place]}, its store up to {head}")
    verdict.wrong += [f"the topic has {place}, which no store knows" for place in seen if place not in heads]


async def _known(consumer: AIOKafkaConsumer) -> set[int]:
    consumer.subscribe([TOPIC])
    await consumer.getmany(timeout_ms=1000)
    found: set[int] = consumer.partitions_for_topic(TOPIC) or set()
    consumer.unsubscribe()
    return found


def _take(record: Any, seen: dict[tuple[str, str], int], where: dict[str, int], verdict: Verdict) -> None:
    headers = dict(record.headers)
    if not headers.get("ce_type", b"").startswith(b"ledgerdesk.ticket."):
        return  # a watermark
    ticket, owner = headers["ce_subject"].decode(), headers["ce_source"].decode().rpartition("/")[2]
    version = int(headers["ce_sequence"])
    if where.setdefault(ticket, record.partition) != record.partition:
        verdict.wrong.append(f"{ticket} is on partitions {where[ticket]} and {record.partition}")
    place = (ticket, owner)
    if version == seen[place] + 1:
        seen[place] = version
    elif version > seen[place]:
        verdict.skipped += version - seen[place] - 1
        verdict.wrong.append(f"the topic jumps from {seen[place]} to {version} of {place}")
        seen[place] = version
