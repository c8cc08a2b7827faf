"""What can happen to an article, and to somebody's opinion of it. Pure.

Every change of the words is a version; what is read is a named one of them, so that a draft can be worked on while the published
version stays as it is. An article never goes away: it is withdrawn.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.knowledge.files import File, kept, with_files
from shared.contracts.erasing import ARTICLE_ERASED, named
from shared.contracts.event import Event, NewEvent
from shared.refusal import Refusal

Words = dict[str, Any]
"""`title`, `body`, `summary`, `keywords`, and `attachments` where there are some; see `shared.contracts.articles.ArticleText`."""
Where = dict[str, Any]
"""`category` and `departments`."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an article's words; they are None once they are blanked. `event` is the version of the event that has them."""

    number: int
    event: int
    language: str
    words: Words | None


@dataclass(frozen=True, slots=True)
class Article:
    """An article as its own events say. None of `published` and `visibility`: nobody reads it but who writes."""

    versions: tuple[Version, ...] = ()
    published: int | None = None
    visibility: str | None = None
    withdrawn: bool = False
    category: str | None = None
    departments: tuple[str, ...] = ()
    tickets: frozenset[str] = frozenset()

    @property
    def place(self) -> Where:
        """Where it stands, as events say it."""
        return {"category": self.category, "departments": list(self.departments)}

    @property
    def status(self) -> str:
        """What it is to its readers: draft, internal, public or withdrawn."""
        return self.visibility or ("withdrawn" if self.withdrawn else "draft")


Changes = dict[str, Any]


def _worded(state: Article, event: Event) -> Changes:
    version = Version(event.data.get("number", 1), event.version, event.data["language"], event.personal)
    return {"versions": (*state.versions, version)}


def _placed(place: Where) -> Changes:
    return {"category": place.get("category"), "departments": tuple(place.get("departments", ()))}


def _erased(state: Article, event: Event) -> Changes:
    gone = set(named(event))
    return {"versions": tuple(replace(v, words=None) if v.event in gone else v for v in state.versions)}


_FOLDS: dict[str, Callable[[Article, Event], Changes]] = {
    "drafted": lambda state, event: _worded(state, event) | _placed(event.data),
    "revised": _worded,
    "published": lambda _, event: {
        "published": event.data["number"], "visibility": event.data["visibility"], "withdrawn": False,
    },
    "withdrawn": lambda _state, _event: {"published": None, "visibility": None, "withdrawn": True},
    "moved": lambda _, event: _placed(event.data["new"]),
    "linked": lambda state, event: {"tickets": state.tickets | {event.data["ticket"]}},
    "unlinked": lambda state, event: {"tickets": state.tickets - {event.data["ticket"]}},
    "personal_erased": _erased,
}  # fmt: skip


def evolve(state: Article, event: Event) -> Article:
    """Fold an event of the article. Total."""
    fold = _FOLDS.get(event.name)
    return replace(state, **fold(state, event)) if fold is not None else state


def _fact(name: str, data: dict[str, Any], personal: dict[str, Any] | None = None) -> NewEvent:
    return NewEvent(f"ledgerdesk.article.{name}", data, personal)


def draft(
    state: Article,
    *,
    words: Words,
    language: str,
    place: Where,
    from_ticket: str | None = None,
    files: Sequence[File] = (),
) -> list[NewEvent]:
    """Write the first version. One that is made of a ticket is linked to it.

    Raises:
        Refusal: Too many files.
    """
    if state.versions:
        return []
    words = with_files(words, [], files)
    facts = [_fact("drafted", {**place, "language": language, "from_ticket": from_ticket}, words)]
    return [*facts, _fact("linked", {"ticket": from_ticket})] if from_ticket else facts


def revise(
    state: Article,
    *,
    words: Words,
    language: str,
    files: Sequence[File] = (),
    keep: Collection[str] | None = None,
) -> list[NewEvent]:
    """Write the next version; nothing, if the newest says just that. What is published stays as it is.

    Args:
        state: Of the article.
        words: What it says, without files.
        language: Of the words.
        files: What goes with them for the first time. A name that is taken gets a number.
        keep: Names of the newest version's files that stay; None: all of them.

    Raises:
        Refusal: One to keep is not there, or they are too many.
    """
    newest = state.versions[-1]
    words = with_files(words, kept(newest.words, keep), files)
    if (newest.words, newest.language) == (words, language):
        return []
    return [_fact("revised", {"number": newest.number + 1, "language": language, "restored": None}, words)]


def _version(state: Article, number: int, field: str) -> Version:
    """Return a version of an article.

    Raises:
        Refusal: There is none of that number.
    """
    found = next((version for version in state.versions if version.number == number), None)
    if found is None:
        raise Refusal(
            f"There is no version {number}: the newest is {state.versions[-1].number}.", status=422, field=field
        )
    return found


def restore(state: Article, *, number: int) -> list[NewEvent]:
    """Write the words of an older version again, as the next one.

    Raises:
        Refusal: There is no such version, or its words were blanked.
    """
    old, newest = _version(state, number, "version"), state.versions[-1]
    if old.words is None:
        raise Refusal(f"The words of version {number} were erased: there is nothing to restore.")
    if (newest.words, newest.language) == (old.words, old.language):
        return []
    data = {"number": newest.number + 1, "language": old.language, "restored": number}
    return [_fact("revised", data, old.words)]


def publish(state: Article, *, number: int | None, visibility: str) -> list[NewEvent]:
    """Make a version what is read: the newest, if none is named. To publish for others is to publish anew.

    Raises:
        Refusal: There is no such version, or its words were blanked.
    """
    version = state.versions[-1] if number is None else _version(state, number, "version")
    if version.words is None:
        raise Refusal(f"The words of version {version.number} were erased: publish another.")
    if (version.number, visibility) == (state.published, state.visibility):
        return []
    data = {
        "number": version.number, "visibility": visibility, "old_number": state.published, "old_visibility": state.visibility,
    }  # fmt: skip
    return [_fact("published", data)]


def withdraw(state: Article, *, message: str | None) -> list[NewEvent]:
    """Take an article from its readers, or give up a draft; nothing, if that is so already."""
    if state.withdrawn:
        return []
    data = {"old_number": state.published, "old_visibility": state.visibility}
    return [_fact("withdrawn", data, {"message": message} if message else None)]


def move(state: Article, *, place: Where) -> list[NewEvent]:
    """Put an article elsewhere, or give it to other departments."""
    return [] if place == state.place else [_fact("moved", {"new": place, "old": state.place})]


def link(state: Article, *, ticket: str) -> list[NewEvent]:
    """Say that an article has to do with a ticket."""
    return [] if ticket in state.tickets else [_fact("linked", {"ticket": ticket})]


def unlink(state: Article, *, ticket: str) -> list[NewEvent]:
    """Say that it has not."""
    return [_fact("unlinked", {"ticket": ticket})] if ticket in state.tickets else []


def erase(state: Article, *, number: int) -> list[NewEvent]:
    """Blank the words of an older version for ever: a password that was pasted, a name that should not be there.

    Raises:
        Refusal: There is no such version; or it is what is read, or what is worked on.
    """
    version = _version(state, number, "version")
    if version.words is None:
        return []
    if number in {state.published, state.versions[-1].number}:
        raise Refusal(
            f"Version {number} is the {'published' if number == state.published else 'newest'} one: write"
            f"{' and publish' if number == state.published else ''} one without those words first."
        )
    name = "drafted" if version.number == 1 else "revised"
    return [NewEvent(ARTICLE_ERASED, {"reason": "redacted", "versions": {name: [version.event]}})]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thinks of an article; None: he has not said."""

    helpful: bool | None = None
    comment: str | None = None


def evolve_opinion(state: Opinion, event: Event) -> Opinion:
    """Fold an event of somebody's opinion. Total."""
    if event.name == "rated":
        return Opinion(event.data["helpful"], (event.personal or {}).get("comment"))
    return replace(state, comment=None)


def rate(state: Opinion, *, article: str, person: str, helpful: bool, comment: str | None) -> list[NewEvent]:
    """Say whether an article helped; once for each person, who may change his mind."""
    if (state.helpful, state.comment) == (helpful, comment):
        return []
    data = {"article": article, "person_id": person, "helpful": helpful, "previous": state.helpful}
    return [NewEvent("ledgerdesk.article_rating.rated", data, {"comment": comment} if comment else None)]


def problem_with(categories: Sequence[dict[str, Any]]) -> tuple[str, str] | None:
    """Return (key, reason) of a category that cannot be: its parent is unknown, or it is within itself; None if all can."""
    parents = {category["key"]: category["parent"] for category in categories}
    for key, parent in parents.items():
        if parent is not None and parent not in parents:
            return key, f"there is no category {parent!r}"
        above, seen = parent, {key}
        while above is not None:
            if above in seen:
                return key, f"{above!r} would be within itself"
            seen.add(above)
            above = parents.get(above)
    return None
