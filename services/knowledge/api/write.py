"""Writing articles: drafts, versions, publishing, withdrawing."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.knowledge import domain
from services.knowledge.api.common import (
    ArticleRef,
    KnowledgeApp,
    KnowledgeDep,
    Taken,
    VersionRef,
    by_writer,
    need_writer,
    need_writer_for,
)
from services.knowledge.languages import DEFAULT
from shared.contracts.articles import MOST_FILES, MOST_KEYWORDS, Language, Visibility
from shared.contracts.fields import Body, Key, Line, Strict, Tag
from shared.contracts.ids import derived
from shared.eventstore.ledger import Result
from shared.http.attachments import Attachments
from shared.http.commands import CommandDep, CommandRequest
from shared.http.problems import RESPONSES, Problem
from shared.http.tickets import known_ticket

router = APIRouter(tags=["knowledge"], responses=RESPONSES)


class Words(Strict):
    """What an article says, in one version."""

    title: Line = Field(examples=["The VPN drops"])
    body: Body = Field(
        description="Markdown (CommonMark, tables, strikethrough); no raw HTML. `![alt](attachment:NAME)` shows a file of its own"
    )
    summary: Line | None = Field(None, description="One or two sentences, for lists and search")
    keywords: Annotated[list[Tag], Field(max_length=MOST_KEYWORDS)] = []
    language: Language = Field(DEFAULT, description="ISO 639-1; its words are found in every form of theirs")

    @property
    def words(self) -> domain.Words:
        """The words, as events have them."""
        keywords = list(dict.fromkeys(self.keywords))
        return {"title": self.title, "body": self.body, "summary": self.summary, "keywords": keywords}


class NextVersion(Words):
    """What an article says in its next version, and the files that go with it."""

    attachments: Attachments = Field(
        [], description="Files that go with it from now on. A name that is taken gets a number: image-2.png"
    )
    keep: Annotated[list[Line], Field(max_length=MOST_FILES)] | None = Field(
        None, description="Names of the newest version's files that stay; left out: all of them"
    )


class Place(Strict):
    """Where an article stands, and for whom of the desk it is."""

    category: Key | None = Field(None, description="Key of a category")
    departments: Annotated[list[Key], Field(max_length=100)] = Field(
        [], description="Who reads it while it is internal; none: the whole desk"
    )


class NewArticle(Place):
    """A draft; of a ticket's subject and resolution, where it does not say otherwise."""

    title: Line | None = None
    body: Body | None = None
    summary: Line | None = None
    keywords: Annotated[list[Tag], Field(max_length=MOST_KEYWORDS)] = []
    language: Language = DEFAULT
    attachments: Attachments = Field([], description="Files that go with it")
    from_ticket: Key | None = Field(
        None, description="Id or number of a resolved ticket. Look for names before you publish."
    )


async def _checked(body: Place, knowledge: KnowledgeApp) -> dict[str, Any]:
    """Return where an article stands.

    Raises:
        Problem: 422, there is no such category or department.
    """
    if body.category is not None:
        category = await knowledge.directory.entry("category", body.category)
        if category is None or not category["active"]:
            raise Problem(
                422, f"There is no category {body.category!r}.",
                fields={"category": "must be the key of an active category: GET /api/v1/articles/categories lists them"},
            )  # fmt: skip
    known = {department["key"] for department in await knowledge.directory.entries("department")}
    for n, department in enumerate(body.departments):
        if department not in known:
            raise Problem(
                422, f"There is no department {department!r}.",
                fields={f"departments.{n}": f"must be one of: {', '.join(sorted(known)) or 'none is configured'}"},
            )  # fmt: skip
    return {"category": body.category, "departments": sorted(set(body.departments))}


async def _of_ticket(
    body: NewArticle, command: CommandRequest, knowledge: KnowledgeApp
) -> tuple[NewArticle, str | None]:
    """Return the article with what it takes of its ticket, and the ticket's id.

    Raises:
        Problem: 404, no such ticket; 403, not his to work; 409, it is not resolved.
    """
    if body.from_ticket is None:
        return body, None
    row = await known_ticket(knowledge.pool, body.from_ticket, command.caller)
    command.caller.need_inside(row)
    if row["resolution"] is None and body.body is None:
        raise Problem(
            409, "This ticket has no resolution that an article could be made of: resolve it, or send a body.",
            fields={"from_ticket": "must be a ticket with a resolution"},
        )  # fmt: skip
    taken = {"title": body.title or row["subject"], "body": body.body or row["resolution"]}
    return body.model_copy(update=taken), str(row["stream_id"])


@router.post("/articles", status_code=201)
async def write_draft(body: NewArticle, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Write the draft of an article: nobody reads it but who writes articles, until it is published."""
    need_writer(command.caller)
    context = command.context()
    article_id = derived("article", context.command_id)
    before = await knowledge.articles.repeat_of(
        context
    )  # of a repeat, nothing is looked at that may have changed meanwhile
    result = before or await _draft(article_id, body, command, knowledge)
    command.answer(article_id, "knowledge", result)
    command.response.headers["Location"] = f"/api/v1/articles/{article_id}"
    return Taken(id=article_id, versions={"knowledge": result.version})


async def _draft(article_id: UUID, body: NewArticle, command: CommandRequest, knowledge: KnowledgeApp) -> Result:
    place = await _checked(body, knowledge)
    need_writer_for(command.caller, place["departments"])
    body, ticket = await _of_ticket(body, command, knowledge)
    for name in ("title", "body"):
        if getattr(body, name) is None:
            raise Problem(422, f"{name}: is needed.", fields={name: "is needed, unless from_ticket gives it"})
    words = Words(**body.model_dump(include={*Words.model_fields}))
    files = await knowledge.attaching.take(body.attachments, command, knowledge.articles)
    return await knowledge.articles.execute(
        article_id,
        lambda state: domain.draft(
            state, words=words.words, language=words.language, place=place, from_ticket=ticket, files=files
        ),
        command.context(), new=True,
    )  # fmt: skip


@router.put("/articles/{article}")
async def write_version(article: ArticleRef, body: NextVersion, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Write the next version of an article's words. What is published stays, until this version is."""
    need_writer(command.caller)
    files = await knowledge.attaching.take(body.attachments, command, knowledge.articles)
    return await by_writer(
        article, command, knowledge,
        lambda state: domain.revise(state, words=body.words, language=body.language, files=files, keep=body.keep),
    )  # fmt: skip


class VersionNamed(Strict):
    """A version of an article."""

    version: Annotated[int, Field(ge=1)]


@router.post("/articles/{article}/restore")
async def restore(article: ArticleRef, body: VersionNamed, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Write the words of an older version again, as the newest."""
    return await by_writer(article, command, knowledge, lambda state: domain.restore(state, number=body.version))


class Publishing(Strict):
    """Which version is to be read, and by whom."""

    visibility: Visibility = Field(description="internal: by the desk; public: by everybody")
    version: Annotated[int, Field(ge=1)] | None = Field(None, description="None: the newest")


@router.post("/articles/{article}/publish")
async def publish(article: ArticleRef, body: Publishing, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Publish a version, in place of the one that is read now."""
    return await by_writer(
        article, command, knowledge, lambda s: domain.publish(s, number=body.version, visibility=body.visibility)
    )


class Withdrawing(Strict):
    """Why, if there is something to say."""

    message: Body | None = None


@router.post("/articles/{article}/withdraw")
async def withdraw(
    article: ArticleRef, command: CommandDep, knowledge: KnowledgeDep, body: Withdrawing | None = None
) -> Taken:
    """Take an article from its readers, or give up a draft. It can be published again."""
    message = body.message if body else None
    return await by_writer(article, command, knowledge, lambda state: domain.withdraw(state, message=message))


@router.post("/articles/{article}/move")
async def move(article: ArticleRef, body: Place, command: CommandDep, knowledge: KnowledgeDep) -> Taken:
    """Put an article into another category, or give it to other departments."""
    need_writer(command.caller)
    place = await _checked(body, knowledge)
    need_writer_for(command.caller, place["departments"])
    return await by_writer(article, command, knowledge, lambda state: domain.move(state, place=place))


@router.delete("/articles/{article}/versions/{version}")
async def erase_version(
    article: ArticleRef, version: VersionRef, command: CommandDep, knowledge: KnowledgeDep
) -> Taken:
    """Blank the words of an older version for ever, in the store and everywhere else. That it was written stays."""
    taken = await by_writer(article, command, knowledge, lambda state: domain.erase(state, number=version))
    await knowledge.eraser.blank(article)
    return taken
