"""Files that go with words: uploaded, named once, downloaded by who reads the words, and gone with them."""

import hashlib
from uuid import uuid4

import pytest

from shared.testing.wait import wait_until

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
PAGE = b"<!doctype html><html><script>alert(document.domain)</script></html>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


def fresh(content: bytes) -> bytes:
    """A content that no other test has."""
    return content + b"\n<!-- " + uuid4().hex.encode() + b" -->"


def upload(client, content: bytes) -> str:
    answer = client.post("/attachments", content=content, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
    return answer.json()["upload"]


def attached(client, *files: tuple[str, bytes]) -> list[dict[str, str]]:
    return [{"upload": upload(client, content), "name": name} for name, content in files]


def said(client, ticket: str, event_type: str) -> dict:
    """Wait for an item of a ticket's timeline."""
    found: list[dict] = []

    def there() -> bool:
        answer = client.get(f"/tickets/{ticket}/timeline")
        found[:] = [i for i in answer.json().get("items", []) if i["type"] == event_type]
        return bool(found)

    wait_until(there, message=event_type)
    return found[-1]


@pytest.fixture
def ticket(person):
    opened = person("ken").post("/tickets", json={"subject": "Files", "body": "See below."})
    assert opened.status_code == 201, opened.text
    number = opened.json()["number"]
    wait_until(lambda: person("john").get(f"/tickets/{number}").is_success, message="the ticket")
    return number


def test_a_requesters_file_reaches_the_desk_as_a_download(person):
    content = fresh(PNG)
    body = {
        "subject": "A picture",
        "body": "x",
        "attachments": attached(person("ken"), ("../../etc/scr een\u202egnp.exe", content)),
    }
    number = person("ken").post("/tickets", json=body).raise_for_status().json()["number"]
    item = said(person("john"), number, "created")
    (file,) = item["data"]["attachments"]
    assert file == {
        "name": "scr eengnp.exe", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "media_type": "image/png",
    }  # fmt: skip
    for who in ("ken", "john"):
        got = person(who).get(f"/tickets/{number}/attachments/{item['id']}/0")
        assert got.content == content
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]


@pytest.mark.parametrize("content", [PAGE, DRAWING], ids=["html", "svg"])
def test_what_could_run_in_a_browser_is_saved_by_it(person, ticket, content):
    files = attached(person("john"), ("report\r\nSet-Cookie: a=b.html", fresh(content)))
    person("john").post(f"/tickets/{ticket}/replies", json={"body": "x", "attachments": files}).raise_for_status()
    item = said(person("ken"), ticket, "replied")
    got = person("ken").get(f"/tickets/{ticket}/attachments/{item['id']}/0")
    assert got.is_success
    assert "set-cookie" not in got.headers
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-security-policy"].startswith("sandbox")


def test_a_notes_file_is_not_for_requesters(person, ticket):
    files = attached(person("john"), ("secret.txt", fresh(b"only the desk")))
    person("john").post(f"/tickets/{ticket}/notes", json={"body": "x", "attachments": files}).raise_for_status()
    item = said(person("john"), ticket, "noted")
    place = f"/tickets/{ticket}/attachments/{item['id']}/0"
    assert person("john").get(place).is_success
    assert person("ken").get(place).status_code == 404
    assert person("john").get(place[:-1] + "1").status_code == 404
    assert person("john").get(place, params={"x": "1"}).status_code == 400


def test_a_file_is_reached_by_its_own_ticket_only(person, ticket, stack):
    files = attached(person("ken"), ("mine.txt", fresh(b"mine")))
    person("ken").post(f"/tickets/{ticket}/messages", json={"body": "x", "attachments": files}).raise_for_status()
    item = said(person("ken"), ticket, "message_received")
    other = person("ken").post("/tickets", json={"subject": "Other", "body": "x"}).raise_for_status().json()["number"]
    said(person("ken"), other, "created")
    assert person("ken").get(f"/tickets/{ticket}/attachments/{item['id']}/0").is_success
    assert person("ken").get(f"/tickets/{other}/attachments/{item['id']}/0").status_code == 404
    with stack.client(None) as anybody:
        assert anybody.get(f"/tickets/{ticket}/attachments/{item['id']}/0").status_code == 401


def test_sent_again_it_is_one_message(person, ticket):
    content = fresh(b"once")
    key = {"Idempotency-Key": uuid4().hex}
    answers = []
    for _ in range(2):  # uploaded again, too: the same bytes of the same person are the same upload
        body = {"body": "x", "attachments": attached(person("ken"), ("a.txt", content))}
        answers.append(person("ken").post(f"/tickets/{ticket}/messages", json=body, headers=key))
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = {"body": "x", "attachments": attached(person("ken"), ("a.txt", fresh(b"twice")))}
    assert person("ken").post(f"/tickets/{ticket}/messages", json=other, headers=key).status_code in {409, 422}


def test_an_upload_is_good_for_its_owner_alone(person, ticket):
    files = attached(person("ken"), ("a.txt", fresh(b"ken's")))
    answer = person("john").post(f"/tickets/{ticket}/notes", json={"body": "x", "attachments": files})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "attachments.0.upload"
    for forged in ("nonsense", files[0]["upload"][:-3] + "abc"):
        body = {"body": "x", "attachments": [{"upload": forged, "name": "a.txt"}]}
        assert person("ken").post(f"/tickets/{ticket}/messages", json=body).status_code == 422


def test_limits_are_named(person, ticket):
    large = person("ken").post(
        "/attachments", content=b"x" * (10 * 1024 * 1024 + 1), headers={"Content-Type": "application/octet-stream"}
    )
    assert large.status_code == 413
    assert large.json()["errors"][0]["field"] == "body"
    in_pieces = person("ken").post(
        "/attachments",
        content=(b"x" * 1024 * 1024 for _ in range(11)),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert in_pieces.status_code == 413
    assert person("ken").post("/attachments", json={}).status_code == 415
    assert person("ken").post("/attachments").status_code == 422
    files = attached(person("ken"), ("a.txt", fresh(b"x"))) * 11
    many = person("ken").post(f"/tickets/{ticket}/messages", json={"body": "x", "attachments": files})
    assert many.status_code == 422
    assert many.json()["errors"][0]["field"] == "attachments"


def test_an_upload_that_is_gone_is_said_to_be(person, ticket, stack):
    content = fresh(b"gone")
    files = attached(person("ken"), ("a.txt", content))
    digest = hashlib.sha256(content).hexdigest()
    (stack.data / "files" / "uploads" / digest[:2] / digest).unlink()
    answer = person("ken").post(f"/tickets/{ticket}/messages", json={"body": "x", "attachments": files})
    assert answer.status_code == 422
    assert "again" in answer.json()["errors"][0]["message"]


def test_a_message_that_is_split_off_takes_its_files_along(person, ticket):
    files = attached(person("ken"), ("a.txt", fresh(b"goes along")))
    person("ken").post(
        f"/tickets/{ticket}/messages", json={"body": "Another thing", "attachments": files}
    ).raise_for_status()
    item = said(person("john"), ticket, "message_received")
    made = person("john").post(f"/tickets/{ticket}/split", json={"messages": [item["id"]], "subject": "Another"})
    number = made.raise_for_status().json()["number"]
    there = said(person("john"), number, "created")
    got = person("john").get(f"/tickets/{number}/attachments/{there['id']}/0")
    assert got.content.startswith(b"goes along")


def test_words_taken_back_take_their_files_along(person, ticket, admin):
    content = fresh(b"a password")
    files = attached(person("john"), ("password.txt", content))
    person("john").post(f"/tickets/{ticket}/notes", json={"body": "x", "attachments": files}).raise_for_status()
    item = said(person("john"), ticket, "noted")
    place = f"/tickets/{ticket}/attachments/{item['id']}/0"
    assert person("john").get(place).is_success
    person("john").delete(f"/tickets/{ticket}/notes/{item['id']}").raise_for_status()
    wait_until(lambda: person("john").get(place).status_code == 404, message="the file out of reach")
    assert "password.txt" not in admin.get(f"/tickets/{ticket}/timeline").text
