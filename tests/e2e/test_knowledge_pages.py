"""The knowledge base's pages, as a browser without scripts has them: guests read, requesters rate, agents write."""

import html
import re
from uuid import uuid4

import httpx
import pytest

from shared.http.caller import COOKIE
from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD

RUN = uuid4().hex[:6]
TEXT = "Press **both** buttons.\n\n<script>alert(1)</script>"


class Browser:
    """Keeps cookies, sends forms as the page has them."""

    def __init__(self, stack, login=None) -> None:
        self.client = httpx.Client(base_url=stack.url, trust_env=False, timeout=30, follow_redirects=True)
        self.text = ""
        if login:
            answer = self.client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD})
            self.client.cookies.clear()
            self.client.cookies.set(COOKIE, answer.raise_for_status().json()["token"])

    def open(self, path, **params):
        answer = self.client.get(path, params=params)
        self.text = answer.text
        return answer

    def send(self, path, **fields):
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', self.text) for name in ("csrf", "key", "etag")}
        kept = {name: html.unescape(found[1]) for name, found in hidden.items() if found}
        answer = self.client.post(path, data={**kept, **fields})
        self.text = answer.text
        return answer


@pytest.fixture(scope="module")
def browsers(stack):
    found = {"john": Browser(stack, "john"), "ken": Browser(stack, "ken"), "guest": Browser(stack)}
    yield found
    for browser in found.values():
        browser.client.close()


@pytest.fixture
def john(browsers):
    return browsers["john"]


@pytest.fixture
def guest(browsers):
    return browsers["guest"]


def test_an_article_from_the_draft_to_its_second_version(browsers, john, guest):
    john.open("/kb/new")
    john.send("/kb/preview", body=TEXT)
    assert john.text == "<p>Press <strong>both</strong> buttons.</p>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
    john.open("/kb/new")
    refused = john.send("/kb/new", title="", body=TEXT)
    assert refused.status_code == 422
    assert "Press **both** buttons." in john.text
    made = john.send("/kb/new", title=f"Boxes <b>{RUN}</b>", body=TEXT, keywords="box, carton", language="en")
    path = made.url.path
    assert re.fullmatch(r"/kb/[0-9a-f-]{36}", path)
    assert "Draft" in john.text
    assert guest.open(path).status_code == 404
    assert f"Boxes &lt;b&gt;{RUN}&lt;/b&gt;" in john.text
    john.send(f"{path}/publish", visibility="public")
    assert "Publish for everybody" not in john.text
    assert guest.open(path).status_code == 200
    assert "<strong>both</strong>" in guest.text
    assert "<script>alert" not in guest.text
    assert "Edit" not in guest.text
    assert "/rating" not in guest.text

    john.open(f"{path}/edit")
    assert "Press **both** buttons." in john.text
    john.send(f"{path}/edit", title=f"Boxes {RUN}", body="Press one button.", language="en")
    assert "<del>Press **both** buttons.</del>" in john.text
    assert "<ins>Press one button.</ins>" in john.text
    guest.open(path)
    assert "both" in guest.text
    john.open(f"{path}/versions")
    john.send(f"{path}/restore", version="1")
    assert "as 1" in john.text
    john.open(path)
    john.send(f"{path}/withdraw")
    assert guest.open(path).status_code == 404
    john.open(path)
    john.send(f"{path}/publish", visibility="public", version="2")

    ken = browsers["ken"]
    wait_until(lambda: f"Boxes {RUN}" in ken.open("/kb", q=f"press {RUN}").text, message="the article")
    assert f"Boxes {RUN}" in ken.text
    assert "<mark>Press</mark>" in ken.text
    ken.open(path)
    ken.send(f"{path}/rating", helpful="yes")
    assert "You said: it helped" in ken.text
    assert "/edit" not in ken.text
    assert ken.send(f"{path}/withdraw").status_code == 403
    assert f"Boxes {RUN}" in ken.open("/kb/suggest", subject=f"my boxes {RUN}").text
    assert 'hx-get="/kb/suggest"' in ken.open("/tickets/new").text


def test_what_another_has_changed_meanwhile_is_not_overwritten(john):
    john.open("/kb/new")
    path = john.send("/kb/new", title=f"Crossing {RUN}", body="one").url.path
    john.open(f"{path}/edit")
    john.send(f"{path}/edit", title=f"Crossing {RUN}", body="two")
    john.open(f"{path}/edit")
    stale = re.sub(r"knowledge\.\d+", "knowledge.1", john.text)
    john.text = stale
    refused = john.send(f"{path}/edit", title=f"Crossing {RUN}", body="three")
    assert refused.status_code == 412
    assert "three" in john.text


def test_forms_of_others_and_moves_that_there_are_not_do_nothing(john, guest):
    assert john.client.post("/kb/new", data={"title": "x", "body": "y"}).status_code == 403
    assert guest.client.post("/kb/new", data={"title": "x", "body": "y"}).status_code == 401
    john.open("/kb/new")
    path = john.send("/kb/new", title=f"Moves {RUN}", body="x").url.path
    assert john.send(f"{path}/explode").status_code == 404
    assert guest.open("/kb", category="nowhere").status_code == 200
    assert guest.open("/kb/nothing").status_code == 422


def test_where_it_stands_is_changed_with_its_words_and_by_no_old_form(john, person):
    john.open("/kb/new")
    path = john.send("/kb/new", title=f"Placed {RUN}", body="one", departments="support").url.path

    def told() -> tuple[list[str], str]:
        shown = person("john").get(f"/articles{path.removeprefix('/kb')}").json()
        return shown["departments"], shown["body"]

    assert told() == (["support"], "one")
    john.open(f"{path}/edit")
    assert re.search(r'name="departments" value="support" checked', john.text)
    old = john.text
    john.open(f"{path}/edit")  # in another window
    john.send(f"{path}/edit", title=f"Placed {RUN}", body="two", departments=["support", "field-service"])
    wait_until(lambda: told() == (["field-service", "support"], "two"), message="the next version, elsewhere")
    john.text = old
    refused = john.send(f"{path}/edit", title=f"Placed {RUN}", body="three")
    assert refused.status_code == 412
    assert told() == (["field-service", "support"], "two"), "neither the place nor the words"
    john.open(f"{path}/edit")
    refused = john.send(f"{path}/edit", title="", body="four", departments="support")
    assert refused.status_code == 422
    john.send(f"{path}/edit", title=f"Placed {RUN}", body="four", departments="support")
    wait_until(lambda: told() == (["support"], "four"), message="what was refused, mended")
    john.open("/kb", department="field-service")
    assert f"Placed {RUN}" not in john.text
    assert f"Placed {RUN}" in john.open("/kb", department="support").text
