"""An article's Markdown as safe HTML, and as the plain words that are searched. Pure.

Words show a file that goes with them as `![what it shows](attachment:NAME)`, and lead to it as `[words](attachment:NAME)`. An
image that lies elsewhere is not shown, and is a link: a browser that fetched it would tell a stranger who reads here.
"""

import html
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_TAGS = {
    "a", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "code", "pre", "blockquote",
    "table", "thead", "tbody", "tr", "th", "td", "img",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title", "download"}, "ol": {"start"}, "img": {"src", "alt", "title", "loading"}}
_SCHEME = "attachment:"

# Raw HTML is shown as it was typed: every image comes of `_with_places`.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_RENDERER = RendererHTML(_PARSER)


class Place(NamedTuple):
    """Where a file of an article is: to be downloaded, unless it is not saved yet, and to be shown, if it is an image that is."""

    name: str
    file: str | None
    image: str | None


@lru_cache(maxsize=64)
def rendered(text: str, places: tuple[Place, ...] = ()) -> str:
    """Return Markdown as HTML that may be put into a page. Files that are in none of the places are not there."""
    return nh3.clean(
        _RENDERER.render(_with_places(text, places), _PARSER.options, {}), tags=_TAGS, attributes=_ATTRIBUTES,
        link_rel="nofollow noopener", url_schemes={"http", "https", "mailto"},
    )  # fmt: skip


_NO_MARKS = {2: None, 3: None}
"""Characters that mark a word in a snippet; see `search`."""


def plain(text: str) -> str:
    """Return the words of Markdown, without its marks."""
    shown = _RENDERER.render(_with_places(text, ()), _PARSER.options, {})
    return html.unescape(nh3.clean(shown, tags=set())).translate(_NO_MARKS)


def _with_places(text: str, places: Sequence[Place]) -> list[Token]:
    """Return Markdown's parts, with the addresses of files where it names them."""
    # A name is held against another as the parser writes addresses: with spaces or as %20, it is the same.
    known = {_PARSER.normalizeLink(_SCHEME + place.name): place for place in places}
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.children:
            token.children = _placed(token.children, known)
    return tokens


def _placed(tokens: Sequence[Token], known: dict[str, Place]) -> list[Token]:
    found: list[Token] = []
    within = 0
    """How many links it is within: one cannot hold another."""
    for token in tokens:
        if token.type == "image":
            found += _image(token, known, linked=within == 0)
            continue
        if token.type == "link_open" and (file := _file_at(token, known)):
            token.attrSet("href", file)
            token.attrSet("download", "")
        within += token.nesting if token.type in {"link_open", "link_close"} else 0
        found.append(token)
    return found


def _file_at(token: Token, known: dict[str, Place]) -> str | None:
    place = known.get(str(token.attrGet("href")))
    return place.file if place is not None else None


def _image(token: Token, known: dict[str, Place], *, linked: bool) -> list[Token]:
    """Return an image, or what stands for one that is not shown: its words, as a link where one can be."""
    address = str(token.attrGet("src"))
    place = known.get(address)
    if place is not None and place.image is not None:
        token.attrSet("src", place.image)
        token.attrSet("loading", "lazy")
        return [token]
    words = _RENDERER.renderInlineAsText(token.children or [], _PARSER.options, {})
    said = Token("text", "", 0, content=words or address.removeprefix(_SCHEME))
    ours = address.startswith(_SCHEME)
    file = place.file if place is not None else None
    if not linked or (ours and file is None):
        return [said]
    start = Token("link_open", "a", 1, attrs={"href": file, "download": ""} if file is not None else {"href": address})
    return [start, said, Token("link_close", "a", -1)]
