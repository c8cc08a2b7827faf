"""Finding articles by words: in every language that articles are in, with beginnings of the word that is being typed."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import asyncpg

from services.knowledge.languages import AS_TYPED, config_of
from services.knowledge.rights import Reader
from shared.db import Pool

MOST_WORDS = 12
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_BEGINNING = 3
"""Letters of a beginning: fewer would begin nearly everything."""
_MARK, _END = "\x02", "\x03"
"""Where a snippet has a word that was asked for: characters that no text has (they are taken out of it)."""
SNIPPET = f"StartSel={_MARK}, StopSel={_END}, MaxWords=30, MinWords=12, MaxFragments=2, FragmentDelimiter=' … '"


class Values:
    """Collects a statement's parameters."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def __call__(self, value: Any) -> str:
        """Take a value, and return how the statement names it."""
        self.values.append(value)
        return f"${len(self.values)}"


Joined = Literal["&", "|"]


def query_text(text: str, joined: Joined) -> str | None:
    """Return words as `to_tsquery` takes them, all (&) or some (|) of them, the last with all words that it begins."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))[:MOST_WORDS]
    if not words:
        return None
    last = words[-1]
    if len(last) >= _SHORTEST_BEGINNING:
        words[-1] = f"({last} | {last}:*)"
    return f" {joined} ".join(words)


async def configs_in_use(pool: Pool) -> list[str]:
    """Return the text-search configurations of the articles there are."""
    rows = await pool.fetch("SELECT DISTINCT language FROM article_version WHERE face")
    return sorted({config_of(row["language"]) for row in rows} - {AS_TYPED})


def condition(configs: Iterable[str], text: str) -> str:
    """Return the query, in SQL: the words in any of these languages, or as they were typed. `text` names the parameter."""
    return "(" + " || ".join(f"to_tsquery('{config}', {text})" for config in (AS_TYPED, *configs)) + ")"


FACE = """
    SELECT a.*, v.title, v.summary, v.keywords, v.language, v.config, v.plain, v.number,
           coalesce(c.helpful, 0) AS helpful, coalesce(c.unhelpful, 0) AS unhelpful
    FROM article a JOIN article_version v ON v.article_id = a.stream_id AND v.face
    LEFT JOIN rating_count c ON c.article_id = a.stream_id
"""
"""Articles with the version by which they are found."""


async def search(
    pool: Pool, reader: Reader, text: str, *, joined: Joined, limit: int, offset: int = 0, snippets: bool = True,
    narrower: Sequence[tuple[str, Any]] = (),
) -> list[asyncpg.Record]:  # fmt: skip
    """Return the articles that a reader sees and that these words are in, the best first.

    Args:
        pool: Knowledge's.
        reader: See `Reader.condition`.
        text: As it was typed.
        joined: Whether all words must be there.
        limit: How many of them.
        offset: From which on.
        snippets: Whether column `snippet` has the places where the words are; see `parts`.
        narrower: Conditions besides, with ``{}`` for their value.
    """
    wanted = query_text(text, joined)
    if wanted is None:
        return []
    values = Values(wanted)
    asked = condition(await configs_in_use(pool), "$1")
    conditions = [f"v.face AND v.search @@ {asked}", "a.latest > 0", reader.condition(values)]
    conditions += [one.replace("{}", values(value)) for one, value in narrower]
    headline = f"ts_headline(f.config, f.plain, {asked}, {values(SNIPPET)})" if snippets else "NULL"
    return await pool.fetch(
        f"""
        WITH found AS (
            SELECT a.stream_id, ts_rank(v.search, {asked}, 1) AS rank
            FROM article_version v JOIN article a ON a.stream_id = v.article_id
            WHERE {" AND ".join(conditions)}
            ORDER BY rank DESC, a.stream_id LIMIT {limit} OFFSET {offset}
        )
        SELECT f.*, found.rank, {headline} AS snippet
        FROM found JOIN ({FACE}) f USING (stream_id) ORDER BY found.rank DESC, f.stream_id
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
