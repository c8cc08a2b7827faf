"""In which language a page answers, whose time it shows, and what keeps the choice."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import PASSWORD


@pytest.fixture
def browser(stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30, trust_env=False) as client:
        yield client


def language(answer: httpx.Response) -> str:
    found = re.search(r'<html lang="([\w-]+)"', answer.text)
    assert found, answer.text[:300]
    assert answer.headers["content-language"] == found[1]
    return found[1]


def test_a_page_is_in_the_language_that_the_browser_asks_for(browser):
    answer = browser.get("/sign-in", headers={"Accept-Language": "fr,de-AT;q=0.9,en;q=0.8"})
    assert language(answer) == "de"
    assert "<h1>Anmelden</h1>" in answer.text
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in answer.headers["vary"].split(",")}
    assert answer.headers["cache-control"] == "no-store"
    assert language(browser.get("/sign-in", headers={"Accept-Language": "fr"})) == "en"


def test_a_choice_goes_before_what_the_browser_asks_for(browser):
    answer = browser.post("/display", data={"language": "de", "next": "/sign-in?expired=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?expired=1")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert language(browser.get("/sign-in", headers={"Accept-Language": "en"})) == "de"
    browser.post("/display", data={"language": "", "next": "/profile"})
    assert language(browser.get("/sign-in", headers={"Accept-Language": "en"})) == "en"
    browser.post("/display", data={"language": "../../x"})
    assert language(browser.get("/sign-in")) == "en"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/sign-in", "/sign-in\\@evil.example", "/sign-out"]
)
def test_choosing_leads_nowhere_else(browser, elsewhere):
    answer = browser.post("/display", data={"language": "de", "next": elsewhere})
    assert answer.headers["location"] == "/sign-in"


def test_another_site_chooses_nothing(browser):
    answer = browser.post("/display", data={"language": "de"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "ledgerdesk_language" not in answer.headers.get("set-cookie", "")


def test_times_are_in_the_zone_that_is_chosen(browser):
    form = {
        "csrf": re.search(r'name="csrf" value="(\w+)"', browser.get("/sign-in").text)[1],
        "login": "ken",
        "password": PASSWORD,
    }
    assert browser.post("/sign-in", data=form).status_code == 303
    browser.post("/display", data={"zone": "Asia/Tokyo", "next": "/profile"})
    page = browser.get("/profile", headers={"Accept-Language": "de"}).text
    assert 'data-time-zone="Asia/Tokyo"' in page
    assert re.search(r"\d+\. \w+\.? \d{4}, \d\d:\d\d JST</time>", page)
    part = browser.get("/profile", headers={"Accept-Language": "de", "HX-Request": "true"})
    assert part.headers["content-language"] == "de"
    assert "Wo Sie angemeldet sind" in part.text
    assert browser.post("/display", data={"zone": "Mars/Base"}).status_code == 303
    assert "data-time-zone" not in browser.get("/profile").text


def test_problems_of_the_api_stay_english(person):
    answer = person("ken").get("/tickets/no-such-ticket", headers={"Accept-Language": "de"})
    assert answer.json()["title"] == "Not found"
