"""In which language and whose time pages are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.gateway.pages.language import (
    CATALOGUE,
    Reader,
    best,
    gettext,
    languages,
    ngettext,
    reader,
    reading,
    zone_named,
    zones,
)
from services.gateway.pages.menu import menu_of
from services.gateway.pages.render import duration, few, inside, moment, number, person, render, size, words
from services.gateway.pages.security import local_path


@contextmanager
def german(zone: str | None = None) -> Iterator[None]:
    with reading(Reader(languages()["de"], ZoneInfo(zone) if zone else None)):
        yield


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"), ("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("en-US,en;q=0.9,de;q=0.8", "en"), ("fr,de;q=0.5", "de"),
        ("fr,it;q=0.9", "en"), ("de;q=0", "en"), ("en;q=0.5,de;q=0.9", "de"), ("DE", "de"), ("*", "en"), ("de;q=x", "en"), (";;,,", "en"),
        ("de;q=nan,en", "en"),
    ],
)  # fmt: skip
def test_a_browser_gets_the_first_language_it_asks_for_that_there_is(accepted: str, tag: str) -> None:
    assert best(accepted, languages()) == tag


def test_messages_are_those_of_the_reader() -> None:
    assert gettext("Save") == "Save"
    with german():
        assert gettext("Save") == "Speichern"
        assert gettext("Reply to %(who)s", who="Ken") == "Antwort an Ken"
        assert [ngettext("%(num)s ticket", "%(num)s tickets", n, num=n) for n in (1, 2)] == ["1 Ticket", "2 Tickets"]
        assert gettext("") == ""
        assert gettext("no message of ours") == "no message of ours"
    assert reader().language.tag == "en"


def test_keys_are_said_in_words_and_what_is_not_ours_stays() -> None:
    assert (words("on_hold"), inside("on_hold"), words("gold-plan")) == ("On hold", "on hold", "Gold plan")
    with german():
        assert (words("on_hold"), words("gold-plan"), person(None)) == ("Zurückgestellt", "Gold plan", "Niemand")
        assert inside("priority") == "Priorität"


def test_numbers_and_times_are_written_as_the_language_writes_them() -> None:
    assert (number(1234), number(0.5), few(12_000), duration(5400), size(2048)) == (
        "1,234",
        "0.50",
        "12k",
        "1.5 h",
        "2.0 kB",
    )
    assert "24 Nov 2026, 12:05 UTC" in moment("2026-11-24T12:05:00Z")
    with german("Europe/Vienna"):
        assert (number(1234), number(0.5), duration(5400), size(2048)) == ("1.234", "0,50", "1,5 Std.", "2,0 kB")
        assert "24. Nov. 2026, 13:05 CET" in moment("2026-11-24T12:05:00Z")


def test_the_menu_is_translated_when_it_is_shown() -> None:
    def titles() -> set[str]:
        groups = menu_of({"administrator"}, {}, is_staff=True, sees_all=True)
        return {group.title for group in groups} | {item.label for group in groups for item in group.items}

    assert {"Queues", "Unassigned", "API keys"} <= titles()
    with german():
        assert {"Warteschlangen", "Nicht zugewiesen", "API-Schlüssel"} <= titles()
        assert not {"Queues", "Unassigned", "API keys", "Knowledge base", "Inbox"} & titles()


def test_a_page_says_which_language_it_is_in() -> None:
    context = {
        "visit": None,
        "layout": "base.html",
        "stale": False,
        "said": None,
        "status": 404,
        "title": "<b>",
        "detail": "x",
        "kept": {},
    }
    with german("Europe/Vienna"):
        page = render("problem.html", **context)
    assert '<html lang="de" data-time-zone="Europe/Vienna">' in page
    assert "Zum Anfang" in page
    assert "&lt;b&gt;" in page
    assert '<html lang="en">' in render("problem.html", **context)


def test_a_catalogue_of_ones_own_goes_before_ours(tmp_path: Path) -> None:
    own = tmp_path / "de" / CATALOGUE
    own.parent.mkdir(parents=True)
    own.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Save"\nmsgstr "Sichern"\n')
    assert languages(tmp_path)["de"].translations.gettext("Save") == "Sichern"
    assert languages()["de"].translations.gettext("Save") == "Speichern"


def test_zones_are_places() -> None:
    assert {"UTC", "Europe/Vienna", "America/New_York"} <= set(zones())
    assert zone_named("Europe/Vienna") == ZoneInfo("Europe/Vienna")
    assert [zone_named(name) for name in ("", "Etc/GMT+5", "../../etc/passwd", "Nowhere/Land")] == [None] * 4


def test_choosing_a_language_leads_nowhere_else() -> None:
    assert local_path("//evil.example", "/sign-in") == "/sign-in"
