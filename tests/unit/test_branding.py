"""A desk's brand: colours that can be read whatever is chosen, and images that are what they say."""

import base64
import re
import struct

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.brand_images import MOST_IMAGE, ImageError, image_of
from services.gateway.domain import configure_entry
from services.gateway.domain.colours import contrast, parsed, style_sheet, tones, written
from services.gateway.pages.assets import FOLDER
from services.gateway.pages.brand import Brand, brand_of, manifest_of

AA_TEXT, AA_OTHER = 4.5, 3.0
LIGHT = {"background": "#fcfcfd", "card": "#ffffff", "muted-foreground": "#5d5d66"}
DARK = {"background": "#111215", "card": "#17181c", "popover": "#1c1d22", "muted-foreground": "#a2a2ab"}
ANY_COLOUR = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def between(one: str, other: str) -> float:
    return contrast(parsed(one), parsed(other))


@given(ANY_COLOUR)
@example("#ffff00")
@example("#ffffff")
@example("#000000")
@example("#0000ff")
def test_words_can_be_read_whatever_colour_is_chosen(accent):
    both = tones(accent)
    for name, grounds in (("light", LIGHT), ("dark", DARK)):
        tone = both[name]
        assert between(tone["primary"], tone["primary-foreground"]) >= AA_TEXT, "words on a button"
        for ground in ("background", "card"):
            assert between(tone["link"], grounds[ground]) >= AA_TEXT, "a link"
            assert between(tone["ring"], grounds[ground]) >= AA_OTHER, "what has the focus"
        assert between(tone["chosen"], grounds["muted-foreground"]) >= AA_TEXT, "small words in a row that is chosen"
    assert between(both["dark"]["link"], DARK["popover"]) >= AA_TEXT


@given(ANY_COLOUR)
def test_a_colour_that_can_be_read_already_is_kept(accent):
    if between(accent, "#ffffff") >= 4.8:
        assert tones(accent)["light"]["primary"] == accent
    assert written(parsed(accent)) == accent


@given(ANY_COLOUR)
def test_the_style_sheet_holds_colours_and_nothing_else(accent):
    sheet = style_sheet(accent)
    assert re.fullmatch(
        r"(:root|\.dark) \{( --[a-z-]+: #[0-9a-f]{6};)+ \}\n(\.dark) \{( --[a-z-]+: #[0-9a-f]{6};)+ \}\n", sheet
    )


def test_the_tokens_are_those_of_the_usual_style():
    usual = (FOLDER / "css" / "00-tokens.css").read_text()
    assert all(f"--{name}:" in usual for name in tones("#123456")["light"])


def png(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + struct.pack(">II", width, height)
        + b"\x08\x06\x00\x00\x00"
    )


def url(content: bytes, said: str = "") -> str:
    return f"data:{said};base64,{base64.b64encode(content).decode()}"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (png(10, 20), "image/png"), (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"), (SVG, "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!-- drawn -->\n' + SVG, "image/svg+xml"),
    ],
)  # fmt: skip
def test_an_image_is_known_by_its_bytes_whatever_is_said(content, media_type):
    assert image_of(url(content, "text/html"), "logo").media_type == media_type


@pytest.mark.parametrize(
    ("given_url", "said"),
    [
        ("https://corp.example/logo.png", "data URL"), ("data:image/png;base64,====", "data URL"), (url(b"GIF89a"), "must be one of"),
        (url(b"<html><svg></svg>"), "must be one of"), (url(b"MZ"), "must be one of"), (url(b"<!-- -->" * 5000), "must be one of"), (url(png(1, 1) + b"\0" * MOST_IMAGE), "at most 256 KiB"),
        (url(SVG.replace(b"<rect", b"<script>alert(1)</script><rect")), "plain drawing"),
        (url(SVG.replace(b"<rect", b'<rect OnLoad = "x()"')), "plain drawing"),
        (url(SVG.replace(b"<rect", b"<foreignObject/><rect")), "plain drawing"),
        (url(SVG.replace(b"<rect", b'<a href="javascript:x()"/><rect')), "plain drawing"),
        (url(b'<?xml version="1.0"?><svg ><!ENTITY x "y"></svg>'), "plain drawing"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused_with_what_it_must_be(given_url, said):
    with pytest.raises(ImageError, match=said):
        image_of(given_url, "logo")


@pytest.mark.parametrize(("content", "good"), [(png(512, 512), True), (png(192, 192), True), (png(191, 191), False), (png(512, 192), False), (SVG, False)])  # fmt: skip
def test_an_icon_is_a_square_png(content, good):
    if good:
        assert image_of(url(content), "icon").content == content
    else:
        with pytest.raises(ImageError, match="square PNG"):
            image_of(url(content), "icon")


def test_a_brand_is_configured_by_version():
    new = {"key": "desk", "name": "Help"}
    (first,) = configure_entry("branding", new, None)
    assert (first.type, first.data["new"]["version"]) == ("ledgerdesk.branding.configured", 1)
    assert configure_entry("branding", new, first.data["new"]) == []


def test_addresses_change_with_what_they_hold():
    entry = {
        "name": "Help",
        "accent": "#112233",
        "links": [{"label": "Imprint", "url": "https://x.example"}],
        "support": None,
    }
    one = brand_of(entry)
    assert brand_of(entry) == one
    assert brand_of({**entry, "accent": "#112234"}).css != one.css
    assert brand_of({**entry, "name": "Other"}).manifest != one.manifest
    assert (brand_of(None).name, brand_of(None).css, one.links) == (
        "Ledgerdesk",
        "",
        [("Imprint", "https://x.example")],
    )


def test_a_manifest_names_the_desk_and_its_icon():
    icon = {"sha256": "0" * 64, "size": 1, "media_type": "image/png", "side": 256}
    said = orjson.loads(manifest_of(brand_of({"name": "Help", "accent": "#112233", "icon": icon})))
    assert (said["name"], said["start_url"], said["display"], said["theme_color"]) == (
        "Help",
        "/",
        "standalone",
        "#112233",
    )
    assert said["icons"] == [
        {"src": f"/brand/{'0' * 64}/icon", "sizes": "256x256", "type": "image/png", "purpose": "any"}
    ]
    usual = orjson.loads(manifest_of(Brand()))
    assert {(one["sizes"], one["purpose"]) for one in usual["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
