"""Files of articles: to who reads the version that they go with, shown only if they are images, and gone with their words."""

import hashlib
import re
from uuid import uuid4

import httpx
import pytest

from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk
from tests.e2e.test_attachments import DRAWING, PAGE, PNG, attached, fresh
from tests.e2e.test_knowledge import Told

KINDS = {
    "image/png": PNG,
    "image/gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00",
}


@pytest.fixture
def john(person):
    return Told(person("john"))


@pytest.fixture
def guest(stack):
    with stack.client(None) as client:
        yield client


def written(john, *files: tuple[str, bytes], body: str = "x", publish: str | None = None, **more) -> str:
    told = {"title": f"Files {uuid4().hex[:6]}", "body": body, "attachments": attached(john.client, *files), **more}
    article = john("POST", "/articles", told).json()["id"]
    if publish:
        john("POST", f"/articles/{article}/publish", {"visibility": publish})
    john("GET", f"/articles/{article}")
    return article


def status(client: httpx.Client, path: str) -> int:
    return client.get(path).status_code


def test_who_reads_the_article_gets_its_files_and_nobody_else(john, person, guest):
    content = fresh(PNG)
    article = written(john, ("plan.png", content), body="![the plan](attachment:plan.png)")
    file, image = (f"/articles/{article}/versions/1/{kind}/0" for kind in ("attachments", "images"))
    readers = {"john": person("john"), "ken": person("ken"), "ana": person("ana"), "guest": guest}

    def who(path: str) -> set[str]:
        found = {name: status(client, path) for name, client in readers.items()}
        assert set(found.values()) <= {200, 404}, found
        return {name for name, code in found.items() if code == 200}

    assert who(file) == who(image) == {"john"}, "a draft is for who writes"
    for visibility, seen in (("internal", {"john", "ana"}), ("public", set(readers))):
        john("POST", f"/articles/{article}/publish", {"visibility": visibility})
        john("GET", f"/articles/{article}")
        assert who(file) == who(image) == seen, visibility
    assert (
        f'<img src="/api/v1{image}" alt="the plan" loading="lazy">' in guest.get(f"/articles/{article}").json()["html"]
    )
    john(
        "PUT",
        f"/articles/{article}",
        {"title": "Next", "body": "y", "attachments": attached(john.client, ("b.txt", fresh(b"b")))},
    )
    newest = john("GET", f"/articles/{article}/versions/2").json()
    assert [one["name"] for one in newest["attachments"]] == ["plan.png", "b.txt"]
    assert who(f"/articles/{article}/versions/2/attachments/1") == {"john"}, "it is not published yet"
    assert who(file) == set(readers)
    john("POST", f"/articles/{article}/publish", {"visibility": "public"})
    john("GET", f"/articles/{article}")
    assert who(f"/articles/{article}/versions/2/attachments/1") == set(readers)
    assert who(file) == {"john"}, "an older version is for who writes"
    john("POST", f"/articles/{article}/withdraw")
    john("GET", f"/articles/{article}")
    assert who(f"/articles/{article}/versions/2/attachments/1") == {"john"}
    for wrong in ("/versions/2/attachments/2", "/versions/9/attachments/0", "/versions/2/images/1"):
        assert status(person("john"), f"/articles/{article}{wrong}") == 404
    assert person("john").get(file, params={"x": "1"}).status_code == 400


def test_files_of_another_department_s_internal_article_are_not_for_the_whole_desk(person, admin):
    told = {
        "title": f"Theirs {uuid4().hex[:6]}", "body": "x", "departments": ["system-administration"],
        "attachments": attached(admin, ("a.txt", fresh(b"theirs"))),
    }  # fmt: skip
    article = admin.post("/articles", json=told).raise_for_status().json()["id"]
    admin.post(f"/articles/{article}/publish", json={"visibility": "internal"}).raise_for_status()
    path = f"/articles/{article}/versions/1/attachments/0"
    wait_until(lambda: status(person("jane"), path) == 200, message="the article")
    assert status(person("john"), path) == status(person("ken"), path) == 404


@pytest.mark.parametrize(("media_type", "content"), KINDS.items(), ids=KINDS)
def test_an_image_is_shown_as_what_its_bytes_are(john, guest, media_type, content):
    content = fresh(content)
    article = written(john, ("page.html", content), publish="public")
    got = guest.get(f"/articles/{article}/versions/1/images/0")
    assert got.content == content
    assert got.headers["content-type"] == media_type
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert got.headers["content-disposition"].startswith("inline;")
    saved = guest.get(f"/articles/{article}/versions/1/attachments/0")
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment;")
    assert saved.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    "content", [DRAWING, PAGE, b"\x00" + DRAWING, b"BM" + PAGE], ids=["svg", "html", "unknown", "bitmap"]
)
def test_what_could_run_is_never_shown_whatever_it_is_called(john, guest, content):
    name = 'x" onerror="alert(1).png'
    article = written(john, (name, fresh(content)), body="![x](<attachment:x onerror=alert(1).png>)", publish="public")
    assert status(guest, f"/articles/{article}/versions/1/images/0") == 404
    got = guest.get(f"/articles/{article}/versions/1/attachments/0")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    shown = guest.get(f"/articles/{article}").json()
    assert shown["attachments"][0]["name"] == "x onerror=alert(1).png"
    assert "<img" not in shown["html"]
    assert 'href="/api/v1/articles/' in shown["html"]


def test_versions_say_which_files_came_and_went_and_bring_them_back(john):
    one, other = fresh(b"one"), fresh(b"other")
    article = written(john, ("a.txt", one), ("b.txt", fresh(b"b")))
    words = {"title": "Next", "body": "x"}
    john(
        "PUT",
        f"/articles/{article}",
        {**words, "keep": ["b.txt"], "attachments": attached(john.client, ("a.txt", other))},
    )
    compared = john("GET", f"/articles/{article}/compare", params={"old": 1, "new": 2}).json()["attachments"]
    assert compared == [
        {"kind": "delete", "name": "a.txt", "size": len(one), "media_type": "text/plain"},
        {"kind": "insert", "name": "a.txt", "size": len(other), "media_type": "text/plain"},
    ]
    assert john("GET", f"/articles/{article}/versions/2/attachments/1").content == other
    john("PUT", f"/articles/{article}", {**words, "keep": []})
    john("POST", f"/articles/{article}/restore", {"version": 1})
    counts = [v["attachments"] for v in john("GET", f"/articles/{article}/versions").json()["items"]]
    assert counts == [2, 0, 2, 2]
    assert john("GET", f"/articles/{article}/versions/4/attachments/0").content == one
    refused = john("PUT", f"/articles/{article}", {**words, "keep": ["c.txt"]}, status=422)
    assert refused.json()["errors"][0]["field"] == "keep"


def test_what_is_written_is_seen_before_it_is_kept(john):
    article = written(john, ("a b.png", fresh(PNG)))
    told = {"body": "![x](<attachment:a b.png>)"}
    shown = john("POST", "/articles/preview", {**told, "article": article}).json()["html"]
    assert f'src="/api/v1/articles/{article}/versions/1/images/0"' in shown
    assert "<img" not in john("POST", "/articles/preview", told).json()["html"]
    john("POST", "/articles/preview", {**told, "article": str(uuid4())}, status=404)
    john("POST", "/articles/preview", {**told, "article": "x"}, status=422)


def test_what_is_not_saved_yet_is_seen_by_who_has_uploaded_it_and_nobody_else(john, person, guest):
    content = fresh(PNG)
    files = attached(john.client, ("a b.png", content), ("drawing.png", fresh(DRAWING)))
    told = {"body": "![x](<attachment:a b.png>) ![y](attachment:drawing.png)", "attachments": files}
    html = john("POST", "/articles/preview", told).json()["html"]
    (image,) = re.findall(r'<img src="/api/v1([^"]+)" alt="x" loading="lazy">', html)
    assert "y" in html
    assert "href" not in html
    assert hashlib.sha256(content).hexdigest() not in html
    got = john("GET", image)
    assert (got.content, got.headers["content-type"]) == (content, "image/png")
    assert got.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cache-control"] == "private, no-store"
    assert {name: status(person(name), image) for name in ("jane", "ken")} == {"jane": 404, "ken": 403}
    assert status(guest, image) == 401
    assert status(john.client, f"{image}x") == status(john.client, "/articles/preview/images/x") == 404
    assert john.client.get(image, params={"x": "1"}).status_code == 400
    refused = person("jane").post("/articles/preview", json=told)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "attachments.0.upload"


def test_a_preview_calls_files_as_the_version_will(john):
    article = written(john, ("plan.png", fresh(PNG)), ("b.png", fresh(PNG)))
    told = {
        "article": article, "body": "![old](attachment:plan.png) ![new](attachment:plan-2.png) ![b](attachment:b.png)",
        "attachments": attached(john.client, ("plan.png", fresh(PNG))),
    }  # fmt: skip
    old, new, b = (
        f'src="/api/v1/articles/{way}'
        for way in (f"{article}/versions/1/images/0", "preview/images/", f"{article}/versions/1/images/1")
    )
    html = john("POST", "/articles/preview", told).json()["html"]
    assert [html.count(one) for one in (old, new, b)] == [1, 1, 1]
    html = john("POST", "/articles/preview", {**told, "keep": ["b.png"]}).json()["html"]
    assert [html.count(one) for one in (old, new, b)] == [0, 1, 1], "the name is free again"
    refused = john("POST", "/articles/preview", {**told, "keep": ["c.png"]}, status=422)
    assert refused.json()["errors"][0]["field"] == "keep"
    many = told["attachments"] * 11
    refused = john("POST", "/articles/preview", {**told, "attachments": many}, status=422)
    assert refused.json()["errors"][0]["field"] == "attachments"


def test_sent_again_it_is_one_version_with_one_file(john):
    article = written(john)
    content, key = fresh(b"once"), {"Idempotency-Key": uuid4().hex}
    answers = []
    for _ in range(2):
        told = {"title": "Once", "body": "x", "attachments": attached(john.client, ("a.txt", content))}
        answers.append(john("PUT", f"/articles/{article}", told, headers=key).json())
    assert answers[0] == answers[1]
    assert len(john("GET", f"/articles/{article}/versions/2").json()["attachments"]) == 1


def test_an_upload_is_good_for_its_owner_alone_and_a_requester_writes_nothing(john, person):
    files = attached(person("ken"), ("a.txt", fresh(b"ken's")))
    refused = john("POST", "/articles", {"title": "x", "body": "x", "attachments": files}, status=422)
    assert refused.json()["errors"][0]["field"] == "attachments.0.upload"
    assert person("ken").post("/articles", json={"title": "x", "body": "x", "attachments": files}).status_code == 403
    article = written(john)
    answer = person("ken").put(f"/articles/{article}", json={"title": "x", "body": "x", "attachments": files})
    assert answer.status_code == 403


def test_words_that_are_blanked_take_their_files_along_and_all_is_sound(john, stack, admin):
    content = fresh(b"a password")
    article = written(john, ("password.txt", content))
    john("PUT", f"/articles/{article}", {"title": "Without", "body": "x", "keep": []})
    path = f"/articles/{article}/versions/1/attachments/0"
    assert john("GET", path).content == content
    kept = (
        stack.data
        / "files"
        / "knowledge"
        / hashlib.sha256(content).hexdigest()[:2]
        / hashlib.sha256(content).hexdigest()
    )
    assert kept.is_file(), "knowledge keeps what its events name"
    john("DELETE", f"/articles/{article}/versions/1")
    wait_until(lambda: status(john.client, path) == 404, message="the file out of reach")
    assert "password.txt" not in admin.get(f"/articles/{article}/versions/1").text
    compared = john("GET", f"/articles/{article}/compare", params={"old": 1, "new": 2}).json()
    assert compared["attachments"] == []
    verdict = ledgerdesk(stack, "verify")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
