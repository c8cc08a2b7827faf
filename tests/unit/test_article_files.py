"""Files of an article: what they are called, which go with the next version, and how its words show them."""

import re

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.knowledge import domain
from services.knowledge.domain import Article
from services.knowledge.files import with_files
from services.knowledge.markdown import Place, plain, rendered
from services.knowledge.shown import places_of
from shared.contracts.articles import MOST_FILES
from shared.contracts.event import NewEvent
from shared.contracts.ids import random_id
from shared.files import IMAGES, safe_name
from shared.testing.given import scenario

given = scenario("knowledge", Article, domain.evolve)

WORDS = {"title": "The VPN drops", "body": "See ![it](attachment:a.png)", "summary": None, "keywords": []}
HERE = {"category": None, "departments": []}


def file(name: str, of: str = "a", media_type: str = "image/png") -> dict[str, object]:
    return {"name": name, "sha256": of * 64, "size": 3, "media_type": media_type}


def fact(name: str, personal=None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.article.{name}", data, personal)


A, B = file("a.png"), file("b.pdf", "b", "application/pdf")
drafted = fact("drafted", {**WORDS, "attachments": [A, B]}, **HERE, language="en", from_ticket=None)
BARE = fact("drafted", WORDS, **HERE, language="en", from_ticket=None)


def test_a_draft_has_its_files():
    given().when(domain.draft, words=WORDS, language="en", place=HERE, files=[A, B]).then(drafted)
    given().when(domain.draft, words=WORDS, language="en", place=HERE).then(BARE)


def test_files_stay_unless_others_are_named():
    better = {**WORDS, "body": "x"}
    revised = fact("revised", {**better, "attachments": [A, B]}, number=2, language="en", restored=None)
    given(drafted).when(domain.revise, words=better, language="en").then(revised)
    (event,) = given(drafted).when(domain.revise, words=WORDS, language="en", keep=["b.pdf"]).then("revised")
    assert event.personal == {**WORDS, "attachments": [B]}
    (event,) = given(drafted).when(domain.revise, words=WORDS, language="en", keep=[]).then("revised")
    assert event.personal == WORDS, "an event without files says nothing of files"


def test_another_file_is_another_version_and_the_same_is_none():
    given(drafted).when(domain.revise, words=WORDS, language="en").nothing()
    given(drafted).when(domain.revise, words=WORDS, language="en", keep=["b.pdf", "a.png"]).nothing()
    given(drafted).when(domain.revise, words=WORDS, language="en", files=[A]).nothing()
    given(BARE).when(domain.revise, words=WORDS, language="en", files=[A]).then("revised")


def test_two_of_one_name_are_told_apart_and_one_that_goes_gives_its_name_free():
    other = file("A.png", "c")
    (event,) = given(drafted).when(domain.revise, words=WORDS, language="en", files=[other]).then("revised")
    assert [one["name"] for one in event.personal["attachments"]] == ["a.png", "b.pdf", "A-2.png"]
    (event,) = given(drafted).when(domain.revise, words=WORDS, language="en", files=[other], keep=[]).then("revised")
    assert [one["name"] for one in event.personal["attachments"]] == ["A.png"]


def test_what_is_not_there_cannot_stay():
    given(drafted).when(domain.revise, words=WORDS, language="en", keep=["c.png"]).refused(
        422, "no file 'c.png'", "keep"
    )


def test_files_are_not_too_many():
    many = [file(f"{n}.png") for n in range(MOST_FILES + 1)]
    given().when(domain.draft, words=WORDS, language="en", place=HERE, files=many[1:]).then("drafted")
    given().when(domain.draft, words=WORDS, language="en", place=HERE, files=many).refused(
        422, "at most", "attachments"
    )


def test_files_come_back_with_their_version_and_go_with_its_words():
    bare = fact("revised", WORDS, number=2, language="en", restored=None)
    (event,) = given(drafted, bare).when(domain.restore, number=1).then("revised")
    assert event.personal["attachments"] == [A, B]
    erased = fact("personal_erased", reason="redacted", versions={"drafted": [1]})
    given(drafted, bare, erased).when(domain.restore, number=1).refused(409, "erased")


NAMES = st.text(min_size=1, max_size=140).map(safe_name)


@any_of(st.lists(NAMES, max_size=12), st.lists(NAMES, max_size=12))
def test_no_two_files_of_a_version_have_the_same_name(old, new):
    words = with_files({}, [], [file(name, "0") for name in old])
    contents = "abcdefghijkl"
    words = with_files(words, words.get("attachments", []), [file(n, contents[i % 12]) for i, n in enumerate(new)])
    names = [one["name"].casefold() for one in words.get("attachments", [])]
    assert len(set(names)) == len(names)
    assert len(names) >= len(new), "none is lost"


# -- shown -----------------------------------------------------------------------------------------------------------

PLACES = (
    Place("a.png", "/f/0", "/i/0"), Place("my shot (1).png", "/f/1", "/i/1"), Place("notes.svg", "/f/2", None),
)  # fmt: skip


def test_an_image_is_shown_where_the_words_name_it():
    assert (
        rendered("![A *red* dot](attachment:a.png)", PLACES)
        == '<p><img src="/i/0" alt="A red dot" loading="lazy"></p>\n'
    )
    for way in ("<attachment:my shot (1).png>", "attachment:my%20shot%20(1).png"):
        assert 'src="/i/1"' in rendered(f"![x]({way})", PLACES)
    linked = rendered("[![x](attachment:a.png)](https://example.org)", PLACES)
    assert linked.startswith('<p><a href="https://example.org" rel="nofollow noopener"><img src="/i/0"')


def test_a_file_is_led_to():
    assert rendered("[the notes](attachment:notes.svg)", PLACES) == (
        '<p><a href="/f/2" download="" rel="nofollow noopener">the notes</a></p>\n'
    )


def test_what_is_no_image_is_a_link_and_what_is_not_there_is_words():
    assert rendered("![notes](attachment:notes.svg)", PLACES) == (
        '<p><a href="/f/2" download="" rel="nofollow noopener">notes</a></p>\n'
    )
    assert rendered("![gone](attachment:b.png)", PLACES) == "<p>gone</p>\n"
    assert rendered("![](attachment:b.png)", PLACES) == "<p>b.png</p>\n"
    assert "href" not in rendered("[gone](attachment:b.png)", PLACES)


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://elsewhere.example/pixel.png)", "![x](//elsewhere.example/pixel.png)", "![x](/api/v1/me)", "![x](a.png)",
        "![x](data:image/png;base64,AAAA)", "![x](data:image/svg+xml;base64,AAAA)", "![x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>", "![x][r]\n\n[r]: https://elsewhere.example/p.png", '![x](attachment:a.svg "t" onload=1)',
        "![x](attachment:notes.svg)", "[![x](https://elsewhere.example/p.png)](https://example.org)",
        "![x](ATTACHMENT:a.png)", "![x](file:a.png)", "![x](attachment://a.png)", "![x](attachment:../a.png)",
    ],
)  # fmt: skip
def test_no_other_image_is_shown(text):
    assert "<img" not in rendered(text, PLACES)


def test_an_image_elsewhere_is_a_link_and_no_link_holds_another():
    assert rendered("![a map](https://elsewhere.example/p.png)", PLACES) == (
        '<p><a href="https://elsewhere.example/p.png" rel="nofollow noopener">a map</a></p>\n'
    )
    assert rendered("[![a map](https://elsewhere.example/p.png)](https://example.org)").count("<a ") == 1


@any_of(NAMES)
def test_every_name_that_a_file_can_have_can_be_shown(name):
    escaped = re.sub(r"([\\<>&])", r"\\\1", name)
    assert 'src="/i/9"' in rendered(f"![x](<attachment:{escaped}>)", (Place(name, "/f/9", "/i/9"),))


@any_of(
    st.text(alphabet="![]()<>\"'`& \nx:/=a.png", max_size=80),
    st.sampled_from(["x", "attachment:a.png", "https://e.example/x"]),
)
def test_whatever_is_written_images_are_ours(text, address):
    shown = rendered(f"![{text}]({address}) {text}", PLACES)
    assert all(src in {"/i/0", "/i/1"} for src in re.findall(r'<img[^>]*src="([^"]*)"', shown))
    assert not re.search(r"<img[^>]*\son\w+=", shown)


def test_words_of_images_are_searched_and_their_names_are_not():
    assert plain("See ![the red button](attachment:a.png) there").strip() == "See the red button there"


def test_only_images_of_the_list_have_a_place_to_be_shown():
    article = random_id()
    files = [
        file("a", media_type=name)
        for name in (*sorted(IMAGES), "image/svg+xml", "text/html", "image/bmp", "image/png+xml")
    ]
    places = places_of(article, 3, files)
    assert [place.image is not None for place in places] == [True] * 4 + [False] * 4
    assert places[1] == (
        "a",
        f"/api/v1/articles/{article}/versions/3/attachments/1",
        f"/api/v1/articles/{article}/versions/3/images/1",
    )
