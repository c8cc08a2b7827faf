"""An article's Markdown as safe HTML, and as the plain words that are searched. Pure."""

import html
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

_TAGS = {
    "a", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "code", "pre", "blockquote",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}

# Raw HTML is shown as it was typed. Images are not: one that lies elsewhere tells a stranger who reads here.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=64)
def rendered(text: str) -> str:
    """Return Markdown as HTML that may be put into a page."""
    return nh3.clean(
        _PARSER.render(text), tags=_TAGS, attributes=_ATTRIBUTES, link_rel="nofollow noopener",
        url_schemes={"http", "https", "mailto"},
    )  # fmt: skip


_NO_MARKS = {2: None, 3: None}
"""Characters that mark a word in a snippet; see `search`."""


def plain(text: str) -> str:
    """Return the words of Markdown, without its marks."""
    return html.unescape(nh3.clean(_PARSER.render(text), tags=set())).translate(_NO_MARKS)
