"""The pages' catalogues say everything that the pages say, and nothing that breaks them."""

import re
from collections.abc import Iterator

import pytest
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po

from services.gateway.pages.language import CATALOGUE, FOLDER, languages
from services.gateway.pages.refusals import KNOWN, OF_A_STATUS
from services.gateway.pages.vocabulary import WORDS
from tests.contract.messages import PAGES, said, updated

TAGS = sorted(path.parts[-3] for path in FOLDER.glob(f"*/{CATALOGUE}"))
PLACE = re.compile(r"%(?:\((\w+)\))?[a-z%]")
NOT_LITERAL = re.compile(r"\{[{%][^}]*?\b(?:_|gettext|pgettext|ngettext)\((?!\s*[\"'])")


def _catalogue(tag: str) -> Catalog:
    with (FOLDER / tag / CATALOGUE).open("rb") as text:
        return read_po(text, locale=tag)


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    """Return each text of a message beside its translation; a language's plural forms beside the English ones' last."""
    if isinstance(message.id, str):
        yield message.id, str(message.string)
    else:
        for text in message.string:
            yield message.id[-1], text


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_is_missing_and_nothing_is_left_over(tag: str):
    catalogue = _catalogue(tag)
    there = {(m.id, m.context) for m in catalogue if m.id}
    wanted = {(m.id, m.context) for m in said() if m.id}
    assert wanted - there == set(), "run `make messages`, and translate what is new"
    assert there - wanted == set(), "run `make messages`: this is said no more"
    assert not catalogue.obsolete
    assert [m.id for m in catalogue if m.id and m.fuzzy] == []
    assert [m.id for m in catalogue if m.id and not all(text.strip() for _, text in _texts(m))] == []


@pytest.mark.parametrize("tag", TAGS)
def test_the_catalogue_stands_as_make_messages_writes_it(tag: str):
    text = (FOLDER / tag / CATALOGUE).read_bytes()
    assert updated(tag, text) == text


@pytest.mark.parametrize("tag", TAGS)
def test_translations_have_the_places_of_their_messages_and_no_markup(tag: str):
    catalogue = _catalogue(tag)
    for message in catalogue:
        for english, text in _texts(message) if message.id else ():
            names = [sorted(set(PLACE.findall(one))) for one in (english, text)]
            assert names[0] == names[1], message.id
            assert english.strip() == english or (text[0] == english[0] and text[-1] == english[-1]), message.id
            assert not set(text) & {'"', "<", ">"} - set(english), (
                f"{message.id}: it would end an attribute, or be markup"
            )
        count = len(message.string) if isinstance(message.string, (tuple, list)) else 0
        assert count in {0, catalogue.num_plurals}


def test_no_message_ends_an_attribute_or_is_markup():
    """Templates put a message as it is into text and attributes: only its values are escaped."""
    assert [m.id for m in said() if m.id and set("".join(m.id)) & {'"', "<"}] == []


def test_templates_ask_for_messages_that_can_be_collected():
    """`_(name)` in a template would take what the name holds for a message of ours, and not escape it."""
    bad = [
        f"{path.name}: {found[0]}"
        for path in sorted((PAGES / "templates").glob("*.html"))
        for found in NOT_LITERAL.finditer(path.read_text())
    ]
    assert bad == []


def test_keys_in_words_are_messages():
    marked = {m.id for m in said()}
    assert set(WORDS.values()) <= marked


@pytest.mark.parametrize("tag", TAGS)
def test_every_language_can_be_chosen_and_has_what_scripts_say(tag: str):
    english, other = languages()["en"], languages()[tag]
    assert english.for_scripts == "{}"
    assert "Draft kept" in other.spoken
    assert set(other.spoken["%(num)s unread"]) >= {"one", "other"}  # type: ignore[arg-type] # plural forms
    assert other.name != english.name
    assert "<" not in other.for_scripts


def test_refusals_that_are_translated_are_those_that_the_api_says():
    sources = re.sub(
        r'"\s*\n\s*f?"',
        "",
        "".join(path.read_text() for path in PAGES.parents[1].rglob("*.py") if PAGES not in path.parents),
    )
    assert [text for text in KNOWN if text not in sources] == []
    refused = [text.removeprefix("A ticket that is %(status)s cannot be ").split(": ", 1) for text in OF_A_STATUS]
    assert [(verb, remedy) for verb, remedy in refused if f'refuse(state, "{verb}", "{remedy}")' not in sources] == []
    assert "or it is not yours to see." in sources
    assert "open tasks block closing: finish or drop them first." in sources
    assert "Too many failed attempts: try again in {seconds // 60} minutes." in sources
