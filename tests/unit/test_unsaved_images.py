"""Images that are not saved yet: by an address that is good for who has uploaded them, says nothing to others, and ends."""

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from services.knowledge.markdown import Place, rendered
from services.knowledge.unsaved import PATH, Shown, Unsaved
from shared.contracts.event import Via
from shared.files import KEPT_UNUSED
from shared.http.caller import Caller
from shared.settings import Settings

SETTINGS = Settings(secret_key="k" * 64)
FILE = {"name": "a.png", "sha256": "a" * 64, "size": 3, "media_type": "image/png"}
NOW = 1_000_000.0


def caller(email: str) -> Caller:
    return Caller(None, None, None, email, frozenset({"agent"}), Via("session", "x"))


JOHN, JANE = caller("john@example.org"), caller("jane@example.org")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def unsaved(clock: Clock) -> Unsaved:
    return Unsaved(SETTINGS, clock)


def sealed(unsaved: Unsaved) -> str:
    return unsaved.address(FILE, JOHN).removeprefix(f"{PATH}/")


def test_it_is_shown_to_who_has_uploaded_it_and_to_nobody_else(unsaved: Unsaved) -> None:
    image = sealed(unsaved)
    assert unsaved.read(image, JOHN) == Shown("a" * 64, "image/png")
    assert unsaved.read(image, JANE) is None


def test_it_ends_with_the_day_for_which_an_upload_is_kept(unsaved: Unsaved, clock: Clock) -> None:
    image = sealed(unsaved)
    clock.now += KEPT_UNUSED
    assert unsaved.read(image, JOHN) is not None
    clock.now += 1
    assert unsaved.read(image, JOHN) is None


def test_an_address_is_one_part_of_a_path_and_says_nothing(unsaved: Unsaved) -> None:
    image = sealed(unsaved)
    assert not set(image) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert len(image) < 1000
    assert image != sealed(unsaved), "the same image twice is not seen to be the same"


def test_another_s_seal_is_none(unsaved: Unsaved, clock: Clock) -> None:
    assert Unsaved(Settings(secret_key="o" * 64), clock).read(sealed(unsaved), JOHN) is None
    head, *rest = sealed(unsaved).split(".")
    assert unsaved.read(".".join([head, *rest[:-1], "A" * 22]), JOHN) is None
    key = OctKey.import_key(SETTINGS.derived_key("unsaved-image"))
    assert unsaved.read(jwe.encrypt_compact({"alg": "A256KW", "enc": "A256GCM"}, b"{}", key), JOHN) is None


@any_of(st.one_of(st.text(max_size=60), st.text(alphabet="aA0-_.", max_size=60)))
def test_whatever_is_asked_for_is_none(text: str) -> None:
    assert Unsaved(SETTINGS).read(text, JOHN) is None


def test_what_is_not_saved_is_seen_if_it_is_an_image_and_led_to_never() -> None:
    places = (Place("a.png", None, "/i"), Place("b.pdf", None, None))
    assert rendered("![a](attachment:a.png)", places) == '<p><img src="/i" alt="a" loading="lazy"></p>\n'
    assert rendered("![b](attachment:b.pdf)", places) == "<p>b</p>\n"
    for name in ("a.png", "b.pdf"):
        assert "href" not in rendered(f"[x](attachment:{name})", places)
