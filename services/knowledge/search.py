"""Finding articles by words: in every language that articles are in, with beginnings of the word that is being typed."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import asyncpg

from services.knowledge.languages import AS_TYPED, config_of
from services.knowledge.rights import Reader
from shared.db import Pool, Values

MOST_WORDS = 12
MOST_FOUND = 200
"""Articles that a search lists: who has not found it by then asks otherwise."""
_WORD = re.compile(r"[^\W_]+")
_AROUND = ".,;:!?()[]{}<>'\"`*_-/\\\\|&#"
_SHORTEST_BEGINNING = 3
"""Letters of a beginning: fewer would begin nearly everything."""
_MARK, _END = "\x02", "\x03"
"""Where a snippet has a word that was asked for: characters that no text has (they are taken out of it)."""
SNIPPET = f"StartSel={_MARK}, StopSel={_END}, MaxWords=30, MinWords=12, MaxFragments=2, FragmentDelimiter=' … '"


Joined = Literal["&", "|"]


def words_of(text: str) -> list[str]:
    """Return the words of what was typed, the last ones of many; names such as `db1.example.org` are one."""
    chunks = (chunk.strip(_AROUND) for chunk in text.lower().split())
    return list(dict.fromkeys(chunk for chunk in chunks if _WORD.search(chunk)))[-MOST_WORDS:]


def _asked_for(word: str, *, begins: bool) -> str:
    """Return a word as `to_tsquery` takes it: as it stands, or its parts; `begins`: with all that it begins."""
    parts = _WORD.findall(word)
    if parts != [word]:
        whole = " ".join(re.split(r"['\\\\]+", word)).strip()
        return f"('{whole}' | {' & '.join(parts[:MOST_WORDS])})"
    return f"({word} | {word}:*)" if begins and len(word) >= _SHORTEST_BEGINNING else word


def query_text(words: Sequence[str], joined: Joined, last: str) -> str:
    """Return words as `to_tsquery` takes them, all (&) or some (|) of them, the last that was typed with all that it begins."""
    return f" {joined} ".join(_asked_for(word, begins=word == last) for word in words)


async def configs_in_use(pool: Pool) -> list[str]:
    """Return the text-search configurations of the articles there are."""
    rows = await pool.fetch("SELECT DISTINCT language FROM article_version WHERE face")
    return sorted({config_of(row["language"]) for row in rows} | {AS_TYPED})


def asked_in(configs: Iterable[str], text: str) -> str:
    """Return the query as a statement's first part: the words in any of these languages. `text` names the parameter.

    Computed once, and not for each row that is ranked by it.
    """
    return f"WITH asked AS MATERIALIZED (SELECT {' || '.join(f'to_tsquery({c!r}, {text})' for c in configs)} AS query)"


ASKED = "(SELECT query FROM asked)"

_COMMON = """
SELECT w.word, coalesce(max(f.frequency), 0) AS frequency
FROM unnest($1::text[]) AS w (word) CROSS JOIN unnest($2::regconfig[]) AS c (config)
    CROSS JOIN unnest(tsvector_to_array(to_tsvector(c.config, w.word))) AS l (lexeme)
    LEFT JOIN (
        SELECT unnest(most_common_elems::text::text[]) AS lexeme, unnest(most_common_elem_freqs) AS frequency
        FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'article_version' AND attname = 'head'
    ) f USING (lexeme)
GROUP BY w.word
"""
MOST_OF_ALL = 0.2
"""Part of all articles that words may be in, together, by which one is looked for."""


async def telling(pool: Pool, words: Sequence[str], configs: Sequence[str]) -> list[str]:
    """Return the words that tell articles apart, in their order: what stands in many of them only costs time to rank.

    By what the server knows of the words' frequencies; nothing, before it has gathered statistics: then there are few articles.
    """
    rows = await pool.fetch(_COMMON, words, configs)
    left = MOST_OF_ALL
    chosen: set[str] = set()
    for row in sorted(rows, key=lambda one: (one["frequency"], one["word"])):
        if chosen and row["frequency"] > left:
            break
        chosen.add(row["word"])
        left -= row["frequency"]
    return [word for word in words if word in chosen]


FACE = """
    SELECT a.*, v.title, v.summary, v.keywords, v.language, v.config, v.plain, v.number,
           coalesce(c.helpful, 0) AS helpful, coalesce(c.unhelpful, 0) AS unhelpful
    FROM article a JOIN article_version v ON v.article_id = a.stream_id AND v.face
    LEFT JOIN rating_count c ON c.article_id = a.stream_id
"""
"""Articles with the version by which they are found."""


async def search(
    pool: Pool, reader: Reader, text: str, *, limit: int, offset: int = 0, narrower: Sequence[tuple[str, Any]] = ()
) -> list[asyncpg.Record]:
    """Return the articles that a reader sees and that all these words are in, the best first; column `snippet` shows where.

    However many there are, it is the best few hundred by their heads that are held against each other whole.

    Args:
        pool: Knowledge's.
        reader: See `Reader.condition`.
        text: As it was typed.
        limit: How many of them.
        offset: From which on, below `MOST_FOUND`.
        narrower: Conditions besides, with ``{}`` for their value.
    """
    words = words_of(text)
    if not words:
        return []
    values = Values(query_text(words, "&", words[-1]))
    conditions = [f"v.face AND v.whole @@ {ASKED}", "a.latest > 0", reader.condition(values)]
    conditions += [one.replace("{}", values(value)) for one, value in narrower]
    return await pool.fetch(
        f"""
        {asked_in(await configs_in_use(pool), "$1")}, likely AS (
            SELECT a.stream_id FROM article_version v JOIN article a ON a.stream_id = v.article_id
            WHERE {" AND ".join(conditions)} ORDER BY ts_rank(v.head, {ASKED}) DESC, a.stream_id LIMIT {MOST_FOUND}
        ), best AS (
            SELECT l.stream_id, ts_rank(v.whole, {ASKED}, 1) AS rank
            FROM likely l JOIN article_version v ON v.article_id = l.stream_id AND v.face
            ORDER BY rank DESC, l.stream_id LIMIT {limit} OFFSET {offset}
        )
        SELECT f.*, ts_headline(f.config, f.plain, {ASKED}, {values(SNIPPET)}) AS snippet
        FROM best JOIN ({FACE}) f USING (stream_id) ORDER BY best.rank DESC, f.stream_id
        """,
        *values.values,
    )


async def suggestions(pool: Pool, reader: Reader, text: str, *, limit: int) -> list[asyncpg.Record]:
    """Return published articles with some of these words in title, keywords or summary, the best first."""
    words = words_of(text)
    if not words:
        return []
    configs = await configs_in_use(pool)
    values = Values(query_text(await telling(pool, words, configs), "|", words[-1]))
    return await pool.fetch(
        f"""
        {asked_in(configs, "$1")}, best AS (
            SELECT a.stream_id, ts_rank(v.head, {ASKED}) AS rank
            FROM article_version v JOIN article a ON a.stream_id = v.article_id
            WHERE v.face AND v.head @@ {ASKED} AND a.published IS NOT NULL AND {reader.condition(values)}
            ORDER BY rank DESC, a.stream_id LIMIT {limit}
        )
        SELECT f.* FROM best JOIN ({FACE}) f USING (stream_id) ORDER BY best.rank DESC, f.stream_id
        """,
        *values.values,
    )


def parts(snippet: str | None) -> list[tuple[str, bool]]:
    """Return a snippet as pieces of text, each with whether it was asked for."""
    found = []
    for n, piece in enumerate(re.split(f"[{_MARK}{_END}]", snippet or "")):
        if piece:
            found.append((piece, n % 2 == 1))
    return found
