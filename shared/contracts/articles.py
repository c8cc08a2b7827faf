"""Payloads of the knowledge base: articles, what people think of them, their categories. On `ledgerdesk.directory`.

An article's words are free text, and somebody's name may be among them: they stand in `personal`, version by version, so that a
version can be blanked.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, Id, Key, Line, Strict, Tag
from shared.contracts.tickets import Attachment

Visibility = Literal["internal", "public"]
"""Who reads what is published: the desk, or everybody."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
"""ISO 639-1."""
Number = Annotated[int, Field(ge=1)]
"""Of a version of an article's text: 1, 2, 3, …"""
MOST_KEYWORDS = 50
MOST_FILES = 50
"""Of one version."""


class ArticleText(Strict):
    """The words of one version, whole; the body is Markdown, and names the files that go with it (`attachment:NAME`)."""

    title: Line
    body: Body
    summary: Line | None = None
    keywords: Annotated[list[Tag], Field(max_length=MOST_KEYWORDS)] = []
    attachments: Annotated[list[Attachment], Field(max_length=MOST_FILES)] = []


class Placement(Strict):
    """Where an article stands, and the departments that read it while it is internal; none: all of them."""

    category: Key | None = None
    departments: list[Key] = []


class Drafted(Placement):
    """The first version, and the ticket whose resolution it was made of."""

    language: Language
    from_ticket: Id | None = None


class Revised(Strict):
    """The next version; `restored` names the older one whose words it has again."""

    number: Number
    language: Language
    restored: Number | None = None


class Published(Strict):
    """A version is what is read from now on, in place of the old one."""

    number: Number
    visibility: Visibility
    old_number: Number | None = None
    old_visibility: Visibility | None = None


class Withdrawn(Strict):
    """Nobody reads it any more but who writes articles."""

    old_number: Number | None = None
    old_visibility: Visibility | None = None


class Moved(Strict):
    """It stands elsewhere, or is for other departments."""

    new: Placement
    old: Placement


class LinkedToTicket(Strict):
    """The article has to do with a ticket: it solves it, or came of it."""

    ticket: Id


class ArticleRated(Strict):
    """Somebody found an article helpful, or did not. A stream for each article and person: he may change his mind."""

    article: Id
    person_id: Id
    helpful: bool
    previous: bool | None = None


class ArticleRatedPersonal(Strict):
    """What he says about it."""

    comment: Body | None = None


class Category(Strict):
    """A category, perhaps within another.

    Attributes:
        order: Among its siblings; equal ones by name.
        visibility: An internal one hides what is in it from everybody but the desk.
        departments: Whose it is, if not all of them; narrows who of the desk sees what is in it.
    """

    key: Key
    name: Line
    parent: Key | None = None
    order: int = 0
    visibility: Visibility = "public"
    departments: list[Key] = []
    active: bool = True


class CategoryConfigured(Strict):
    """A category says something else from now on."""

    new: Category
    old: Category | None = None
