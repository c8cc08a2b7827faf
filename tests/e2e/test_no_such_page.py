"""An address at which there is nothing: a browser is answered with a page, a program with a problem document."""

import httpx
import pytest

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def asked(stack, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    return httpx.request(method, f"{stack.url}{path}", headers=headers, timeout=30, trust_env=False)


@pytest.mark.parametrize("path", ["/nowhere", "/admin/organisation/rule/x", "/tickets/1/2/3/4/5", "/.env"])
def test_a_browser_is_shown_a_page_with_the_way_back(stack, path):
    answer = asked(stack, path, **BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no page at this address." in answer.text
    assert 'href="/"' in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "keine Seite" in asked(stack, path, **BROWSER, **{"Accept-Language": "de"}).text


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [("/nowhere", "GET", {}), ("/nowhere", "POST", BROWSER), ("/api/v1/nowhere", "GET", BROWSER)],
)
def test_a_program_is_told_as_ever(stack, path, method, headers):
    answer = asked(stack, path, method, **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
