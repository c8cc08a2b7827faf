"""Which files go with a version of an article's words, and what they are called. Pure.

A file is called by its name within one version: the words show it by that, and no two have the same.
"""

from collections.abc import Collection, Sequence
from typing import Any

from shared.contracts.articles import MOST_FILES
from shared.contracts.fields import attached
from shared.refusal import Refusal

File = dict[str, Any]
"""See `shared.contracts.tickets.Attachment`."""


def _numbered(name: str, taken: Collection[str]) -> str:
    """Return a file's name, with a number if it is taken: two pictures from the clipboard are both called image.png."""
    stem, dot, ending = name.rpartition(".")
    stem, dot, ending = (stem, dot, ending) if stem else (name, "", "")
    n, found = 2, name
    while found.casefold() in taken:
        found, n = f"{stem}-{n}{dot}{ending}", n + 1
    return found


def with_files(words: dict[str, Any], old: Sequence[File], new: Sequence[File]) -> dict[str, Any]:
    """Return words with the files that go with them, each under a name of its own. What is there already comes once.

    Raises:
        Refusal: They are too many.
    """
    files = list(old)
    for file in new:
        if file in files:
            continue
        files.append({**file, "name": _numbered(file["name"], {one["name"].casefold() for one in files})})
    if len(files) > MOST_FILES:
        raise Refusal(
            f"An article has at most {MOST_FILES} files: leave some out, by `keep`.", status=422, field="attachments"
        )
    return words | attached(files)


def kept(old: dict[str, Any] | None, keep: Collection[str] | None) -> list[File]:
    """Return those of a version's files that go with the next one, too; all of them, if none is named.

    Raises:
        Refusal: One that is named is not there.
    """
    files: list[File] = (old or {}).get("attachments", [])
    if keep is None:
        return files
    for name in keep:
        if all(file["name"] != name for file in files):
            raise Refusal(f"The newest version has no file {name!r}.", status=422, field="keep")
    return [file for file in files if file["name"] in keep]
