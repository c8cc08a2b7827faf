"""Knowledge's views on a real PostgreSQL: however events come in batches, tables say the same; what is wrong is found; upgrades."""

import re
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest

from ledgerdesk.audit.keys import AuditFiles
from ledgerdesk.audit.seal import make_seal
from ledgerdesk.initialise import migrate_all
from ledgerdesk.verify import verify
from services.knowledge.rights import Reader
from services.knowledge.search import search, suggestions
from services.knowledge.views import ArticleView, RatingView
from shared import db
from shared.contracts.erasing import ARTICLE_ERASED
from shared.contracts.event import NewEvent
from shared.contracts.topic_names import DIRECTORY
from shared.eventstore.eraser import Eraser
from shared.eventstore.store import EMPTY, EventStore
from shared.service_names import SERVICES
from shared.testing.events import command, created
from shared.testing.events import event_of_fact as event_of
from tests.integration.desk import Desk, opened

EVERYBODY = Reader(desk=False, writes=False, departments=None, categories=frozenset())
ONE, TWO, KEN, ANA = (UUID(int=n) for n in (1, 2, 3, 4))


def fact(name: str, personal=None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.article.{name}", data, personal)


def words(title: str, body: str = "Some *words*.") -> dict[str, object]:
    return {"title": title, "body": body, "summary": None, "keywords": ["key word"]}


FILES = [{"name": "a.png", "sha256": "0" * 64, "size": 3, "media_type": "image/png"}]


def drafted(title: str, language: str = "en") -> NewEvent:
    return fact("drafted", words(title) | {"attachments": FILES}, language=language, category=None, departments=[])


def revised(number: int, title: str) -> NewEvent:
    return fact("revised", words(title) | ({"attachments": FILES} if number > 2 else {}), number=number, language="en")


def published(number: int) -> NewEvent:
    return fact("published", number=number, visibility="public")


def rated(article: UUID, person: UUID, helpful: bool) -> NewEvent:
    data = {"article": str(article), "person_id": str(person), "helpful": helpful}
    return NewEvent("ledgerdesk.article_rating.rated", data, {"comment": "because"})


ERASED = NewEvent(ARTICLE_ERASED, {"reason": "redacted", "versions": {"drafted": [1]}})
STREAMS = {
    ONE: [drafted("First"), published(1), revised(2, "Second"), revised(3, "Third"), published(3), ERASED],
    TWO: [drafted("Anderes", "de"), fact("withdrawn"), published(1), fact("moved", new={"category": "c"}, old={})],
    UUID(int=7): [drafted("Visible"), published(1), revised(2, "Unseen")],
    UUID(int=5): [rated(ONE, KEN, helpful=True), rated(ONE, KEN, helpful=False), rated(ONE, KEN, helpful=True)],
    UUID(int=6): [
        rated(ONE, ANA, helpful=False),
        NewEvent("ledgerdesk.article_rating.personal_erased", {"reason": "asked", "versions": {"rated": [1]}}),
    ],
}


@pytest.fixture
async def desk(postgres_dsn):
    async with opened(Desk, postgres_dsn) as found:
        yield found


@pytest.fixture
async def written(desk):
    """The stores know it, the views do not yet."""
    for stream, facts in STREAMS.items():
        for one in facts:
            await desk.write("knowledge", stream, one)
    return desk


async def rows_of(pool, table: str) -> list[tuple[object, ...]]:
    columns = {
        "article_version": "article_id, number, event, language, config::text, title, body, attachments, plain, terms, face, whole::text, head::text"
    }
    return sorted((tuple(r) for r in await pool.fetch(f"SELECT {columns.get(table, '*')} FROM {table}")), key=repr)


TABLES = ("article", "article_version", "rating", "rating_count")


@pytest.mark.parametrize("seed", range(3))
async def test_tables_are_the_same_however_events_come(written, seed):
    pool, dice = written.pools["knowledge"], Random(seed)  # noqa: S311 -- an order of delivery
    left = {stream: (await written.stores["knowledge"].load(stream))[0] for stream in STREAMS}
    batch = []
    while any(left.values()):
        stream = dice.choice([s for s, events in left.items() if events])
        batch.append(left[stream].pop(0))
        if dice.random() < 0.4 or not any(left.values()):
            await written.take(DIRECTORY, batch)
            await written.take(DIRECTORY, batch[: dice.randrange(3)])  # sent again
            batch = []
    assert await rows_of(pool, "rating_count") == [(ONE, 1, 1)]
    versions = await pool.fetch(
        "SELECT number, title, attachments, face FROM article_version WHERE article_id = $1 ORDER BY number", ONE
    )
    assert [tuple(row) for row in versions] == [
        (1, None, None, False),
        (2, "Second", None, False),
        (3, "Third", FILES, True),
    ]
    assert [row["title"] for row in await search(pool, EVERYBODY, "third", limit=9)] == ["Third"]
    assert await search(pool, EVERYBODY, "second", limit=9) == []
    assert await search(pool, EVERYBODY, "first", limit=9) == []
    assert await search(pool, EVERYBODY, "unseen", limit=9) == []
    assert [row["title"] for row in await suggestions(pool, EVERYBODY, "visible", limit=9)] == ["Visible"]
    await blank(written)
    await assert_clean(written)


async def blank(desk) -> None:
    eraser = Eraser(desk.stores["knowledge"], desk.appenders["knowledge"])
    for stream in STREAMS:
        await eraser.blank(stream)


async def assert_clean(desk) -> None:
    verdict = await verify(desk.dsn, wait=0)
    assert [text for text in verdict.differences if "knowledge" in text] == []
    assert [text for text in verdict.behind if text.startswith("knowledge")] == []


HARMS = [
    ("UPDATE article_version SET face = NOT face WHERE number = 2", None, "version 2 of .* has the wrong face"),
    (
        "UPDATE article_version SET body = body || 'x' WHERE number = 3",
        "body = left(body, -1)",
        "version 3 of .* differs",
    ),
    (
        "UPDATE article_version SET title = 'First' WHERE number = 1 AND title IS NULL",
        "title = NULL",
        "version 1 of .* differs",
    ),
    (
        "UPDATE article_version SET attachments = attachments - 0 WHERE number = 3",
        """attachments = '[{"name": "a.png", "sha256": "%s", "size": 3, "media_type": "image/png"}]'""" % ("0" * 64),
        "version 3 of .* differs",
    ),
    (
        "UPDATE article SET published = published - 1 WHERE category IS NULL",
        "published = published + 1",
        "differs .* published",
    ),
    ("UPDATE rating_count SET helpful = helpful + 1", "helpful = helpful - 1", "counts of article"),
    ("UPDATE rating SET comment = 'x' WHERE comment IS NULL", "comment = NULL", "differs .* comment"),
    ("DELETE FROM article_version WHERE number = 3", "", "version 3 of .* is missing"),
]
"""What is done, what undoes it (None: itself again), and what is found."""


async def test_what_was_changed_behind_the_ledgers_back_is_found(written):
    for stream in STREAMS:
        await written.told("knowledge", stream, DIRECTORY)
    await blank(written)
    await assert_clean(written)
    pool = written.pools["knowledge"]
    for harm, undo, said in HARMS:
        await pool.execute(harm)
        verdict = await verify(written.dsn, wait=0)
        assert any(re.search(said, text) for text in verdict.differences), (harm, verdict.differences)
        if undo is None:
            await pool.execute(harm)
        elif undo:
            before, _, rest = harm.partition(" SET ")
            where = rest.partition(" WHERE ")[2].replace("title IS NULL", "title = 'First'")
            where = where.replace("comment IS NULL", "comment = 'x'")
            await pool.execute(f"{before} SET {undo} WHERE {where or 'true'}")
            await assert_clean(written)


async def test_what_is_about_an_article_is_found_in_any_language_and_by_beginnings(desk):
    pool = desk.pools["knowledge"]
    texts = {"en": "Certificates expiring on db1.example.org", "de": "Häuser streichen", "ja": "証明書 certificate"}
    for language, title in texts.items():
        await desk.write("knowledge", uuid4(), drafted(title, language), published(1))
    events = await desk.stores["knowledge"].page(0, 100)
    await desk.take(DIRECTORY, events)

    async def found(q, look=search):
        return {row["title"] for row in await look(pool, EVERYBODY, q, limit=9)}

    assert await found("haus") == {texts["de"]}
    assert await found("Certificate") == {texts["en"], texts["ja"]}
    assert await found("certifica") == {texts["en"], texts["ja"]}
    assert await found("expire certificates") == {texts["en"]}
    assert await found("証明書") == {texts["ja"]}
    assert await found("the") == await found("ce") == await found("!!!") == set()
    assert await found("why do my houses expire, haus?", suggestions) == {texts["en"], texts["de"]}
    assert await found("x'); DROP TABLE article; --") == set()
    assert await found("(db1.example.org)") == await found("db1.example.org'") == {texts["en"]}
    for odd in (
        "a'b",
        "a\\b",
        "''",
        "'a' & b:*",
        "x | !y",
        "<->",
        "a<->b",
        "x.y:*z",
        "\\",
        "a:b'\\",
        "e-mail/'",
        ":*",
        "a&'",
    ):
        assert await found(odd) == await found(odd, suggestions) == set(), odd
    assert await found("key words") == set(texts.values())


async def test_an_article_of_facts_that_make_no_sense_has_a_row_all_the_same():
    view = ArticleView()
    for name, data in (
        ("published", {"number": 9, "visibility": "public"}),
        ("unlinked", {"ticket": str(KEN)}),
        ("teleported", {}),
    ):
        state = view.evolve(view.initial(ONE), event_of(fact(name, **data), "knowledge", ONE, 1))
        assert state.versions == {"knowledge": 1}
    erased = NewEvent("ledgerdesk.article_rating.personal_erased", {"reason": "asked", "versions": {}})
    assert RatingView().evolve(RatingView().initial(ONE), event_of(erased, "knowledge", ONE, 1)).comment is None


async def test_a_database_from_before_the_knowledge_base_gets_it_and_its_seals_go_on(postgres_dsn, tmp_path):
    before = [service for service in SERVICES if service != "knowledge"]
    await migrate_all(postgres_dsn, before)
    files = AuditFiles.beside(tmp_path / "audit.key")
    files.make_key()
    pool = await db.create_pool(postgres_dsn, "intake", maximum=1)
    stored, _ = command("intake", ONE, EMPTY, [created()])
    await EventStore("intake", pool).append([stored])
    await pool.close()
    async with opened(Desk, postgres_dsn) as desk:  # the start after the upgrade: init, then views catch up
        await desk.told("intake", ONE)
        assert (
            await desk.pools["knowledge"].fetchval("SELECT subject FROM ticket WHERE stream_id = $1", ONE)
            == "The VPN drops"
        )
        await desk.write("knowledge", TWO, drafted("New"))
        await desk.told("knowledge", TWO, DIRECTORY)
        await assert_clean(desk)
        seal = await make_seal(postgres_dsn, files, datetime.now(UTC) + timedelta(days=1))
        assert set(seal.positions) == {"gateway", "intake", "knowledge", "routing", "workflow"}
    connection = await db.connect(postgres_dsn, "intake")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM knowledge.article")
    finally:
        await connection.close()
