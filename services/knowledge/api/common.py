"""What knowledge's routes work with: who reads what, and how a command on an article is run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Path
from pydantic import BaseModel

from services.knowledge import domain, rights
from services.knowledge.rights import Reader
from services.knowledge.unsaved import Unsaved
from shared.configuration import Entry
from shared.contracts.event import NewEvent, Via
from shared.contracts.permissions import Permission
from shared.db import Pool, Values
from shared.directory.people import Directory
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.http.attachments import Attaching
from shared.http.caller import Caller, CallerOrGuestDep, unauthenticated
from shared.http.commands import CommandRequest
from shared.http.problems import Problem
from shared.http.rights import OVERSIGHT
from shared.http.sight import with_those_within
from shared.service import component
from shared.waiting import wait_for

TABLES = ("article", "rating", "ticket")
"""Of the views that answers are made of; see `wait_until_seen`."""
GUEST = Caller(None, None, None, None, frozenset(), Via("guest", "anybody"))

ArticleRef = Annotated[UUID, Path(description="The article's id")]
VersionRef = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of a version")]
AfterHeader = Annotated[
    str | None,
    Header(
        alias="Ledgerdesk-After",
        max_length=2000,
        description="Wait for these: values of Ledgerdesk-Version, comma separated",
    ),
]


@dataclass(slots=True)
class KnowledgeApp:
    """What knowledge's routes work with."""

    pool: Pool
    directory: Directory
    articles: Ledger[domain.Article]
    opinions: Ledger[domain.Opinion]
    entries: Ledger[Entry]
    eraser: Eraser
    attaching: Attaching
    unsaved: Unsaved

    async def reader(self, caller: Caller) -> Reader:
        """Return what a caller reads."""
        departments = await self._departments(caller)
        writes = may_write(caller)
        categories = await self.directory.entries("category")
        seen = rights.seen(categories, desk=caller.is_desk, writes=writes, departments=departments)
        return Reader(caller.is_desk, writes, departments, seen)

    async def _departments(self, caller: Caller) -> frozenset[str] | None:
        """Return an agent's departments with those within them; None for those who oversee the desk, and for programs."""
        if not caller.is_desk or caller.roles & OVERSIGHT or caller.person_id is None:
            return None
        person = await self.directory.by_id(caller.person_id)
        agent = (person.agent if person else None) or {}
        his = frozenset([*agent.get("departments", []), *agent.get("roles", {})])
        return with_those_within(his, await self.directory.entries("department"))


KnowledgeDep = Annotated[KnowledgeApp, Depends(component("knowledge"))]


async def reading_caller(caller: CallerOrGuestDep, knowledge: KnowledgeDep) -> Caller:
    """Return who reads: a guest too, unless the desk's policy keeps articles to those who sign in.

    Raises:
        Problem: 401.
    """
    if caller is not None:
        return caller
    policy = await knowledge.directory.entry("policy", "desk")
    if policy is not None and not policy.get("guests_read", True):
        raise unauthenticated()
    return GUEST


ReaderDep = Annotated[Caller, Depends(reading_caller)]


class Taken(BaseModel):
    """A command was taken."""

    id: UUID
    versions: dict[str, int]


def unknown(ref: UUID, *, retry: bool = False) -> Problem:
    """Return the answer for an article that is not there or not visible: the two are not told apart."""
    headers = {"Retry-After": "1"} if retry else {}
    return Problem(404, f"There is no article {ref}, or it is not yours to see.", headers=headers)


async def look_up(knowledge: KnowledgeApp, ref: UUID, reader: Reader) -> asyncpg.Record | None:
    """Return an article's row, if it is known and the reader sees it."""
    values = Values(ref)
    condition = reader.condition(values)
    return await knowledge.pool.fetchrow(
        f"SELECT a.* FROM article a WHERE a.stream_id = $1 AND a.latest > 0 AND {condition}", *values.values
    )


async def visible_article(knowledge: KnowledgeApp, ref: UUID, caller: Caller) -> tuple[asyncpg.Record, Reader]:
    """Return an article that the caller may see, and how he reads.

    Raises:
        Problem: 404.
    """
    reader = await knowledge.reader(caller)
    row = await look_up(knowledge, ref, reader)
    if row is None:
        raise unknown(ref)
    return row, reader


async def writers_article(knowledge: KnowledgeApp, ref: UUID, caller: Caller) -> tuple[asyncpg.Record, Reader]:
    """Return an article all of whose versions the caller may see, published or not, and how he reads.

    Raises:
        Problem: 403, he writes no articles, or is of none of its departments; 404.
    """
    need_writer(caller)
    row, reader = await visible_article(knowledge, ref, caller)
    if not reader.within(row["departments"]):
        raise Problem(403, "Versions of this article are for its departments; everybody reads what is published of it.")
    return row, reader


async def version_of(knowledge: KnowledgeApp, ref: UUID, number: int) -> asyncpg.Record:
    """Return a version's row.

    Raises:
        Problem: 404.
    """
    row = await knowledge.pool.fetchrow(
        "SELECT * FROM article_version WHERE article_id = $1 AND number = $2", ref, number
    )
    if row is None:
        raise Problem(404, f"There is no version {number} of this article.")
    return row


async def known_article(knowledge: KnowledgeApp, ref: UUID, caller: Caller) -> asyncpg.Record:
    """Return an article that a command is for; waits up to 2 s for the view to know it.

    Raises:
        Problem: 404, with Retry-After: it is not known here (yet), or not the caller's to see (yet).
    """
    await wait_for(
        lambda: knowledge.pool.fetchval("SELECT stream_id FROM article WHERE stream_id = $1 AND latest > 0", ref)
    )
    row = await look_up(knowledge, ref, await knowledge.reader(caller))
    if row is None:
        raise unknown(ref, retry=True)
    return row


Decide = Callable[[domain.Article], list[NewEvent]]


async def by_writer(ref: UUID, command: CommandRequest, knowledge: KnowledgeApp, decide: Decide) -> Taken:
    """Run a command of somebody who writes articles, on one that he sees and whose departments are his to write for."""
    need_writer(command.caller)
    row = await known_article(knowledge, ref, command.caller)
    need_writer_for(command.caller, row["departments"])
    result = await knowledge.articles.execute(ref, decide, command.context(), command.if_version("knowledge"))
    command.answer(ref, "knowledge", result)
    return Taken(id=ref, versions={"knowledge": result.version})


WRITE: Permission = "article.manage"


def may_write(caller: Caller) -> bool:
    """Whether somebody writes articles, for some department at least."""
    return caller.is_staff and any(WRITE in caller.permissions_in(one) for one in (None, *caller.department_roles))


def need_writer(caller: Caller) -> None:
    """Require somebody who writes articles.

    Raises:
        Problem: 403.
    """
    caller.need_staff()
    if not may_write(caller):
        caller.need_permission_in(WRITE, None)


def need_writer_for(caller: Caller, departments: Sequence[str]) -> None:
    """Require somebody who writes articles for all of these departments; none: for the whole desk, and so for each.

    Raises:
        Problem: 403.
    """
    for department in departments:
        caller.need_permission_in(WRITE, department)
    if not departments:
        caller.need_permission_everywhere(WRITE)
