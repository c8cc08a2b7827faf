"""Who reads what: guests and requesters what is public, the desk what is for its departments, who writes also drafts. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Category = Mapping[str, Any]
Parameter = Callable[[Any], str]
"""Takes a value and returns how the statement names it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads articles.

    Attributes:
        desk: Whether he is of the desk, and reads what is internal.
        writes: Whether he writes articles, and sees drafts and what was withdrawn.
        departments: His, if he sees no others'; None: he sees all.
        categories: Keys of those whose articles he sees.
    """

    desk: bool
    writes: bool
    departments: frozenset[str] | None
    categories: frozenset[str]

    def condition(self, parameter: Parameter) -> str:
        """Return what holds, in SQL, of the rows of `article a` that he sees."""
        found = [f"(a.category IS NULL OR a.category = ANY ({parameter(sorted(self.categories))}::text[]))"]
        if not self.writes:
            found.append("a.published IS NOT NULL")
        if not self.desk:
            found.append("a.visibility = 'public'")
        elif self.departments is not None:
            mine = parameter(sorted(self.departments))
            found.append(
                "(a.visibility = 'public' AND a.published IS NOT NULL "
                f"OR a.departments = '[]' OR a.departments ?| {mine}::text[])"
            )
        return " AND ".join(found)

    def within(self, departments: Collection[str]) -> bool:
        """Whether he is of an article's departments; what everybody reads of it, he reads in any case."""
        return self.departments is None or not departments or not self.departments.isdisjoint(departments)


def open_to(category: Category, *, desk: bool, writes: bool, departments: frozenset[str] | None) -> bool:
    """Whether somebody sees what is in a category, by what it says itself."""
    if not category.get("active", True) and not writes:
        return False
    if not desk:
        return bool(category["visibility"] == "public")
    return departments is None or not category["departments"] or bool(departments & set(category["departments"]))


def seen(
    categories: Iterable[Category], *, desk: bool, writes: bool, departments: frozenset[str] | None
) -> frozenset[str]:
    """Return the keys of the categories that somebody sees: those that are open to him, and all above them."""
    by_key = {category["key"]: category for category in categories}
    found = set()
    for key in by_key:
        way: list[str] = []
        above: str | None = key
        while above is not None and above in by_key and above not in way:
            way.append(above)
            above = by_key[above]["parent"]
        if all(open_to(by_key[one], desk=desk, writes=writes, departments=departments) for one in way):
            found.add(key)
    return frozenset(found)
