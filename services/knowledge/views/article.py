"""Articles as they are now (table `article`), and every version of their words (table `article_version`)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.knowledge.languages import config_of
from services.knowledge.markdown import plain
from shared.contracts.erasing import ARTICLE_ERASED, erased, named
from shared.contracts.event import Event
from shared.contracts.topic_names import DIRECTORY
from shared.db import Connection, jsonb_or_null
from shared.projection.model import Versions, advanced
from shared.projection.reactor import enqueue_always
from shared.projection.table import RowTable


class ArticleRow(NamedTuple):
    """An article now, without its words."""

    stream_id: UUID
    versions: Versions
    category: str | None = None
    departments: Sequence[str] = ()
    latest: int = 0
    published: int | None = None
    visibility: str | None = None
    withdrawn: bool = False
    from_ticket: UUID | None = None
    tickets: Sequence[str] = ()
    author: UUID | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    published_at: datetime | None = None


TABLE = RowTable(
    "article",
    {
        "stream_id": "uuid", "versions": "jsonb", "category": "text", "departments": "jsonb", "latest": "int", "published": "int",
        "visibility": "text", "withdrawn": "bool", "from_ticket": "uuid", "tickets": "jsonb", "author": "uuid",
        "created_at": "timestamptz", "updated_at": "timestamptz", "published_at": "timestamptz",
    },
)  # fmt: skip
_WORDED = frozenset({"drafted", "revised"})


Changes = dict[str, Any]


def _drafted(_: ArticleRow, event: Event) -> Changes:
    data, actor = event.data, event.actor
    return {
        "category": data.get("category"), "departments": list(data.get("departments", ())), "latest": 1,
        "from_ticket": UUID(ticket) if (ticket := data.get("from_ticket")) else None,
        "author": UUID(actor["id"]) if actor["kind"] == "person" else None, "created_at": event.occurred_at,
        "updated_at": event.occurred_at,
    }  # fmt: skip


def _published(_: ArticleRow, event: Event) -> Changes:
    return {
        "published": event.data["number"], "visibility": event.data["visibility"], "withdrawn": False,
        "published_at": event.occurred_at, "updated_at": event.occurred_at,
    }  # fmt: skip


def _withdrawn(_: ArticleRow, event: Event) -> Changes:
    return {
        "published": None, "visibility": None, "withdrawn": True, "published_at": None, "updated_at": event.occurred_at,
    }  # fmt: skip


def _moved(_: ArticleRow, event: Event) -> Changes:
    new = event.data["new"]
    return {"category": new.get("category"), "departments": list(new.get("departments", ()))}


def _tickets(state: ArticleRow, event: Event) -> Changes:
    ticket = event.data["ticket"]
    others = [one for one in state.tickets if one != ticket]
    return {"tickets": [*others, ticket] if event.name == "linked" else others}


_FOLDS: dict[str, Callable[[ArticleRow, Event], Changes]] = {
    "drafted": _drafted, "published": _published, "withdrawn": _withdrawn, "moved": _moved, "linked": _tickets, "unlinked": _tickets,
    "revised": lambda _, event: {"latest": event.data["number"], "updated_at": event.occurred_at},
}  # fmt: skip


def evolve(state: ArticleRow, event: Event) -> ArticleRow:
    """Fold one event. Total."""
    fold = _FOLDS.get(event.name)
    changes = fold(state, event) if fold is not None else {}
    return state._replace(versions=advanced(state.versions, event), **changes)


class ArticleView:
    """Tables `article` and `article_version`."""

    name = "knowledge.article"
    topics = frozenset({DIRECTORY})
    table = "article"
    tables = ("article", "article_version")
    effects = ("reaction_inbox",)
    evolve = staticmethod(evolve)

    def wants(self, event_type: str) -> bool:
        return event_type.startswith("ledgerdesk.article.")

    def initial(self, stream_id: UUID) -> ArticleRow:
        return ArticleRow(stream_id, {}, departments=[], tickets=[])

    async def load(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, ArticleRow]:
        rows = await connection.fetch(f"SELECT {', '.join(TABLE.columns)} FROM article WHERE stream_id = ANY ($1)", ids)
        return {row["stream_id"]: ArticleRow(*row) for row in rows}

    async def save(self, connection: Connection, rows: Mapping[UUID, ArticleRow], applied: Sequence[Event]) -> None:
        await TABLE.save(connection, rows, applied)
        await _add_words(connection, [event for event in applied if event.name in _WORDED])
        await _blank_words(connection, applied)
        await connection.execute(
            """
            UPDATE article_version v SET face = v.number = coalesce(a.published, a.latest)
            FROM article a WHERE a.stream_id = v.article_id AND a.stream_id = ANY ($1)
                AND v.face <> (v.number = coalesce(a.published, a.latest))
            """,
            list(rows),
        )
        await enqueue_always(connection, [event for event in applied if event.type == ARTICLE_ERASED])

    async def audit(self, connection: Connection, ids: Sequence[UUID], events: Sequence[Event]) -> list[str]:
        """Hold the versions of these articles' words against their events, both ways; returns what differs."""
        rows = await connection.fetch(
            "SELECT v.*, v.number = coalesce(a.published, a.latest) AS is_face FROM article_version v "
            "LEFT JOIN article a ON a.stream_id = v.article_id WHERE v.article_id = ANY ($1)",
            ids,
        )
        stored = {(row["article_id"], row["event"]): row for row in rows}
        blank = {(event.stream_id, *place) for event in events for place in erased([event])}
        found = [
            f"version {r['number']} of {r['article_id']} has the wrong face" for r in rows if r["face"] != r["is_face"]
        ]
        for event in events:
            if event.name not in _WORDED:
                continue
            number = event.data.get("number", 1)
            row = stored.pop((event.stream_id, event.version), None)
            words = None if (event.stream_id, event.source, event.version) in blank else event.personal
            if row is None:
                found.append(f"version {number} of {event.stream_id} is missing")
            elif _row_of(event, words)[3:-2] != (
                row["event_id"], row["at"], row["actor"], row["language"], row["restored"], row["title"],
                row["summary"], row["keywords"], row["body"], row["attachments"],
            ):  # fmt: skip
                found.append(f"version {number} of {event.stream_id} differs from its event")
        return found + [f"version {row['number']} of {row['article_id']} has no event" for row in stored.values()]


def _row_of(event: Event, words: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Return a version's row: article, number, event, …, body, files, and what the search reads of it."""
    words = words or {}
    body, keywords = words.get("body"), words.get("keywords")
    return (
        event.stream_id, event.data.get("number", 1), event.version, event.event_id, event.occurred_at, event.actor,
        event.data["language"], event.data.get("restored"), words.get("title"), words.get("summary"), keywords, body,
        words.get("attachments"), plain(body) if body is not None else None, " ".join(keywords) if keywords is not None else None,
    )  # fmt: skip


async def _add_words(connection: Connection, events: Sequence[Event]) -> None:
    if not events:
        return
    columns = list(zip(*(_row_of(event, event.personal) for event in events), strict=True))
    for n in (10, 12):  # keywords, files
        columns[n] = tuple(jsonb_or_null(columns[n]))
    await connection.execute(
        """
        INSERT INTO article_version (article_id, number, event, event_id, at, actor, language, restored, title, summary, keywords,
                                     body, attachments, plain, terms, config)
        SELECT n.*, c.config::regconfig
        FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::int[],
                    $9::text[], $10::text[], $11::jsonb[], $12::text[], $13::jsonb[], $14::text[], $15::text[])
                 AS n (article_id, number, event, event_id, at, actor, language, restored, title, summary, keywords, body,
                       attachments, plain, terms),
             unnest($16::text[], $17::text[]) AS c (language, config)
        WHERE c.language = n.language
        """,
        *columns, *zip(*{(event.data["language"], config_of(event.data["language"])) for event in events}, strict=True),
    )  # fmt: skip


async def _blank_words(connection: Connection, events: Sequence[Event]) -> None:
    places = [(event.stream_id, version) for event in events for version in named(event)]
    if places:
        await connection.execute(
            """
            UPDATE article_version v
            SET title = NULL, summary = NULL, keywords = NULL, body = NULL, attachments = NULL, plain = NULL, terms = NULL
            FROM unnest($1::uuid[], $2::int[]) AS n (article_id, event)
            WHERE (v.article_id, v.event) = (n.article_id, n.event)
            """,
            [article for article, _ in places], [version for _, version in places],
        )  # fmt: skip
